/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GUARD_PICKUP_H
#define GUARD_PICKUP_H

#include <stdbool.h>

struct midstream;

/*
 * Whether connections that are open but not in the table are cut off when their packets are tracked
 * again, in the network namespace of the calling thread: the one place that decides it. They are
 * picked up mid-stream as new ones, unless the kernel is told not to
 * (net.netfilter.nf_conntrack_tcp_loose=0), and what rules do to them either way is known.
 */
bool pickup_cuts(const struct midstream *midstream);

#endif
