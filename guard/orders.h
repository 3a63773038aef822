/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GUARD_ORDERS_H
#define GUARD_ORDERS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "guard/status.h"

struct config;
struct ev_loop;
struct journal;
struct leases;
struct lookout;
struct remedy;
struct trouble;

/* What ends the loop: whoever runs it does what is wanted, and may run it again. */
enum orders_wish {
	ORDERS_NONE,
	ORDERS_STOP,   /* take the rules away and end */
	ORDERS_RELOAD, /* read the configuration again */
};

/*
 * Carries out what is asked over the control socket. The pointers are borrowed;
 * zero-initialise the rest.
 */
struct orders {
	struct ev_loop *loop;
	const struct config *config;
	struct journal *journal;
	struct lookout *lookout;
	struct leases *leases;
	struct remedy *remedy;
	const struct trouble *trouble;
	/* Reads the configuration again: 0, or -errno with the reason in *why. */
	int (*check)(void *data, char *why, size_t size);
	void *data;
	uint64_t started_ns;
	enum orders_wish wish;
};

/* What the guard is doing now; its pointers are those of orders. */
struct status orders_status(const struct orders *orders);

/*
 * Answers a request: {"command":"status"}, "pause", "resume", "release" with "service"
 * and perhaps "now":true, "reload" or "stop"; who is not trusted may only ask for the status. The answer has "ok", and
 * "error" or, of a status, what status.h says.
 */
json_t *orders_answer(struct orders *orders, const json_t *request, bool trusted);

#endif
