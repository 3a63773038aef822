/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef LIB_STREAMS_H
#define LIB_STREAMS_H

#include <stdbool.h>

struct log;

/*
 * Makes sure that descriptors 0, 1 and 2 are open, so that no socket gets one of these
 * numbers and is taken for a standard stream. One that was closed still fails with EBADF
 * when it is used. The first call of each main(). Returns 0 or -errno.
 */
int streams_open(void);

/*
 * Whether all that was printed on stdout has been written: flushes it and returns 0, or
 * -errno (-EPIPE, -ENOSPC, -EBADF; -EIO if an earlier write failed, for whatever reason).
 */
int streams_flush(void);

/*
 * streams_flush() at the end of a program that has printed its output. Returns EXIT_OK,
 * or EXIT_FAILED after one sentence.
 */
int streams_finish(const struct log *log);

/*
 * Whether a line of less than PIPE_BUF bytes would have to wait at descriptor fd, for a reader
 * that stalls. Asked each time: O_NONBLOCK would be set for all who share the descriptor.
 */
bool streams_would_wait(int fd);

#endif
