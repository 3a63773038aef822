/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GUARD_STARTUP_H
#define GUARD_STARTUP_H

struct privilege_user;
struct text;

/* What can be in the way of a guard that starts. */

/*
 * Whether an event loop will find the descriptors that it needs: libev aborts when it runs out.
 * Returns 0 or -errno.
 */
int startup_descriptors(void);

/*
 * Makes the directory that path is in, one level, for that user, if it is not there: before
 * this process becomes the user, which may make none there. What is wrong is seen later.
 */
void startup_make_folder(const char *path, const struct privilege_user *user);

/* Adds a sentence about -errno of what was opened. */
void startup_explain(int err, struct text *why);

#endif
