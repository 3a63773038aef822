/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SERVER_SHARE_H
#define SERVER_SHARE_H

#include <stdint.h>

/*
 * Which numbers of a row that is due on schedule belong to one of several processes: blocks
 * in turn. All of them keep to the schedule, and each is woken once for a whole block: fifty
 * processes that take turns number by number spend their time on waking up. Pure.
 */
struct share {
	uint64_t count;     /* of the whole row: 0..count-1 */
	uint64_t processes; /* > 0 */
	uint64_t index;     /* of this one, < processes */
	uint64_t block;     /* numbers in a row, > 0 */
};

enum { SHARE_BLOCK_MAX = 64 };

/* The block for processes that can have at most this many each (> 0). */
uint64_t share_block(uint64_t per_process);

/*
 * The same in whole blocks: a process may get one block more than others, so only so many
 * processes that all numbers fit into whole blocks overflow none.
 */
uint64_t share_room(uint64_t per_process);

/* How many numbers are ours. */
uint64_t share_size(const struct share *share);

/* Number i (0..share_size()-1) of ours; they rise with i. */
uint64_t share_number(const struct share *share, uint64_t i);

#endif
