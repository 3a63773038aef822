// SPDX-License-Identifier: GPL-2.0-or-later
#include "conntrack/ranking.h"

#include <stdlib.h>
#include <string.h>

#include "conntrack/view.h"

/* What qsort_r() hands to the comparison. */
struct contest {
	const struct ranking *ranking;
	const struct reading *reading;
	const struct attribute *rows;
};

const char *ranking_name(enum ranking_by by)
{
	static const char *const NAMES[] = {
		[RANK_ENTRIES] = "entries", [RANK_UNREPLIED] = "unreplied",
		[RANK_ASSURED] = "assured", [RANK_NAME] = "name",
		[RANK_PROCESS] = "process",
	};

	return NAMES[by];
}

static const char *process_of(const struct reading *reading,
			      const struct attribute_row *row)
{
	const char *process = view_process(reading, row);

	return process ? process : "";
}

static bool passes(const struct contest *contest, const struct attribute_row *row)
{
	const char *filter = contest->ranking->filter;
	char name[VIEW_NAME_MAX];

	if (!*filter)
		return true;
	view_name(&row->key, name);
	return strcasestr(name, filter) ||
	       strcasestr(process_of(contest->reading, row), filter);
}

/* No difference of unsigned numbers, which would wrap. */
static int more_first(uint32_t a, uint32_t b)
{
	return (a < b) - (a > b);
}

static int compare_names(const struct attribute_row *a, const struct attribute_row *b)
{
	char name_a[VIEW_NAME_MAX], name_b[VIEW_NAME_MAX];

	view_name(&a->key, name_a);
	view_name(&b->key, name_b);
	/* By number where there are numbers: udp/53 comes before udp/9000. */
	return strverscmp(name_a, name_b);
}

/* Rows whose process is not known come last. */
static int compare_processes(const char *a, const char *b)
{
	if (!*a != !*b)
		return *a ? -1 : 1;
	return strcmp(a, b);
}

/* Never 0, so that the order does not change from one look to the next by chance. */
static int compare(const void *left, const void *right, void *data)
{
	const struct contest *contest = data;
	const struct attribute_row *a = &contest->rows->rows[*(const uint16_t *)left];
	const struct attribute_row *b = &contest->rows->rows[*(const uint16_t *)right];
	int order = 0;

	switch (contest->ranking->by) {
	case RANK_UNREPLIED: order = more_first(a->unreplied, b->unreplied); break;
	case RANK_ASSURED: order = more_first(a->assured, b->assured); break;
	case RANK_NAME: order = compare_names(a, b); break;
	case RANK_PROCESS:
		order = compare_processes(process_of(contest->reading, a),
					  process_of(contest->reading, b));
		break;
	default: break;
	}
	if (!order)
		order = more_first(a->flows, b->flows);
	if (!order)
		order = *(const uint16_t *)left - *(const uint16_t *)right;
	return contest->ranking->reversed ? -order : order;
}

size_t ranking_order(const struct ranking *ranking, const struct reading *reading,
		     const struct attribute *rows, uint16_t order[ATTRIBUTE_ROWS])
{
	struct contest contest = { ranking, reading, rows };
	size_t count = 0;

	for (size_t i = 0; i < rows->count && i < ATTRIBUTE_ROWS; i++)
		if (passes(&contest, &rows->rows[i]))
			order[count++] = (uint16_t)i;
	qsort_r(order, count, sizeof(order[0]), compare, &contest);
	return count;
}
