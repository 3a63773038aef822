// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <time.h>

#include "server/frame.h"

static int parse(const char *text, struct frame *out)
{
	return frame_parse(text, strlen(text), out);
}

static void every_frame_is_read_back(void **state)
{
	const struct frame frames[] = {
		{ .kind = FRAME_HELLO },
		{ .kind = FRAME_SUBSCRIBE,
		  .cookie = UINT64_MAX,
		  .lease_s = 1,
		  .id = "/test/a" },
		{ .kind = FRAME_SUBSCRIBE,
		  .lease_s = FRAME_LEASE_MAX_S,
		  .id = "/test/~!?" },
		{ .kind = FRAME_CANCEL, .cookie = UINT64_C(0x0123456789abcdef) },
		{ .kind = FRAME_COOKIE, .cookie = 1 },
		{ .kind = FRAME_REFUSED },
		{ .kind = FRAME_END },
	};

	for (size_t i = 0; i < sizeof(frames) / sizeof(frames[0]); i++) {
		char text[FRAME_TEXT_MAX];
		size_t bytes = frame_format(&frames[i], text);
		struct frame back;

		assert_true(bytes < FRAME_TEXT_MAX);
		assert_int_equal(frame_parse(text, bytes, &back), 0);
		assert_memory_equal(&back, &frames[i], sizeof(back));
		/* The newline is for people. */
		assert_int_equal(frame_parse(text, bytes - 1, &back),
				 frames[i].kind == FRAME_HELLO ? -EBADMSG : 0);
	}
}

static void what_is_not_exactly_a_frame_is_bad(void **state)
{
	static const char *const BAD[] = {
		"",
		"\n",
		"ctkit",
		"ctkit ",
		"ctkit hello",
		"ctkit hello                                                   ", /* 62 */
		"ctkit hello                                                    x",
		"ctkit hello\n                                                    ",
		"Ctkit end",
		"ctkit end ",
		"ctkit end\n\n",
		"ctkit endless",
		"ctkit cookie 0123456789abcde",
		"ctkit cookie 0123456789abcdeg",
		"ctkit cookie 0123456789ABCDEF",
		"ctkit cookie 0123456789abcdef0",
		"ctkit cancel",
		"ctkit subscribe 0123456789abcdef 0 /test/a",
		"ctkit subscribe 0123456789abcdef 301 /test/a",
		"ctkit subscribe 0123456789abcdef 0060 /test/a",
		"ctkit subscribe 0123456789abcdef -1 /test/a",
		"ctkit subscribe 0123456789abcdef  /test/a",
		"ctkit subscribe 0123456789abcdef 60",
		"ctkit subscribe 0123456789abcdef 60 ",
		"ctkit subscribe 0123456789abcdef 60 /test/",
		"ctkit subscribe 0123456789abcdef 60 /tesT/a",
		"ctkit subscribe 0123456789abcdef 60 /test/a b",
		"ctkit subscribe 0123456789abcdef 60 /test/\x7f",
		"ctkit subscribe 0123456789abcdef 60 /test/\xc3\xa4",
		"ctkit subscribe 0123456789abcdef 60 /test/a\n\n",
	};
	struct frame frame = { .kind = FRAME_END };

	for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++) {
		if (parse(BAD[i], &frame) != -EBADMSG)
			fail_msg("\"%s\" passed", BAD[i]);
		assert_int_equal(frame.kind, FRAME_END);
	}
	assert_int_equal(frame_parse("ctkit end\0", 10, &frame), -EBADMSG);
}

static void an_id_has_a_longest_length(void **state)
{
	char text[FRAME_TEXT_MAX * 2];
	struct frame frame;

	for (int extra = 0; extra < 3; extra++) {
		int bytes = snprintf(text, sizeof(text),
				     "ctkit subscribe 0123456789abcdef 60 /test/%0*d\n",
				     FRAME_ID_MAX - 6 + extra, 0);

		assert_int_equal(frame_parse(text, (size_t)bytes, &frame),
				 extra ? -EBADMSG : 0);
	}
	assert_int_equal(strlen(frame.id), FRAME_ID_MAX);
}

/* The proof that who has not shown a cookie gets no more than it sent. */
static void a_cookie_is_shorter_than_all_that_may_be_answered_with_it(void **state)
{
	const struct frame cookie = { .kind = FRAME_COOKIE, .cookie = UINT64_MAX };
	const struct frame subscribe = { .kind = FRAME_SUBSCRIBE,
					 .lease_s = 1,
					 .id = "/test/a" };
	char text[FRAME_TEXT_MAX];
	size_t bytes = frame_format(&cookie, text);

	assert_true(bytes <= FRAME_HELLO_BYTES);
	/* Without its newline. */
	assert_true(bytes <= frame_format(&subscribe, text) - 1);
}

static void changed_frames_are_bad_or_mean_something(void **state)
{
	const struct frame subscribe = {
		.kind = FRAME_SUBSCRIBE, .cookie = 77, .lease_s = 60, .id = "/test/abc"
	};
	unsigned seed = (unsigned)time(NULL);

	print_message("seed %u\n", seed);
	srand(seed);
	for (int round = 0; round < 200000; round++) {
		char text[FRAME_TEXT_MAX];
		size_t bytes = frame_format(&subscribe, text);
		struct frame frame;

		for (int i = rand() % 4; i >= 0; i--)
			text[(size_t)rand() % bytes] = (char)(rand() % 256);
		bytes -= (size_t)rand() % 3;
		if (frame_parse(text, bytes, &frame) < 0)
			continue;
		assert_int_equal(frame.kind, FRAME_SUBSCRIBE);
		assert_in_range(frame.lease_s, 1, FRAME_LEASE_MAX_S);
		assert_in_range(strlen(frame.id), 7, FRAME_ID_MAX);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_frame_is_read_back),
		cmocka_unit_test(what_is_not_exactly_a_frame_is_bad),
		cmocka_unit_test(an_id_has_a_longest_length),
		cmocka_unit_test(
			a_cookie_is_shorter_than_all_that_may_be_answered_with_it),
		cmocka_unit_test(changed_frames_are_bad_or_mean_something),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
