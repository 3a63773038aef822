// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "server/backlog.h"
#include "server/buffer.h"
#include "server/message.h"
#include "server/pool.h"

enum { CAPACITY = 4064 };

static struct pool *pool;
static struct buffer *buffer;

static int open_buffer(void **state)
{
	assert_int_equal(buffer_pool_open(&pool, CAPACITY, 65536), 0);
	buffer = buffer_get(pool, CAPACITY);
	assert_non_null(buffer);
	return 0;
}

static int close_buffer(void **state)
{
	pool_close(pool);
	return 0;
}

static void assert_first(const char *expected)
{
	size_t bytes;
	const char *text = backlog_first(buffer, &bytes);

	assert_non_null(text);
	assert_int_equal(bytes, strlen(expected));
	assert_memory_equal(text, expected, bytes);
}

static void messages_come_out_as_they_went_in(void **state)
{
	size_t bytes;

	assert_null(backlog_first(buffer, &bytes));
	assert_int_equal(backlog_put(buffer, "one", 3), 0);
	assert_int_equal(backlog_put(buffer, "three", 5), 0);
	assert_int_equal(backlog_count(buffer), 2);
	assert_first("one");
	assert_first("one");
	backlog_drop(buffer);
	assert_first("three");
	backlog_drop(buffer);
	assert_null(backlog_first(buffer, &bytes));
	assert_int_equal(backlog_count(buffer), 0);
}

/* None is lost that still would fit, and all that are lost are said. */
static void the_oldest_give_way_to_the_newest(void **state)
{
	unsigned dropped = 0;
	char text[20];

	for (int i = 0; i < 1000; i++) {
		snprintf(text, sizeof(text), "message %08d", i);
		dropped += backlog_put(buffer, text, strlen(text));
	}
	assert_int_equal(dropped + backlog_count(buffer), 1000);
	assert_int_equal(backlog_count(buffer), CAPACITY / (16 + 2));
	for (unsigned i = dropped; i < 1000; i++) {
		snprintf(text, sizeof(text), "message %08u", i);
		assert_first(text);
		backlog_drop(buffer);
	}
}

static void the_longest_always_fits(void **state)
{
	static char text[MESSAGE_TEXT_MAX];
	size_t bytes;

	for (int i = 0; i < 100; i++) {
		memset(text, 'a' + i % 26, sizeof(text));
		assert_true(backlog_put(buffer, text, sizeof(text)) <= 2);
		backlog_put(buffer, "-", 1);
	}
	while (backlog_count(buffer) > 2)
		backlog_drop(buffer);
	assert_memory_equal(backlog_first(buffer, &bytes), text, sizeof(text));
	assert_true(backlog_has_room(buffer, MESSAGE_TEXT_MAX));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(messages_come_out_as_they_went_in,
						open_buffer, close_buffer),
		cmocka_unit_test_setup_teardown(the_oldest_give_way_to_the_newest,
						open_buffer, close_buffer),
		cmocka_unit_test_setup_teardown(the_longest_always_fits, open_buffer,
						close_buffer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
