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

#include "server/siphash.h"

/* The key and the message of appendix A of the paper: bytes that count up from 0. */
static const struct siphash_key KEY = { { 0x0706050403020100, 0x0f0e0d0c0b0a0908 } };

static void the_published_example_has_its_hash(void **state)
{
	unsigned char text[15];

	for (unsigned i = 0; i < sizeof(text); i++)
		text[i] = (unsigned char)i;
	assert_true(siphash(&KEY, text, sizeof(text)) == 0xa129ca6149be45e5);
	assert_true(siphash(&KEY, text, 0) == 0x726fdb47dd0e0e31);
}

static void every_byte_and_the_key_matter(void **state)
{
	struct siphash_key other = KEY;
	char text[20] = "0123456789012345678";
	uint64_t hash = siphash(&KEY, text, sizeof(text));

	other.word[1] ^= 1;
	assert_true(siphash(&other, text, sizeof(text)) != hash);
	for (size_t i = 0; i < sizeof(text); i++) {
		text[i] ^= 1;
		assert_true(siphash(&KEY, text, sizeof(text)) != hash);
		text[i] ^= 1;
	}
	assert_true(siphash(&KEY, text, sizeof(text) - 1) != hash);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_published_example_has_its_hash),
		cmocka_unit_test(every_byte_and_the_key_matter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
