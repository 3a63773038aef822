/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RULES_SCRATCH_H
#define RULES_SCRATCH_H

#include <stddef.h>
#include <stdint.h>

#include "rules/copy.h"

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

/* Settings that packets meet, of the calling thread's namespace. A value. */
enum { SCRATCH_SETTINGS_MAX = 16, SCRATCH_SETTING_BYTES = 32 };
struct scratch_settings {
	char value[SCRATCH_SETTINGS_MAX][SCRATCH_SETTING_BYTES];
};
void scratch_settings_read(struct scratch_settings *out);

/*
 * Moves the calling process into a new namespace and makes the copy there. Writes into why what could
 * not be done, and into *missing what is not as it was. Returns 0 or -errno: -EPERM without
 * CAP_SYS_ADMIN, -ENOENT without TAP devices.
 */
int scratch_enter(const struct copy *copy, const struct scratch_settings *settings,
		  struct scratch *out, struct copy_missing *missing,
		  char why[COPY_TEXT_MAX]);

#endif
