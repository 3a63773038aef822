/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SERVER_SUPERVISOR_H
#define SERVER_SUPERVISOR_H

#include <stdbool.h>

struct bindings;
struct duty;
struct board;
struct log;
struct quota;
struct settings;

/* What the supervisor is given; all of it stays the caller's. */
struct supervisor_task {
	unsigned workers;
	struct bindings *bindings; /* closed when it stops */
	struct board *board;
	struct quota *quota;     /* NULL: none */
	struct quota *udp_quota; /* NULL: none */
	struct duty *duty;
	const struct settings *settings;
	const struct log *log;
	double report_s;            /* between two calls of report; 0: none */
	void (*ready)(void *data);  /* all workers were started */
	void (*report)(void *data); /* time for a line */
	void *data;
};

/* How supervisor_run() came back, if not with -errno. */
enum {
	SUPERVISOR_ENDED = 0,
	SUPERVISOR_IS_WORKER = 1, /* this is a new process: it has to serve */
};

/*
 * Starts the workers, replaces those that die, and ends them on SIGTERM or SIGINT, within
 * settings->drain_s and a little, or at once on a second one. SIGHUP
 * reaches the workers after the supervisor has seen to the log; SIGUSR2 runs the program
 * anew. Returns SUPERVISOR_ENDED when all have gone; SUPERVISOR_IS_WORKER in each worker process, its number in *worker
 * and all signals blocked; -errno if the first set of workers could not be started (then
 * none is left).
 */
int supervisor_run(const struct supervisor_task *task, unsigned *worker);

#endif
