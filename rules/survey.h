/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RULES_SURVEY_H
#define RULES_SURVEY_H

struct legacy;
struct nl;
struct surroundings;

/*
 * Reads what the audit needs of this network namespace beside the ruleset: addresses,
 * interfaces, policy routes, and what of other packet filters can be seen. route is a conversation
 * with NETLINK_ROUTE. Needs no privilege, but without CAP_DAC_OVERRIDE or root iptables-legacy stays
 * hidden, unless legacy (may be NULL) was opened with more. *out is zero-initialised; the caller surroundings_clear()s it. Returns 0 or
 * -errno; *out is then empty.
 */
int survey_read(struct nl *route, const struct legacy *legacy, struct surroundings *out);

#endif
