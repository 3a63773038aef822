/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RULES_AUDITOR_H
#define RULES_AUDITOR_H

#include <stdint.h>

#include "rules/arena.h"
#include "rules/audit.h"
#include "rules/course.h"
#include "rules/run.h"
#include "rules/world.h"

struct model;
struct surroundings;

/* An audit while it is made, for the parts of it: what it is about, and what it has found. */
struct auditor {
	const struct model *model;
	const struct surroundings *host;
	const struct service *service;
	const struct audit_listener *listener;
	struct arena arena; /* of order */
	struct course order;
	struct world world;
	uint64_t steps_in_all, steps; /* that may still be taken */
	struct audit *out;
	struct audit own, turned; /* these are too large for the stack */
	struct run tracked, untracked, earlier;
	int err; /* -ENOMEM: not all that ask could be told */
};

/* Sends a packet on its way in every case, tracked and untracked, and notes where these fare differently. */
void auditor_judge(struct auditor *auditor, const struct packet *packet);

#endif
