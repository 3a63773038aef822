/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GUARD_STARTUP_H
#define GUARD_STARTUP_H

#include <stdbool.h>

struct config;
struct text;

/* What can be in the way of a guard that starts. */

/*
 * Whether an event loop will find the descriptors that it needs: libev aborts when it runs out.
 * Returns 0 or -errno.
 */
int startup_descriptors(void);

/*
 * Moves to the network namespace that is to be guarded, for good, if it is one and another: it takes
 * CAP_SYS_ADMIN. For all there are, makes room for their descriptors. Returns 0, or -errno
 * with a sentence added to *why.
 */
int startup_enter(const char *netns, struct text *why);

/*
 * Becomes that user with CAP_NET_ADMIN alone (for all namespaces with what that takes), for good, after making for it the directories, one level,
 * of the configured socket and journal. Returns 0, or with a sentence added to *why -ENOENT
 * if there is no such user, else another -errno.
 */
int startup_become(const char *name, const struct config *config, struct text *why);

/* Whether -errno of what was opened says that the kernel cannot be asked for connections or rules. */
bool startup_was_unreachable(int err);

/* Adds a sentence about -errno of what was opened. */
void startup_explain(int err, struct text *why);

#endif
