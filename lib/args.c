// SPDX-License-Identifier: GPL-2.0-or-later
#include "lib/args.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Quoted bad input is cut here: a message must stay one readable line. */
enum { QUOTE_MAX = 60 };

enum { DURATION_TEXT_MAX = 24 };

/* Durations closer than this are the same one. */
static const double EXACT_S = 1e-9;

/* Beyond this a double no longer holds every whole number (2^53). */
static const double EXACT_MAX = 9007199254740992.0;

struct unit {
	const char *name;
	double factor;
};

static const struct unit COUNT_UNITS[] = {
	{ "", 1 }, { "k", 1e3 }, { "K", 1e3 }, { "M", 1e6 }, { "G", 1e9 }, { NULL, 0 },
};

static const struct unit DURATION_UNITS[] = {
	{ "", 1 },   { "us", 1e-6 }, { "ms", 1e-3 }, { "s", 1 },
	{ "m", 60 }, { "h", 3600 },  { "d", 86400 }, { NULL, 0 },
};

static const struct unit SHARE_UNITS[] = { { "%", 0.01 }, { NULL, 0 } };

/* Decimal digits with at most one point. strtod() alone would also take "0x1p3", "inf" and " 1". */
static bool parse_decimal(const char *text, double *value, const char **rest)
{
	size_t digits = strspn(text, "0123456789");
	size_t length = digits;
	char *end;

	if (text[length] == '.') {
		size_t decimals = strspn(text + length + 1, "0123456789");

		if (decimals == 0)
			return false;
		length += 1 + decimals;
	}
	if (digits == 0)
		return false;
	/* Its point is that of LC_NUMERIC, which no program of ours sets. */
	*value = strtod(text, &end);
	*rest = text + length;
	return end == *rest;
}

static bool parse_with_unit(const char *text, const struct unit *units, double *out)
{
	const char *rest;
	double value;

	if (!parse_decimal(text, &value, &rest))
		return false;
	for (const struct unit *unit = units; unit->name; unit++) {
		if (strcmp(rest, unit->name) == 0) {
			*out = value * unit->factor;
			return true;
		}
	}
	return false;
}

static int malformed(const char *text, const char *wanted, struct args_why *why)
{
	snprintf(why->text, sizeof(why->text), "\"%.*s\" is not %s", QUOTE_MAX, text,
		 wanted);
	return -EINVAL;
}

static int out_of_range(const char *text, const char *range, struct args_why *why)
{
	snprintf(why->text, sizeof(why->text), "\"%.*s\" is out of range (%s)", QUOTE_MAX,
		 text, range);
	return -ERANGE;
}

int args_count(const char *text, uint64_t min, uint64_t max, uint64_t *out,
	       struct args_why *why)
{
	char range[64];
	double value;

	if (!parse_with_unit(text, COUNT_UNITS, &value) || value != floor(value))
		return malformed(text, "a count (like 500, 10k or 1M)", why);
	/* First, so that what is cast fits; very many digits are infinite. */
	if (value > EXACT_MAX || (uint64_t)value < min || (uint64_t)value > max) {
		snprintf(range, sizeof(range), "%llu to %llu", (unsigned long long)min,
			 (unsigned long long)max);
		return out_of_range(text, range, why);
	}
	*out = (uint64_t)value;
	return 0;
}

/* In the largest unit that makes it a whole number: "100ms", "365d". */
static void format_duration(double seconds, char text[DURATION_TEXT_MAX])
{
	static const struct unit UNITS[] = {
		{ "d", 86400 }, { "h", 3600 }, { "m", 60 }, { "s", 1 }, { "ms", 1e-3 },
	};

	for (size_t i = 0; i < sizeof(UNITS) / sizeof(UNITS[0]); i++) {
		double count = round(seconds / UNITS[i].factor);

		if (count < 1 || fabs(count * UNITS[i].factor - seconds) > EXACT_S)
			continue;
		snprintf(text, DURATION_TEXT_MAX, "%.0f%s", count, UNITS[i].name);
		return;
	}
	snprintf(text, DURATION_TEXT_MAX, "%gs", seconds);
}

int args_duration(const char *text, double min_s, double max_s, double *out_s,
		  struct args_why *why)
{
	char least[DURATION_TEXT_MAX], most[DURATION_TEXT_MAX];
	char range[64];
	double value;

	if (!parse_with_unit(text, DURATION_UNITS, &value))
		return malformed(text, "a duration (like 250ms, 10s, 5m or 2h)", why);
	if (value < min_s || value > max_s) {
		format_duration(min_s, least);
		format_duration(max_s, most);
		snprintf(range, sizeof(range), "%s to %s", least, most);
		return out_of_range(text, range, why);
	}
	*out_s = value;
	return 0;
}

int args_share(const char *text, double min, double max, double *out,
	       struct args_why *why)
{
	char range[64];
	double value;

	if (!parse_with_unit(text, SHARE_UNITS, &value))
		return malformed(text, "a share (like 80%)", why);
	if (value < min || value > max) {
		snprintf(range, sizeof(range), "%g%% to %g%%", min * 100, max * 100);
		return out_of_range(text, range, why);
	}
	*out = value;
	return 0;
}
