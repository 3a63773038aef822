/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RULES_MIDSTREAM_H
#define RULES_MIDSTREAM_H

#include <stdbool.h>

struct model;
struct service;
struct surroundings;

/*
 * Whether open TCP connections of a service, of which there is no entry, would be cut off when their
 * packets are tracked: rules may drop what they let through of connections that are known.
 */
struct midstream {
	bool cuts_loose; /* where conntrack takes them up in their middle, as new ones */
	bool cuts_strict; /* where net.netfilter.nf_conntrack_tcp_loose=0: they are invalid */
};

/* What may be is: of rules that cannot be judged the worst is assumed. */
#define MIDSTREAM_UNKNOWN ((struct midstream){ true, true })

/*
 * Judges by a complete model; of UDP nothing is ever cut off. A connection counts if its first packet is
 * let through, and it is cut off if its next packet in either direction is not, whoever sends first.
 * Pure. Returns 0 or -ENOMEM.
 */
int midstream_judge(const struct model *model, const struct surroundings *host,
		    const struct service *service, struct midstream *out);

#endif
