// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/listing.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/service.h"
#include "lib/text.h"
#include "rules/ruleset.h"

enum { MS_PER_S = 1000, S_PER_M = 60, S_PER_H = 3600, S_PER_D = 86400 };

enum { COLUMNS = 8, CELL_MAX = SERVICE_TEXT_MAX };

/* Columns 3 to 6 are numbers. */
enum { FIRST_NUMBER = 3, NUMBERS = 4 };

/* One line of the table. */
struct row {
	char cells[COLUMNS][CELL_MAX];
};

static const struct row HEADINGS = {
	{ "SERVICE", "HOW", "LEASE LEFT", "PACKETS IN", "BYTES IN", "PACKETS OUT",
	  "BYTES OUT", "HELD BY" },
};

static const char *const HOW_NAMES[] = {
	[EXTENT_ALL] = "all",
	[EXTENT_SHARE] = "share",
	[EXTENT_BUDGET] = "budget",
};

/* What comes to this host: of a remote service, that is what comes from it. */
static const struct ruleset_side *incoming(const struct ruleset_service *entry)
{
	return &entry->sides[entry->service.outbound ? LAYOUT_OUT : LAYOUT_IN];
}

static const struct ruleset_side *outgoing(const struct ruleset_service *entry)
{
	return &entry->sides[entry->service.outbound ? LAYOUT_IN : LAYOUT_OUT];
}

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

static bool is_lapsed(const struct ruleset_service *entry)
{
	return !entry->active && entry->damage == RULESET_SOUND;
}

/* How much of it is untracked: what was asked for, unless somebody broke it. */
static void format_how(const struct ruleset_service *entry, char cell[CELL_MAX])
{
	char how[EXTENT_TEXT_MAX];

	extent_format(ruleset_extent(entry), how);
	switch (entry->damage) {
	case RULESET_IN_PART: snprintf(cell, CELL_MAX, "part"); break;
	case RULESET_UNDONE: snprintf(cell, CELL_MAX, "none"); break;
	default: snprintf(cell, CELL_MAX, "%s", how); break;
	}
}

static void fill_row(const struct ruleset_service *entry, struct row *row)
{
	const struct ruleset_side *in = incoming(entry), *out = outgoing(entry);
	const uint64_t counts[NUMBERS] = { in->packets, in->bytes, out->packets,
					   out->bytes };
	char holder[HOLDER_TEXT_MAX];

	service_format(&entry->service, row->cells[0]);
	format_how(entry, row->cells[1]);
	if (is_lapsed(entry))
		snprintf(row->cells[2], CELL_MAX, "lapsed");
	else if (!entry->leased)
		snprintf(row->cells[2], CELL_MAX, "for ever");
	else
		format_left(entry->expires_ms, row->cells[2]);
	for (int i = 0; i < NUMBERS; i++)
		snprintf(row->cells[FIRST_NUMBER + i], CELL_MAX, "%" PRIu64, counts[i]);
	holder_format(&entry->holder, holder);
	snprintf(row->cells[COLUMNS - 1], CELL_MAX, "%s", holder[0] ? holder : "-");
}

static void widen(const struct row *row, int widths[COLUMNS])
{
	for (int i = 0; i < COLUMNS; i++)
		if ((int)strlen(row->cells[i]) > widths[i])
			widths[i] = (int)strlen(row->cells[i]);
}

static int alignment(int column, int width)
{
	if (column == COLUMNS - 1)
		return 0;
	return column < FIRST_NUMBER ? -width : width;
}

/* Names to the left, numbers to the right. */
static void add_row(const struct row *row, const int widths[COLUMNS], struct text *text)
{
	for (int i = 0; i < COLUMNS; i++)
		text_add(text, "%s%*s", i ? "  " : "", alignment(i, widths[i]),
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
	if (!entry->leased || is_lapsed(entry))
		return json_null();
	return json_real((double)entry->expires_ms / MS_PER_S);
}

static json_t *share_json(const struct extent *extent)
{
	return extent->kind == EXTENT_SHARE ? json_real(extent->percent / 100.0)
					    : json_null();
}

static json_t *budget_json(const struct extent *extent)
{
	return extent->kind == EXTENT_BUDGET ? json_integer(extent->packets_per_s)
					     : json_null();
}

static json_t *holder_json(const struct holder *holder)
{
	if (!holder->program[0])
		return json_null();
	return json_pack("{s:s, s:I}", "program", holder->program, "pid",
			 (json_int_t)holder->pid);
}

static json_t *service_json(const struct ruleset_service *entry)
{
	const struct ruleset_side *in = incoming(entry), *out = outgoing(entry);
	const struct extent *extent = ruleset_extent(entry);
	char name[SERVICE_TEXT_MAX];

	service_format(&entry->service, name);
	return json_pack("{s:s, s:s, s:o, s:o, s:o, s:b, s:b, s:I, s:I, s:I, s:I, s:o}",
			 "service", name, "how", HOW_NAMES[extent->kind], "share",
			 share_json(extent), "budget_per_second", budget_json(extent),
			 "lease_seconds_left", lease_left(entry), "active",
			 entry->active || entry->damage == RULESET_IN_PART, "damaged",
			 entry->damage != RULESET_SOUND, "in_packets",
			 (json_int_t)in->packets, "in_bytes", (json_int_t)in->bytes,
			 "out_packets", (json_int_t)out->packets, "out_bytes",
			 (json_int_t)out->bytes, "holder", holder_json(&entry->holder));
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
