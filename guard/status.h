/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GUARD_STATUS_H
#define GUARD_STATUS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct config;
struct journal;
struct leases;
struct policy_view;
struct roll;
struct deeds;
struct vetting;

/* What the guard is doing, the graver the later. */
enum status_state {
	STATUS_WATCHING, /* nothing is out of tracking */
	STATUS_ENGAGED,
	STATUS_PAUSED,        /* by order: it decides nothing */
	STATUS_STANDING_DOWN, /* its table was deleted on purpose: it acts on nothing */
	STATUS_HELPLESS,      /* the table fills, and nothing that is allowed helps */
};

enum { STATUS_TABLES_MAX = 256 };

/* What it is doing in one network namespace; the pointers are borrowed. */
struct status_table {
	const char *netns; /* what it is called; NULL: there is but one, without a name */
	const char *
		label; /* the same for metrics: without numbers that no other will have */
	enum status_state state;
	const struct config *config; /* with what is registered there */
	uint64_t errors;             /* looks and readings that failed */
	const struct leases *leases;
	const struct vetting *vetting;
	const struct policy_view *view;
	const struct deeds *deeds;
	const uint64_t *totals; /* TABLE_COUNTERS of the kernel's; NULL: not known */
};

/* Everything that "status" and the metrics tell; the pointers are borrowed. */
struct status {
	bool rehearse;
	uint64_t started_ns;
	const struct config *config;
	const struct journal *journal;
	const struct roll *roll;
	size_t count;
	struct status_table tables[STATUS_TABLES_MAX];
};

/* The answer to "status", described in ctguard(8): a new object, NULL when memory ran out. */
json_t *status_json(const struct status *status);

/* The gravest of what the tables are in. */
enum status_state status_state(const struct status *status);

/* "watching", "engaged", ... */
const char *status_state_name(enum status_state state);

#endif
