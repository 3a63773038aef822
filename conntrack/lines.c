// SPDX-License-Identifier: GPL-2.0-or-later
#include "conntrack/lines.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/streams.h"

void lines_stop(struct lines *lines)
{
	ev_io_stop(lines->loop, &lines->io);
	free(lines->rest);
	lines->rest = NULL;
}

/*
 * No more at a time than a pipe that is ready takes whole: O_NONBLOCK would be set for all who
 * share the descriptor.
 */
static void push(struct lines *lines)
{
	while (lines->done < lines->length && !streams_would_wait(lines->io.fd)) {
		size_t left = lines->length - lines->done;
		ssize_t bytes = write(lines->io.fd, lines->rest + lines->done,
				      left < PIPE_BUF ? left : PIPE_BUF);

		if (bytes < 0 && errno != EINTR && errno != EAGAIN) {
			lines->err = -errno;
			lines_stop(lines);
			return;
		}
		lines->done += bytes > 0 ? (size_t)bytes : 0;
	}
	if (lines->done == lines->length)
		lines_stop(lines);
	else
		ev_io_start(lines->loop, &lines->io);
}

static void on_writable(struct ev_loop *loop, ev_io *io, int revents)
{
	struct lines *lines = io->data;

	push(lines);
	if (!lines->rest)
		lines->on_change(lines->data);
}

void lines_init(struct lines *lines, struct ev_loop *loop, int fd,
		void (*on_change)(void *data), void *data)
{
	*lines = (struct lines){ .loop = loop, .on_change = on_change, .data = data };
	ev_io_init(&lines->io, on_writable, fd, EV_WRITE);
	lines->io.data = lines;
}

bool lines_busy(const struct lines *lines)
{
	return lines->rest;
}

int lines_put(struct lines *lines, char *text, size_t length)
{
	lines->rest = text;
	lines->length = length;
	lines->done = 0;
	push(lines);
	return lines->err;
}
