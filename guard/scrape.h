/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GUARD_SCRAPE_H
#define GUARD_SCRAPE_H

struct args_why;
struct dispatch;
struct ev_loop;

/*
 * Serves the guard's metrics to who scrapes them. Opaque: owns a listening socket.
 */
struct scrape;

/* Listens at "ADDR:PORT". Returns 0, or -errno with a sentence in *why. */
int scrape_open(struct scrape **out, const char *address, struct args_why *why);

/* Serves from here on, by a loop; all is borrowed. */
void scrape_start(struct scrape *scrape, struct ev_loop *loop,
		  const struct dispatch *dispatch);

/* Before the loop is destroyed; NULL is allowed. */
void scrape_close(struct scrape *scrape);

#endif
