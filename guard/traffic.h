/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GUARD_TRAFFIC_H
#define GUARD_TRAFFIC_H

#include <stdint.h>

/*
 * Packets that pass a service's rules, by their counter, and how fast they come. A plain value:
 * traffic_restart() before use.
 */
struct traffic {
	uint64_t measured_ns; /* 0: not yet, or not since it was restarted */
	uint64_t packets;     /* as last read */
	double packets_per_s; /* INFINITY until two readings tell it */
};

/* What is read next is the first of two: the rules are new, or nobody knows what was between. */
void traffic_restart(struct traffic *traffic);

/* The counter stands at packets. One that went back counts for other rules: no rate is known. */
void traffic_measure(struct traffic *traffic, uint64_t now_ns, uint64_t packets);

#endif
