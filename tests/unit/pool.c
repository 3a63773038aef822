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

#include "server/buffer.h"
#include "server/pool.h"

enum { BLOCK = 100 };

static void blocks_do_not_overlap_and_are_aligned(void **state)
{
	enum { COUNT = 5000 };
	static char *blocks[COUNT];
	struct pool *pool;

	assert_int_equal(pool_open(&pool, BLOCK, SIZE_MAX), 0);
	for (int i = 0; i < COUNT; i++) {
		blocks[i] = pool_get(pool);
		assert_non_null(blocks[i]);
		assert_int_equal((uintptr_t)blocks[i] % _Alignof(max_align_t), 0);
		memset(blocks[i], i & 0xff, BLOCK);
	}
	for (int i = 0; i < COUNT; i++) {
		assert_int_equal((unsigned char)blocks[i][0], i & 0xff);
		assert_int_equal((unsigned char)blocks[i][BLOCK - 1], i & 0xff);
	}
	assert_int_equal(pool_used(pool), COUNT);
	pool_close(pool);
}

static void a_block_that_was_given_back_comes_again(void **state)
{
	struct pool *pool;
	void *first, *second;

	assert_int_equal(pool_open(&pool, BLOCK, SIZE_MAX), 0);
	first = pool_get(pool);
	second = pool_get(pool);
	pool_put(pool, first);
	assert_ptr_equal(pool_get(pool), first);
	pool_put(pool, second);
	pool_put(pool, first);
	pool_put(pool, NULL);
	assert_int_equal(pool_used(pool), 0);
	pool_close(pool);
}

static void the_limit_holds_and_is_given_back_too(void **state)
{
	enum { LIMIT = 10 };
	void *blocks[LIMIT];
	struct pool *pool;

	assert_int_equal(pool_open(&pool, 112, 112 * LIMIT), 0);
	for (int i = 0; i < LIMIT; i++) {
		blocks[i] = pool_get(pool);
		assert_non_null(blocks[i]);
	}
	assert_null(pool_get(pool));
	pool_put(pool, blocks[3]);
	assert_ptr_equal(pool_get(pool), blocks[3]);
	assert_null(pool_get(pool));
	pool_close(pool);
}

static void a_block_may_be_larger_than_a_slab(void **state)
{
	const size_t large = 1024 * 1024;
	struct pool *pool;
	char *block;

	assert_int_equal(pool_open(&pool, large, SIZE_MAX), 0);
	block = pool_get(pool);
	assert_non_null(block);
	memset(block, 1, large);
	pool_close(pool);
	pool_close(NULL);
}

static void a_buffer_keeps_order_reserve_and_bounds(void **state)
{
	struct buffer *buffer;
	struct pool *pool;

	assert_int_equal(buffer_pool_open(&pool, 10, SIZE_MAX), 0);
	buffer = buffer_get(pool, 10);
	assert_int_equal(buffer_append(buffer, 0, "abcdef", 6), 0);
	assert_int_equal(buffer_append(buffer, 2, "ghi", 3), -EAGAIN);
	assert_int_equal(buffer_append(buffer, 0, "ghijk", 5), -EAGAIN);
	buffer->start += 4;
	assert_int_equal(buffer_append(buffer, 2, "ghijkl", 6), 0);
	assert_int_equal(buffer_bytes(buffer), 8);
	assert_in_range(buffer->end, 8, buffer->capacity);
	assert_memory_equal(buffer->data + buffer->start, "efghijkl", 8);
	buffer_put(&buffer);
	assert_null(buffer);
	assert_int_equal(pool_used(pool), 0);
	pool_close(pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(blocks_do_not_overlap_and_are_aligned),
		cmocka_unit_test(a_block_that_was_given_back_comes_again),
		cmocka_unit_test(the_limit_holds_and_is_given_back_too),
		cmocka_unit_test(a_block_may_be_larger_than_a_slab),
		cmocka_unit_test(a_buffer_keeps_order_reserve_and_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
