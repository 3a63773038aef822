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

#include "lib/clock.h"
#include "lib/http.h"

static struct http_head head;

/* Reads text as one piece; what http_head_read() returned, and the bytes in *used. */
static int read_all(const char *text, size_t *used)
{
	http_head_init(&head);
	return http_head_read(&head, text, strlen(text), used);
}

static bool path_is(const char *path)
{
	size_t length;
	const char *text = http_head_path(&head, &length);

	return length == strlen(path) && memcmp(text, path, length) == 0;
}

static void a_head_is_read_up_to_its_end_and_no_further(void **state)
{
	static const char FIRST[] = "GET /test/1?x=y HTTP/1.1\r\nHost: a\r\n"
				    "Accept: text/html, Text/Event-Stream;q=1\r\n\r\n";
	char text[200];
	size_t used;

	snprintf(text, sizeof(text), "%sGET /next", FIRST);
	assert_int_equal(read_all(text, &used), 0);
	assert_int_equal(used, strlen(FIRST));
	assert_int_equal(http_head_method(&head), HTTP_METHOD_GET);
	assert_true(http_head_is_1_1(&head));
	assert_true(http_head_keeps_alive(&head));
	assert_false(http_head_has_body(&head));
	assert_true(path_is("/test/1"));
	assert_true(http_head_accepts(&head, "text/event-stream"));
	assert_true(http_head_accepts(&head, "text/html"));
	assert_false(http_head_accepts(&head, "text/event"));
	assert_false(http_head_accepts(&head, "event-stream"));
}

static bool accepts_events(const char *accept)
{
	char text[200];
	size_t used;

	snprintf(text, sizeof(text), "GET / HTTP/1.1\r\nHost: a\r\nAccept: %s\r\n\r\n",
		 accept);
	assert_int_equal(read_all(text, &used), 0);
	return http_head_accepts(&head, "text/event-stream");
}

/* RFC 9110, 12.4.2: a weight of 0 means "not acceptable". */
static void what_has_no_weight_is_not_accepted(void **state)
{
	assert_true(accepts_events("text/event-stream"));
	assert_true(accepts_events("text/event-stream;q=0.1"));
	assert_true(accepts_events("text/event-stream ; v=\"1\" ;q=1.000, a/b;q=0"));
	assert_true(accepts_events("text/event-stream;charset=utf-8"));
	assert_false(accepts_events("text/event-stream;q=0"));
	assert_false(accepts_events("a/b, text/event-stream ; v=1; Q=0.000 , c/d"));
}

static void any_cut_gives_the_same_head(void **state)
{
	static const char TEXT[] =
		"\r\nGET http://example.org/test/abc?q HTTP/1.0\r\n"
		"aCCept: a/b\r\nHost: "
		"x\r\nAccept:text/event-stream\r\nX-Long-Name-Of-No-Use: 1\r\n"
		"Connection: keep-alive\r\n\r\n";
	const size_t length = sizeof(TEXT) - 1;

	for (size_t cut = 1; cut < length; cut++) {
		size_t used = 0;

		http_head_init(&head);
		assert_int_equal(http_head_read(&head, TEXT, cut, &used), -EAGAIN);
		assert_int_equal(used, cut);
		assert_int_equal(http_head_read(&head, TEXT + cut, length - cut, &used),
				 0);
		assert_int_equal(used, length - cut);
		assert_true(path_is("/test/abc"));
		assert_true(http_head_accepts(&head, "text/event-stream"));
		assert_false(http_head_is_1_1(&head));
		assert_true(http_head_keeps_alive(&head));
	}
}

static void single_bytes_are_enough(void **state)
{
	static const char TEXT[] =
		"HEAD /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
	size_t used;

	http_head_init(&head);
	for (size_t i = 0; i < sizeof(TEXT) - 2; i++)
		assert_int_equal(http_head_read(&head, TEXT + i, 1, &used), -EAGAIN);
	assert_int_equal(http_head_read(&head, TEXT + sizeof(TEXT) - 2, 1, &used), 0);
	assert_int_equal(used, 1);
	assert_int_equal(http_head_method(&head), HTTP_METHOD_HEAD);
	assert_false(http_head_keeps_alive(&head));
	assert_true(path_is("/healthz"));
}

