/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CONNTRACK_SAMPLE_H
#define CONNTRACK_SAMPLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct flow;
struct nl;

/* Called for each sampled flow; the flow is valid during the call. */
typedef void sample_cb(const struct flow *flow, void *data);

struct sample {
	uint32_t flows;     /* how many were given to the callback */
	uint32_t malformed; /* messages that could not be read, skipped */
	uint32_t expiring;  /* flows that will have expired in SAMPLE_EXPIRING_S */
	int cut;            /* 0, or why it ends early: -EINTR or -ENOBUFS */
	bool complete; /* the walk reached the table's end: every live flow was seen */
};

enum { SAMPLE_EXPIRING_S = 2 };

/* How many flows to read: enough, and more of them, up to most, while the time lasts. */
struct sample_size {
	uint32_t enough;
	uint32_t most;
	double budget_s;
};

/*
 * Reads the first max flows of the table's dump and stops it there: cost follows
 * max, not the table. Because the table is ordered by a keyed hash this is an unbiased
 * sample of the live flows, but always of the same slice of hash space: an
 * error about long-lived flows persists from one sample to the next. Returns 0 or -errno;
 * a dump that the kernel interrupts (EINTR, ENOBUFS) is what was read so far, not an error.
 */
int sample_take(struct nl *nl, uint32_t max, sample_cb *cb, void *data,
		struct sample *out);

/* The same of a size that follows how fast it goes: when it stops has nothing to do with what is
   in the flows, so the sample is as unbiased. */
int sample_take_sized(struct nl *nl, const struct sample_size *size, sample_cb *cb,
		      void *data, struct sample *out);

/*
 * Makes the kernel drop the entries that have expired but are still counted: it does so while it
 * walks the table for a dump (net/netfilter/nf_conntrack_netlink.c, ctnetlink_dump_table), here for
 * one that selects nothing. 0.1 s on a table of 262,144. Returns 0 or -errno.
 */
int sample_purge(struct nl *nl);

#endif
