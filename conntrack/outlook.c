// SPDX-License-Identifier: GPL-2.0-or-later
#include "conntrack/outlook.h"

#include <math.h>
#include <stddef.h>

#include "conntrack/bend.h"
#include "conntrack/forecast.h"
#include "conntrack/lifetimes.h"
#include "lib/clock.h"

/* Over which arrivals are smoothed. */
static const double MEMORY_S = 6;

/* net/netfilter/nf_conntrack_core.c, gc_worker: how often it runs and how much it takes. */
static const double GC_LEAST_S = 1, GC_MOST_S = 60, GC_PER_S = 64000;
/* Its interval is not known well enough to count on it in time. */
static const double GC_LATE = 1.15;
static const double GC_BIAS = 100, GC_BIAS_S = 60;

/* A sample of all entries has all expired ones collected, and so will the next: a second's part. */
static const double WALKED_PART = 1;

/* The look ahead: fine steps first. After its end growth is taken to be what lasts of arrivals. */
static const double AHEAD_S = LIFETIMES_LONGEST_S, FINE_S = 40;
static const double FINE_STEP_S = 0.25, STEP_S = 1;

/* Which part of arrivals must last to be told from none, and of the entries must move. */
static const double LASTING_PART = 0.05;
static const double STEADY_PART = 0.05;

/* What the look ahead carries from step to step. */
struct course {
	const struct lifetimes *l;
	double limit;
	double scale;    /* entries for each that was sampled */
	double age_s;    /* of the sample */
	double arriving; /* a second */
	struct bend bend;
	double leaving
		[LIFETIMES_KINDS]; /* of those that arrive, a second, after the timeout */
	double touched;            /* part of the expired that look-ups meet a second */
	double gc_every_s;
	double gc_at_s;
	double entries;
	double expired;
	double crest; /* the most entries lately */
};

const char *outlook_name(enum outlook_verdict verdict)
{
	static const char *const NAMES[] = {
		[OUTLOOK_UNKNOWN] = "unknown", [OUTLOOK_FULL] = "full",
		[OUTLOOK_FILLS] = "fills",     [OUTLOOK_SETTLES] = "settles",
		[OUTLOOK_DRAINS] = "drains",   [OUTLOOK_STEADY] = "steady",
	};

	return NAMES[verdict];
}

/* Live entries that one of the sample stands for. */
static double scale_of(const struct outlook *o, const struct lifetimes *l, double entries)
{
	return l->flows ? fmax(0, entries - o->expired) / l->flows : 0;
}

/* Sampled entries that expire from one time to another after the sample, a part of a second each. */
static double due(const struct lifetimes *l, double from_s, double to_s)
{
	double sum = 0;

	for (size_t i = (size_t)fmax(from_s, 0); i < LIFETIMES_LONGEST_S && i < to_s; i++)
		sum += l->expiring[i] *
		       (fmin(to_s, (double)i + 1) - fmax(from_s, (double)i));
	return sum;
}

/* Entries that expire a second. */
static double dying_per_s(const struct outlook *o, const struct lifetimes *l)
{
	static const double WINDOW_S = 3;

	return scale_of(o, l, o->entries) * due(l, 0, WINDOW_S) / WINDOW_S;
}

static bool is_whole(const struct lifetimes *l, double entries)
{
	return l->flows >= 0.98 * entries;
}

/* Part of the expired that look-ups for new flows meet a second: each is in two buckets. */
static double touched_part(double arriving, uint32_t buckets)
{
	return buckets ? 2 * arriving / buckets : 0;
}

/* Entries that are collected a second without the collector, by look-ups that meet them. */
static double collected_per_s(const struct outlook *o, const struct lifetimes *l,
			      double climb, uint32_t buckets)
{
	double dying = dying_per_s(o, l);
	double seen = fmax(0, dying - climb);

	if (o->weight_s > 0)
		seen = fmax(0, (o->arrivals - o->growth) / o->weight_s);
	return fmax(fmin(seen, 1.25 * dying),
		    o->expired * touched_part(fmax(0, climb), buckets));
}

/* After one run of gc_worker until the next: what entries have to live, on the average. */
static double gc_interval_s(const struct lifetimes *l, double entries)
{
	double mean_s = (l->mean_s * entries + GC_BIAS * GC_BIAS_S) / (entries + GC_BIAS);

	return fmin(fmax(mean_s, GC_LEAST_S), GC_MOST_S);
}

