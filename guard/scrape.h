/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GUARD_SCRAPE_H
#define GUARD_SCRAPE_H

struct args_why;
struct ev_loop;
struct nl;
struct orders;
struct deeds;

/*
 * Serves the guard's metrics to who scrapes them. Opaque: owns a listening socket.
 */
struct scrape;

/* Listens at "ADDR:PORT". Returns 0, or -errno with a sentence in *why. */
int scrape_open(struct scrape **out, const char *address, struct args_why *why);

/* Serves from here on, by a loop; all is borrowed. nl reads the kernel's counters. */
void scrape_start(struct scrape *scrape, struct ev_loop *loop,
		  const struct orders *orders, const struct deeds *deeds, struct nl *nl);

/* Before the loop is destroyed; NULL is allowed. */
void scrape_close(struct scrape *scrape);

#endif
