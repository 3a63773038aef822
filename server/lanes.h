/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SERVER_LANES_H
#define SERVER_LANES_H

#include <stdint.h>

struct book;
struct load;
struct poller;

/*
 * New UDP flows: flow number i leaves from address i % addresses and the port of lane
 * i / addresses, a socket on every local address that gives each datagram its own source.
 * So one sendmmsg() makes many flows, and no flow is ever made twice. Opaque: owns
 * the sockets and buffers.
 */
struct lanes;

/* Borrows all three until lanes_close(). Returns 0 or -errno. */
int lanes_open(struct lanes **out, const struct load *load, struct poller *poller,
	       struct book *book);

/* Closes every socket; NULL is allowed. */
void lanes_close(struct lanes *lanes);

/*
 * Tries to send flows first..first+n-1, which are the next in order, and writes into the
 * book which were sent and which were not. Returns how many were tried (at least 1); -EAGAIN if
 * it has to wait for older flows to be settled; -errno if no more can be sent at all.
 */
int lanes_send(struct lanes *lanes, uint64_t now_ns, uint64_t first, uint64_t n);

/* Reads what the socket that the poller found ready under key has received. */
void lanes_ready(struct lanes *lanes, uint64_t key);

/* Closes sockets whose flows are all below frontier, which is the ledger's. */
void lanes_settled(struct lanes *lanes, uint64_t frontier);

#endif
