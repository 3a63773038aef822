/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RULES_MESSAGE_H
#define RULES_MESSAGE_H

struct change;
struct nlmsghdr;

/* More than any message of ours: the longest, a rule of a share, has some 700 bytes. */
enum { MESSAGE_BYTES_MAX = 1536 };

/*
 * Puts what change says about its object behind the headers of an nf_tables message
 * that has room for MESSAGE_BYTES_MAX in all. The caller chose type and flags. Pure.
 * Returns 0 or -ENOMEM.
 */
int message_write(struct nlmsghdr *header, const struct change *change);

#endif
