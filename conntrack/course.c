// SPDX-License-Identifier: GPL-2.0-or-later
#include "conntrack/course.h"

#include <math.h>
#include <stddef.h>

/* gc_worker (net/netfilter/nf_conntrack_core.c): how much it takes, and how seldom it comes. */
static const double GC_PER_S = 64000, GC_MOST_S = 60;

/* The look ahead: fine steps first. After its end growth is taken to be what lasts of arrivals. */
static const double AHEAD_S = LIFETIMES_LONGEST_S, FINE_S = 40;
static const double FINE_STEP_S = 0.25, STEP_S = 1;

/* Which part of arrivals must last to be told from none. */
static const double LASTING_PART = 0.05;

double course_due(const struct lifetimes *l, double from_s, double to_s)
{
	double sum = 0;

	for (size_t i = (size_t)fmax(from_s, 0); i < LIFETIMES_LONGEST_S && i < to_s; i++)
		sum += l->expiring[i] *
		       (fmin(to_s, (double)i + 1) - fmax(from_s, (double)i));
	return sum;
}

/* Which part of arrivals leaves after which timeout. What is left over lasts. */
static void expect_leaving(struct course *c)
{
	for (size_t i = 0; c->l->came > 0 && i < LIFETIMES_KINDS; i++) {
		const struct lifetimes_kind *kind = &c->l->kind[i];

		if (kind->timeout_s < LIFETIMES_LONGEST_S)
			c->leaving[i] = fmin(1, fmax(0, kind->stayed) / c->l->came);
	}
}

/* New entries a second at that time. Those that came since the sample are as those that come now. */
static double arriving_at(const struct course *c, double at_s)
{
	double bent = c->bend.now * c->bend.fades_s *
		      (1 - exp(-fmax(0, at_s) / c->bend.fades_s));

	return c->arriving + bent;
}

/* Which part of arrivals lasts. */
static double lasting(const struct course *c)
{
	double leaving = 0;

	for (size_t i = 0; i < LIFETIMES_KINDS; i++)
		leaving += c->leaving[i];
	return c->arriving > 0 ? 1 - leaving : 0;
}

/* Which part must be seen to be told from chance: three standard errors. */
static double lasting_least(const struct lifetimes *l)
{
	double seen = l->came * l->weight_s * fmin(l->flows, LIFETIMES_PANEL);

	return seen > 0 ? fmax(LASTING_PART, 3 / sqrt(seen)) : LASTING_PART;
}

static double dying_in(const struct course *c, double from_s, double to_s)
{
	double sum = c->scale * course_due(c->l, c->age_s + from_s, c->age_s + to_s);

	for (size_t i = 0; i < LIFETIMES_KINDS; i++) {
		double came_to_s = to_s - c->l->kind[i].timeout_s;
		/* Those who came before the sample are in course_due() already. */
		double came_from_s = fmax(from_s - c->l->kind[i].timeout_s, -c->age_s);

		if (c->leaving[i] > 0 && came_to_s > came_from_s)
			sum += c->leaving[i] * (came_to_s - came_from_s) *
			       arriving_at(c, (came_from_s + came_to_s) / 2);
	}
	return sum;
}

/* What is collected in a step, from at_s on. */
static double collected_in(struct course *c, double at_s, double step_s)
{
	double collected = fmin(c->expired, c->touched * c->expired * step_s);

	if (at_s < c->gc_at_s)
		return collected;
	collected = fmin(c->expired, GC_PER_S * step_s);
	if (collected < GC_PER_S * step_s)
		/* It took all there was: this run is over. */
		c->gc_at_s += fmax(c->gc_every_s, step_s);
	return collected;
}

/* One step; returns the most entries in it. */
static double advance(struct course *c, double at_s, double step_s)
{
	double dying = dying_in(c, at_s, at_s + step_s);
	double before = c->entries + arriving_at(c, at_s) * step_s, collected;

	c->expired += dying;
	collected = collected_in(c, at_s, step_s);
	c->expired -= collected;
	c->entries = fmax(0, before - collected);
	/* What expires until the collector is back stays counted: that is the crest. */
	return fmin(before, c->entries + dying / step_s * c->gc_every_s);
}

double course_run(struct course *c)
{
	double at_s = 0;

	expect_leaving(c);
	while (at_s < AHEAD_S) {
		double step_s = at_s < FINE_S ? FINE_STEP_S : STEP_S;
		double before = c->entries;
		double most = advance(c, at_s, step_s);

		if (c->entries >= c->limit)
			/* Within a step it climbs straight. */
			return at_s + step_s * (c->limit - before) /
					      fmax(1e-9, c->entries - before);
		at_s += step_s;
		if (at_s >= AHEAD_S - GC_MOST_S)
			c->crest = fmax(c->crest, most);
	}
	if (lasting(c) < lasting_least(c->l) || c->arriving * lasting(c) < 1)
		return INFINITY;
	return at_s + (c->limit - c->entries) / (c->arriving * lasting(c));
}
