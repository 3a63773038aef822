/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SERVER_PORTS_H
#define SERVER_PORTS_H

#include <stdint.h>

/* Ports that a flow may come from: echo servers do not answer to well-known ones. */
enum {
	PORTS_FIRST = 1024,
	PORTS_LAST = 65535,
	PORTS_COUNT = PORTS_LAST - PORTS_FIRST + 1
};

/*
 * Every port once, from a random one on: two runs after each other hardly ever
 * make the same flow again, which the server may still have in its tables.
 */
struct ports {
	uint16_t start;
	uint32_t taken;
};

/* Starts the row at a port that random decides. */
void ports_start(struct ports *ports, uint64_t random);

/* The i-th port of the row, i < PORTS_COUNT. */
uint16_t ports_at(const struct ports *ports, uint32_t i);

/* The next port of the row. Returns 0, or -EADDRNOTAVAIL when all were given out. */
int ports_next(struct ports *ports, uint16_t *out);

#endif
