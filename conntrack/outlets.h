/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CONNTRACK_OUTLETS_H
#define CONNTRACK_OUTLETS_H

#include <stdbool.h>

struct args_why;
struct ev_loop;
struct spaces;

/* Where metrics go to. */
struct outlets_wanted {
	const char *metrics; /* ADDR:PORT to serve them at; NULL: none */
	const char *
		textfile; /* directory for node_exporter's textfile collector; NULL: none */
	bool node;        /* with node_exporter's own names for one table */
	bool several;     /* there may be several tables: tell them apart */
};

/* What is wanted and what it takes. Opaque: it owns a listening socket. */
struct outlets;

/*
 * Opens them over spaces, which is borrowed. The strings must outlive it. Returns 0, or -errno and
 * one sentence in *why: -EINVAL if what is wanted cannot be.
 */
int outlets_open(struct outlets **out, const struct outlets_wanted *wanted,
		 struct spaces *spaces, struct args_why *why);

/* Serves metrics on a loop from here on, each page from a look at the tables. */
void outlets_start(struct outlets *outlets, struct ev_loop *loop);

/*
 * Writes DIR/ctwatch.prom, if that is wanted: at once for who reads it, and for everybody to
 * read. Returns 0 or -errno, then *why says so.
 */
int outlets_write(struct outlets *outlets, struct args_why *why);

/*
 * Ends the serving, before the loop is destroyed, and removes the file, which nobody would bring up
 * to date from here on.
 */
void outlets_stop(struct outlets *outlets);

/* Frees it; the file stays. NULL is allowed. */
void outlets_close(struct outlets *outlets);

#endif
