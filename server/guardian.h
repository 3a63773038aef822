/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SERVER_GUARDIAN_H
#define SERVER_GUARDIAN_H

#include <ev.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct listener;
struct log;

enum { GUARDIAN_ANSWER_MAX = 16384, GUARDIAN_WHY_MAX = 200 };

/* How it stands with the guard. */
enum guardian_state {
	GUARDIAN_AWAY,   /* no connection: tried again later */
	GUARDIAN_ASKING, /* asked to be registered, waits for the answer */
	GUARDIAN_KNOWN,  /* registered as long as the connection lasts */
};

/*
 * Tells whoever guards this host, over a Unix socket, what is served here, and how many sends the kernel
 * did not permit (EPERM): a protocol of lines of JSON that ctguard(8) describes. The
 * service never waits for it, and goes on without. The first members are the caller's, the rest
 * is zero-initialised.
 */
struct guardian {
	const char *path; /* of the socket; NULL: there is none, and nothing is done */
	const struct listener *listeners;
	size_t listener_count;
	const struct log *log;
	uint64_t (*eperm)(void *data); /* such sends since the start */
	void *data;

	struct ev_loop *loop; /* NULL: not started */
	ev_io io;
	ev_timer timer;
	enum guardian_state state;
	int fd;
	double delay_s;                 /* before the next try */
	bool absence_told;              /* in the log */
	char refusal[GUARDIAN_WHY_MAX]; /* what was last told of one */
	uint64_t reported;
	size_t received;
	char answer[GUARDIAN_ANSWER_MAX];
};

/* From here on, in loop. */
void guardian_start(struct guardian *guardian, struct ev_loop *loop);

/* Ends the registration; again is allowed, and without a start. */
void guardian_stop(struct guardian *guardian);

/*
 * The line that asks to register what listeners serve, in the network namespace with that inode;
 * the caller frees it. NULL: no memory. Pure.
 */
char *guardian_request(const struct listener *listeners, size_t count, uint64_t netns);

/*
 * Whether an answer, which may be anything, says that something is registered. If not, *why is the
 * reason; if so, what is refused all the same, or "". Of control characters nothing is left. Pure.
 */
bool guardian_is_registered(const char *answer, size_t length,
			    char why[GUARDIAN_WHY_MAX]);

#endif
