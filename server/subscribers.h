/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SERVER_SUBSCRIBERS_H
#define SERVER_SUBSCRIBERS_H

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "server/frame.h"
#include "server/peer.h"
#include "server/siphash.h"
#include "server/wheel.h"

enum {
	SUBSCRIBERS_MAX = 65536,
	SUBSCRIBER_WAY_BYTES = CMSG_SPACE(sizeof(struct in6_pktinfo))
};

/* Who gets a datagram per interval. Lives in the table; all but the table's part is the caller's. */
struct subscriber {
	struct wheel_entry timer; /* the table's, */
	struct subscriber *next;
	uint64_t due_ns;
	struct peer peer;    /* as it was added */
	uint64_t number;     /* of the last chunk */
	uint64_t expires_ns; /* end of the lease, see subscribers_lease(); 0: none */
	int seat;
	size_t way_bytes; /* control message of the address that was asked */
	char way[SUBSCRIBER_WAY_BYTES];
	char id[FRAME_ID_MAX + 1];
};

/*
 * The subscribers of one socket: by address, and by when they are due. Pure: the caller brings
 * the clock (CLOCK_MONOTONIC, ns). Opaque: owns them, SUBSCRIBERS_MAX at most.
 */
struct subscribers;

/* key makes the places in the table unpredictable. Returns 0 or -ENOMEM. */
int subscribers_open(struct subscribers **out, const struct siphash_key *key,
		     uint64_t interval_ns, uint64_t tick_ns);

/* Frees all of them; NULL is allowed. */
void subscribers_close(struct subscribers *subscribers);

size_t subscribers_count(const struct subscribers *subscribers);

/* The one with this address and port, or NULL. */
struct subscriber *subscribers_find(struct subscribers *subscribers,
				    const struct peer *peer);

/*
 * Adds one that is not there yet, due in an interval, zero but for its peer. NULL if there
 * are SUBSCRIBERS_MAX or there is no memory.
 */
struct subscriber *subscribers_add(struct subscribers *subscribers,
				   const struct peer *peer, uint64_t now_ns);

/* Makes it due at the end of its lease, if that is before its next interval. */
void subscribers_lease(struct subscribers *subscribers, struct subscriber *subscriber,
		       uint64_t now_ns, uint64_t expires_ns);

/* Forgets one; it must not be used any more. */
void subscribers_remove(struct subscribers *subscribers, struct subscriber *subscriber);

/*
 * Takes one that is due, which the caller removes or puts back for its next interval; NULL
 * when there is none left.
 */
struct subscriber *subscribers_due(struct subscribers *subscribers, uint64_t now_ns);
void subscribers_again(struct subscribers *subscribers, struct subscriber *subscriber,
		       uint64_t now_ns);

/* Any of them; NULL when there are none. */
struct subscriber *subscribers_any(struct subscribers *subscribers);

#endif
