/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RULES_SETTINGS_H
#define RULES_SETTINGS_H

#include <stddef.h>

struct copy_link;
struct copy_missing;

/* Settings (sysctls) of a network namespace that decide what becomes of packets. Zero-initialise. */

enum { SETTINGS_NAME_BYTES = 80, SETTINGS_VALUE_BYTES = 32 };

struct setting {
	char name[SETTINGS_NAME_BYTES]; /* below /proc/sys/net */
	char value[SETTINGS_VALUE_BYTES];
};

struct settings {
	size_t count;
	struct setting *at;
};

/* Reads those of the calling thread's namespace and of its interfaces. Returns 0 or -ENOMEM. */
int settings_read(const struct copy_link *links, size_t count, struct settings *out);
void settings_free(struct settings *settings);

/* What a namespace for a rehearsal has whatever the other has; before there are interfaces. */
void settings_prepare(void);

/* Writes those that are otherwise here; what cannot be written goes to *missing. */
void settings_make(const struct settings *settings, struct copy_missing *missing);

#endif
