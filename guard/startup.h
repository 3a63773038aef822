/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GUARD_STARTUP_H
#define GUARD_STARTUP_H

struct text;

/* What can be in the way of a guard that starts. */

/*
 * Whether an event loop will find the descriptors that it needs: libev aborts when it runs out.
 * Returns 0 or -errno.
 */
int startup_descriptors(void);

/* Adds a sentence about -errno of what was opened. */
void startup_explain(int err, struct text *why);

#endif