/* Few are collected by the walk of each sample, many by the kernel's collector. */
static bool is_collection(const struct outlook *o, double fallen)
{
	return fallen > 0.3 * o->expired && fallen > 16 + 0.005 * o->entries;
}

/* What expired but was not collected since the sample before. */
static void follow_expired(struct outlook *o, const struct forecast *f,
			   const struct lifetimes *l, double fallen, uint32_t buckets)
{
	double quiet_s = forecast_fell_s(f), climb = 0;
	double dying = dying_per_s(o, l);

	if (is_whole(l, o->entries)) {
		o->expired = 0;
		return;
	}
	forecast_climb(f, &climb);
	o->expired += (dying - collected_per_s(o, l, climb, buckets)) * l->elapsed_s;
	if (is_collection(o, fallen)) {
		o->collected_ns = f->fell_ns;
		o->gc_every_s = gc_interval_s(l, o->entries);
		o->arrivals = o->growth = o->weight_s = 0;
		/* If it has ended it took all. */
		if (quiet_s > 0.1)
			o->expired = fmin(o->expired, dying * quiet_s + fallen);
	}
	o->expired = fmin(fmax(o->expired - fallen, 0), 0.9 * o->entries);
}

void outlook_note(struct outlook *o, const struct forecast *f, const struct lifetimes *l,
		  uint32_t entries, uint32_t buckets)
{
	double fallen = forecast_fallen(f) - o->fallen;
	double rise = entries - o->entries;
	bool first = o->sampled_ns == 0;
	double keep;

	o->sampled_ns = l->taken_ns;
	o->entries = entries;
	o->fallen = forecast_fallen(f);
	if (first)
		return;
	follow_expired(o, f, l, fallen, buckets);
	if (!l->compared)
		return;
	keep = exp(-l->elapsed_s / MEMORY_S);
	o->arrivals =
		o->arrivals * keep + scale_of(o, l, entries) * l->flows * l->arrived;
	o->growth = o->growth * keep + rise + fallen;
	o->weight_s = o->weight_s * keep + l->elapsed_s;
}

/* When the kernel collects next. */
static void expect_gc(struct course *c, const struct outlook *o, const struct forecast *f)
{
	/* When none was seen, as late as can be; when one is overdue, it is not far. */
	c->gc_every_s = gc_interval_s(c->l, c->entries);
	c->gc_at_s = c->gc_every_s;
	if (o->collected_ns)
		c->gc_at_s = GC_LATE * o->gc_every_s -
			     clock_between_s(o->collected_ns, f->last_ns);
	if (c->gc_at_s <= 0)
		c->gc_at_s = c->gc_every_s / 4;
}

/* Which part of arrivals leaves after which timeout. What is left over lasts. */
static void expect_leaving(struct course *c)
{
	for (size_t i = 0; c->l->came > 0 && i < LIFETIMES_KINDS; i++) {
		const struct lifetimes_kind *kind = &c->l->kind[i];

		if (kind->timeout_s < LIFETIMES_LONGEST_S)
			c->leaving[i] =
				c->arriving * fmin(1, fmax(0, kind->stayed) / c->l->came);
	}
}

/* Which part of arrivals lasts. */
static double lasting(const struct course *c)
{
	double leaving = 0;

	for (size_t i = 0; i < LIFETIMES_KINDS; i++)
		leaving += c->leaving[i];
	return c->arriving > 0 ? 1 - leaving / c->arriving : 0;
}

/* Which part must be seen to be told from chance: three standard errors. */
static double lasting_least(const struct lifetimes *l)
{
	double seen = l->came * l->weight_s * fmin(l->flows, LIFETIMES_PANEL);

	return seen > 0 ? fmax(LASTING_PART, 3 / sqrt(seen)) : LASTING_PART;
}

static double dying_in(const struct course *c, double from_s, double to_s)
{
	double sum = c->scale * due(c->l, c->age_s + from_s, c->age_s + to_s);

	for (size_t i = 0; i < LIFETIMES_KINDS; i++) {
		double timeout_s = c->l->kind[i].timeout_s;

		if (c->leaving[i] > 0 && to_s > timeout_s)
			sum += c->leaving[i] * (to_s - fmax(from_s, timeout_s));
	}
	return sum;
}

