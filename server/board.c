// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/board.h"

#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "server/stats.h"

/* What lies in the shared mapping. */
struct board_memory {
	uint8_t said[NOTICE_COUNT];
	struct stats slots[]; /* workers + 1: the last is the supervisor's */
};

struct board {
	unsigned slots;
	size_t bytes;
	struct board_memory *memory;
};

int board_open(struct board **out, unsigned workers)
{
	struct board *board = calloc(1, sizeof(*board));

	if (!board)
		return -ENOMEM;
	board->slots = workers + 1;
	board->bytes = sizeof(struct board_memory) + board->slots * sizeof(struct stats);
	/* Anonymous and shared: forked children write what the supervisor reads. */
	board->memory = mmap(NULL, board->bytes, PROT_READ | PROT_WRITE,
			     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (board->memory == MAP_FAILED) {
		int err = -errno;

		free(board);
		return err;
	}
	*out = board;
	return 0;
}

void board_close(struct board *board)
{
	if (!board)
		return;
	munmap(board->memory, board->bytes);
	free(board);
}

struct stats *board_slot(struct board *board, unsigned number)
{
	assert(number < board->slots);
	return &board->memory->slots[number];
}

/* Not a snapshot: a counter may be read a moment after another. Each only grows. */
void board_sum(const struct board *board, struct stats *out)
{
	*out = (struct stats){ 0 };
	for (unsigned slot = 0; slot < board->slots; slot++)
		for (unsigned i = 0; i < STAT_COUNT; i++)
			out->value[i] += stats_get(&board->memory->slots[slot], i);
}

bool board_first(struct board *board, enum notice notice)
{
	return __atomic_exchange_n(&board->memory->said[notice], 1, __ATOMIC_RELAXED) ==
	       0;
}
