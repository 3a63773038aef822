// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/surroundings.h"

#include "rules/clientports.h"

struct ranges surroundings_ports(const struct surroundings *surroundings)
{
	return surroundings->ports.count ? surroundings->ports : clientports_default();
}

void surroundings_clear(struct surroundings *surroundings)
{
	arena_free(&surroundings->arena);
	*surroundings = (struct surroundings){ 0 };
}
