/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CONNTRACK_PLACE_H
#define CONNTRACK_PLACE_H

#include "conntrack/netns.h"

struct args_why;

/* A network namespace as a user tells of it: NAME|PATH|PID. */
struct place {
	const char *spec;          /* what was given; the caller's */
	int process_fd;            /* /proc/PID of that process alone; -1: it is none */
	char path[NETNS_PATH_MAX]; /* of the file to open */
};

/*
 * Reads a spec: what has a slash is a path, digits are a process, anything else is a name of
 * ip-netns(8). Does not look whether it is there. Returns 0, or -EINVAL with one sentence in *why.
 */
int place_parse(const char *spec, struct place *out, struct args_why *why);

/*
 * Makes sure that a number stays that of one process: once that has ended, opening path fails.
 * Returns 0 or -errno.
 */
int place_hold(struct place *place);

/* Undoes place_hold(). */
void place_release(struct place *place);

/* What the user calls it: the spec, if that is a name; else NULL. */
const char *place_name(const struct place *place);

/* One sentence about why that cannot be watched; err as from place_hold() or netns.h. */
void place_refusal(const char *spec, int err, struct args_why *why);

#endif
