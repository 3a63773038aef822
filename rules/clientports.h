/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RULES_CLIENTPORTS_H
#define RULES_CLIENTPORTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rules/ranges.h"

struct arena;
struct service;

/* The ports that the kernel gives to those who ask others from here. Pure. */

/*
 * range is what net.ipv4.ip_local_port_range says, which is for IPv6, too; reserved what
 * ip_local_reserved_ports says: those it gives to nobody. Where a range is no range, the kernel's
 * default is meant; where all of it is reserved, all of it. *kept are the reserved
 * ones. Takes memory from arena. Returns 0 or -ENOMEM.
 */
int clientports_parse(const char *range, const char *reserved, struct arena *arena,
		      struct ranges *ports, struct ranges *kept);

/* The port with that number, counted from 0, and again from the first after the last. */
uint16_t clientports_at(const struct ranges *ports, size_t number);

/*
 * Those of a range of this host's ports, which its own programs are given when they ask others: none of a single one,
 * which the service has. Returns 0 or -ENOMEM.
 */
int clientports_of(const struct service *service, const struct ranges *ports,
		   struct arena *arena, struct ranges *out);

/* Whether clients elsewhere choose ports of it for themselves, beside those that use its port as their own, as NTP's. */
bool clientports_common(const struct service *service);

/* The kernel's defaults (net/ipv4/af_inet.c, inet_init_net()). */
struct ranges clientports_default(void);

#endif
