/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SERVER_BATON_H
#define SERVER_BATON_H

#include <sys/types.h>

/*
 * Whose turn it is to do what one process at a time may do, over several ctserves that
 * replace each other: turns 0, 1, 2... A lock on a byte of a file without a name
 * (fcntl(2), F_SETLK), so a turn ends with its process at the latest. A plain value, the same in
 * all processes of a ctserve.
 */
struct baton {
	int fd; /* at its end the process gives up its turn: not to be copied and closed */
	unsigned turn;
};

/* Makes one, at turn 0. Returns 0 or -errno. */
int baton_open(struct baton *out);

/* Who has our turn, or still has one before ours; 0: nobody else does. */
pid_t baton_holder(const struct baton *baton);
pid_t baton_holder_before(const struct baton *baton);

/* Takes our turn. Returns 0; -EAGAIN if somebody has it, or one before ours; another -errno. */
int baton_take(const struct baton *baton);

/* Ends it. */
void baton_give(const struct baton *baton);

#endif
