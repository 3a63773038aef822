/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GUARD_CHECKUP_H
#define GUARD_CHECKUP_H

#include <jansson.h>

struct config;
struct log;
struct symptoms;
struct text;

/*
 * Examines the network namespace of the calling thread or, if the configuration is for all, each there
 * is, beginning with that one. known is what is seen of the configuration. *out is a new object, as
 * "doctor --json" prints it. Returns 0, or with a sentence in *why -errno: the table of its own
 * namespace cannot be read, or there is no way to find the others. One of the others that cannot be
 * entered or read is left out, and the log says so.
 */
int checkup_run(const struct config *config, const struct symptoms *known,
		const struct log *log, json_t **out, struct text *why);

#endif
