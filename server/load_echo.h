/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SERVER_LOAD_ECHO_H
#define SERVER_LOAD_ECHO_H

#include <stdint.h>

#include "server/hist.h"
#include "server/load.h"
#include "server/tally.h"

/*
 * What came of an echo run. sent = received + lost + outstanding;
 * what could not be sent is in errors only.
 */
struct echo_result {
	struct load_outcome outcome;
	unsigned processes;
	unsigned
		broken; /* of them, that ended before their time; their part is in the sum */
	unsigned stuck; /* that did not end, and were killed */
	uint64_t sent;
	uint64_t received;
	uint64_t lost;        /* no echo within the wait */
	uint64_t outstanding; /* neither, when the run was stopped */
	uint64_t received_late;
	uint64_t duplicates;
	uint64_t
		unexpected; /* messages that echo nothing that was sent, or not unchanged */
	uint64_t refused;   /* errors that came back; the messages are among the lost */
	uint64_t overruns;      /* echoes that found our receive buffer full */
	double seconds;         /* of sending */
	double rate;            /* received per second of it */
	struct hist latency_ns; /* from the time when it should have been sent */
	struct tally errors;
};

struct args_why;

/* Whether the processes that there may be can do it; else -ERANGE with one sentence. */
int load_echo_check(const struct load *load, struct args_why *why);

/*
 * Sends messages of load->size_bytes from load->flows sockets for load->duration_ns and times
 * their echoes: at load->rate whatever comes back, or, if that is 0, load->window at
 * a time. By as many processes as the flows, the rate and the CPUs make worth it, or as
 * load->processes says; they take turns, so that all together keep the rate. Returns 0 when it ran, -errno if no socket could be opened or connected.
 */
int load_echo_run(const struct load *load, struct echo_result *out);

#endif
