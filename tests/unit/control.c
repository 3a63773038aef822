// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <ev.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "guard/control.h"
#include "lib/text.h"

enum { ROUNDS = 50, ANSWER_MAX = 4096 };

/* A control that listens in a directory of its own, and what it was asked. */
struct bench {
	char folder[64];
	char path[96];
	struct ev_loop *loop;
	struct control *control;
	unsigned asked;
	bool trusted;
};

static json_t *on_request(void *data, const json_t *request, struct control_peer *peer)
{
	struct bench *bench = data;

	assert_true(json_is_object(request));
	bench->asked++;
	bench->trusted = peer->trusted;
	return json_pack("{s:b}", "ok", 1);
}

static int set_up(void **state)
{
	struct bench *bench = calloc(1, sizeof(*bench));
	struct text why = { 0 };

	assert_non_null(bench);
	snprintf(bench->folder, sizeof(bench->folder), "/tmp/ctguard.control.XXXXXX");
	assert_non_null(mkdtemp(bench->folder));
	snprintf(bench->path, sizeof(bench->path), "%s/socket", bench->folder);
	bench->loop = ev_loop_new(EVFLAG_NOENV);
	assert_int_equal(control_open(&bench->control, bench->path, &why), 0);
	control_start(bench->control, bench->loop, on_request, bench);
	*state = bench;
	return 0;
}

static int tear_down(void **state)
{
	struct bench *bench = *state;

	control_close(bench->control);
	ev_loop_destroy(bench->loop);
	unlink(bench->path);
	rmdir(bench->folder);
	free(bench);
	return 0;
}

static void turn(struct bench *bench)
{
	for (int i = 0; i < ROUNDS; i++)
		ev_run(bench->loop, EVRUN_NOWAIT);
}

static int call(const struct bench *bench)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", bench->path);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

static void say(int fd, const char *bytes, size_t length)
{
	assert_int_equal(send(fd, bytes, length, MSG_NOSIGNAL), length);
}

/* What came until the other side ended; "" if it has not answered, or has hung up. */
static void hear(struct bench *bench, int fd, char *out)
{
	size_t length = 0;
	ssize_t got;

	turn(bench);
	while ((got = recv(fd, out + length, ANSWER_MAX - 1 - length, MSG_DONTWAIT)) > 0)
		length += (size_t)got;
	out[length] = '\0';
}

static bool has_hung_up(struct bench *bench, int fd)
{
	char byte;

	turn(bench);
	return recv(fd, &byte, 1, MSG_DONTWAIT) == 0 || errno == ECONNRESET;
}

static void a_request_in_pieces_is_answered_once_it_is_whole(void **state)
{
	static const char REQUEST[] = "{\"command\":\"status\"}\n";
	struct bench *bench = *state;
	char answer[ANSWER_MAX];
	int fd = call(bench);

	for (size_t i = 0; i < strlen(REQUEST); i++) {
		assert_int_equal(bench->asked, 0);
		say(fd, &REQUEST[i], 1);
		turn(bench);
	}
	hear(bench, fd, answer);
	assert_string_equal(answer, "{\"ok\":true}\n");
	assert_int_equal(bench->asked, 1);
	assert_true(bench->trusted);
	close(fd);
}

static void expect_refused(struct bench *bench, const char *bytes, size_t length,
			   const char *error)
{
	char answer[ANSWER_MAX];
	int fd = call(bench);

	say(fd, bytes, length);
	hear(bench, fd, answer);
	assert_non_null(strstr(answer, error));
	assert_int_equal(bench->asked, 0);
	close(fd);
}

static void what_is_no_object_on_a_line_is_refused(void **state)
{
	static const char *const BAD[] = { "\n",    "nonsense\n", "[]\n",
					   "7\n",   "{}{}\n",     "{\"a\":1,\"a\":2}\n",
					   "{\"a\n" };

	for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++)
		expect_refused(*state, BAD[i], strlen(BAD[i]), "not a JSON object");
	expect_refused(*state, "{}\0\n", 4, "not a JSON object");
}

static void a_line_without_end_and_one_without_bottom_are_refused(void **state)
{
	char bytes[CONTROL_REQUEST_MAX];

	memset(bytes, ' ', sizeof(bytes));
	expect_refused(*state, bytes, sizeof(bytes), "the request is too long");
	memset(bytes, '[', sizeof(bytes));
	bytes[sizeof(bytes) - 1] = '\n';
	expect_refused(*state, bytes, sizeof(bytes), "not a JSON object");
}

