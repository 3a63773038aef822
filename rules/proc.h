/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RULES_PROC_H
#define RULES_PROC_H

struct legacy;
struct surroundings;

/*
 * Adds to the surroundings what only /proc says of this network namespace: ports of clients, tables of
 * iptables-legacy, IPVS services, helpers by port. What cannot be read is as if it were not there.
 * Returns 0 or -ENOMEM.
 */
int proc_read(const struct legacy *legacy, struct surroundings *out);

#endif
