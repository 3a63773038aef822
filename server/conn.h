/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SERVER_CONN_H
#define SERVER_CONN_H

#include <ev.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "server/session.h"
#include "server/wheel.h"

struct buffer;
struct conn;
struct context;

/*
 * What a service does with a connection. Each may close it, and is the last to touch it
 * in a callback of the loop.
 */
struct conn_ops {
	void (*start)(struct conn *conn);
	/* Bytes arrived; they are gone when it returns. */
	void (*data)(struct conn *conn, const char *data, size_t bytes);
	void (*eof)(struct conn *conn);     /* the peer has ended its side */
	void (*due)(struct conn *conn);     /* the time of conn_wake_at() has come */
	void (*drained)(struct conn *conn); /* what was blocked has been written */
	void (*stop)(struct conn *conn);    /* the worker wants to end */
	void (*release)(struct conn *conn); /* give back what conn->session holds */
};

enum conn_phase {
	CONN_OPEN,
	CONN_ENDING,    /* closes when what is blocked has been written */
	CONN_LINGERING, /* our side is ended; waits for the peer's */
};

/* One TCP connection: less than 256 bytes while idle, its feed's id and libev's share included. */
struct conn {
	ev_io io;
	struct wheel_entry timer;
	LIST_ENTRY(conn) entry;
	struct context *context;
	const struct conn_ops *ops;
	struct buffer *out;     /* NULL: nothing is blocked */
	struct buffer *in;      /* NULL: nothing was put aside */
	struct session session; /* of HTTP */
	uint8_t phase;          /* enum conn_phase */
	bool eof;               /* the peer has ended its side */
	uint8_t quiet; /* quarters of the idle time without a byte, of echo and discard */
};

/* Starts to serve the accepted socket fd, which it then owns. Returns 0 or -ENOMEM. */
int conn_open(struct context *context, int fd, const struct conn_ops *ops);

/* Closes the connection at once and frees it. */
void conn_close(struct conn *conn);

/*
 * Writes; what the socket does not take waits in a pooled buffer. Returns 0 when all of
 * it is sent or waits; -EAGAIN when nothing of it could be taken (the caller may skip
 * it); another -errno when the connection is of no more use: the caller closes it.
 */
int conn_send(struct conn *conn, const void *data, size_t bytes);

/*
 * Writes the last bytes, which may use the room that conn_send() leaves free, and closes
 * when they and what waits have gone. The caller does not touch conn again.
 */
void conn_end(struct conn *conn, const void *data, size_t bytes);

/* Whether output is waiting. */
bool conn_blocked(const struct conn *conn);

/* Waits for EV_READ, EV_WRITE, both or nothing (0). */
void conn_watch(struct conn *conn, int events);

/*
 * Puts input aside that cannot be answered while output is blocked, and reads no more
 * until it was: then ops->data gets it again. Returns 0 or -ENOBUFS.
 */
int conn_put_aside(struct conn *conn, const char *data, size_t bytes);

/* Calls ops->due at a time of CLOCK_MONOTONIC, instead of at an earlier given one. */
void conn_wake_at(struct conn *conn, uint64_t now_ns, uint64_t due_ns);

/* The time of conn_wake_at() has come: for the owner of the wheel. */
void conn_due(struct conn *conn);

/* The connection that a timer of the wheel belongs to. */
struct conn *conn_of_timer(struct wheel_entry *timer);

/* Reads what is there and then sees an end of input, whether the peer ends its side or not. */
void conn_stop_reading(struct conn *conn);

/* Counts the connection as lost through no will of ours or its peer's, and closes it. */
void conn_drop(struct conn *conn);

#endif
