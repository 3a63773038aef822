// SPDX-License-Identifier: GPL-2.0-or-later
#include "conntrack/trend.h"

#include <math.h>
#include <stddef.h>

#include "conntrack/crests.h"
#include "conntrack/forecast.h"

/* Which part of the entries must move, and how many at the least. */
static const double MOVE_PART = 0.05, MOVE_LEAST = 16;

/*
 * A swing is so many times what chance brings; so many times that much less is what a model must expect to
 * be believed, which does not know to the second when entries are collected.
 */
static const double SWING_TIMES = 3, LESS_TIMES = 5;

/* Marks before the long memory says anything: 2 s. */
enum { MARKS_MIN = 4 };

bool trend_of(const struct forecast *f, struct trend *out)
{
	struct trend trend = { .floor = INFINITY, .trough = f->level };
	size_t half = f->marks / 2;

	if (f->marks < MARKS_MIN)
		return false;
	for (size_t i = 0; i < 2 * half; i++) {
		const struct forecast_step *mark = forecast_mark(f, i);
		double *most = i < half ? &trend.peak : &trend.crest;
		double *least = i < half ? &trend.trough : &trend.floor;

		*(i < half ? &trend.newer : &trend.older) += mark->rise;
		*most = fmax(*most, mark->most);
		*least = fmin(*least, mark->least);
		trend.half_s += i < half ? mark->seconds : 0;
		trend.moves += fabs(mark->rise);
		trend.fell = trend.fell || mark->rise < -forecast_noise(fabs(mark->rise));
	}
	trend.noise = forecast_noise(trend.moves);
	*out = trend;
	return true;
}

bool trend_slows(const struct trend *trend)
{
	return trend->older > trend->noise && trend->newer > 0 &&
	       trend->newer < 0.8 * trend->older;
}

bool trend_swings(const struct trend *trend)
{
	return fabs(trend->older + trend->newer) < trend->moves / 4;
}

bool trend_stands(const struct trend *trend)
{
	return trend->peak - trend->crest <= forecast_noise(trend->crest);
}

double trend_rest(const struct trend *trend)
{
	/* Each half gains so much of what the one before it did: the rest of a geometric series. */
	double ratio = trend->newer / trend->older;

	return trend->newer * ratio / (1 - ratio);
}

double trend_full_in(const struct trend *trend, double missing, double climb_s)
{
	double linear_s;

	if (trend_slows(trend)) {
		double rest = trend_rest(trend);

		if (rest <= missing)
			return INFINITY;
		/* After so many halves that series has come to what is missing. */
		return log(1 - missing / rest) / log(trend->newer / trend->older) *
		       trend->half_s;
	}
	linear_s = trend->newer > trend->noise ? missing / trend->newer * trend->half_s
					       : INFINITY;
	/* Nothing was taken away: the climb has just begun, or comes in bursts. */
	return trend->fell ? linear_s : fmin(linear_s, climb_s);
}

double trend_chance(double entries)
{
	return fmax(MOVE_LEAST, MOVE_PART * entries);
}

/* Within 20 s: the memory of those knows crests more finely. */
static bool stands_lately(const struct forecast *f, double moves_per_s,
			  struct trend_stand *out)
{
	struct trend trend;
	double crest;

	if (!trend_of(f, &trend) || !trend_stands(&trend))
		return false;
	crest = fmax(trend.crest, fmax(trend.peak, f->level));
	if (moves_per_s * 2 * trend.half_s < crest)
		return false;
	*out = (struct trend_stand){ trend.half_s, crest, trend.floor, trend.trough };
	return true;
}

bool trend_settled(const struct forecast *f, double moves_per_s, double gc_every_s,
		   struct trend_stand *out)
{
	double back_s = fmax(f->level / moves_per_s, 2 * gc_every_s);
	struct crests_halves halves;

	if (moves_per_s <= 0)
		return false;
	if (stands_lately(f, moves_per_s, out))
		return true;
	if (!crests_over(&f->crests, back_s, &halves))
		return false;
	halves.newer = fmax(halves.newer, f->level);
	if (halves.newer - halves.older > trend_chance(halves.older))
		return false;
	*out = (struct trend_stand){ back_s / 2, fmax(halves.older, halves.newer),
				     halves.floor, fmin(halves.trough, f->level) };
	return true;
}

/* Whether it goes up and down so little that it would show if it began to fall, which it did not. */
static bool is_level(const struct trend_stand *stand, double entries)
{
	double chance = trend_chance(stand->crest);

	return stand->crest - stand->floor <= SWING_TIMES * chance &&
	       entries >= stand->floor - chance;
}

bool trend_climbs_again(const struct trend_stand *stand, double entries, double *crest)
{
	double chance = trend_chance(stand->crest);

	if (stand->crest - *crest <= LESS_TIMES * chance || is_level(stand, entries))
		*crest = stand->crest;
	return stand->crest - stand->trough > SWING_TIMES * chance &&
	       entries - *crest <= trend_chance(entries);
}

bool trend_denies(const struct trend_stand *stand, double entries, double missing,
		  double full_s)
{
	static const double SOON_S = 60;

	return full_s > SOON_S && is_level(stand, entries) &&
	       missing / full_s * stand->half_s > 2 * trend_chance(stand->crest);
}
