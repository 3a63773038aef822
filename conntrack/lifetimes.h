/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CONNTRACK_LIFETIMES_H
#define CONNTRACK_LIFETIMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct flow;

/*
 * What samples of the table say about how long its entries live. Pure: the caller brings flows and
 * clock. A sample is always of the same slice of hash space, in the same order: entries are met
 * again, so that it shows who came, who was kept by further packets and who changed
 * its state, and with that its timeout. The kernel tells the age of none
 * (net.netfilter.nf_conntrack_timestamp is off by default).
 *
 * Zero-initialise before use; 100 KiB, whatever the samples are.
 */
enum {
	LIFETIMES_LONGEST_S = 256, /* who has longer to live counts as lasting */
	LIFETIMES_PANEL = 2048,    /* entries that are remembered for the next sample */
	LIFETIMES_KINDS = 16,
};

struct lifetimes_flow {
	uint32_t id;
	uint32_t rank; /* which of the sample it was */
	double deadline_s;
	uint8_t kind;
	bool kept; /* its timeout was seen to start anew */
};

struct lifetimes_panel {
	size_t count;
	struct lifetimes_flow flow[LIFETIMES_PANEL];
};

/* Entries with the same timeout: a protocol in one of its states. */
struct lifetimes_kind {
	double timeout_s;   /* the longest that was seen to remain; 0: there are none */
	uint32_t flows;     /* in the sample */
	uint32_t longest_s; /* of what remains to one of them, in whole seconds */
	uint32_t longest;   /* flows to which so much does */
	uint32_t shorter;   /* to which a second less does */
	double stayed; /* came or changed to it, but for those that changed from it or were */
		       /* kept: a second, for each flow of the sample, smoothed */
};

struct lifetimes {
	uint64_t taken_ns; /* CLOCK_MONOTONIC of the last sample; 0: none yet */
	uint32_t flows;    /* in the sample */
	double expiring[LIFETIMES_LONGEST_S]; /* of them, by seconds to live */
	bool compared;    /* the next are known, from two samples at least */
	double elapsed_s; /* from the sample before to the last */
	double arrived;   /* part of the sample that came in elapsed_s */
	double came;      /* the same a second, smoothed */
	struct lifetimes_kind kind[LIFETIMES_KINDS];
	double weight_s; /* of what is smoothed */
	struct lifetimes_panel panel;
	struct lifetimes_panel before;
};

/* A sample: begin, each flow in the order of the dump, end. A clock that goes back begins anew. */
void lifetimes_begin(struct lifetimes *l, uint64_t now_ns);
void lifetimes_add(struct lifetimes *l, const struct flow *flow);
void lifetimes_end(struct lifetimes *l);

/* Forgets what was seen: the next sample is the first. */
void lifetimes_restart(struct lifetimes *l);

#endif
