/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CONNTRACK_SPACES_H
#define CONNTRACK_SPACES_H

#include <stddef.h>
#include <stdint.h>

struct reading;

/* The network namespaces that are watched, one watch each. Opaque: owns the watches. */
struct spaces;

/*
 * Watches the network namespace of the calling thread, which makes all calls; a sample of a
 * table has at most sample_max flows. Returns 0 or -errno.
 */
int spaces_open(struct spaces **out, uint32_t sample_max);

/* NULL is allowed. */
void spaces_close(struct spaces *spaces);

/* How many there are; the first is the one that ctwatch is in, if that is among them. */
size_t spaces_count(const struct spaces *spaces);

/* Polls every table (watch_poll()): what fails is told by the next reading. */
void spaces_poll(struct spaces *spaces);

/*
 * Takes a reading of one (watch_read()). What *out points to is valid until the next call for
 * the same one. Returns 0 or -errno (-ENOENT: this kernel has no conntrack).
 */
int spaces_read(struct spaces *spaces, size_t index, struct reading *out);

#endif
