// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/listing.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/service.h"
#include "lib/text.h"
#include "rules/ruleset.h"

enum { MS_PER_S = 1000, S_PER_M = 60, S_PER_H = 3600, S_PER_D = 86400 };

enum { COLUMNS = 6, CELL_MAX = SERVICE_TEXT_MAX };

/* One line of the table. */
struct row {
	char cells[COLUMNS][CELL_MAX];
};

static const struct row HEADINGS = {
	{ "SERVICE", "LEASE LEFT", "PACKETS IN", "BYTES IN", "PACKETS OUT", "BYTES OUT" },
};

/* Two units are enough to see when it ends. */
static void format_left(uint64_t ms, char cell[CELL_MAX])
{
	uint64_t s = ms / MS_PER_S;

	if (ms < 10 * MS_PER_S)
		snprintf(cell, CELL_MAX, "%.1fs", (double)ms / MS_PER_S);
	else if (s < S_PER_M)
		snprintf(cell, CELL_MAX, "%" PRIu64 "s", s);
	else if (s < S_PER_H)
		snprintf(cell, CELL_MAX, "%" PRIu64 "m%" PRIu64 "s", s / S_PER_M,
			 s % S_PER_M);
	else if (s < S_PER_D)
		snprintf(cell, CELL_MAX, "%" PRIu64 "h%" PRIu64 "m", s / S_PER_H,
			 s % S_PER_H / S_PER_M);
	else
		snprintf(cell, CELL_MAX, "%" PRIu64 "d%" PRIu64 "h", s / S_PER_D,
			 s % S_PER_D / S_PER_H);
}

static void fill_row(const struct ruleset_service *entry, struct row *row)
{
	const uint64_t counts[] = { entry->in_packets, entry->in_bytes,
				    entry->out_packets, entry->out_bytes };

	service_format(&entry->service, row->cells[0]);
	if (!entry->active)
		snprintf(row->cells[1], CELL_MAX, "lapsed");
	else if (!entry->leased)
		snprintf(row->cells[1], CELL_MAX, "for ever");
	else
		format_left(entry->expires_ms, row->cells[1]);
	for (int i = 0; i < 4; i++)
		snprintf(row->cells[2 + i], CELL_MAX, "%" PRIu64, counts[i]);
}

static void widen(const struct row *row, int widths[COLUMNS])
{
	for (int i = 0; i < COLUMNS; i++)
		if ((int)strlen(row->cells[i]) > widths[i])
			widths[i] = (int)strlen(row->cells[i]);
}

/* Names to the left, numbers to the right. */
static void add_row(const struct row *row, const int widths[COLUMNS], struct text *text)
{
	for (int i = 0; i < COLUMNS; i++)
		text_add(text, "%s%*s", i ? "  " : "", i < 2 ? -widths[i] : widths[i],
			 row->cells[i]);
	text_add(text, "\n");
}

void listing_text(const struct ruleset *ruleset, struct text *text)
{
	int widths[COLUMNS] = { 0 };
	struct row row;

	widen(&HEADINGS, widths);
	for (size_t i = 0; i < ruleset->count; i++) {
		fill_row(&ruleset->services[i], &row);
		widen(&row, widths);
	}
	add_row(&HEADINGS, widths, text);
	for (size_t i = 0; i < ruleset->count; i++) {
		fill_row(&ruleset->services[i], &row);
		add_row(&row, widths, text);
	}
}

static json_t *lease_left(const struct ruleset_service *entry)
{
	if (!entry->leased || !entry->active)
		return json_null();
	return json_real((double)entry->expires_ms / MS_PER_S);
}

static json_t *service_json(const struct ruleset_service *entry)
{
	char name[SERVICE_TEXT_MAX];

	service_format(&entry->service, name);
	return json_pack("{s:s, s:o, s:b, s:I, s:I, s:I, s:I}", "service", name,
			 "lease_seconds_left", lease_left(entry), "active", entry->active,
			 "in_packets", (json_int_t)entry->in_packets, "in_bytes",
			 (json_int_t)entry->in_bytes, "out_packets",
			 (json_int_t)entry->out_packets, "out_bytes",
			 (json_int_t)entry->out_bytes);
}

json_t *listing_json(const struct ruleset *ruleset)
{
	json_t *array = json_array();

	for (size_t i = 0; array && i < ruleset->count; i++) {
		if (json_array_append_new(array, service_json(&ruleset->services[i]))) {
			json_decref(array);
			return NULL;
		}
	}
	return array;
}
