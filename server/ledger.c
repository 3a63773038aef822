// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/ledger.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "lib/clock.h"

enum { WORD_BITS = 64, STAMPS_SPARE = 16 };

/*
 * Questions are asked in order, so their times need no memory of their own: one stamp
 * stands for all that were asked within STAMP_NS.
 */
static const uint64_t STAMP_NS = CLOCK_NS_PER_MS;

struct stamp {
	uint64_t from_ns;
	uint64_t until_ns; /* when the last of them was asked */
	uint64_t end;      /* its number + 1 */
};

struct ledger {
	uint64_t capacity; /* a power of two */
	uint64_t wait_ns;
	uint64_t asked;
	uint64_t frontier;
	uint64_t outstanding;
	uint64_t
		first_stamp; /* stamps first_stamp..last_stamp-1 are in use, modulo stamps_max */
	uint64_t last_stamp;
	uint64_t stamps_max;
	struct stamp *stamps;
	uint64_t *settled; /* bit i % capacity */
};

static bool is_settled(const struct ledger *ledger, uint64_t i)
{
	uint64_t bit = i & (ledger->capacity - 1);

	return ledger->settled[bit / WORD_BITS] >> bit % WORD_BITS & 1;
}

static void set_settled(struct ledger *ledger, uint64_t i, bool settled)
{
	uint64_t bit = i & (ledger->capacity - 1);
	uint64_t mask = UINT64_C(1) << bit % WORD_BITS;

	if (settled)
		ledger->settled[bit / WORD_BITS] |= mask;
	else
		ledger->settled[bit / WORD_BITS] &= ~mask;
}

int ledger_open(struct ledger **out, uint64_t capacity, uint64_t wait_ns)
{
	struct ledger *ledger = calloc(1, sizeof(*ledger));

	if (!ledger)
		return -ENOMEM;
	ledger->wait_ns = wait_ns;
	ledger->capacity = WORD_BITS;
	while (ledger->capacity < capacity)
		ledger->capacity *= 2;
	ledger->stamps_max = wait_ns / STAMP_NS + STAMPS_SPARE;
	ledger->settled = calloc(ledger->capacity / WORD_BITS, sizeof(uint64_t));
	ledger->stamps = calloc(ledger->stamps_max, sizeof(struct stamp));
	if (!ledger->settled || !ledger->stamps) {
		ledger_close(ledger);
		return -ENOMEM;
	}
	*out = ledger;
	return 0;
}

void ledger_close(struct ledger *ledger)
{
	if (!ledger)
		return;
	free(ledger->settled);
	free(ledger->stamps);
	free(ledger);
}

uint64_t ledger_room(const struct ledger *ledger)
{
	return ledger->capacity - (ledger->asked - ledger->frontier);
}

/* A row of stamps that is full, because nobody called ledger_expire(), makes its last one longer. */
static struct stamp *stamp_at(struct ledger *ledger, uint64_t now_ns)
{
	/* Before the first one the number wraps, but then it is not looked at. */
	struct stamp *stamp =
		&ledger->stamps[(ledger->last_stamp - 1) % ledger->stamps_max];
	uint64_t used = ledger->last_stamp - ledger->first_stamp;

	if (used > 0 &&
	    (used == ledger->stamps_max || now_ns - stamp->from_ns < STAMP_NS))
		return stamp;
	stamp = &ledger->stamps[ledger->last_stamp++ % ledger->stamps_max];
	stamp->from_ns = now_ns;
	return stamp;
}

void ledger_ask(struct ledger *ledger, uint64_t now_ns, uint64_t n)
{
	struct stamp *stamp;

	assert(n <= ledger_room(ledger));
	for (uint64_t i = 0; i < n; i++)
		set_settled(ledger, ledger->asked + i, false);
	ledger->asked += n;
	ledger->outstanding += n;
	stamp = stamp_at(ledger, now_ns);
	stamp->until_ns = now_ns;
	stamp->end = ledger->asked;
}

enum ledger_answer ledger_settle(struct ledger *ledger, uint64_t i)
{
	/* The bit of one so long ago is a later one's by now. */
	if (i >= ledger->asked || ledger->asked - i > ledger->capacity)
		return LEDGER_UNKNOWN;
	if (is_settled(ledger, i))
		return LEDGER_AGAIN;
	set_settled(ledger, i, true);
	if (i < ledger->frontier)
		return LEDGER_LATE;
	ledger->outstanding--;
	return LEDGER_FIRST;
}

static const struct stamp *oldest_stamp(const struct ledger *ledger)
{
	if (ledger->first_stamp == ledger->last_stamp)
		return NULL;
	return &ledger->stamps[ledger->first_stamp % ledger->stamps_max];
}

static uint64_t give_up_before(struct ledger *ledger, uint64_t end)
{
	uint64_t lost = 0;

	/* Their bits stay as they are: an answer that comes after all is late, not a duplicate. */
	for (; ledger->frontier < end; ledger->frontier++)
		lost += !is_settled(ledger, ledger->frontier);
	ledger->outstanding -= lost;
	return lost;
}

static void pass_settled(struct ledger *ledger)
{
	const struct stamp *stamp;

	while (ledger->frontier < ledger->asked && is_settled(ledger, ledger->frontier))
		ledger->frontier++;
	while ((stamp = oldest_stamp(ledger)) && stamp->end <= ledger->frontier)
		ledger->first_stamp++;
}

uint64_t ledger_expire(struct ledger *ledger, uint64_t now_ns)
{
	const struct stamp *stamp;
	uint64_t lost = 0;

	while ((stamp = oldest_stamp(ledger)) &&
	       stamp->until_ns + ledger->wait_ns <= now_ns) {
		lost += give_up_before(ledger, stamp->end);
		ledger->first_stamp++;
	}
	pass_settled(ledger);
	return lost;
}

uint64_t ledger_expiry_ns(const struct ledger *ledger)
{
	const struct stamp *stamp = oldest_stamp(ledger);

	return stamp ? stamp->until_ns + ledger->wait_ns : UINT64_MAX;
}

uint64_t ledger_asked(const struct ledger *ledger)
{
	return ledger->asked;
}

uint64_t ledger_outstanding(const struct ledger *ledger)
{
	return ledger->outstanding;
}

uint64_t ledger_frontier(const struct ledger *ledger)
{
	return ledger->frontier;
}
