/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RULES_COMMENT_H
#define RULES_COMMENT_H

#include <stddef.h>
#include <stdint.h>

/*
 * Finds the comment of the given type (enum nftnl_udata_..._types) in user data as nft keeps it: a
 * list of type, length, value, a byte each for the first two. libnftnl's own walk over it
 * trusts the lengths. Returns the value within data, NUL and all, and its length; or NULL.
 */
const char *comment_find(const uint8_t *data, size_t bytes, uint8_t type, size_t *length);

#endif
