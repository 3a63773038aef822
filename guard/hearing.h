/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GUARD_HEARING_H
#define GUARD_HEARING_H

#include <stdbool.h>

#include "guard/policy.h"
#include "lib/service.h"
#include "rules/audit.h"
#include "rules/judge.h"

struct config;
struct legacy;
struct nl;

/* What judging services takes: the evidence, and room for a verdict. Owns what it points to. */
struct hearing {
	struct evidence evidence;
	struct audit audit; /* of the service that is being judged */
	/* Live entries of each that are translated: known after hearing_search(). */
	unsigned translated[POLICY_SERVICES_MAX];
	int translated_err;
	struct service services[POLICY_SERVICES_MAX];
};

/* Whether there is anything to judge: of UDP that is forced nothing need be known. */
bool hearing_is_needed(const struct config *config);

/*
 * Reads the evidence; legacy is borrowed. Returns 0 or -errno: -ETIME if the guard is for all network
 * namespaces, where rules may be anybody's, and reading them takes longer than others can wait.
 */
int hearing_open(struct hearing **out, struct nl *nl, const struct config *config,
		 const struct legacy *legacy);

/* NULL is allowed. */
void hearing_close(struct hearing *hearing);

/* Searches the table for translated entries of all that config has. That takes long in a full one. */
void hearing_search(struct hearing *hearing, struct nl *nl, const struct config *config);

/* Whether the verdict is open only because the table could not be read. */
bool hearing_is_half_read(const struct audit *audit);

#endif
