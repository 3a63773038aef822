/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GUARD_PICKUP_H
#define GUARD_PICKUP_H

#include <stdbool.h>

struct service;

/*
 * Whether connections of service that are open but not in the table would die when their packets
 * are tracked again, in the network namespace of the calling thread: the one place that
 * decides it. They are picked up mid-stream as new ones, unless the kernel is told not to
 * (net.netfilter.nf_conntrack_tcp_loose=0). Of UDP there is nothing to pick up. That a rule may
 * drop what is new but no SYN is not seen here.
 */
bool pickup_kills(const struct service *service);

#endif
