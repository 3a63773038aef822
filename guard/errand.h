/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GUARD_ERRAND_H
#define GUARD_ERRAND_H

#include <jansson.h>

struct order;
struct text;

/*
 * Takes an order to the guard that listens at path and brings its answer, an object, for the
 * caller to release. Waits some seconds at most. Returns 0, or with a sentence in *why -ENOENT
 * or -ECONNREFUSED if no guard listens there, or another -errno.
 */
int errand_run(const char *path, const json_t *request, json_t **out, struct text *why);

/* What to ask of a guard, by a command line: a new object, NULL when memory ran out. */
json_t *errand_request(const struct order *order);

#endif
