/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RULES_POLICIES_H
#define RULES_POLICIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Tables of iptables-legacy, as far as it takes to see that one has nothing but its policies. */

/*
 * Whether the table lets every packet through: each of its hooks begins with its policy, which
 * accepts. name is one that there is (asked for another, the kernel makes it). socket: of the table's
 * network namespace, AF_INET or AF_INET6 as family says. False also if it cannot be seen; it
 * takes CAP_NET_ADMIN.
 */
bool policies_accept(int socket, uint8_t family, const char *name);

/*
 * The same of what the kernel says: its struct ipt_getinfo, of info_bytes, and the entries, of which
 * there are bytes. Of AF_INET6 both are laid out alike but for the entry. Pure.
 */
bool policies_judge(uint8_t family, const void *info, size_t info_bytes,
		    const void *entries, size_t bytes);

#endif
