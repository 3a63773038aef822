// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/probe.h"

#include <errno.h>
#include <string.h>

/* As on the wire; only the host that wrote it reads it, so in its byte order. */
struct wire {
	uint64_t seal;
	uint64_t sequence;
	uint64_t intended_ns;
};

_Static_assert(sizeof(struct wire) == PROBE_BYTES, "the wire layout has no padding");

/* The finaliser of splitmix64: each bit of the input changes about half of the output. */
static uint64_t mix(uint64_t x)
{
	x ^= x >> 30;
	x *= 0xbf58476d1ce4e5b9u;
	x ^= x >> 27;
	x *= 0x94d049bb133111ebu;
	return x ^ x >> 31;
}

/* Not cryptography: it tells our own probes from stale, mangled and made-up ones. */
static uint64_t seal(const struct probe *probe, uint64_t secret)
{
	return mix(mix(probe->sequence ^ secret) ^ probe->intended_ns);
}

void probe_write(void *bytes, const struct probe *probe, uint64_t secret)
{
	struct wire wire = {
		.seal = seal(probe, secret),
		.sequence = probe->sequence,
		.intended_ns = probe->intended_ns,
	};

	memcpy(bytes, &wire, sizeof(wire));
}

int probe_read(const void *bytes, size_t length, uint64_t secret, struct probe *out)
{
	struct probe probe;
	struct wire wire;

	if (length < sizeof(wire))
		return -EBADMSG;
	memcpy(&wire, bytes, sizeof(wire));
	probe.sequence = wire.sequence;
	probe.intended_ns = wire.intended_ns;
	if (wire.seal != seal(&probe, secret))
		return -EBADMSG;
	*out = probe;
	return 0;
}