/* One step; returns whether the table is full then. */
static bool advance(struct course *c, double at_s, double step_s)
{
	double arriving = c->arriving + c->bend.now * c->bend.fades_s *
						(1 - exp(-at_s / c->bend.fades_s));
	double collected;

	c->expired += dying_in(c, at_s, at_s + step_s);
	collected = fmin(c->expired, c->touched * c->expired * step_s);
	if (at_s >= c->gc_at_s) {
		collected = fmin(c->expired, GC_PER_S * step_s);
		if (collected < GC_PER_S * step_s)
			c->gc_at_s += c->gc_every_s;
	}
	c->expired -= collected;
	c->entries = fmax(0, c->entries + arriving * step_s - collected);
	return c->entries >= c->limit;
}

/* Runs it until the table is full; INFINITY if that does not happen. */
static double run(struct course *c)
{
	double at_s = 0;

	while (at_s < AHEAD_S) {
		double step_s = at_s < FINE_S ? FINE_STEP_S : STEP_S;
		double before = c->entries;

		if (advance(c, at_s, step_s))
			return at_s + step_s * (c->limit - before) /
					      fmax(1e-9, c->entries - before);
		at_s += step_s;
		if (at_s >= AHEAD_S - GC_MOST_S)
			c->crest = fmax(c->crest, c->entries);
	}
	if (lasting(c) < lasting_least(c->l) || c->arriving * lasting(c) < 1)
		return INFINITY;
	return at_s + (c->limit - c->entries) / (c->arriving * lasting(c));
}

static struct outlook_result by_history(const struct forecast *f, uint32_t limit)
{
	struct outlook_result result = {
		.verdict = OUTLOOK_UNKNOWN,
		.full_s = forecast_full_in(f, limit),
		.settles_at = NAN,
		.arrivals_per_s = NAN,
	};
	double slope = forecast_slope(f);
	double entries;

	if (!forecast_ready(f))
		return result;
	if (isfinite(result.full_s)) {
		result.verdict = OUTLOOK_FILLS;
	} else if (slope > 0 && forecast_settles_at(f, &entries) && entries < limit) {
		result.verdict = OUTLOOK_SETTLES;
		result.settles_at = entries;
	} else {
		result.verdict = slope < 0 ? OUTLOOK_DRAINS : OUTLOOK_STEADY;
	}
	return result;
}

static enum outlook_verdict verdict_of(double full_s, double now, double then)
{
	if (isfinite(full_s))
		return OUTLOOK_FILLS;
	if (fabs(then - now) <= fmax(16, STEADY_PART * fmax(now, then)))
		return OUTLOOK_STEADY;
	return then > now ? OUTLOOK_SETTLES : OUTLOOK_DRAINS;
}

static struct outlook_result by_lifetimes(const struct outlook *o,
					  const struct forecast *f,
					  const struct lifetimes *l, uint32_t limit,
					  uint32_t buckets)
{
	double entries = f->level, climb = forecast_slope(f);
	bool climbs = forecast_climb(f, &climb);
	double collected = collected_per_s(o, l, climb, buckets);
	struct course c = {
		.l = l,
		.limit = limit,
		.scale = scale_of(o, l, o->entries),
		.age_s = fmax(0, clock_between_s(l->taken_ns, f->last_ns)),
		.arriving = fmax(0, climb + collected),
		.bend = bend_of(f),
		.entries = entries,
		.expired = o->expired,
	};
	struct outlook_result result = { 0 };

	/* While it falls the count does not tell who comes. */
	if (!climbs && o->weight_s > 0)
		c.arriving = o->arrivals / o->weight_s;
	result.arrivals_per_s = c.arriving;
	c.touched = touched_part(c.arriving, buckets);
	if (o->expired > 0)
		c.touched = fmax(c.touched, fmin(1, collected / o->expired));
	if (is_whole(l, o->entries))
		c.touched = WALKED_PART;
	expect_leaving(&c);
	expect_gc(&c, o, f);
	result.full_s = run(&c);
	result.verdict = verdict_of(result.full_s, entries, c.crest);
	result.settles_at = isfinite(result.full_s) ? NAN : c.crest;
	return result;
}

struct outlook_result outlook_ahead(const struct outlook *o, const struct forecast *f,
				    const struct lifetimes *l, uint32_t limit,
				    uint32_t buckets)
{
	if (forecast_full_in(f, limit) <= 0)
		return (struct outlook_result){
			.verdict = OUTLOOK_FULL,
			.settles_at = NAN,
			.arrivals_per_s = NAN,
		};
	if (!l || o->sampled_ns == 0 || !forecast_ready(f))
		return by_history(f, limit);
	return by_lifetimes(o, f, l, limit, buckets);
}
