/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SERVER_WORKER_H
#define SERVER_WORKER_H

#include <stddef.h>

struct binding;
struct board;
struct log;
struct publish;
struct quota;
struct settings;
struct stats;

/* What a worker process is given; all of it stays the caller's. */
struct worker_task {
	struct binding *bindings; /* its listening sockets, which it closes to stop */
	size_t binding_count;
	const struct settings *settings;
	const struct log *log;
	struct board *board;
	struct stats *stats;
	struct quota *quota;     /* of connections; NULL: no limit */
	struct quota *udp_quota; /* of subscribers of feeds over UDP; NULL: no limit */
	struct publish *publish; /* NULL: nobody publishes */
	unsigned number;         /* of this worker, from 0 */
	unsigned workers;        /* that share the CPUs; 0: it runs on any */
};

/*
 * Serves until SIGTERM, then ends what is open, for settings->drain_s at most. For a
 * process of its own: takes over SIGTERM, SIGINT and SIGPIPE, and unblocks all signals
 * once it is ready for them. Returns 0, or -errno if it could not start.
 */
int worker_run(const struct worker_task *task);

#endif
