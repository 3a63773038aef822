/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CONNTRACK_COLLECTOR_H
#define CONNTRACK_COLLECTOR_H

struct lifetimes;

/*
 * Seconds from the begin of one run of the kernel's garbage collector to that of the next, by what the
 * entries of the sample have to live at that time; entries are those of the table, tick_s is 1/HZ.
 *
 * gc_worker (net/netfilter/nf_conntrack_core.c) takes the mean of their timeouts, but as a running one of
 * whole ticks that is divided by the number met so far, so it stands still as soon as that exceeds
 * any difference: after some thousand entries. With short lives it stays well above the mean, with a
 * few entries that live long it is often a minute. Pure.
 */
double collector_interval_s(const struct lifetimes *l, double entries, double tick_s);

/* That of the running kernel. */
double collector_tick_s(void);

#endif
