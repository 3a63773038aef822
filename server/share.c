// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/share.h"

uint64_t share_block(uint64_t per_process)
{
	return per_process < SHARE_BLOCK_MAX ? per_process : SHARE_BLOCK_MAX;
}

uint64_t share_room(uint64_t per_process)
{
	return per_process - per_process % share_block(per_process);
}

uint64_t share_size(const struct share *share)
{
	uint64_t blocks = share->count / share->block; /* a rest may follow */
	uint64_t size = blocks / share->processes * share->block;
	uint64_t turn = blocks % share->processes;

	if (share->index < turn)
		size += share->block;
	/* Whose turn it would be has the rest that fills no block. */
	else if (share->index == turn)
		size += share->count % share->block;
	return size;
}

uint64_t share_number(const struct share *share, uint64_t i)
{
	uint64_t block = i / share->block * share->processes + share->index;

	return block * share->block + i % share->block;
}
