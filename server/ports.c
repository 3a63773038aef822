// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/ports.h"

#include <errno.h>

void ports_start(struct ports *ports, uint64_t random)
{
	*ports =
		(struct ports){ .start = (uint16_t)(PORTS_FIRST + random % PORTS_COUNT) };
}

uint16_t ports_at(const struct ports *ports, uint32_t i)
{
	uint32_t offset = (uint32_t)(ports->start - PORTS_FIRST) + i;

	return (uint16_t)(PORTS_FIRST + offset % PORTS_COUNT);
}

int ports_next(struct ports *ports, uint16_t *out)
{
	if (ports->taken >= PORTS_COUNT)
		return -EADDRNOTAVAIL;
	*out = ports_at(ports, ports->taken++);
	return 0;
}
