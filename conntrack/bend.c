// SPDX-License-Identifier: GPL-2.0-or-later
#include "conntrack/bend.h"

#include <math.h>
#include <stdbool.h>

#include "conntrack/forecast.h"

/* Marks that an acceleration is seen over: 10 s. */
enum { BEND_MARKS = 20 };

/* It dies away within this time at the latest. */
static const double BEND_FADES_S = 20;

/* Two halves of a ramp whose bends are as alike as this are of a straight one. */
static const double STRAIGHT_PART = 0.6;

/* A line through rates. */
struct line {
	double bend;  /* entries a second squared */
	double error; /* standard error of that */
	double now;   /* where it is at the last sample */
};

/* Through the rates of some marks, by least squares. False: too few of them are without a fall. */
static bool fit_marks(const struct forecast *f, size_t newest, size_t count,
		      struct line *out)
{
	double n = 0, t = 0, tt = 0, r = 0, tr = 0, rr = 0, spread;
	double now_s = -(double)(f->last_ns - f->mark_ns) / 1e9;

	for (size_t i = 0; i < newest + count; i++) {
		const struct forecast_step *mark = forecast_mark(f, i);
		double rate = mark->rise / mark->seconds;
		/* A mark's rate is that of its middle; times are before now, so negative. */
		double at_s = now_s - mark->seconds / 2;

		now_s -= mark->seconds;
		if (i < newest || mark->fell)
			continue;
		n++;
		t += at_s;
		tt += at_s * at_s;
		r += rate;
		tr += at_s * rate;
		rr += rate * rate;
	}
	spread = tt - t * t / n;
	if (n < 4 || spread <= 0)
		return false;
	out->bend = (tr - t * r / n) / spread;
	out->error = sqrt(
		fmax(0, (rr - r * r / n - out->bend * out->bend * spread) / (n - 2)) /
		spread);
	out->now = (r - out->bend * t) / n;
	return true;
}

struct bend bend_of(const struct forecast *f)
{
	const struct bend none = { .fades_s = BEND_FADES_S };
	struct bend bend = none;
	size_t half = f->marks < BEND_MARKS ? f->marks / 2 : BEND_MARKS / 2;
	double half_s = (double)half * FORECAST_MARK_S;
	struct line whole, newer, older;

	if (!fit_marks(f, 0, 2 * half, &whole) || !fit_marks(f, 0, half, &newer) ||
	    !fit_marks(f, half, half, &older))
		return none;
	/* A step is in one half only. */
	if (whole.bend < 3 * whole.error ||
	    fmin(newer.bend, older.bend) <= 0.1 * whole.bend)
		return none;
	bend.now = whole.bend;
	bend.rate = whole.now;
	if (newer.bend < STRAIGHT_PART * older.bend) {
		/* An exponential decay: so much of it was left after half_s. */
		bend.fades_s = fmin(BEND_FADES_S, half_s / log(older.bend / newer.bend));
		/* The bend of the whole is about that of its middle, half_s ago. */
		bend.now = whole.bend * exp(-half_s / bend.fades_s);
		bend.rate = newer.now;
	}
	return bend;
}
