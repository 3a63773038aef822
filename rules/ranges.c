// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/ranges.h"

#include <errno.h>
#include <stdlib.h>

#include "rules/arena.h"

struct wide wide_read(const void *data, size_t bytes)
{
	const uint8_t *at = data;
	struct wide value = { 0, 0 };

	for (size_t i = 0; i < bytes; i++) {
		value.high = value.high << 8 | value.low >> 56;
		value.low = value.low << 8 | at[i];
	}
	return value;
}

void wide_write(struct wide value, void *data, size_t bytes)
{
	uint8_t *at = data;

	while (bytes-- > 0) {
		at[bytes] = (uint8_t)value.low;
		value.low = value.low >> 8 | value.high << 56;
		value.high >>= 8;
	}
}

struct wide wide_of(uint64_t value)
{
	return (struct wide){ .low = value };
}

int wide_compare(struct wide a, struct wide b)
{
	if (a.high != b.high)
		return a.high < b.high ? -1 : 1;
	if (a.low != b.low)
		return a.low < b.low ? -1 : 1;
	return 0;
}

struct wide wide_next(struct wide value)
{
	value.low++;
	value.high += value.low == 0;
	return value;
}

struct wide wide_previous(struct wide value)
{
	value.high -= value.low == 0;
	value.low--;
	return value;
}

struct wide wide_greatest(size_t bytes)
{
	static const uint8_t ones[RANGES_BYTES_MAX] = { 255, 255, 255, 255, 255, 255,
							255, 255, 255, 255, 255, 255,
							255, 255, 255, 255 };

	return wide_read(ones, bytes);
}

static int by_first(const void *a, const void *b)
{
	const struct range *left = a, *right = b;

	return wide_compare(left->first, right->first);
}

/* Whether b, which does not begin before a, touches or overlaps it. */
static bool touches(const struct range *a, const struct range *b)
{
	/* That of 0 wraps, but what begins there and not before a overlaps it. */
	return wide_compare(b->first, a->last) <= 0 ||
	       wide_compare(wide_previous(b->first), a->last) == 0;
}

struct ranges ranges_normalise(struct range *at, size_t count)
{
	size_t used = 0;

	if (count == 0)
		return (struct ranges){ 0 };
	qsort(at, count, sizeof(*at), by_first);
	for (size_t i = 1; i < count; i++) {
		if (!touches(&at[used], &at[i]))
			at[++used] = at[i];
		else if (wide_compare(at[i].last, at[used].last) > 0)
			at[used].last = at[i].last;
	}
	return (struct ranges){ .at = at, .count = used + 1 };
}

/* The first range that does not end before value. */
static size_t seek(const struct ranges *set, struct wide value)
{
	size_t low = 0, high = set->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (wide_compare(set->at[middle].last, value) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

bool ranges_have(const struct ranges *set, struct wide value)
{
	size_t i = seek(set, value);

	return i < set->count && wide_compare(set->at[i].first, value) <= 0;
}

static struct wide greater(struct wide a, struct wide b)
{
	return wide_compare(a, b) > 0 ? a : b;
}

static struct wide lesser(struct wide a, struct wide b)
{
	return wide_compare(a, b) < 0 ? a : b;
}

/* The ranges of a large set that can touch the span of another. */
static struct ranges within(const struct ranges *set, const struct ranges *span)
{
	size_t from, to;

	if (!set->count || !span->count)
		return (struct ranges){ 0 };
	from = seek(set, span->at[0].first);
	to = seek(set, span->at[span->count - 1].last);
	if (to < set->count)
		to++;
	return (struct ranges){ .at = set->at + from, .count = to - from };
}

int ranges_intersect(struct arena *arena, const struct ranges *a, const struct ranges *b,
		     struct ranges *out)
{
	struct ranges left = within(a, b), right = within(b, a);
	size_t count = 0, i = 0, j = 0;
	/* Each intersection ends where one of them ends. */
	struct range *at = arena_take(arena, (left.count + right.count) * sizeof(*at));

	if (!at)
		return -ENOMEM;
	while (i < left.count && j < right.count) {
		const struct range *l = &left.at[i], *r = &right.at[j];
		struct wide first = greater(l->first, r->first);
		struct wide last = lesser(l->last, r->last);

		if (wide_compare(first, last) <= 0)
			at[count++] = (struct range){ first, last };
		if (wide_compare(l->last, r->last) < 0)
			i++;
		else
			j++;
	}
	*out = (struct ranges){ .at = at, .count = count };
	return 0;
}

int ranges_subtract(struct arena *arena, const struct ranges *a, const struct ranges *b,
		    struct ranges *out)
{
	struct ranges cuts = within(b, a);
	size_t count = 0, j = 0;
	/* A cut parts one range in two at most. */
	struct range *at = arena_take(arena, (a->count + cuts.count) * sizeof(*at));

	if (!at)
		return -ENOMEM;
	for (size_t i = 0; i < a->count; i++) {
		struct range rest = a->at[i];
		bool left = true;

		/* j is kept for the next range: a cut may reach into both. */
		while (j < cuts.count && wide_compare(cuts.at[j].last, rest.first) < 0)
			j++;
		for (size_t k = j; left && k < cuts.count; k++) {
			const struct range *cut = &cuts.at[k];

			if (wide_compare(cut->first, rest.last) > 0)
				break;
			if (wide_compare(cut->first, rest.first) > 0)
				at[count++] = (struct range){ rest.first,
							      wide_previous(cut->first) };
			/* Where the next line wraps nothing is left. */
			left = wide_compare(cut->last, rest.last) < 0;
			rest.first = wide_next(cut->last);
		}
		if (left)
			at[count++] = rest;
	}
	*out = (struct ranges){ .at = at, .count = count };
	return 0;
}
