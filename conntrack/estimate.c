// SPDX-License-Identifier: GPL-2.0-or-later
#include "conntrack/estimate.h"

#include <math.h>

#include "conntrack/attribute.h"
#include "conntrack/sample.h"
#include "conntrack/watch.h"

/* How long an expired entry is counted at most. */
static const double UNCOLLECTED_MAX_S = 60;

/* How far off the number of the expired may be, as a part of it: that is reckoned, not counted. */
static const double EXPIRED_ERROR = 0.25;

/* Expiries per live entry and second, as those to come in the next seconds promise them. */
static double expiry_rate(const struct sample *sample)
{
	double expiring = sample->expiring;

	if (sample->flows == 0)
		return 0;
	/* Two standard deviations more than seen. */
	return (expiring + 2 * sqrt(expiring)) / SAMPLE_EXPIRING_S / sample->flows;
}

struct estimate_live estimate_live(const struct reading *reading)
{
	const struct sample *sample = &reading->sample;
	struct estimate_live live = { .exact = sample->complete,
				      .most = reading->usage.entries };
	double expired;

	if (live.exact) {
		live.least = live.about = live.most = sample->flows + sample->malformed;
		return live;
	}
	live.about = reading->live > 0 ? fmin(reading->live, live.most) : live.most;
	expired = live.most - live.about;
	live.least = live.most / (1 + UNCOLLECTED_MAX_S * expiry_rate(sample));
	live.least = fmax(0, fmin(live.least, live.about - EXPIRED_ERROR * expired));
	return live;
}

struct estimate estimate_row(const struct reading *reading,
			     const struct attribute_row *row)
{
	struct estimate_live live = estimate_live(reading);
	struct attribute_share share = attribute_share(reading->sample.flows, row->flows,
						       reading->sample.complete);
	struct estimate estimate = {
		.share = share.ratio,
		.share_error = share.error,
		.entries = live.exact ? row->flows : share.ratio * live.about,
	};
	double off =
		fmax(live.about - live.least, EXPIRED_ERROR * (live.most - live.about));

	if (!live.exact)
		estimate.entries_error = share.error * live.about + share.ratio * off;
	return estimate;
}
