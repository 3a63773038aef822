/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GUARD_OPENS_H
#define GUARD_OPENS_H

#include <stdint.h>

/*
 * How many TCP connections are opened a second, tracked or not, at all ports: by others, and by this host. By the
 * kernel's own count, in which one counts when its handshake is done (by others) or begins (by this host).
 * Zero-initialise.
 */
struct opens {
	uint64_t read_ns; /* 0: never */
	uint64_t count[2];
	uint64_t opened[2]; /* since the first reading */
	double per_s[2];    /* INFINITY: read once only; 0 where they cannot be read */
};

enum opens_way { OPENS_IN, OPENS_OUT };

/* Finds the counts in text, which is what /proc/net/snmp has. Returns 0 or -EBADMSG. Pure. */
int opens_parse(const char *text, uint64_t out[2]);

/*
 * Reads them where the calling thread is, unless that was a moment ago. Returns 0 or -errno: all is
 * then as before the first time.
 */
int opens_read(struct opens *opens, uint64_t now_ns);

#endif
