/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GUARD_CONTROL_H
#define GUARD_CONTROL_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct ev_loop;
struct text;

/*
 * The guard's ear: a Unix stream socket. A client sends one JSON object on a line and gets
 * one back; then the connection ends. Clients are bounded in number, bytes and time,
 * and never make the guard wait. Opaque: owns the socket, its file and its clients.
 */
struct control;

enum { CONTROL_CLIENTS = 16, CONTROL_REQUEST_MAX = 8192 };

/* Who asks. */
struct control_peer {
	int fd;
	pid_t pid;
	uid_t uid;
	bool trusted; /* root or the guard's own user: may change things */
	bool taken;   /* to be set by who answers and keeps fd: it is his from then on */
};

/*
 * Answers one request, an object: a new reference, or NULL if that is done already and the connection
 * taken.
 */
typedef json_t *control_answer_cb(void *data, const json_t *request,
				  struct control_peer *peer);

/*
 * Listens at path, for owner and group; directories above it are made, one level. A socket
 * that nobody listens at any more is replaced. Returns 0, or -errno with a sentence
 * in *why: -EADDRINUSE if somebody listens there, -EEXIST if it is no socket.
 */
int control_open(struct control **out, const char *path, struct text *why);

/* Serves from here on. */
void control_start(struct control *control, struct ev_loop *loop,
		   control_answer_cb *answer, void *data);

/* Closes it and its clients and removes the socket's file if it is still ours; NULL is allowed. */
void control_close(struct control *control);

#endif
