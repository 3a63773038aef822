/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SERVER_ECHOER_H
#define SERVER_ECHOER_H

#include <stdbool.h>
#include <stdint.h>

#include "server/load_echo.h"

struct load;

/* One process's part of an echo run: flow, message and place in the window by turns. */
struct echoer_share {
	const struct load *load;
	uint64_t processes;
	uint64_t index;
};

/* What all processes of a run are told, in shared memory. */
struct echoer_orders {
	uint64_t start_ns; /* when message number 0 is due; 0: not yet */
};

/* What one has done so far, in shared memory. */
struct echoer_count {
	struct echo_result result;
	uint64_t connected; /* flows that can send; final once it is ready */
	uint64_t last_ns;   /* of the last send */
	bool ready;
};

/*
 * Connects, waits for the start, and does its part until it is over or a SIGINT or SIGTERM
 * ends it. Returns 0, or -errno if it could not begin.
 */
int echoer_run(const struct echoer_share *share, struct echoer_count *count,
	       const struct echoer_orders *orders);

#endif
