/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CONNTRACK_RANKING_H
#define CONNTRACK_RANKING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conntrack/attribute.h"

struct reading;

/* Which rows of a table are shown, and in which order. Pure. */

enum ranking_by {
	RANK_ENTRIES,
	RANK_UNREPLIED,
	RANK_ASSURED,
	RANK_NAME,
	RANK_PROCESS,
	RANKS
};

enum { RANKING_FILTER_MAX = 40 };

struct ranking {
	enum ranking_by by;
	bool reversed;
	char filter
		[RANKING_FILTER_MAX]; /* part of a name or process, in any case; empty: all */
};

/*
 * Puts the indices of the rows that the filter lets through into order[], the first first:
 * numbers fall, words rise, unless reversed; equals have the most entries first. Returns how
 * many. view_rows_of() tells which rows.
 */
size_t ranking_order(const struct ranking *ranking, const struct reading *reading,
		     const struct attribute *rows, uint16_t order[ATTRIBUTE_ROWS]);

/* "entries", as the screen says it. */
const char *ranking_name(enum ranking_by by);

#endif
