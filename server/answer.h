/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SERVER_ANSWER_H
#define SERVER_ANSWER_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

/* What the kernel says of a datagram: its destination, its hops, how a burst is cut. */
enum {
	ANSWER_CONTROL_BYTES = CMSG_SPACE(sizeof(struct in6_pktinfo)) +
			       CMSG_SPACE(sizeof(int)) + CMSG_SPACE(sizeof(int)),
};

/* No answer goes further than this, so none comes back more often than this. */
enum { ANSWER_HOPS_MAX = 64 };

struct answer {
	unsigned datagrams; /* in the message: more than one is a burst */
	int hops;           /* it may go; 0: not told, or none */
	bool allowed;       /* false: sent to a group or to everyone, no hop is left, or
			       not all was said */
};

/*
 * Turns what the kernel said of a message of that many bytes, in its control messages, into
 * what it is told of the answer, in place: it reads what it wrote. The answer leaves from the
 * address that was asked, is cut up as the question was, and has a hop less to go than the
 * question had left. So two echoes that a forged datagram set on each other stop by
 * themselves, as do packets that routers send in circles. Pure.
 */
struct answer answer_prepare(struct msghdr *message, size_t bytes);

/*
 * Takes the hops out of a prepared answer whose socket sends everything so far as that
 * (socket_set_hops()): to tell them with each datagram is 4 % of the cost of an echo.
 */
void answer_leave_out_hops(struct msghdr *message);

/* Whether a prepared answer is a burst, to be cut up by the kernel (UDP_SEGMENT). */
bool answer_is_burst(const struct msghdr *message, size_t *segment_bytes);

/* Makes a prepared answer that the kernel would not cut up an uncut one. */
void answer_unburst(struct msghdr *message);

#endif
