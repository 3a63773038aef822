/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RULES_REMAKE_H
#define RULES_REMAKE_H

#include <stddef.h>
#include <stdint.h>

struct nlmsghdr;

/*
 * Writes the message that makes what an nf_tables message of a dump shows, to be sent in a batch with number
 * sequence: without what the kernel numbers by itself, and rules of xtables extensions with the protocol
 * that they compare. Returns its size; 0 if there is none (our own table, a message that is malformed), or
 * if it does not fit into bytes. Pure.
 */
size_t remake_message(const struct nlmsghdr *dumped, uint32_t sequence, void *to,
		      size_t bytes);

#endif
