/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RULES_PERFORMANCE_H
#define RULES_PERFORMANCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/text.h"
#include "rules/copy.h"

struct detours;
struct ranges;
struct service;
struct watch;

/*
 * A service played once in a copy of a network namespace: by a process of its own, which ends with
 * the one that asked for it, however that ends, and with it all that there was of the copy.
 */
struct performance {
	char why[COPY_TEXT_MAX]; /* it could not be played; "" if it was */
	size_t flows, left_out;  /* conversations, and those that were too many */
	bool heard;              /* at least one came through */
	uint64_t reached;        /* which rules of the watch were met, a bit each */
	struct copy_missing missing;
	size_t facts;
	/* Sorted by what comes behind PLAY_OF_PACKETS and the like, each once; point into text. */
	const char **fact;
	struct text text;
};

enum { PERFORMANCE_SECONDS_MAX = 60 };

/*
 * ports: that the kernel gives to clients; detours: see detours.h. untracked: as if "ctrules add service" had come between the first conversations and those that follow. Returns 0,
 * -ETIMEDOUT, -E2BIG if there was too much to tell, -ECANCELED if the process was killed, or another
 * -errno. performance_clear() it in any case.
 */
int performance_give(const struct copy *copy, const struct service *service,
		     const struct ranges *ports, const struct detours *detours,
		     const struct watch *watch, bool untracked, struct performance *out);
void performance_clear(struct performance *performance);

#endif
