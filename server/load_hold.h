/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SERVER_LOAD_HOLD_H
#define SERVER_LOAD_HOLD_H

#include <stdint.h>

#include "server/load.h"
#include "server/tally.h"

struct args_why;

/*
 * What came of held connections: the sum over all processes.
 * asked = opened + failed + outstanding + never tried.
 */
struct hold_result {
	struct load_outcome outcome;
	uint64_t asked;
	uint64_t tried;
	uint64_t
		opened; /* the head of a response with status 200, or the welcome, arrived */
	uint64_t failed; /* refused, neither within the wait, another status, not HTTP */
	uint64_t outstanding; /* neither, when the run was stopped */
	uint64_t
		closed_early; /* opened, and ended by the server before the time was over */
	uint64_t fed;         /* opened, and got a chunk */
	uint64_t chunks;
	uint64_t bytes;      /* received, heads and framing too */
	uint64_t lost;       /* over UDP: chunks whose numbers were skipped; and */
	uint64_t duplicates; /* chunks that came again, */
	uint64_t unexpected; /* datagrams that are nothing that a feed says, */
	uint64_t restarted;  /* feeds that the server began again, */
	uint64_t overruns;   /* datagrams that our receive buffers dropped */
	double open_seconds; /* from the start to the last one that opened */
	unsigned processes;
	unsigned broken; /* processes that ended before their time */
	unsigned stuck;  /* processes that did not end and were killed */
	struct tally errors;
};

/*
 * Whether the addresses have enough ports, few enough processes can hold the descriptors,
 * and ids are short enough. Returns 0, or -ERANGE with one sentence in *why.
 */
int load_hold_check(const struct load *load, struct args_why *why);

/*
 * Opens load->count feeds at load->target, load->rate a second, and holds them for
 * load->duration_ns from when the last one was opened. Returns 0 when it ran; -errno if it
 * could not start.
 */
int load_hold_run(const struct load *load, struct hold_result *out);

#endif
