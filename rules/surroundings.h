/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RULES_SURROUNDINGS_H
#define RULES_SURROUNDINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "rules/arena.h"
#include "rules/ranges.h"

/*
 * What of this host the audit needs beside the ruleset. Plain data; what was not read is empty and
 * then can be anything.
 */
struct surroundings {
	struct arena arena;
	struct ranges local4; /* this host's addresses, 127.0.0.0/8 included */
	struct ranges local6;
	struct ranges names;    /* of interfaces but lo, padded to 16 bytes */
	struct ranges indices;  /* and their numbers */
	struct ranges ports;    /* that the kernel gives to clients here */
	struct ranges reserved; /* those that it gives to nobody */
	bool forwards4;         /* this host is a router, at one interface at least */
	bool forwards6;
	bool legacy4; /* iptables-legacy has more than empty tables here */
	bool legacy6;
	bool legacy_hidden; /* whether it has could not be seen */
	bool surveyed;      /* what follows was read */
	bool marks_route;   /* a policy route asks for a mark */
	bool marks_queue;   /* traffic control may */
	bool marks_kept;    /* answers have the marks of what they answer */
	bool tunnels;       /* what arrives may have come in something that had a mark */
	bool localnet;      /* other hosts may get to 127.0.0.0/8 here (route_localnet) */
	bool ovs;           /* there is an Open vSwitch datapath */
	bool ipvs;          /* there are IPVS services */
	bool filters;       /* traffic control has filters at an interface */
	bool xdp;           /* an interface has an XDP program */
	bool bridge;        /* there is a bridge */
	bool stacked;       /* an interface is on top of another */
	bool auto_helpers;  /* old kernels: helpers by port */
};

/* The ports that the kernel gives to clients here; its default if that is not known. */
struct ranges surroundings_ports(const struct surroundings *surroundings);

/* Frees what it holds; it is as new. */
void surroundings_clear(struct surroundings *surroundings);

#endif
