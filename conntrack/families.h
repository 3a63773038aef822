/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CONNTRACK_FAMILIES_H
#define CONNTRACK_FAMILIES_H

#include <stdbool.h>
#include <stddef.h>

struct labels;
struct reading;
struct text;

/* One table of a page of metrics; a table has at most LABELS_MAX +
 * ROLLCALL_MAX + 60 series. */
struct families_table {
	const struct reading *reading;
	const struct labels *labels; /* of the reading's sample */
	const char *netns;           /* what the namespace is called in metrics */
};

/*
 * Adds the families ctkit_conntrack_* of these tables in the Prometheus text format; several: each
 * sample tells its network namespace. What is not known has no sample. Pure.
 */
void families_add(const struct families_table *tables, size_t count, bool several,
		  struct text *text);

/* Adds the families node_nf_conntrack_* of one table as node_exporter writes them: no counters. */
void families_add_node(const struct reading *reading, struct text *text);

#endif
