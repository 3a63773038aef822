/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RULES_CHAIN_H
#define RULES_CHAIN_H

#include <stdint.h>

struct nl;

/*
 * How many rules a chain of our table has, and elements that jump to it: also those that
 * ran out and that the kernel has yet to collect, which no dump shows. Returns 0, -ENOENT if
 * there is no such chain, or another -errno.
 */
int chain_uses(struct nl *nl, const char *name, uint32_t *out);

/*
 * Which of the base chains that ours are called like (enum layout_hook, a bit each) have another type, hook, priority or
 * policy. Returns 0, also where there are none, or -errno.
 */
int chain_misplaced(struct nl *nl, unsigned *out);

#endif
