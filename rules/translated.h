/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RULES_TRANSLATED_H
#define RULES_TRANSLATED_H

#include <stdbool.h>
#include <stddef.h>

#include <libmnl/libmnl.h>

struct nl;
struct service;
struct surroundings;

/*
 * Counts live entries of each of count services whose addresses or ports are translated: evidence of
 * NAT, whoever made it. The kernel selects them, where it can; else no more than
 * TRANSLATED_ENTRIES_MAX are looked at. nl is a conversation with NETLINK_NETFILTER. out, of count
 * zeros, is whole, or what was seen before an error. Returns 0 or -errno.
 */
int translated_count(struct nl *nl, const struct surroundings *host,
		     const struct service *services, size_t count, unsigned *out);

enum { TRANSLATED_ENTRIES_MAX = 65536 };

/*
 * Counts live entries of an outbound service that programs here opened from ports which the kernel gives to nobody: they
 * have chosen them. No more than TRANSLATED_ENTRIES_MAX entries are looked at. Returns 0 or -errno.
 */
int translated_chosen(struct nl *nl, const struct surroundings *host,
		      const struct service *service, unsigned *out);

/* Whether a ctnetlink message is such an entry. Pure. */
bool translated_is(const struct nlmsghdr *message, const struct surroundings *host,
		   const struct service *service);

#endif
