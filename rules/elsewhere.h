/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RULES_ELSEWHERE_H
#define RULES_ELSEWHERE_H

#include <stdbool.h>

struct nl;

/*
 * Whether routes of type local are in another table than "local" that a policy rule names, as of a transparent proxy. The
 * kernel delivers by these, but what rules ask ("fib daddr type local", inet_addr_type()) is only that table.
 * route is a conversation with NETLINK_ROUTE. *found is set, never reset. Returns 0 or -errno.
 */
int elsewhere_read(struct nl *route, bool *found);

#endif
