// SPDX-License-Identifier: GPL-2.0-or-later
#include "conntrack/trend.h"

#include <math.h>
#include <stddef.h>

#include "conntrack/forecast.h"

/* Marks before the long memory says anything: 2 s. */
enum { MARKS_MIN = 4 };

bool trend_of(const struct forecast *f, struct trend *out)
{
	struct trend trend = { .trough = f->level };
	size_t half = f->marks / 2;

	if (f->marks < MARKS_MIN)
		return false;
	for (size_t i = 0; i < 2 * half; i++) {
		const struct forecast_step *mark = forecast_mark(f, i);

		double *most = i < half ? &trend.peak : &trend.crest;

		*(i < half ? &trend.newer : &trend.older) += mark->rise;
		*most = fmax(*most, mark->most);
		trend.trough = i < half ? fmin(trend.trough, mark->least) : trend.trough;
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
		return log(1 - missing / rest) / log(trend->newer / trend->older) *
		       trend->half_s;
	}
	linear_s = trend->newer > trend->noise ? missing / trend->newer * trend->half_s
					       : INFINITY;
	/* Nothing was taken away: the climb has just begun, or comes in bursts. */
	return trend->fell ? linear_s : fmin(linear_s, climb_s);
}
