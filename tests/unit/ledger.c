// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "lib/clock.h"
#include "server/ledger.h"

enum { WAIT_MS = 100 };

static const uint64_t MS = CLOCK_NS_PER_MS;

static struct ledger *opened(uint64_t capacity)
{
	struct ledger *ledger;

	assert_int_equal(ledger_open(&ledger, capacity, WAIT_MS * MS), 0);
	return ledger;
}

static void an_answer_counts_once(void **state)
{
	struct ledger *ledger = opened(100);

	ledger_ask(ledger, 0, 2);
	assert_int_equal(ledger_settle(ledger, 1), LEDGER_FIRST);
	assert_int_equal(ledger_settle(ledger, 1), LEDGER_AGAIN);
	assert_int_equal(ledger_outstanding(ledger), 1);
	ledger_close(ledger);
}

static void what_was_never_asked_is_unknown(void **state)
{
	struct ledger *ledger = opened(100);

	assert_int_equal(ledger_settle(ledger, 0), LEDGER_UNKNOWN);
	ledger_ask(ledger, 0, 2);
	assert_int_equal(ledger_settle(ledger, 2), LEDGER_UNKNOWN);
	assert_int_equal(ledger_settle(ledger, UINT64_MAX), LEDGER_UNKNOWN);
	ledger_close(ledger);
}

static void silence_is_a_loss_after_the_wait_and_not_before(void **state)
{
	struct ledger *ledger = opened(100);

	ledger_ask(ledger, 0, 3);
	ledger_settle(ledger, 1);
	assert_int_equal(ledger_expiry_ns(ledger), WAIT_MS * MS);
	assert_int_equal(ledger_expire(ledger, WAIT_MS * MS - 1), 0);
	assert_int_equal(ledger_expire(ledger, WAIT_MS * MS), 2);
	assert_int_equal(ledger_outstanding(ledger), 0);
	assert_int_equal(ledger_expiry_ns(ledger), UINT64_MAX);
	assert_int_equal(ledger_frontier(ledger), 3);
	ledger_close(ledger);
}

static void an_answer_after_the_wait_is_late_once(void **state)
{
	struct ledger *ledger = opened(100);

	ledger_ask(ledger, 0, 1);
	assert_int_equal(ledger_expire(ledger, WAIT_MS * MS), 1);
	assert_int_equal(ledger_settle(ledger, 0), LEDGER_LATE);
	assert_int_equal(ledger_settle(ledger, 0), LEDGER_AGAIN);
	ledger_close(ledger);
}

static void the_frontier_passes_what_is_settled(void **state)
{
	struct ledger *ledger = opened(100);

	ledger_ask(ledger, 0, 3);
	ledger_settle(ledger, 0);
	ledger_settle(ledger, 2);
	ledger_expire(ledger, 1);
	assert_int_equal(ledger_frontier(ledger), 1);
	ledger_settle(ledger, 1);
	ledger_expire(ledger, 1);
	assert_int_equal(ledger_frontier(ledger), 3);
	ledger_close(ledger);
}

static void what_is_older_than_the_memory_is_unknown(void **state)
{
	struct ledger *ledger = opened(64);

	for (int i = 0; i < 65; i++) {
		ledger_ask(ledger, 0, 1);
		ledger_settle(ledger, (uint64_t)i);
		ledger_expire(ledger, 0);
	}
	assert_int_equal(ledger_settle(ledger, 0), LEDGER_UNKNOWN);
	assert_int_equal(ledger_settle(ledger, 1), LEDGER_AGAIN);
	ledger_close(ledger);
}

/* The same rules, remembered in the plainest way. */
static void it_agrees_with_a_plain_list(void **state)
{
	enum { QUESTIONS = 5000 };
	static uint64_t asked_ms[QUESTIONS];
	static enum { OPEN, SETTLED, LOST } model[QUESTIONS];
	struct ledger *ledger = opened(QUESTIONS);
	unsigned seed = (unsigned)time(NULL);
	uint64_t asked = 0, now_ms = 0, lost = 0, lost_model = 0;

	print_message("seed %u\n", seed);
	srandom(seed);
	while (asked < QUESTIONS) {
		uint64_t n = (uint64_t)random() % 20;

		now_ms += 1 + (uint64_t)random() % 5;
		for (uint64_t i = 0; i < asked; i++) {
			if (model[i] == OPEN && asked_ms[i] + WAIT_MS <= now_ms) {
				model[i] = LOST;
				lost_model++;
			}
		}
		lost += ledger_expire(ledger, now_ms * MS);
		assert_int_equal(lost, lost_model);
		if (n > QUESTIONS - asked)
			n = QUESTIONS - asked;
		if (n > 0)
			ledger_ask(ledger, now_ms * MS, n);
		for (uint64_t i = 0; i < n; i++)
			asked_ms[asked++] = now_ms;
		for (int k = 0; k < 12 && asked > 0; k++) {
			uint64_t i = asked - 1 -
				     (uint64_t)random() % (asked < 300 ? asked : 300);
			enum ledger_answer answer = ledger_settle(ledger, i);

			assert_int_equal(answer, model[i] == OPEN   ? LEDGER_FIRST
						 : model[i] == LOST ? LEDGER_LATE
								    : LEDGER_AGAIN);
			model[i] = SETTLED;
		}
	}
	ledger_close(ledger);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_answer_counts_once),
		cmocka_unit_test(what_was_never_asked_is_unknown),
		cmocka_unit_test(silence_is_a_loss_after_the_wait_and_not_before),
		cmocka_unit_test(an_answer_after_the_wait_is_late_once),
		cmocka_unit_test(the_frontier_passes_what_is_settled),
		cmocka_unit_test(what_is_older_than_the_memory_is_unknown),
		cmocka_unit_test(it_agrees_with_a_plain_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
