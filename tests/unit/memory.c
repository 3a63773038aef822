// SPDX-License-Identifier: GPL-2.0-or-later
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "lib/memory.h"

/* Through a volatile, or the compiler leaves it out. */
static void *take(size_t bytes)
{
	void *volatile block = malloc(bytes);

	return block;
}

static void what_is_large_goes_back_whatever_went_before(void **state)
{
	size_t before, meanwhile;
	void *large;

#ifdef __SANITIZE_ADDRESS__
	return; /* That has an allocator of its own. */
#endif
	memory_by_pages();
	free(take(1 << 20));
	/* Blocks that are the kernel's own. */
	before = mallinfo2().hblks;
	large = take(200 << 10);
	meanwhile = mallinfo2().hblks;
	free(large);
	assert_int_equal(meanwhile, before + 1);
	assert_int_equal(mallinfo2().hblks, before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_large_goes_back_whatever_went_before),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
