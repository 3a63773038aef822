/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CONNTRACK_COURSE_H
#define CONNTRACK_COURSE_H

#include "conntrack/bend.h"
#include "conntrack/lifetimes.h"

/* A table run ahead from now: what comes goes on coming, what expires is collected as it is now. */
struct course {
	const struct lifetimes *l;
	double limit;
	double scale;    /* entries for each that was sampled */
	double age_s;    /* of the sample */
	double arriving; /* a second */
	struct bend bend;
	double touched; /* part of the expired that is collected a second, all the time */
	double gc_every_s; /* all of them, that often */
	double gc_at_s;    /* from now on, for the first time */
	double entries;
	double expired; /* of them */
	double crest;   /* found: the most entries between two collections, in the end */
	double leaving
		[LIFETIMES_KINDS]; /* found: the part of those that come that leave after its
					    timeout */
};

/* Sampled entries that expire from one time to another after the sample, a part of a second each. */
double course_due(const struct lifetimes *l, double from_s, double to_s);

/* Runs it until the table is full. Returns in how many seconds that is, INFINITY: never. Pure. */
double course_run(struct course *c);

#endif
