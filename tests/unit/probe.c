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

#include "server/probe.h"

static void a_probe_comes_back_as_it_left(void **state)
{
	struct probe out = { 0 }, in = { .sequence = 7, .intended_ns = 123456789 };
	unsigned char bytes[PROBE_BYTES];

	probe_write(bytes, &in, 42);
	assert_int_equal(probe_read(bytes, sizeof(bytes), 42, &out), 0);
	assert_int_equal(out.sequence, 7);
	assert_int_equal(out.intended_ns, 123456789);
}

static void a_changed_probe_is_not_believed(void **state)
{
	struct probe out = { 0 }, in = { .sequence = 7, .intended_ns = 123456789 };
	unsigned char bytes[PROBE_BYTES];

	for (unsigned bit = 0; bit < 8 * PROBE_BYTES; bit++) {
		probe_write(bytes, &in, 42);
		bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
		assert_int_equal(probe_read(bytes, sizeof(bytes), 42, &out), -EBADMSG);
	}
	assert_int_equal(out.sequence, 0);
}

static void a_probe_of_another_run_or_cut_short_is_not_believed(void **state)
{
	struct probe out, in = { .sequence = 7 };
	unsigned char bytes[PROBE_BYTES];

	probe_write(bytes, &in, 42);
	assert_int_equal(probe_read(bytes, sizeof(bytes), 43, &out), -EBADMSG);
	for (size_t length = 0; length < PROBE_BYTES; length++)
		assert_int_equal(probe_read(bytes, length, 42, &out), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_probe_comes_back_as_it_left),
		cmocka_unit_test(a_changed_probe_is_not_believed),
		cmocka_unit_test(a_probe_of_another_run_or_cut_short_is_not_believed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
