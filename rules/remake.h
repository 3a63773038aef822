/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RULES_REMAKE_H
#define RULES_REMAKE_H

#include <stddef.h>
#include <stdint.h>

struct nlmsghdr;

/*
 * Writes the message that makes what an nf_tables message of a dump shows, to be sent in a batch with number
 * sequence: without what the kernel numbers by itself, rules of xtables extensions with the protocol
 * that they compare, and a rule that is watched under a number (else WATCH_NONE) with what rules/watch.h wants. Returns its size; 0 if there is none (our own table, a message that is malformed), or
 * if bytes is less than the dump's and REMAKE_ROOM_BYTES. Pure.
 */
/* How much longer than the dump's it can be. */
enum { REMAKE_ROOM_BYTES = 128 };

size_t remake_message(const struct nlmsghdr *dumped, uint32_t sequence, int watched,
		      void *to, size_t bytes);

#endif
