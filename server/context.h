/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SERVER_CONTEXT_H
#define SERVER_CONTEXT_H

#include <ev.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "server/feed.h"
#include "server/siphash.h"
#include "server/wheel.h"

struct board;
struct conn;
struct log;
struct meter;
struct pool;
struct publish;
struct quota;
struct roster;
struct seats;
struct stats;

enum {
	CONTEXT_READ_BYTES = 16 * 1024,
	CONTEXT_SMALL_BYTES = 4 * 1024 - 32, /* with its header 4 KiB at most */
	CONTEXT_SEATS = 262144,              /* subscribers of a worker, some 90 MiB */
	CONTEXT_PORTS = 65536,
	CONTEXT_PORT_BYTES = CONTEXT_PORTS / 8,
};

/* What the command line says about how workers serve; the same for all of them. */
struct settings {
	double interval_s; /* from chunk to chunk of a feed */
	double drain_s;    /* at most, from SIGTERM to the end */
	double idle_s; /* without a byte until echo and discard close a connection; 0: never */
	bool slow_close; /* a feed whose client does not read, rather than drop lines */
	struct meter *meter;           /* of UDP sources; NULL: they are not limited */
	struct siphash_key cookie_key; /* secret */
	uint8_t echo_ports
		[CONTEXT_PORT_BYTES]; /* UDP ports that we echo on: a bit each */
};

LIST_HEAD(conn_list, conn);

/* What the parts of one worker process share. The worker owns it, they borrow it. */
struct context {
	struct ev_loop *loop;
	const struct settings *settings;
	const struct log *log;
	struct board *board;
	struct stats *stats;     /* this worker's slot of the board */
	struct quota *quota;     /* of connections by source; NULL: no limit */
	struct quota *udp_quota; /* of subscribers, at their seats; NULL: the same */
	struct seats *seats;     /* of the subscribers of all UDP feeds */
	unsigned number;         /* of this worker */
	struct wheel wheel;      /* timers of connections */
	uint64_t interval_ns;    /* of feeds: a whole number of the wheel's ticks */
	ev_timer turn;           /* turns the wheel while it holds any */
	struct pool *conns;      /* struct conn */
	struct pool *heads;      /* struct http_head, while a head is being read */
	struct pool *small;      /* buffers for feeds that are blocked */
	struct pool *large;      /* the same for a whole read */
	const struct publish *publish; /* NULL: there is no router */
	struct roster *roster;         /* of feeds by id; NULL: the same */
	struct conn_list open;
	bool stopping;
	struct feed_line line;         /* the chunk that was sent last */
	char read[CONTEXT_READ_BYTES]; /* what was just read, by whichever connection */
};

/* Gets the pools and the wheel ready for settings; returns 0 or -ENOMEM. */
int context_open(struct context *context, const struct settings *settings);

/* Frees the pools. */
void context_close(struct context *context);

/*
 * Counts what was not sent because of EPERM, in datagrams or, of a connection, writes; the
 * first one of all processes is explained.
 */
void context_count_eperm(struct context *context, uint64_t count);

/* The same for an accept that ran out of descriptors. */
void context_count_emfile(struct context *context);

#endif
