/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RULES_VERIFY_H
#define RULES_VERIFY_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/service.h"
#include "rules/layout.h"

struct nl;
struct ruleset;
struct text;

/* Whether traffic meets the rules of a service: the counters of both sides must move. */

enum verify_end {
	VERIFY_WAITING,
	VERIFY_MOVED,   /* both have */
	VERIFY_TIMEOUT, /* one has not, or neither */
	VERIFY_GONE,    /* the service is no longer out of tracking */
	VERIFY_STOPPED, /* SIGINT or SIGTERM came */
};

struct verify {
	struct service service;
	double within_s;
	uint64_t before[LAYOUT_SIDES]; /* packets when it began */
	uint64_t moved[LAYOUT_SIDES];  /* and since then */
	double elapsed_s;
	enum verify_end end;
};

/*
 * Begins at the counters in ruleset, where service must be: what apply_add_known() leaves
 * there is what they were when the rules came into force.
 */
void verify_begin(struct verify *verify, const struct ruleset *ruleset,
		  const struct service *service, double within_s);

/* Looks at what was read elapsed_s after the beginning, and sets moved and end. Pure. */
void verify_look(struct verify *verify, const struct ruleset *ruleset, double elapsed_s);

/* Called at each look, ten times a second. */
typedef void verify_cb(const struct verify *verify, void *data);

/*
 * Reads the ruleset into scratch and looks, until there is an end. From then on SIGINT and
 * SIGTERM are blocked: they end the wait, not the process. Returns 0 or -errno.
 */
int verify_wait(struct verify *verify, struct nl *nl, struct ruleset *scratch,
		verify_cb *progress, void *data);

/* What came of it, as one sentence that says which direction does not match. */
void verify_describe(const struct verify *verify, struct text *text);

#endif
