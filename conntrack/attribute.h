/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CONNTRACK_ATTRIBUTE_H
#define CONNTRACK_ATTRIBUTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conntrack/flow.h"

struct host;

/*
 * Who fills the table: adds up sampled flows by service, by source or by state. Pure: no I/O.
 * Bounded: whatever arrives, at most ATTRIBUTE_ROWS keys are kept, those that come first; as
 * samples are unordered, one with a share of 2 % or more is missed once in 170 times. The
 * rest is "other".
 */
enum { ATTRIBUTE_ROWS = 256, ATTRIBUTE_SLOTS = 2 * ATTRIBUTE_ROWS };

enum attribute_kind {
	ATTRIBUTE_IN,      /* to a port of this host */
	ATTRIBUTE_OUT,     /* opened by this host, to a remote port */
	ATTRIBUTE_FORWARD, /* through this host, to a port elsewhere */
	ATTRIBUTE_SOURCE,  /* from an address prefix */
	ATTRIBUTE_STATE,   /* in a state of its protocol */
};

/* What flows are added up by. No padding: compared and hashed as bytes; zero what is not used. */
struct attribute_key {
	uint8_t kind;        /* enum attribute_kind */
	uint8_t proto;       /* IPPROTO_... */
	uint8_t family;      /* of the address; AF_UNSPEC: none */
	uint8_t prefix_bits; /* SOURCE: how many of the address count */
	uint16_t port;       /* IN, OUT, FORWARD; host byte order */
	uint16_t state; /* STATE: enum attribute_state, or of TCP enum tcp_conntrack */
	union flow_address address; /* IN: the one the listener is bound to */
};

enum attribute_state { STATE_UNREPLIED, STATE_REPLIED, STATE_ASSURED };

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

/*
 * The service of a flow: the listening socket it talks to (after translation), else the remote
 * port if this host opened it, else the port it is forwarded to. TCP that was picked up
 * in the middle in the wrong direction counts the right way round. Returns false for
 * what has no ports: "other". *inode is the listening socket's, or 0.
 */
bool attribute_service(const struct host *host, const struct flow *flow,
		       struct attribute_key *out, uint64_t *inode);

/* The network a flow's first packet came from: /24 of IPv4, /64 of IPv6. */
void attribute_source(const struct flow *flow, struct attribute_key *out);

/* The flow's protocol and state. */
void attribute_state(const struct flow *flow, struct attribute_key *out);

/* Adds a flow under a key, NULL: under "other". The first inode that is not 0 is kept. */
void attribute_add(struct attribute *attribute, const struct attribute_key *key,
		   uint64_t inode, const struct flow *flow);

/* Sorts the rows, most flows first. Only attribute_clear() may follow. */
void attribute_sort(struct attribute *attribute);

/* A share of a sample and the half width of its 95 % interval (Wilson). */
struct attribute_share {
	double ratio;
	double error;
};

/* The share of flows in sampled; exact if the sample is the whole table. */
struct attribute_share attribute_share(uint32_t sampled, uint32_t flows,
				       bool sample_complete);

enum { ATTRIBUTE_NAME_MAX = 96 };

/* "udp/9000", "out:udp/53", "10.8.0.0/24", "tcp established". */
void attribute_name(const struct attribute_key *key, char text[ATTRIBUTE_NAME_MAX]);

/* "in", "out" or "forward" of a service's key. */
const char *attribute_direction(const struct attribute_key *key);

#endif
