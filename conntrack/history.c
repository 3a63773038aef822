// SPDX-License-Identifier: GPL-2.0-or-later
#include "conntrack/history.h"

#include <stdbool.h>

/* A point reaches to the one before it, unless nobody looked for this many steps and this long. */
enum { GAP_STEPS = 2 };
static const uint64_t GAP_NS = 1000000000;

static struct history_point *newest(struct history *history)
{
	size_t last = (history->next + HISTORY_POINTS - 1) % HISTORY_POINTS;

	return history->points ? &history->point[last] : NULL;
}

void history_add(struct history *history, uint64_t now_ns, uint64_t step_ns,
		 uint32_t entries)
{
	struct history_point *point = newest(history);
	struct history_point fresh = { now_ns, now_ns, entries };

	if (point && now_ns / step_ns == point->from_ns / step_ns) {
		point->until_ns = now_ns;
		if (entries > point->peak)
			point->peak = entries;
		return;
	}
	/* Looks are never exactly a step apart: a step without one belongs to the new point. */
	if (point && now_ns - point->until_ns <= GAP_STEPS * step_ns + GAP_NS)
		fresh.from_ns = (point->until_ns / step_ns + 1) * step_ns;
	history->point[history->next] = fresh;
	history->next = (history->next + 1) % HISTORY_POINTS;
	if (history->points < HISTORY_POINTS)
		history->points++;
}

static void raise(int64_t *column, uint32_t peak)
{
	if (*column < (int64_t)peak)
		*column = peak;
}

void history_columns(const struct history *history, uint64_t now_ns, uint64_t step_ns,
		     int64_t columns[], size_t count)
{
	uint64_t last = now_ns / step_ns;
	uint64_t first = last >= count ? last - count + 1 : 0;

	for (size_t i = 0; i < count; i++)
		columns[i] = HISTORY_UNKNOWN;
	for (size_t i = 0; i < history->points; i++) {
		const struct history_point *point = &history->point[i];
		uint64_t from = point->from_ns / step_ns;
		uint64_t until = point->until_ns / step_ns;

		if (from < first)
			from = first;
		for (; from <= until && from <= last; from++)
			/* Where steps were shorter once, several points share a column. */
			raise(&columns[count - 1 - (last - from)], point->peak);
	}
}
