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
struct text;

/* What the guard is doing. */
enum status_state {
	STATUS_WATCHING, /* nothing is out of tracking */
	STATUS_ENGAGED,
	STATUS_HELPLESS,      /* the table fills, and nothing that is allowed helps */
	STATUS_PAUSED,        /* by order: it decides nothing */
	STATUS_STANDING_DOWN, /* its table was deleted on purpose: it acts on nothing */
};

/* Everything that "status" tells; the pointers are borrowed. */
struct status {
	enum status_state state;
	bool rehearse;
	uint64_t started_ns;
	uint64_t errors; /* looks and readings that failed */
	const struct config *config;
	const struct leases *leases;
	const struct policy_view *view;
	const struct journal *journal;
};

/* The answer to "status", described in ctguard(8): a new object, NULL when memory ran out. */
json_t *status_json(const struct status *status);

/* The same for people, from that object, which may be anything: it came from a socket. */
void status_text(const json_t *object, struct text *text);

/* "watching", "engaged", ... */
const char *status_state_name(enum status_state state);

/* Whether that object says that the guard cannot help. */
bool status_is_helpless(const json_t *object);

#endif
