// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/xtinfo.h"

#include <string.h>

enum xtinfo_answer xtinfo_say(bool matches)
{
	return matches ? XTINFO_YES : XTINFO_NO;
}

bool xtinfo_take(const struct model_expr *expr, void *info, size_t bytes)
{
	if (expr->value.bytes < bytes || expr->value.bytes > bytes + 64)
		return false;
	memcpy(info, expr->value.at, bytes);
	return true;
}

uint64_t xtinfo_digest(const struct model_expr *expr)
{
	/* FNV-1a */
	uint64_t state = UINT64_C(0xcbf29ce484222325);

	for (const char *c = expr->object; *c; c++)
		state = (state ^ (uint8_t)*c) * UINT64_C(0x100000001b3);
	for (size_t i = 0; i < expr->value.bytes; i++)
		state = (state ^ expr->value.at[i]) * UINT64_C(0x100000001b3);
	return state;
}
