/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SERVER_HANDSHAKES_H
#define SERVER_HANDSHAKES_H

#include <stdint.h>

struct book;
struct load;
struct poller;

/*
 * New TCP flows: flow number i connects from address i % addresses and the
 * (i / addresses)-th port, and is closed as soon as the connection stands. Opaque: owns the
 * sockets of those that are on their way.
 */
struct handshakes;

/* Borrows all three until handshakes_close(). Returns 0 or -errno. */
int handshakes_open(struct handshakes **out, const struct load *load,
		    struct poller *poller, struct book *book);

/* Closes every socket; NULL is allowed. */
void handshakes_close(struct handshakes *handshakes);

/*
 * Starts flows first..first+n-1, which are the next in order, and writes into the book
 * what failed at once. Returns how many were tried (at least 1), or -EAGAIN if it has to
 * wait for older flows to be settled.
 */
int handshakes_send(struct handshakes *handshakes, uint64_t now_ns, uint64_t first,
		    uint64_t n);

/* Ends the handshake that the poller found ready under key. */
void handshakes_ready(struct handshakes *handshakes, uint64_t key);

/* Gives up flows below frontier, which is the ledger's. */
void handshakes_settled(struct handshakes *handshakes, uint64_t frontier);

#endif
