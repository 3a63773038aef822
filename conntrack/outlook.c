// SPDX-License-Identifier: GPL-2.0-or-later
#include "conntrack/outlook.h"

#include <math.h>
#include <stddef.h>

#include "conntrack/collector.h"
#include "conntrack/course.h"
#include "conntrack/forecast.h"
#include "conntrack/lifetimes.h"
#include "conntrack/trend.h"
#include "lib/clock.h"

/* Over which arrivals are smoothed, and how late the expired are collected. */
static const double MEMORY_S = 6, LAG_MEMORY_S = 15;

/* When the collector comes is not known to the moment: what it would prevent by so little is told. */
static const double GC_LATE_S = 0.2, GC_MOST_S = 60, TICK_S = 0.004;

/* Which part of the limit may be free in a full table. */
static const double FULL_PART = 0.001;

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
static double scale_of(const struct outlook *o, const struct lifetimes *l)
{
	double live = o->live > 0 ? o->live : fmax(0, o->entries - o->expired);

	return l->flows ? live / l->flows : 0;
}

/*
 * What had expired when the first sample walked: with what was live it made up the count before. A walk of a
 * part of the table lists what is live there in one of its two buckets, and collects what has expired in
 * both (ctnetlink_dump_table() in net/netfilter/nf_conntrack_netlink.c). So this solves live + expired =
 * before for part, with live = flows / part and expired = collected / (part (2 - part)).
 */
static double expired_before(const struct lifetimes *l, double before, double collected)
{
	double half = before + l->flows / 2.0;
	double root = half * half - before * (2.0 * l->flows + collected);
	double part = (half - sqrt(fmax(0, root))) / before;

	return part > 0 ? fmax(0, before - l->flows / part) : 0;
}

/* Entries of the sample that expire a second: by its first, if these are many enough. */
static double dying_of_slice(const struct lifetimes *l)
{
	static const double WINDOW_S = 3, ENOUGH = 100;
	double first = course_due(l, 0, 1);

	return first < ENOUGH ? course_due(l, 0, WINDOW_S) / WINDOW_S : first;
}

static double dying_per_s(const struct outlook *o, const struct lifetimes *l)
{
	return scale_of(o, l) * dying_of_slice(l);
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
	double seen = fmax(0, dying - climb), coming = fmax(0, climb);

	if (o->weight_s > 0) {
		seen = fmax(0, (o->arrivals - o->growth) / o->weight_s);
		coming = fmax(coming, o->arrivals / o->weight_s);
	}
	return fmax(fmin(seen, 1.25 * dying), o->expired * touched_part(coming, buckets));
}

/* Few are collected by the walk of each sample, many by the kernel's collector. */
static bool is_collection(const struct outlook *o, double fallen)
{
	return fallen > 0.3 * o->expired && fallen > 16 + 0.005 * o->entries;
}

/* The collector has come, the kernel's or another program that walks the table. */
static void note_collection(struct outlook *o, const struct forecast *f)
{
	double since_s = clock_between_s(o->collected_ns, f->fell_from_ns);
	double keep = exp(-since_s / GC_MOST_S), part;

	if (o->collected_ns) {
		part = fmin(1, since_s / o->gc_every_s);
		o->gc_part = fmax(part, o->gc_part * keep + part * (1 - keep));
	}
	o->collected_ns = f->fell_from_ns;
	o->gc_every_s = o->gc_next_s;
}

/* What expired but was not collected since the sample before. */
static void follow_expired(struct outlook *o, const struct forecast *f,
			   const struct lifetimes *l, double fallen, uint32_t buckets)
{
	double quiet_s = forecast_fell_s(f), climb = 0;
	double sweep_s = clock_between_s(f->fell_from_ns, f->fell_ns);
	double dying = dying_per_s(o, l);

	forecast_climb(f, &climb);
	o->expired += (dying - collected_per_s(o, l, climb, buckets)) * l->elapsed_s;
	if (is_collection(o, fallen)) {
		note_collection(o, f);
		/* If it has ended it took all, but what expired behind its back. */
		if (quiet_s > 0.1)
			o->expired = fmin(o->expired,
					  dying * (quiet_s + sweep_s / 2) + fallen);
	}
	o->expired = fmin(fmax(o->expired - fallen, 0), 0.9 * o->entries);
}

/*
 * A walk of a sample collects what has expired since the one before, and so tells how long that was
 * there, if it is enough to tell it from chance. Was it there for less long than from walk to walk, time
 * and again, others collect, too, and all of the table.
 */
