/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SERVER_DUTY_H
#define SERVER_DUTY_H

#include <stdbool.h>
#include <sys/types.h>

#include "server/guardian.h"
#include "server/herald.h"
#include "server/inheritance.h"

struct args_why;
struct bindings;
struct board;
struct log;
struct publish;
struct stats;

/*
 * What the supervisor owes to others than its workers: the log's file, the service
 * manager, Prometheus, the guard, and the ctserve that comes after it. The pointers stay the
 * caller's.
 */
struct duty {
	struct log *log;
	struct bindings *bindings;
	struct publish *publish; /* NULL: there is no router */
	struct board *board;
	unsigned workers;
	char *const *argv;        /* to run the program anew */
	const char *log_path;     /* NULL: stderr */
	const char *user;         /* to become; NULL: nobody else */
	const char *metrics;      /* where to listen for Prometheus; NULL: nowhere */
	struct guardian guardian; /* path and listeners are the caller's to set */
	struct herald herald;
	struct inheritance inheritance;
};

/*
 * Opens what there is to open, and becomes the user: the last thing before the workers
 * start. Returns 0, -EINVAL if the command line is wrong, or another -errno; then there
 * is one sentence in *why.
 */
int duty_open(struct duty *duty, struct args_why *why);

/* All workers serve: says so, and ends those of before. */
void duty_ready(struct duty *duty, struct ev_loop *loop);

/* Sums up what was counted so far. */
void duty_count(const struct duty *duty, struct stats *out);

/* SIGHUP: opens the log anew. Returns whether the terminal hung up, which ends the service. */
bool duty_hangup(const struct duty *duty);

/* SIGUSR2: runs the program anew in this process; returns if it cannot. */
void duty_replace(const struct duty *duty, const pid_t *workers, unsigned count);

/* The service drains: nobody can publish any more. */
void duty_stopping(struct duty *duty);

/* Leaves the loop and closes all, also in a new worker; again is allowed. */
void duty_close(struct duty *duty);

#endif
