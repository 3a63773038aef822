/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CONNTRACK_ROLLCALL_H
#define CONNTRACK_ROLLCALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conntrack/attribute.h"
#include "lib/service.h"

struct flow;
struct host;

/*
 * Services that are counted exactly: of one with three entries in a table of 262,144 a sample of
 * 2,500 shows none. What is read is the whole table, 0.8 s. With a filter (CTA_FILTER) the kernel
 * would walk it twice for each family, to find also what was picked up from an answer: 0.4 s.
 * But while nothing fits it goes on with its softirqs off: an echo took up to 61 ms meanwhile, beside
 * this 12 ms. Pure: the caller brings flows and clock. Zero-initialise before use.
 */
enum { ROLLCALL_MAX = 16 };

struct rollcall_list {
	size_t count;
	struct service service[ROLLCALL_MAX];
};

struct rollcall {
	const struct rollcall_list *asked;          /* borrowed; NULL: none */
	struct attribute_row calling[ROLLCALL_MAX]; /* while it goes on; no keys */
	struct attribute_row row[ROLLCALL_MAX]; /* of the last, in the order of asked */
	uint32_t flows;                         /* live entries then */
	uint64_t taken_ns;                      /* CLOCK_MONOTONIC; 0: never */
	uint64_t tried_ns;                      /* the same, also if it was cut short */
	double cost_s;                          /* of that */
};

/*
 * Whether it is time for the next: all that are watched may take a hundredth of the time, and this one
 * that part of it.
 */
bool rollcall_is_due(const struct rollcall *rollcall, double part, uint64_t now_ns);

/* A walk over the table: begin, and each flow. */
void rollcall_begin(struct rollcall *rollcall);
void rollcall_add(struct rollcall *rollcall, const struct host *host,
		  const struct flow *flow);

/* Its end: when it was begun, how long it took, and whether it saw all live entries, which are flows. */
struct rollcall_walk {
	uint64_t begun_ns;
	double cost_s;
	bool complete;
	uint32_t flows;
};

void rollcall_end(struct rollcall *rollcall, const struct rollcall_walk *walk);

#endif
