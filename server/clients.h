/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SERVER_CLIENTS_H
#define SERVER_CLIENTS_H

#include <stdint.h>

#include "server/share.h"
#include "server/tally.h"

struct load;

/* What a process of clients has come to; its own slot, read by the parent while it runs. */
struct clients_count {
	uint64_t tried;
	uint64_t opened;
	uint64_t failed;
	uint64_t closed_early;
	uint64_t fed; /* connections that got a chunk */
	uint64_t chunks;
	uint64_t bytes;
	uint64_t
		missed; /* over UDP: numbers of chunks that did not come when they should, */
	uint64_t belated;  /* of these, came after all */
	uint64_t again;    /* chunks that came twice */
	uint64_t strange;  /* datagrams that are nothing that a feed says */
	uint64_t anew;     /* feeds that the server began again */
	uint64_t overruns; /* datagrams that our receive buffers dropped */
	uint64_t last_opened_ns;
	uint64_t late;
	uint64_t max_late_ns;
	struct tally errors;
};

/* What the parent tells all processes: times of CLOCK_MONOTONIC, 0 until they are known. */
struct clients_orders {
	uint64_t start_ns;
	uint64_t stop_opening_ns;
	uint64_t end_ns;
};

/* The share of one process: its connections below load->count. */
struct clients_share {
	const struct load *load;
	struct share share;
};

/*
 * Opens the connections of this share on schedule and reads what comes until the orders
 * say that it is over. Runs its own libev loop. Returns 0; -EINTR if SIGINT or SIGTERM
 * ended it before; -errno if it could not start.
 */
int clients_run(const struct clients_share *share, struct clients_count *count,
		const struct clients_orders *orders);

#endif
