/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CONNTRACK_ATTRIBUTE_H
#define CONNTRACK_ATTRIBUTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conntrack/flow.h"

struct host;
struct service;

/*
 * Who fills the table: adds up sampled flows by service, by source, by state or by process. Pure:
 * no I/O. Bounded: whatever arrives, at most ATTRIBUTE_ROWS keys are kept, those that come
 * first; as samples are unordered, one with a share of 1 % or more is missed once in 170
 * times, one of 2 % once in 30,000. The rest is "other".
 */
enum { ATTRIBUTE_ROWS = 512, ATTRIBUTE_SLOTS = 2 * ATTRIBUTE_ROWS };

enum attribute_kind {
	ATTRIBUTE_IN,      /* to a port of this host */
	ATTRIBUTE_OUT,     /* opened by this host, to a remote port */
	ATTRIBUTE_FORWARD, /* through this host, to a port elsewhere */
	ATTRIBUTE_SOURCE,  /* from an address prefix */
	ATTRIBUTE_STATE,   /* in a state of its protocol */
	ATTRIBUTE_SOCKET,  /* of a socket of this host, or why there is none */
	ATTRIBUTE_PROCESS, /* the same, by the name of who holds the socket */
};

/* What flows are added up by. No padding: compared and hashed as bytes; zero what is not used. */
struct attribute_key {
	uint8_t kind;        /* enum attribute_kind */
	uint8_t proto;       /* IPPROTO_... */
	uint8_t family;      /* of the address; AF_UNSPEC: none */
	uint8_t prefix_bits; /* SOURCE: how many of the address count */
	uint16_t port;       /* IN, OUT, FORWARD; host byte order */
	uint16_t state;      /* STATE: enum attribute_state, or of TCP enum tcp_conntrack;
			   SOCKET, PROCESS: enum attribute_holder */
	union flow_address address; /* IN: the one the listener is bound to; SOCKET: its
				       inode; PROCESS: its name */
};

enum attribute_state { STATE_UNREPLIED, STATE_REPLIED, STATE_ASSURED };

/* Who holds the socket of a flow. */
enum attribute_holder {
	HOLDER_PROCESS,   /* one that is, or may be, known */
	HOLDER_NONE,      /* nobody: to this host, where nothing listens */
	HOLDER_OUTBOUND,  /* opened by this host; its socket was not looked for */
	HOLDER_FORWARDED, /* not this host */
	HOLDER_UNKNOWN,   /* a process that could not be found */
};

struct attribute_row {
	struct attribute_key key;
	uint64_t inode; /* IN: of a listening socket; 0: none was found */
	uint32_t flows;
	uint32_t unreplied;
	uint32_t assured;
	uint32_t nat;
};

struct attribute {
	struct attribute_row total; /* all that were added; no key */
	struct attribute_row other; /* those that fit no row; no key */
	size_t count;
	uint16_t slot[ATTRIBUTE_SLOTS]; /* row number + 1 by hash; 0: free */
	struct attribute_row rows[ATTRIBUTE_ROWS];
};

/* Forgets all flows. */
void attribute_clear(struct attribute *attribute);

/* All that one flow is added up by. */
struct attribute_keys {
	bool has_service;
	struct attribute_key service; /* if it has one */
	uint64_t inode;               /* of the listening socket, or 0 */
	struct attribute_key source;
	struct attribute_key state;
	struct attribute_key socket;
};

/*
 * Finds them. The service is the listening socket a flow talks to (after translation), else the
 * remote port if this host opened it, else the port it is forwarded to (the one that was asked
 * for, before translation); what has no ports has no service: "other". The source is the
 * network that opened the flow, /24 of IPv4, /64 of IPv6. A flow that was picked up
 * in the middle in the wrong direction counts the right way round: of TCP what the kernel did not see
 * from its first packet, of UDP what comes from a socket that listens, or is forwarded from a port below 1024.
 */
void attribute_keys(const struct host *host, const struct flow *flow,
		    struct attribute_keys *out);

/* The service alone. Returns false if it has none; *inode is the listening socket's, or 0. */
bool attribute_service(const struct host *host, const struct flow *flow,
		       struct attribute_key *out, uint64_t *inode);

/*
 * Whether the flow counts for a service, however its listeners are bound: one without an address has
 * those of all addresses.
 */
bool attribute_is_of(const struct host *host, const struct flow *flow,
		     const struct service *service);

/* The key of the process with that name (its first 15 bytes), or NULL: why there is none. */
void attribute_process(const char *name, enum attribute_holder holder,
		       struct attribute_key *out);

/* Counts a flow in a row. */
void attribute_count(struct attribute_row *row, const struct flow *flow);

/* Adds a flow under a key, NULL: under "other". The first inode that is not 0 is kept. */
void attribute_add(struct attribute *attribute, const struct attribute_key *key,
		   uint64_t inode, const struct flow *flow);

/* Adds what another table has under a key, NULL: under "other". */
void attribute_merge(struct attribute *attribute, const struct attribute_key *key,
		     const struct attribute_row *row);

/* Sorts the rows, most flows first. Only attribute_clear() may follow. */
void attribute_sort(struct attribute *attribute);

/*
 * A share of a sample, and how far off it may be: ratio - error .. ratio + error holds Wilson's
 * 95 % interval, which is not centred on a small ratio.
 */
struct attribute_share {
	double ratio;
	double error;
};

/* The share of flows in sampled; exact if the sample is the whole table. */
struct attribute_share attribute_share(uint32_t sampled, uint32_t flows,
				       bool sample_complete);

#endif
