/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RULES_SLICE_H
#define RULES_SLICE_H

#include <stdbool.h>
#include <stdint.h>

struct extent;

/*
 * Whether the rules of extent untrack a flow whose client has this address (in_addr or
 * in6_addr by family) and port, in host byte order: the same hash as nft's "jhash", which is
 * Bob Jenkins' (include/linux/jhash.h), over address and port as the rules load them. True for
 * all of a service; of a budget nobody knows which: false. Pure.
 */
bool slice_has(const struct extent *extent, uint8_t family, const void *address,
	       uint16_t port);

#endif