static void what_is_wrong_names_its_status(void **state)
{
	static const struct {
		const char *text;
		int status;
	} CASES[] = {
		{ "garbage\r\n\r\n", 400 },
		{ "\x16\x03\x01\x02", 400 },
		{ "GET / HTTP/1.1\r\n\r\n", 400 }, /* no Host */
		{ "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400 },
		{ "GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400 },
		{ "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n", 400 },
		{ "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n"
		  "Transfer-Encoding: chunked\r\n\r\n",
		  400 },
		{ "GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505 },
		{ "GET / HTTP/9.9\r\nHost: a\r\n\r\n", 505 },
		{ "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400 },
		{ "GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400 },
		{ "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400 },
		{ "GET / HTTP/1.1\r\nHost: u@b\r\n\r\n", 400 },
		{ "GET / HTTP/1.1\r\nHost: a\r\nExpect: the-best\r\n\r\n", 417 },
		{ "GET / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue-not\r\n\r\n", 417 },
		{ "GET / HTTP/1.1\r\nHost: a\r\nX: b\rc\r\n\r\n", 400 },
		{ "GET / HTTP/1.1\r\nHost: a\r\nX\r\n\r\n", 400 },
		{ "GET / HTTP/1.1\r\nHost: a\r\n: x\r\n\r\n", 400 },
		{ "GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400 },
		{ "GET / HTTP/1.1\r\nHost: a\r\nX : b\r\n\r\n", 400 },
		{ "GET / HTTP/1.1\r\nHost: a\r\nX y: b\r\n\r\n", 400 },
	};

	for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
		size_t used = 0;
		int err = read_all(CASES[i].text, &used);

		if (err != -EBADMSG || head.refused != CASES[i].status)
			print_message("case %zu: %d, %d\n", i, err, head.refused);
		assert_int_equal(err, -EBADMSG);
		assert_int_equal(head.refused, CASES[i].status);
	}
}

/* Where a body is and ends must look the same to all who read along. */
static void ambiguous_bodies_are_refused(void **state)
{
	static const char *const CASES[] = {
		"Content-Length: 1\r\nContent-Length: 1\r\n",
		"Content-Length: 1\r\nContent-Length: 2\r\n",
		"Content-Length: 1, 1\r\n",
		"Content-Length: +1\r\n",
		"Content-Length: -1\r\n",
		"Content-Length: 0x1\r\n",
		"Content-Length: 99999999999999999999999\r\n",
		"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n",
		"Transfer-Encoding: chunked\r\nContent-Length: 1\r\n",
		"Transfer-Encoding: chunked, identity\r\n",
		"Transfer-Encoding: xchunked\r\n",
		"Transfer-Encoding: gzip\r\n",
		"Transfer-Encoding: identity\r\n",
		"Transfer-Encoding : chunked\r\n",
		"Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n",
		"Transfer-Encoding:\vchunked\r\n",
	};
	char text[200];
	size_t used;

	for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
		snprintf(text, sizeof(text), "POST / HTTP/1.1\r\nHost: a\r\n%s\r\n",
			 CASES[i]);
		if (read_all(text, &used) != -EBADMSG || head.refused != 400)
			fail_msg("case %zu: %d", i, head.refused);
	}
	assert_int_equal(
		read_all("GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", &used),
		-EBADMSG);
	assert_int_equal(head.refused, 400);
}

static void expecting_to_continue_is_no_mistake(void **state)
{
	size_t used;

	assert_int_equal(read_all("GET / HTTP/1.1\r\nHost: a.b:80\r\n"
				  "Expect: 100-Continue\r\n\r\n",
				  &used),
			 0);
	assert_int_equal(read_all("OPTIONS * HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", &used),
			 0);
	assert_int_equal(http_head_method(&head), HTTP_METHOD_OPTIONS);
	assert_int_equal(read_all("GET / HTTP/1.1\r\nHost:\r\n\r\n", &used), 0);
}

static void a_body_is_seen_and_ends_the_connection(void **state)
{
	size_t used;

	assert_int_equal(
		read_all("POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc",
			 &used),
		0);
	assert_int_equal(http_head_method(&head), HTTP_METHOD_OTHER);
	assert_true(http_head_has_body(&head));
	assert_false(http_head_keeps_alive(&head));
	assert_int_equal(read_all("POST /a HTTP/1.1\r\nHost: a\r\n"
				  "Transfer-Encoding: chunked\r\n\r\n",
				  &used),
			 0);
	assert_true(http_head_has_body(&head));
	assert_int_equal(
		read_all("POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n",
			 &used),
		0);
	assert_false(http_head_has_body(&head));
	assert_true(http_head_keeps_alive(&head));
}

/* A request line with a target of length bytes, the head completed. */
static int read_target(size_t length)
{
	static char text[HTTP_HEAD_MAX * 2];
	size_t used, at = 5;

	memcpy(text, "GET /", at);
	memset(text + at, 'a', length - 1);
	at += length - 1;
	memcpy(text + at, " HTTP/1.1\r\nHost: a\r\n\r\n", 23);
	return read_all(text, &used);
}

static void the_target_is_bounded(void **state)
{
	size_t length;

	assert_int_equal(read_target(HTTP_TARGET_MAX), 0);
	http_head_path(&head, &length);
	assert_int_equal(length, HTTP_TARGET_MAX);
	assert_int_equal(read_target(HTTP_TARGET_MAX + 1), -EBADMSG);
	assert_int_equal(head.refused, 414);
	assert_int_equal(read_target(HTTP_HEAD_MAX + 1000), -EBADMSG);
	assert_int_equal(head.refused, 414);
}

static void the_head_is_bounded(void **state)
{
	static char line[100];
	size_t used, sum = 0;
	int err;

	memset(line, 'x', sizeof(line));
	memcpy(line + 10, ": ", 2);
	memcpy(line + 98, "\r\n", 2);
	assert_int_equal(read_all("GET / HTTP/1.1\r\nHost: a\r\n", &used), -EAGAIN);
	do {
		err = http_head_read(&head, line, sizeof(line), &used);
		sum += used;
	} while (err == -EAGAIN);
	assert_int_equal(err, -EBADMSG);
	assert_int_equal(head.refused, 431);
	assert_in_range(sum, HTTP_HEAD_MAX - 100, HTTP_HEAD_MAX);
}

static void a_path_is_found_in_every_form_of_target(void **state)
{
	size_t used, length;

	read_all("GET http://a.b:80/test/1 HTTP/1.1\r\nHost: a\r\n\r\n", &used);
	assert_true(path_is("/test/1"));
	read_all("GET /a?b=http://c/d HTTP/1.1\r\nHost: a\r\n\r\n", &used);
	assert_true(path_is("/a"));
	read_all("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", &used);
	http_head_path(&head, &length);
	assert_int_equal(length, 0);
	read_all("GET http://a.b?x HTTP/1.1\r\nHost: a\r\n\r\n", &used);
	http_head_path(&head, &length);
	assert_int_equal(length, 0);
}

/* No oracle but the sanitizers and the contract: every byte string gets one of three answers. */
static void random_bytes_never_break_the_contract(void **state)
{
	static const char WORDS[][12] = { "GET ",    "/test/",  " HTTP/1.1", "\r\n",
					  "Host: a", "Accept:", "\0\xff",    ": ",
					  "POST ",   "a" };
	unsigned seed = (unsigned)clock_now_ns();

	print_message("seed %u\n", seed);
	srandom(seed);
	for (int run = 0; run < 20000; run++) {
		int err = -EAGAIN;

		http_head_init(&head);
		for (int i = 0; i < 40 && err == -EAGAIN; i++) {
			const char *word = WORDS[random() % 10];
			size_t length = 1 + (size_t)random() % 11;
			size_t used = SIZE_MAX;

			err = http_head_read(&head, word, length, &used);
			assert_in_range(used, 0, length);
		}
		assert_true(err == 0 || err == -EAGAIN || err == -EBADMSG);
		assert_true((err == -EBADMSG) == (head.refused != 0));
	}
}

static void a_reply_head_says_what_it_must(void **state)
{
	struct http_reply reply = {
		.status = 405,
		.content_type = "text/plain",
		.extra = "Allow: GET\r\n",
		.length = 7,
		.keep_alive = true,
		.date = 784111777,
	};
	char text[HTTP_REPLY_MAX];
	size_t bytes = http_reply_head(&reply, text);

	assert_int_equal(bytes, strlen(text));
	assert_string_equal(text, "HTTP/1.1 405 Method Not Allowed\r\n"
				  "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
				  "Content-Type: text/plain\r\n"
				  "Content-Length: 7\r\n"
				  "Allow: GET\r\n\r\n");
	reply.old_client = true;
	http_reply_head(&reply, text);
	assert_non_null(strstr(text, "\r\nConnection: keep-alive\r\n"));
	reply.unbounded = true;
	reply.chunked = true;
	reply.keep_alive = false;
	http_reply_head(&reply, text);
	assert_non_null(strstr(text, "\r\nTransfer-Encoding: chunked\r\n"));
	assert_non_null(strstr(text, "\r\nConnection: close\r\n"));
	assert_null(strstr(text, "Content-Length"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_head_is_read_up_to_its_end_and_no_further),
		cmocka_unit_test(what_has_no_weight_is_not_accepted),
		cmocka_unit_test(any_cut_gives_the_same_head),
		cmocka_unit_test(single_bytes_are_enough),
		cmocka_unit_test(what_is_wrong_names_its_status),
		cmocka_unit_test(ambiguous_bodies_are_refused),
		cmocka_unit_test(expecting_to_continue_is_no_mistake),
		cmocka_unit_test(a_body_is_seen_and_ends_the_connection),
		cmocka_unit_test(the_target_is_bounded),
		cmocka_unit_test(the_head_is_bounded),
		cmocka_unit_test(a_path_is_found_in_every_form_of_target),
		cmocka_unit_test(random_bytes_never_break_the_contract),
		cmocka_unit_test(a_reply_head_says_what_it_must),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
