// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/surroundings.h"

void surroundings_clear(struct surroundings *surroundings)
{
	arena_free(&surroundings->arena);
	*surroundings = (struct surroundings){ 0 };
}
