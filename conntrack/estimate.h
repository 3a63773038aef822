/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CONNTRACK_ESTIMATE_H
#define CONNTRACK_ESTIMATE_H

#include <stdbool.h>

struct attribute_row;
struct reading;

/*
 * What a sample says of the table. The kernel's count has expired entries in it, which no dump
 * shows, until garbage collection meets them: it comes by at least once a minute
 * (net/netfilter/nf_conntrack_core.c, GC_SCAN_INTERVAL_MAX). Pure.
 */

/*
 * How many entries are live: exactly, if the sample is complete, else between two bounds, and about so
 * many as the outlook has reckoned from what walks have collected and what expires.
 */
struct estimate_live {
	bool exact;
	double least; /* if entries have expired for a minute as fast as they are about to */
	double about;
	double most; /* the kernel's count */
};

struct estimate_live estimate_live(const struct reading *reading);

/* A row of the sample, in live entries of the whole table. */
struct estimate {
	double share;       /* of live entries */
	double share_error; /* the truth is within this of share in 95 % of samples; 0: exact */
	double entries;       /* about so many are live */
	double entries_error; /* the same for it, and for what may have expired */
};

struct estimate estimate_row(const struct reading *reading,
			     const struct attribute_row *row);

#endif
