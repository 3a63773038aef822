/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RULES_LOOKUP_H
#define RULES_LOOKUP_H

#include <stddef.h>

struct byte;
struct model_elem;
struct model_set;
struct run;

/* What is found in a set or map for the key that registers hold. Pure. */
enum lookup_result {
	LOOKUP_NONE,
	LOOKUP_FOUND,
	LOOKUP_OPAQUE, /* something of which nothing is known */
};

/*
 * Looks the key up, of set->key_bytes bytes. *elem is the element, or, in a set without values, may
 * be any of those that match, and is NULL for one that packets may have added.
 */
enum lookup_result lookup_find(struct run *run, const struct model_set *set,
			       const struct byte *key, const struct model_elem **elem);

#endif