static void the_oldest_of_too_many_makes_room(void **state)
{
	struct bench *bench = *state;
	int fds[CONTROL_CLIENTS + 1];
	char answer[ANSWER_MAX];

	for (size_t i = 0; i < CONTROL_CLIENTS + 1; i++) {
		fds[i] = call(bench);
		turn(bench);
	}
	assert_true(has_hung_up(bench, fds[0]));
	assert_false(has_hung_up(bench, fds[1]));
	for (size_t i = 1; i < CONTROL_CLIENTS + 1; i++) {
		say(fds[i], "{}\n", 3);
		hear(bench, fds[i], answer);
		assert_string_equal(answer, "{\"ok\":true}\n");
	}
	for (size_t i = 0; i < CONTROL_CLIENTS + 1; i++)
		close(fds[i]);
}

static void a_client_that_leaves_takes_nobody_with_it(void **state)
{
	struct bench *bench = *state;
	char answer[ANSWER_MAX];
	int fd;

	for (int i = 0; i < 3 * CONTROL_CLIENTS; i++) {
		fd = call(bench);
		say(fd, "{}\n", i % 4);
		close(fd);
		if (i % 3 == 0)
			turn(bench);
	}
	fd = call(bench);
	say(fd, "{}\n", 3);
	hear(bench, fd, answer);
	assert_string_equal(answer, "{\"ok\":true}\n");
	close(fd);
}

/* Requests that may be anything: answered or ended, and the next client is served. */
static void random_bytes_harm_nothing(void **state)
{
	static const char SOME[] = "{}[]\":,\n\\u0 e+-a";
	struct bench *bench = *state;
	unsigned seed = (unsigned)time(NULL);
	char bytes[200], answer[ANSWER_MAX];

	print_message("seed %u\n", seed);
	srandom(seed);
	for (int i = 0; i < 300; i++) {
		size_t length = (size_t)random() % sizeof(bytes);
		int fd = call(bench);

		for (size_t j = 0; j < length; j++)
			bytes[j] = random() % 8 ? SOME[random() % (long)sizeof(SOME)]
						: (char)random();
		say(fd, bytes, length);
		hear(bench, fd, answer);
		assert_true(!answer[0] || strstr(answer, "\"ok\":"));
		close(fd);
		turn(bench);
	}
	a_client_that_leaves_takes_nobody_with_it(state);
}

static void a_second_control_is_refused_and_the_first_stays(void **state)
{
	struct bench *bench = *state;
	struct control *second = NULL;
	struct text why = { 0 };

	assert_int_equal(control_open(&second, bench->path, &why), -EADDRINUSE);
	assert_non_null(strstr(text_str(&why), "another guard takes orders"));
	assert_int_equal(access(bench->path, F_OK), 0);
	text_free(&why);
}

static void only_its_own_socket_is_removed(void **state)
{
	struct bench *bench = *state;
	FILE *file;

	unlink(bench->path);
	file = fopen(bench->path, "we");
	assert_non_null(file);
	fclose(file);
	control_close(bench->control);
	bench->control = NULL;
	assert_int_equal(access(bench->path, F_OK), 0);
}

static void its_socket_goes_with_it(void **state)
{
	struct bench *bench = *state;
	struct stat status;

	assert_int_equal(lstat(bench->path, &status), 0);
	assert_int_equal(status.st_mode & 0777, 0660);
	control_close(bench->control);
	bench->control = NULL;
	assert_int_not_equal(access(bench->path, F_OK), 0);
}

#define WITH_BENCH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_BENCH(a_request_in_pieces_is_answered_once_it_is_whole),
		WITH_BENCH(what_is_no_object_on_a_line_is_refused),
		WITH_BENCH(a_line_without_end_and_one_without_bottom_are_refused),
		WITH_BENCH(the_oldest_of_too_many_makes_room),
		WITH_BENCH(a_client_that_leaves_takes_nobody_with_it),
		WITH_BENCH(random_bytes_harm_nothing),
		WITH_BENCH(a_second_control_is_refused_and_the_first_stays),
		WITH_BENCH(only_its_own_socket_is_removed),
		WITH_BENCH(its_socket_goes_with_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
