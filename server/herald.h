/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SERVER_HERALD_H
#define SERVER_HERALD_H

#include <ev.h>
#include <stdbool.h>

#include "lib/notify.h"

struct args_why;
struct log;
struct stats;
struct text;

/*
 * Tells the outside how the service is, from the supervisor's loop: the service manager
 * by sd_notify(3), and Prometheus by HTTP. Zero-initialise before use; herald_open()
 * may be left out, then it tells nobody.
 */
struct herald {
	const struct log *log;
	struct notify notify;
	struct exporter *exporter; /* NULL: no metrics */
	struct ev_loop *loop;      /* NULL: not in one */
	ev_timer watchdog, status;
	unsigned workers;
	/* Sums up what the workers have counted. */
	void (*count)(void *data, struct stats *out);
	void *data;
};

/*
 * Gets ready to tell, and listens for Prometheus at the address unless it is NULL. Returns
 * 0, or -errno with one sentence in *why.
 */
int herald_open(struct herald *herald, const struct log *log, const char *metrics,
		struct args_why *why);

/* All workers serve. */
void herald_ready(struct herald *herald, struct ev_loop *loop, unsigned workers,
		  void (*count)(void *data, struct stats *out), void *data);

/* A reload begins; with done it is over. */
void herald_reload(const struct herald *herald, bool done);

/* The service drains and ends. */
void herald_stopping(const struct herald *herald);

/* Leaves the loop and closes all, also in a worker that was forked; again is allowed. */
void herald_close(struct herald *herald);

#endif
