/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CONNTRACK_TUPLE_H
#define CONNTRACK_TUPLE_H

struct flow;
struct nlmsghdr;

/*
 * Adds to a ctnetlink request what names one entry: its original tuple and zone, and its
 * id if it is not 0 (then a later entry with the same tuple is another one). The
 * message has room for at least TUPLE_BYTES_MAX more. Returns 0 or -ENOMEM.
 */
int tuple_put(struct nlmsghdr *message, const struct flow *flow);

enum { TUPLE_BYTES_MAX = 256 };

#endif
