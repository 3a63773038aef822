/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CONNTRACK_TREND_H
#define CONNTRACK_TREND_H

#include <stdbool.h>

struct forecast;

/* What the two halves of the long memory of a forecast gained, each of half_s. */
struct trend {
	double half_s;
	double older;
	double newer;
	double crest;  /* the most entries in the older half */
	double peak;   /* and in the newer */
	double floor;  /* the least in the older */
	double trough; /* and in the newer */
	double moves;  /* all rises and falls */
	double noise;  /* below this a gain is none */
	bool fell;     /* it lost entries in some mark */
};

/* Returns false, and leaves *out, while there are less than 2 s of it. Pure. */
bool trend_of(const struct forecast *f, struct trend *out);

/* Whether it gains less and less: by the same ratio each half, a geometric series. */
bool trend_slows(const struct trend *trend);

/* Whether it goes up and down, as by garbage collection, and gets nowhere. */
bool trend_swings(const struct trend *trend);

/* Whether it was as high before as it is lately, but for chance. */
bool trend_stands(const struct trend *trend);

/* What is still to come of that series: entries. */
double trend_rest(const struct trend *trend);

/*
 * Seconds until it has gained missing more entries, INFINITY: never; climb_s: in how many by the
 * present climb, which counts while nothing was taken away.
 */
double trend_full_in(const struct trend *trend, double missing, double climb_s);

/* What a table that has settled came to lately. */
struct trend_stand {
	double half_s; /* of what was looked back on */
	double crest;
	double floor;  /* the least in the older half */
	double trough; /* and in the newer */
};

/* What a table that is about as it is gains by chance: entries. */
double trend_chance(double entries);

/*
 * Whether a table has settled: its entries have all been replaced, and no crest was higher than before.
 * Then no model of lifetimes and collections knows better what it comes to. moves_per_s: how many
 * entries come, or leave, a second; all that expired are collected each gc_every_s, and so in each half of
 * what is looked back on. Returns false, and leaves *out, if it has not, or if that was not seen yet. Pure.
 */
bool trend_settled(const struct forecast *f, double moves_per_s, double gc_every_s,
		   struct trend_stand *out);

/*
 * Whether it climbs again, as it goes up and down by more than chance. What it came to counts, and not what a
 * model says, which is in *crest, unless that is much less, and a fall may still be to come or shows.
 */
bool trend_climbs_again(const struct trend_stand *stand, double entries, double *crest);

/*
 * Whether one that has settled denies that it will be full in so many seconds, with missing more entries: such a
 * climb would have shown by now. What would be within a minute may have begun just now.
 */
bool trend_denies(const struct trend_stand *stand, double entries, double missing,
		  double full_s);

#endif
