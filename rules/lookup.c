// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/lookup.h"

#include <linux/netfilter/nf_tables.h>
#include <string.h>

#include "rules/run.h"

/* What a fact is about. */
enum { FACT_IN_SET = 0x40, FACT_IN_DYNAMIC, FACT_GONE, FACT_GOES, FACT_COMES };

/*
 * So many elements of a map are asked one by one where more than one part of the key is open; in
 * larger ones any of them may be found.
 */
enum { CANDIDATES_MAX = 256 };

/* So many elements to look at cost a step. */
enum { ELEMS_PER_STEP = 8 };

/* How long the part of the key at that place is: bytes that are known, or one symbol. */
static size_t next_part(const struct byte *key, size_t at, size_t bytes)
{
	size_t end = at + 1;

	while (end < bytes && key[end].is_symbol == key[at].is_symbol &&
	       (!key[at].is_symbol || key[end].symbol == key[at].symbol))
		end++;
	return end - at;
}

static const uint8_t *end_of(const struct model_elem *elem)
{
	return elem->key_end.at ? elem->key_end.at : elem->key.at;
}

/* False only if the element cannot be found by that key. */
static bool may_match(const struct run *run, const struct model_set *set,
		      const struct byte *key, const struct model_elem *elem)
{
	if (elem->key.bytes != set->key_bytes)
		return true;
	for (size_t at = 0, count; at < set->key_bytes; at += count) {
		count = next_part(key, at, set->key_bytes);
		if (!bytes_may_be(run->world, key + at, count, elem->key.at + at,
				  end_of(elem) + at))
			return false;
	}
	return true;
}

/* Decides whether it is found. */
static bool matches(struct run *run, const struct model_set *set, const struct byte *key,
		    const struct model_elem *elem)
{
	if (elem->key.bytes != set->key_bytes)
		return false;
	for (size_t at = 0, count; at < set->key_bytes; at += count) {
		const uint8_t *first = elem->key.at + at, *last = end_of(elem) + at;
		bool equal;

		count = next_part(key, at, set->key_bytes);
		equal = memcmp(first, last, count) == 0;
		if (equal ? !bytes_equal(run->world, key + at, count, first)
			  : !bytes_within(run->world, key + at, count, first, last))
			return false;
	}
	return true;
}

/* By the key alone, in a set whose elements are sorted. */
static const struct model_elem *find_known(const struct model_set *set,
					   const uint8_t *key)
{
	size_t low = 0, high = set->count;

	/*
	 * Elements do not overlap: only the last that begins at the key, or before it,
	 * can have it.
	 */
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (memcmp(set->elems[middle].key.at, key, set->key_bytes) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == 0 || memcmp(end_of(&set->elems[low - 1]), key, set->key_bytes) < 0)
		return NULL;
	return &set->elems[low - 1];
}

/*
 * An element that ends by itself, or that a rule deletes, may be there when a conversation begins and be gone later; one
 * that is gone does not come back by itself.
 */
static bool is_gone(struct run *run, const struct model_set *set)
{
	uint64_t id = (uint64_t)(uintptr_t)set;

	return set->expires && (run_assume_flow(run, FACT_GONE, id) ||
				(!run_is_opening(run) && run_assume(run, FACT_GOES, id)));
}

/* Packets add elements as they come: whether a key is there can be so or not. */
static enum lookup_result find_dynamic(struct run *run, const struct model_set *set,
				       const struct byte *key)
{
	uint64_t digest = bytes_digest(run->world, key, set->key_bytes);
	uint64_t changes = 0;
	bool found;

	if (set->flags & NFT_SET_MAP)
		return LOOKUP_OPAQUE;
	/* What this packet did to the set until now is part of the question. */
	for (size_t i = 0; i < run->now.effects; i++)
		changes += run->effect[i].kind == RUN_SET_CHANGE &&
			   run->effect[i].detail == (uint64_t)(uintptr_t)set;
	digest ^= (uint64_t)(uintptr_t)set + (changes << 48);
	found = run_assume_flow(run, FACT_IN_DYNAMIC, digest);
	/* What was not there for the first packet may have been added for the next. */
	if (!found && !run_is_opening(run))
		found = run_assume_flow(run, FACT_COMES, digest);
	return found ? LOOKUP_FOUND : LOOKUP_NONE;
}

static bool is_plain(const struct model_set *set)
{
	return !(set->flags & (NFT_SET_MAP | NFT_SET_OBJECT)) && !set->rest;
}

/* Intervals of several fields each: their keys are in no single order. */
static bool is_box(const struct model_set *set)
{
	return set->flags & NFT_SET_CONCAT && set->flags & NFT_SET_INTERVAL;
}

static bool same_value(const struct model_elem *a, const struct model_elem *b)
{
	if (a->is_verdict || b->is_verdict)
		return a->is_verdict && b->is_verdict &&
		       a->verdict.code == b->verdict.code &&
		       a->verdict.chain == b->verdict.chain;
	return a->named == b->named && a->value.bytes == b->value.bytes &&
	       (!a->value.bytes || memcmp(a->value.at, b->value.at, a->value.bytes) == 0);
}

