/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SERVER_PROBE_H
#define SERVER_PROBE_H

#include <stddef.h>
#include <stdint.h>

/* Bytes of a probe at the start of a message; the rest of the message is zero. */
enum { PROBE_BYTES = 24 };

/* What a message of ours says of itself, to be believed when an echo brings it back. */
struct probe {
	uint64_t sequence;
	uint64_t intended_ns; /* when it should have been sent (CLOCK_MONOTONIC) */
};

/* Writes PROBE_BYTES bytes, sealed with the secret of this run. */
void probe_write(void *bytes, const struct probe *probe, uint64_t secret);

/*
 * Reads a probe back. Returns 0, or -EBADMSG if it is short or not one that was
 * written with this secret: from another run, changed, or not ours at all.
 */
int probe_read(const void *bytes, size_t length, uint64_t secret, struct probe *out);

#endif
