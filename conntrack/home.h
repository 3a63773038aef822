/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CONNTRACK_HOME_H
#define CONNTRACK_HOME_H

#include <stdbool.h>

#include "conntrack/netns.h"

/* The network namespace where the calling thread is at home, and returns to. */
struct home {
	struct netns netns;
	bool away; /* there was no way back */
};

/* Where it is now. Returns 0 or -errno. */
int home_open(struct home *home);

void home_close(struct home *home);

/*
 * Moves the calling thread to netns, at no cost if it is at home there, until home_return() for
 * the same one. Returns 0 or -errno: then it stayed.
 */
int home_leave(const struct home *home, const struct netns *netns);
void home_return(struct home *home, const struct netns *netns);

#endif
