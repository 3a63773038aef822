/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RULES_SCRATCH_H
#define RULES_SCRATCH_H

#include <stddef.h>
#include <stdint.h>

#include "rules/copy.h"

struct watch;

/*
 * A network namespace of our own that is like another one: its interfaces have the names and numbers of the
 * other's and are TAP devices, so that what arrives there and what leaves is read and written here. It ends with
 * the process that made it.
 */
struct scratch {
	size_t links;
	struct copy_link link[COPY_LINKS_MAX];
	int fd[COPY_LINKS_MAX]; /* of each link; never blocks */
};

/*
 * Moves the calling process into a new namespace and makes the copy there, with rules counted as watch says. Writes into why what could
 * not be done, and into *missing what is not as it was. Returns 0 or -errno: -EPERM without
 * CAP_SYS_ADMIN, -ENOENT without TAP devices.
 */
int scratch_enter(const struct copy *copy, const struct watch *watch, struct scratch *out,
		  struct copy_missing *missing, char why[COPY_TEXT_MAX]);

#endif
