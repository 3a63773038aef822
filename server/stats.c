// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/stats.h"

#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "lib/text.h"

/* The names in the line and in JSON. */
static const char *const NAMES[STAT_COUNT] = {
	[STAT_CONNS_OPEN] = "connections_open",
	[STAT_CONNS_ACCEPTED] = "connections_accepted",
	[STAT_CONNS_CLOSED] = "connections_closed",
	[STAT_CONNS_BROKEN] = "connections_broken",
	[STAT_CONNS_DROPPED] = "connections_dropped",
	[STAT_UDP_PACKETS_IN] = "udp_packets_in",
	[STAT_UDP_PACKETS_OUT] = "udp_packets_out",
	[STAT_UDP_BYTES_IN] = "udp_bytes_in",
	[STAT_UDP_BYTES_OUT] = "udp_bytes_out",
	[STAT_UDP_OVERFLOWS] = "udp_overflows",
	[STAT_UDP_REFUSED] = "udp_refused",
	[STAT_UDP_ERRORS] = "udp_errors",
	[STAT_TCP_BYTES_IN] = "tcp_bytes_in",
	[STAT_TCP_BYTES_OUT] = "tcp_bytes_out",
	[STAT_SENDS_DROPPED] = "sends_dropped",
	[STAT_SENDS_SHORT] = "sends_short",
	[STAT_SENDS_EPERM] = "sends_eperm",
	[STAT_ACCEPT_EMFILE] = "accept_emfile",
	[STAT_ACCEPT_ERRORS] = "accept_errors",
	[STAT_HTTP_REQUESTS] = "http_requests",
	[STAT_HTTP_ERRORS] = "http_errors",
	[STAT_CHUNKS_SENT] = "chunks_sent",
	[STAT_CHUNKS_LOST] = "chunks_lost",
	[STAT_WORKER_RESTARTS] = "worker_restarts",
};

/* What lies in the shared mapping. */
struct board_memory {
	uint8_t said[NOTICE_COUNT];
	struct stats slots[]; /* workers + 1 */
};

struct board {
	unsigned slots;
	size_t bytes;
	struct board_memory *memory;
};

void stats_format(const struct stats *stats, struct text *text)
{
	for (unsigned i = 0; i < STAT_COUNT; i++)
		text_add(text, " %s=%llu", NAMES[i], (unsigned long long)stats->value[i]);
}

int stats_to_json(const struct stats *stats, json_t *object)
{
	for (unsigned i = 0; i < STAT_COUNT; i++) {
		json_t *value = json_integer((json_int_t)stats->value[i]);

		if (json_object_set_new(object, NAMES[i], value) < 0)
			return -ENOMEM;
	}
	return 0;
}

int board_open(struct board **out, unsigned workers)
{
	struct board *board = calloc(1, sizeof(*board));
	int err;

	if (!board)
		return -ENOMEM;
	board->slots = workers + 1;
	board->bytes = sizeof(struct board_memory) + board->slots * sizeof(struct stats);
	board->memory = mmap(NULL, board->bytes, PROT_READ | PROT_WRITE,
			     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (board->memory == MAP_FAILED) {
		err = -errno;
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
