/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CONNTRACK_LINES_H
#define CONNTRACK_LINES_H

#include <stdbool.h>
#include <stddef.h>

#include <ev.h>

/*
 * Lines to a descriptor whose reader may stall: nobody waits for it. What a pipe does not
 * take at once follows when it can; until then the next lines are to be left out.
 */
struct lines {
	struct ev_loop *loop;
	ev_io io;
	char *rest; /* of what was put; NULL: all is out */
	size_t length, done;
	int err; /* 0, or the -errno for which nothing more can be written */
	void (*on_change)(void *data); /* all is out, or it failed */
	void *data;
};

/* on_change() may come from the loop, with data, whenever something was still to be written. */
void lines_init(struct lines *lines, struct ev_loop *loop, int fd,
		void (*on_change)(void *data), void *data);

/* Whether something is still to be written: nothing may be put then. */
bool lines_busy(const struct lines *lines);

/*
 * Writes text, which is malloc()ed and taken over, as far as that is possible without waiting.
 * Returns 0 or -errno (-EPIPE: the reader is gone).
 */
int lines_put(struct lines *lines, char *text, size_t length);

/* Forgets the rest. */
void lines_stop(struct lines *lines);

#endif