/* The numbers for which a map has the value of elem, of those from the first candidate on. */
static struct ranges group(struct run *run, const struct model_set *set,
			   const struct model_elem *const *candidates, size_t count,
			   size_t first)
{
	struct range *at = arena_take(&run->world->arena, count * sizeof(*at));
	size_t used = 0;

	if (!at) {
		run->world->spent = true;
		return (struct ranges){ 0 };
	}
	for (size_t i = first; i < count; i++) {
		const struct model_elem *elem = candidates[i];

		if (same_value(candidates[first], elem))
			at[used++] =
				(struct range){ wide_read(elem->key.at, set->key_bytes),
						wide_read(end_of(elem), set->key_bytes) };
	}
	return ranges_normalise(at, used);
}

/* A key that is one symbol: all elements with the same value are one question. */
static const struct model_elem *
find_by_symbol(struct run *run, const struct model_set *set, unsigned symbol,
	       const struct model_elem *const *candidates, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		bool first = true;
		struct ranges numbers;

		for (size_t j = 0; j < i && first; j++)
			first = !same_value(candidates[j], candidates[i]);
		if (!first)
			continue;
		numbers = group(run, set, candidates, count, i);
		if (run->world->spent)
			return NULL;
		if (numbers.count && world_decide(run->world, symbol, &numbers))
			return candidates[i];
	}
	return NULL;
}

/* In a large map of many parts: any, or none. */
static const struct model_elem *choose(struct run *run,
				       const struct model_elem *const *candidates,
				       size_t count, const struct byte *key,
				       const struct model_set *set)
{
	uint64_t digest =
		bytes_digest(run->world, key, set->key_bytes) ^ (uint64_t)(uintptr_t)set;

	for (size_t i = 0; i < count; i++) {
		bool first = true;

		for (size_t j = 0; j < i && first; j++)
			first = !same_value(candidates[j], candidates[i]);
		if (first && run_assume_flow(run, FACT_IN_SET, digest + i))
			return candidates[i];
	}
	return NULL;
}

static size_t collect(const struct run *run, const struct model_set *set,
		      const struct byte *key, const struct model_elem **candidates)
{
	size_t count = 0;

	for (size_t i = 0; i < set->count; i++)
		if (may_match(run, set, key, &set->elems[i]))
			candidates[count++] = &set->elems[i];
	return count;
}

static const struct model_elem *find_open(struct run *run, const struct model_set *set,
					  const struct byte *key)
{
	const struct model_elem **candidates = arena_take(
		&run->world->arena, (set->count + 1) * sizeof(struct model_elem *));
	unsigned symbol;
	size_t count;

	if (!candidates || !world_spend(run->world, set->count / ELEMS_PER_STEP)) {
		run->world->spent = true;
		return NULL;
	}
	count = collect(run, set, key, candidates);
	if (!is_box(set) && bytes_are_symbol(key, set->key_bytes, &symbol))
		return find_by_symbol(run, set, symbol, candidates, count);
	if (count > CANDIDATES_MAX)
		return choose(run, candidates, count, key, set);
	for (size_t i = 0; i < count; i++)
		if (matches(run, set, key, candidates[i]))
			return candidates[i];
	return NULL;
}

static const struct model_elem *find_elem(struct run *run, const struct model_set *set,
					  const struct byte *key)
{
	uint8_t known[MODEL_REGISTER_BYTES];

	if (!is_box(set) && bytes_known(run->world, key, set->key_bytes, known))
		return set->count ? find_known(set, known) : NULL;
	return find_open(run, set, key);
}

/* The element, as long as it is there: see lookup_find(). */
static enum lookup_result find(struct run *run, const struct model_set *set,
			       const struct byte *key, const struct model_elem **elem)
{
	unsigned symbol;

	if (set->incomplete)
		return LOOKUP_OPAQUE;
	if (set->dynamic)
		return find_dynamic(run, set, key);
	/* A set of addresses may be large: its elements were put together beforehand. */
	if (is_plain(set) && set->keys.count && !is_box(set) &&
	    bytes_are_symbol(key, set->key_bytes, &symbol))
		return world_decide(run->world, symbol, &set->keys) ? LOOKUP_FOUND
								    : LOOKUP_NONE;
	*elem = find_elem(run, set, key);
	return *elem ? LOOKUP_FOUND : LOOKUP_NONE;
}

enum lookup_result lookup_find(struct run *run, const struct model_set *set,
			       const struct byte *key, const struct model_elem **elem)
{
	enum lookup_result found;

	*elem = NULL;
	if (set->key_bytes == 0 ||
	    set->key_bytes > (size_t)(run->registers + MODEL_REGISTER_BYTES - key))
		return LOOKUP_OPAQUE;
	found = find(run, set, key, elem);
	if (found == LOOKUP_FOUND && is_gone(run, set))
		found = LOOKUP_NONE;
	if (found != LOOKUP_NONE || set->dynamic)
		return found;
	*elem = set->rest;
	return *elem ? LOOKUP_FOUND : LOOKUP_NONE;
}