static void note_walk(struct outlook *o, const struct forecast *f,
		      const struct lifetimes *l, const struct outlook_walk *walk)
{
	static const double SOONER = 0.7, LATER = 1.5;
	enum { IN_A_ROW = 2 };
	double keep = exp(-l->elapsed_s / LAG_MEMORY_S);
	double expected = dying_of_slice(l) * l->elapsed_s;
	bool tells = expected > 2 * forecast_noise(expected);
	double lag_s = l->elapsed_s, lost;

	if (tells)
		lag_s *= fmin(1, walk->collected / expected);
	if (tells && lag_s > fmax(LATER * o->lag_s, SOONER * l->elapsed_s))
		o->sooner = 0;
	/* It would have been seen in the count. */
	lost = dying_per_s(o, l) * o->lag_s;
	if (lost > 2 * forecast_noise(lost) && forecast_fell_s(f) > 1 + LATER * o->lag_s)
		o->sooner = 0;
	o->lag_s = fmax(lag_s, o->lag_s * keep + lag_s * (1 - keep));
	if (tells && o->lag_s < SOONER * l->elapsed_s)
		o->sooner++;
	o->walked = fmin(1, l->flows / fmax(1, o->entries - o->expired));
	if (walk->whole || o->sooner >= IN_A_ROW)
		o->walked = 1;
	if (o->walked >= 1)
		o->expired = fmin(o->expired, dying_per_s(o, l) * o->lag_s);
	o->expired = walk->whole ? 0 : fmax(0, o->expired - walk->collected);
}

/* What came; what came before counts as long as it was about the same. */
static void note_arrivals(struct outlook *o, const struct lifetimes *l, double rise)
{
	double keep = exp(-l->elapsed_s / MEMORY_S), scale = scale_of(o, l);
	double came = l->flows * l->arrived, expected = 0;

	if (o->weight_s > 0 && scale > 0)
		expected = o->arrivals / o->weight_s * l->elapsed_s / scale;
	if (fabs(came - expected) > 0.25 * expected + forecast_noise(expected))
		keep = 0;
	o->arrivals = o->arrivals * keep + came * scale;
	o->growth = o->growth * keep + rise;
	o->weight_s = o->weight_s * keep + l->elapsed_s;
}

void outlook_note(struct outlook *o, const struct forecast *f, const struct lifetimes *l,
		  const struct outlook_walk *walk, uint32_t buckets)
{
	double fallen = forecast_fallen(f) - o->fallen;
	double rise = f->level + walk->collected - o->entries;
	double gone = walk->counted - walk->left;
	bool first = o->sampled_ns == 0;

	o->sampled_ns = l->taken_ns;
	o->entries = f->level;
	o->live = walk->whole ? walk->live : 0;
	o->fallen = forecast_fallen(f);
	o->gc_next_s =
		collector_interval_s(l, o->entries, o->tick_s > 0 ? o->tick_s : TICK_S);
	if (first) {
		/* What forecast_note_walk() says it collected may be a climb that came late. */
		if (!walk->whole && gone > forecast_noise(fmax(0, gone)))
			o->expired = expired_before(l, walk->counted, gone) - gone;
		return;
	}
	follow_expired(o, f, l, fallen, buckets);
	note_walk(o, f, l, walk);
	if (l->compared)
		note_arrivals(o, l, rise + fallen);
}

/* When all is collected next. */
static void expect_gc(struct course *c, const struct outlook *o, const struct forecast *f)
{
	double part = o->gc_part > 0 ? o->gc_part : 1;

	/* When none was seen, as late as can be; when one is overdue, it is not far. */
	c->gc_every_s = part * o->gc_next_s;
	c->gc_at_s = c->gc_every_s;
	if (o->collected_ns)
		c->gc_at_s = GC_LATE_S + part * o->gc_every_s -
			     clock_between_s(o->collected_ns, f->last_ns);
	if (c->gc_at_s <= 0)
		c->gc_at_s = c->gc_every_s / 4;
	c->gc_every_s = o->walked * o->lag_s + (1 - o->walked) * c->gc_every_s;
	c->gc_at_s =
		o->walked * fmax(0, o->lag_s - c->age_s) + (1 - o->walked) * c->gc_at_s;
}

/* What has expired but is counted, as far as is known, collected being so many a second. */
static double expired_now(const struct outlook *o, const struct forecast *f,
			  const struct lifetimes *l, double age_s, double collected)
{
	double dying = dying_per_s(o, l);
	double expired = fmax(0, o->expired + (dying - collected) * age_s);

	if (forecast_fell_s(f) < age_s)
		expired = fmin(expired, dying * forecast_fell_s(f));
	if (o->walked >= 1)
		expired = fmin(expired, dying * o->lag_s);
	return fmin(expired, 0.9 * f->level);
}

static struct outlook_result by_history(const struct forecast *f, uint32_t limit)
{
	struct outlook_result result = {
		.verdict = OUTLOOK_UNKNOWN,
		.full_s = forecast_full_in(f, limit),
		.settles_at = NAN,
		.arrivals_per_s = NAN,
		.slope = forecast_slope(f),
	};
	struct trend trend;
	double entries;

	if (!forecast_ready(f))
		return result;
	if (isfinite(result.full_s)) {
		result.verdict = OUTLOOK_FILLS;
		result.slope = fmax(0, result.slope);
	} else if (result.slope > 0 && forecast_settles_at(f, &entries) &&
		   entries < limit) {
		result.verdict = OUTLOOK_SETTLES;
		result.settles_at = entries;
	} else if (result.slope < 0 && !(trend_of(f, &trend) && trend_swings(&trend))) {
		result.verdict = OUTLOOK_DRAINS;
	} else {
		result.verdict = OUTLOOK_STEADY;
		result.slope = 0;
	}
	return result;
}

