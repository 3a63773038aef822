/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SERVER_OPENER_H
#define SERVER_OPENER_H

#include <ev.h>
#include <stdbool.h>
#include <stdint.h>

#include "server/clients.h"
#include "server/pacer.h"

/*
 * Opens the feeds of one process on schedule, until the orders say that it is over. Whose feeds
 * they are has it as its first member, sets the first group and leaves the rest alone
 * but for the loop, whose userdata it is.
 */
struct opener {
	const struct clients_share *share;
	struct clients_count *count;
	const struct clients_orders *orders;
	/* Opens feed i of ours, whose number is that. */
	void (*open)(struct opener *opener, uint64_t i, uint64_t number, uint64_t now_ns);
	/* Some twenty times a second, for what waits. */
	void (*look)(struct opener *opener, uint64_t now_ns);
	/* Ends all below next, before the loop is gone. */
	void (*close_all)(struct opener *opener);

	struct ev_loop *loop;
	uint64_t next; /* of ours: the first that was not tried */
	ev_timer tick;
	ev_signal interrupt;
	ev_signal terminate;
	struct pacer pacer; /* of all processes together */
	bool started;
	uint64_t opened_ns; /* when the last opening ended */
	uint64_t mine;
};

/*
 * Runs a libev loop of its own. Returns 0; -EINTR if SIGINT or SIGTERM ended it before its
 * time; -ENOMEM if it could not start.
 */
int opener_run(struct opener *opener);

/* Milliseconds since the start of the run. */
uint32_t opener_passed_ms(const struct opener *opener, uint64_t now_ns);

#endif
