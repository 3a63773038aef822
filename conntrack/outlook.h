/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CONNTRACK_OUTLOOK_H
#define CONNTRACK_OUTLOOK_H

#include <stdbool.h>
#include <stdint.h>

struct forecast;
struct lifetimes;

/*
 * What becomes of the table, from the history of its count (struct forecast) and the lifetimes
 * of sampled entries: those that are there leave when their timeouts say, those that come
 * leave as those before them did, and the count falls when the kernel collects them, which
 * comes later. Pure: the caller brings the clock.
 *
 * Where no sample can be had the history alone must do: see forecast_full_in(). It is also
 * what a guard should heed, for it assumes that the present climb goes on.
 *
 * Zero-initialise before use.
 */
struct outlook {
	double tick_s;       /* of the kernel; 0: as of most */
	uint64_t sampled_ns; /* CLOCK_MONOTONIC; 0: never */
	double entries;      /* after the last sample */
	double live;         /* of them, exactly, if all were walked; 0: not known */
	double fallen;       /* forecast_fallen() then */
	double expired;      /* entries that are counted still */
	double lag_s; /* how long the longest of them waited lately where samples walk */
	unsigned int
		sooner; /* samples in a row by which others walk it, too, and sooner */
	double walked;  /* in which part of the table that is so; 0: not known, nowhere */
	uint64_t
		collected_ns; /* when the kernel collected them last; 0: that was not seen */
	double gc_every_s;    /* how long after that it does so again by its rules */
	double gc_next_s;     /* and after that */
	double gc_part;       /* of what its rules say that comes sooner; 0: not known */
	double arrivals;      /* entries that came, and seconds, smoothed */
	double growth;        /* the same without what was collected */
	double weight_s;
};

enum outlook_verdict {
	OUTLOOK_UNKNOWN, /* too little was seen */
	OUTLOOK_FULL,    /* it is */
	OUTLOOK_FILLS,   /* it will be, in full_s */
	OUTLOOK_SETTLES, /* it grows to settles_at */
	OUTLOOK_DRAINS,  /* it falls to settles_at */
	OUTLOOK_STEADY,  /* it stays about as it is */
};

/* As scripts know it: "unknown", "full", "fills", "settles", "drains" or "steady". */
const char *outlook_name(enum outlook_verdict verdict);

/* What a sample did to the table, and saw of it. */
struct outlook_walk {
	double collected;     /* as forecast_note_walk() says */
	double counted, left; /* entries before it, and after it */
	uint32_t live;        /* entries, if whole */
	bool whole;           /* it walked all */
};

struct outlook_result {
	enum outlook_verdict verdict;
	double full_s; /* INFINITY: not at this course */
	double settles_at; /* entries, the crest of what garbage collection leaves; NAN: none */
	double arrivals_per_s; /* new entries; NAN: not known */
	double expired; /* entries that have, but are counted; 0 also if that is not known */
	/*
	 * Entries gained a second, as far as they matter to the verdict: what is collected again and
	 * again does not, and of a steady table it is 0.
	 */
	double slope;
};

/*
 * After each sample that was added to l, and noted in f. buckets are those of the kernel's hash, 0 if
 * that is not known.
 */
void outlook_note(struct outlook *o, const struct forecast *f, const struct lifetimes *l,
		  const struct outlook_walk *walk, uint32_t buckets);

/*
 * Looks ahead, from the last count that f has seen. l may be NULL or empty: then by history
 * alone. buckets as for outlook_note().
 */
struct outlook_result outlook_ahead(const struct outlook *o, const struct forecast *f,
				    const struct lifetimes *l, uint32_t limit,
				    uint32_t buckets);

#endif
