/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SERVER_LOAD_FLOWS_H
#define SERVER_LOAD_FLOWS_H

#include <stdint.h>

#include "server/load.h"
#include "server/tally.h"

struct args_why;

/*
 * What came of new flows. asked = sent + failed to send + never tried;
 * sent = answered + lost + refused + outstanding.
 */
struct flows_result {
	struct load_outcome outcome;
	uint64_t asked;
	uint64_t sent;
	uint64_t answered;
	uint64_t lost;        /* no answer within the wait */
	uint64_t refused;     /* answered by an error, which is in errors */
	uint64_t outstanding; /* neither, when the run was stopped */
	uint64_t answered_late;
	uint64_t duplicates;
	uint64_t unexpected; /* datagrams that answer nothing that was sent */
	uint64_t overruns;   /* answers that found our receive buffer full */
	double seconds;      /* of sending */
	double rate;         /* sent per second of it */
	struct tally errors;
};

/*
 * Whether there are as many address and port pairs as flows are asked for. Returns 0,
 * or -ERANGE with one sentence in *why.
 */
int load_flows_check(const struct load *load, struct args_why *why);

/*
 * Makes load->count new flows to load->target, load->rate a second, and waits for their
 * answers: a datagram each, or a TCP handshake and an orderly close. No two have the same
 * address and port. Returns 0 when it ran, also if nothing was answered; -errno if it
 * could not start.
 */
int load_flows_run(const struct load *load, struct flows_result *out);

#endif
