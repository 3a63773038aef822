// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/clock.h"
#include "server/subscribers.h"

static const struct siphash_key KEY = { { 0x0123456789abcdef, 0xfedcba9876543210 } };
static const uint64_t MS = CLOCK_NS_PER_MS;
static const uint64_t NOW_NS = UINT64_C(1000) * CLOCK_NS_PER_S;

static struct peer peer_number(uint32_t number)
{
	struct peer peer = { .family = AF_INET, .port = 5000 };

	memcpy(peer.address, &number, sizeof(number));
	return peer;
}

static struct subscribers *open_table(void)
{
	struct subscribers *subscribers = NULL;

	assert_int_equal(subscribers_open(&subscribers, &KEY, 100 * MS, MS), 0);
	return subscribers;
}

static struct subscriber *add(struct subscribers *subscribers, uint32_t number)
{
	const struct peer peer = peer_number(number);

	return subscribers_add(subscribers, &peer, NOW_NS);
}

static void one_is_found_until_it_is_removed(void **state)
{
	struct subscribers *subscribers = open_table();
	const struct peer peer = peer_number(7);
	struct subscriber *subscriber = add(subscribers, 7);

	add(subscribers, 8);
	assert_ptr_equal(subscribers_find(subscribers, &peer), subscriber);
	subscribers_remove(subscribers, subscriber);
	assert_null(subscribers_find(subscribers, &peer));
	assert_int_equal(subscribers_count(subscribers), 1);
	subscribers_close(subscribers);
}

static void one_is_due_once_an_interval_without_drift(void **state)
{
	struct subscribers *subscribers = open_table();
	struct subscriber *subscriber = add(subscribers, 1);

	assert_null(subscribers_due(subscribers, NOW_NS + 98 * MS));
	for (uint64_t i = 1; i <= 50; i++) {
		/* Served 30 ms late each time. */
		uint64_t now_ns = NOW_NS + i * 100 * MS + 30 * MS;

		assert_ptr_equal(subscribers_due(subscribers, now_ns), subscriber);
		subscribers_again(subscribers, subscriber, now_ns);
		assert_null(subscribers_due(subscribers, now_ns));
		assert_null(subscribers_due(subscribers, now_ns + 68 * MS));
	}
	subscribers_close(subscribers);
}

static void what_was_missed_is_not_made_up_for(void **state)
{
	struct subscribers *subscribers = open_table();
	struct subscriber *subscriber = add(subscribers, 1);
	uint64_t now_ns = NOW_NS + CLOCK_NS_PER_S;

	assert_ptr_equal(subscribers_due(subscribers, now_ns), subscriber);
	subscribers_again(subscribers, subscriber, now_ns);
	assert_null(subscribers_due(subscribers, now_ns + 98 * MS));
	assert_ptr_equal(subscribers_due(subscribers, now_ns + 102 * MS), subscriber);
	subscribers_close(subscribers);
}

static void a_lease_may_end_before_an_interval(void **state)
{
	struct subscribers *subscribers = open_table();
	struct subscriber *subscriber = add(subscribers, 1);

	subscribers_lease(subscribers, subscriber, NOW_NS, NOW_NS + 250 * MS);
	assert_null(subscribers_due(subscribers, NOW_NS + 98 * MS));
	subscribers_lease(subscribers, subscriber, NOW_NS, NOW_NS + 50 * MS);
	assert_null(subscribers_due(subscribers, NOW_NS + 48 * MS));
	assert_ptr_equal(subscribers_due(subscribers, NOW_NS + 52 * MS), subscriber);
	subscribers_remove(subscribers, subscriber);
	/* Renewed: due when it was. */
	subscriber = add(subscribers, 2);
	subscribers_lease(subscribers, subscriber, NOW_NS + 52 * MS, NOW_NS + 70 * MS);
	subscribers_lease(subscribers, subscriber, NOW_NS + 60 * MS, NOW_NS + 300 * MS);
	assert_null(subscribers_due(subscribers, NOW_NS + 98 * MS));
	assert_ptr_equal(subscribers_due(subscribers, NOW_NS + 102 * MS), subscriber);
	subscribers_again(subscribers, subscriber, NOW_NS + 250 * MS);
	assert_null(subscribers_due(subscribers, NOW_NS + 298 * MS));
	assert_ptr_equal(subscribers_due(subscribers, NOW_NS + 302 * MS), subscriber);
	subscribers_close(subscribers);
}

static void there_is_a_limit(void **state)
{
	struct subscribers *subscribers = open_table();
	size_t ended = 0;
	struct subscriber *any;

	for (uint32_t i = 0; i < SUBSCRIBERS_MAX; i++)
		assert_non_null(add(subscribers, i));
	assert_null(add(subscribers, SUBSCRIBERS_MAX));
	while ((any = subscribers_any(subscribers))) {
		subscribers_remove(subscribers, any);
		ended++;
	}
	assert_int_equal(ended, SUBSCRIBERS_MAX);
	assert_non_null(add(subscribers, 1));
	assert_non_null(subscribers_any(subscribers));
	subscribers_close(subscribers);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_is_found_until_it_is_removed),
		cmocka_unit_test(one_is_due_once_an_interval_without_drift),
		cmocka_unit_test(what_was_missed_is_not_made_up_for),
		cmocka_unit_test(a_lease_may_end_before_an_interval),
		cmocka_unit_test(there_is_a_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
