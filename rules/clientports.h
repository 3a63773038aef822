/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RULES_CLIENTPORTS_H
#define RULES_CLIENTPORTS_H

struct arena;
struct ranges;

/* The ports that the kernel gives to those who ask others from here. Pure. */

/*
 * range is what net.ipv4.ip_local_port_range says, which is for IPv6, too; reserved what
 * ip_local_reserved_ports says: those it gives to nobody. Where a range is no range, the kernel's
 * default is meant; where all of it is reserved, all of it. Takes memory from arena. Returns 0 or
 * -ENOMEM.
 */
int clientports_parse(const char *range, const char *reserved, struct arena *arena,
		      struct ranges *out);

/* The kernel's defaults (net/ipv4/af_inet.c, inet_init_net()). */
struct ranges clientports_default(void);

#endif
