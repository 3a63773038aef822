/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef LIB_EXPORTER_H
#define LIB_EXPORTER_H

#include <stdint.h>

struct args_why;
struct ev_loop;
struct text;

/*
 * A small HTTP server for one page, /metrics, on a loop of the caller's. Clients are
 * bounded in number and time: the oldest makes room for a new one. Opaque: it owns a
 * listening socket and its clients.
 */
struct exporter;

enum { EXPORTER_CLIENTS = 8 };

/* Whether that is an "ADDR:PORT" to listen at. Returns 0, or -EINVAL with one sentence in *why. Pure. */
int exporter_check(const char *address, struct args_why *why);

/*
 * Listens at "ADDR:PORT" (IPv6 in brackets). Returns 0, or -errno with one sentence in
 * *why: -EINVAL if the text is wrong, another if the address cannot be had.
 */
int exporter_open(struct exporter **out, const char *address, struct args_why *why);

/* Serves from here on; render() writes the page, for each request anew. */
void exporter_start(struct exporter *exporter, struct ev_loop *loop,
		    void (*render)(void *data, struct text *text), void *data);

/* Pages that were sent, and clients that were not served: too slow, too many, no memory. */
uint64_t exporter_served(const struct exporter *exporter);
uint64_t exporter_dropped(const struct exporter *exporter);

/* Closes all of it, also in a forked child, where the parent goes on; NULL is allowed. */
void exporter_close(struct exporter *exporter);

#endif