/* Whether one that has not settled climbs. */
static bool climbs_on(const struct course *c, double entries, double slope, double dying)
{
	static const double SOON_S = 10;
	double swing = dying * c->gc_every_s, chance = trend_chance(c->crest);
	bool swings = swing > 2 * chance;
	double gains = swings ? slope : c->arriving - dying;

	return gains * SOON_S > trend_chance(entries) ||
	       c->crest - entries > chance + (swings ? 0 : swing);
}

/*
 * What a course comes to in the end, and so that a slope does not contradict it. Small swings, of what
 * expires and is collected, are steady; of large ones the crest is told, to which it climbs.
 */
static void judge(struct outlook_result *result, struct course *c,
		  const struct forecast *f, double slope, double dying)
{
	double moves_per_s = fmax(c->arriving, dying), entries = f->level;
	struct trend_stand stand = { 0 };
	bool settled = trend_settled(f, moves_per_s, c->gc_every_s, &stand);
	bool climbs = settled ? trend_climbs_again(&stand, entries, &c->crest)
			      : climbs_on(c, entries, slope, dying);

	if (settled && trend_denies(&stand, entries, c->limit - entries, result->full_s))
		result->full_s = INFINITY;
	result->slope = fmax(0, slope);
	result->settles_at = c->crest;
	if (isfinite(result->full_s)) {
		result->verdict = OUTLOOK_FILLS;
		result->settles_at = NAN;
	} else if (climbs) {
		result->verdict = OUTLOOK_SETTLES;
		result->settles_at = fmax(c->crest, entries);
	} else if (entries - c->crest > trend_chance(entries)) {
		result->verdict = OUTLOOK_DRAINS;
		result->slope = fmin(0, slope);
	} else {
		result->verdict = OUTLOOK_STEADY;
		result->slope = 0;
	}
}

/*
 * New entries a second: what it gains, and what is collected meanwhile. Where that is about as much
 * samples tell it better, unless the climb says that it has changed since.
 */
static double arriving_now(const struct outlook *o, const struct lifetimes *l,
			   double climb, double collected)
{
	static const double ALIKE = 1.25, MUCH = 0.25;
	double seen = o->weight_s > 0 ? o->arrivals / o->weight_s : 0;
	double growth = o->weight_s > 0 ? o->growth / o->weight_s : 0;
	double dying = dying_per_s(o, l);
	bool alike = climb < ALIKE * seen && seen < ALIKE * (fmax(0, climb) + dying);

	if ((o->walked >= 1 && alike) ||
	    (dying > MUCH * climb && fabs(climb - growth) < forecast_noise(seen)))
		return seen;
	return fmax(0, climb + collected);
}

static struct outlook_result by_lifetimes(const struct outlook *o,
					  const struct forecast *f,
					  const struct lifetimes *l, uint32_t limit,
					  uint32_t buckets)
{
	double climb = forecast_slope(f);
	bool climbs = forecast_climb(f, &climb);
	double collected = collected_per_s(o, l, climb, buckets);
	double dying = dying_per_s(o, l);
	struct course c = {
		.l = l,
		.limit = limit,
		.scale = scale_of(o, l),
		.age_s = fmax(0, clock_between_s(l->taken_ns, f->last_ns)),
		.arriving = arriving_now(o, l, climb, collected),
		.bend = bend_of(f),
		.entries = f->level,
	};
	struct outlook_result result = { 0 };

	c.expired = expired_now(o, f, l, c.age_s, collected);
	result.expired = c.expired;
	/* While it falls the count does not tell who comes. */
	if (!climbs && o->weight_s > 0)
		c.arriving = o->arrivals / o->weight_s;
	result.arrivals_per_s = c.arriving;
	c.touched = touched_part(c.arriving, buckets);
	if (o->expired > 0)
		c.touched = fmax(c.touched, fmin(1, collected / o->expired));
	expect_gc(&c, o, f);
	result.full_s = course_run(&c);
	judge(&result, &c, f, climbs ? climb : c.arriving - dying, dying);
	return result;
}

struct outlook_result outlook_ahead(const struct outlook *o, const struct forecast *f,
				    const struct lifetimes *l, uint32_t limit,
				    uint32_t buckets)
{
	struct outlook_result result = !l || o->sampled_ns == 0 || !forecast_ready(f)
					       ? by_history(f, limit)
					       : by_lifetimes(o, f, l, limit, buckets);

	/* What chance takes does not make it less so. */
	if (f->level >= limit - fmin(forecast_noise(0), FULL_PART * limit)) {
		result.verdict = OUTLOOK_FULL;
		result.full_s = 0;
		result.settles_at = NAN;
		result.slope = forecast_slope(f);
	}
	return result;
}
