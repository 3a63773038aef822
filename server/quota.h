/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SERVER_QUOTA_H
#define SERVER_QUOTA_H

#include <stdint.h>
#include <sys/socket.h>

/*
 * How many TCP connections, or feeds over UDP, each source has, over all workers: a source is
 * an IPv4 address or an IPv6 /64. A bounded table in memory that processes share without locks, so that
 * one that is killed at any point leaves it usable. Opaque: it owns two mappings, which
 * forked children inherit.
 */
struct quota;

/* What its size follows from. */
struct quota_plan {
	uint32_t limit;   /* of one source, 1..QUOTA_LIMIT_MAX */
	unsigned workers; /* numbered from 0 */
	uint64_t places;  /* of a worker: its descriptors, for connections */
};

enum { QUOTA_LIMIT_MAX = 1000 * 1000 };

enum quota_verdict {
	QUOTA_TAKEN,     /* one more of its source */
	QUOTA_REFUSED,   /* its source has as many as it may */
	QUOTA_UNCHECKED, /* no room to count it: admitted all the same */
};

/* Returns 0 or -errno. */
int quota_open(struct quota **out, const struct quota_plan *plan);

/* Unmaps it in this process; NULL is allowed. */
void quota_close(struct quota *quota);

/* Asks for what worker has at a place, such as the descriptor of a connection, from peer. */
enum quota_verdict quota_take(struct quota *quota, unsigned worker, int place,
			      const struct sockaddr *peer);

/* Gives back what a place was counted as, before it is used anew; nothing happens if it was not. */
void quota_give(struct quota *quota, unsigned worker, int place);

/* Gives back all that a worker held, which must have died. */
void quota_settle(struct quota *quota, unsigned worker);

#endif
