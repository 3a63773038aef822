// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include <ev.h>

#include "guard/config.h"
#include "guard/control.h"
#include "guard/enrolment.h"
#include "guard/notes.h"
#include "guard/roll.h"
#include "guard/turnstile.h"
#include "lib/clock.h"
#include "lib/text.h"

/* In place of time and of the journal; and what the roll's ears heard. */
static uint64_t now_ns;
static char noted[512];
static uint64_t noted_refused, refused_in;
static size_t notes;
static unsigned refusals;

uint64_t clock_now_ns(void)
{
	return now_ns;
}

double clock_between_s(uint64_t from_ns, uint64_t to_ns)
{
	return ((double)to_ns - (double)from_ns) / 1e9;
}

bool clock_is_within(uint64_t then_ns, uint64_t at_ns, double seconds)
{
	return then_ns && clock_between_s(then_ns, at_ns) < seconds;
}

void notes_program(struct journal *journal, const char *event, pid_t pid,
		   const struct enrolment *enrolment)
{
	size_t length = strlen(noted);

	notes++;

	snprintf(noted + length, sizeof(noted) - length, "%s %d; ", event, (int)pid);
}

void notes_refused(struct journal *journal, const struct enrolment *enrolment, pid_t pid,
		   uint64_t count)
{
	noted_refused = count;
}

void notes_churn(struct journal *journal, const char *what, struct turnstile *turnstile)
{
}

static void on_changed(void *data)
{
}

static void on_refused(uint64_t netns, void *data)
{
	refused_in = netns;
	refusals++;
}

static bool guards(uint64_t netns, void *data)
{
	return netns != 666;
}

static bool is_busy(const struct roll_service *service, void *data)
{
	return false;
}

static const struct roll_ears EARS = {
	.changed = on_changed,
	.refused = on_refused,
	.guards = guards,
	.busy = is_busy,
};

static struct config config;
static struct roll *roll;
static struct ev_loop *loop;

/* udp/9000-9999 may be registered by root. */
static int begin(void **state)
{
	struct text why = { 0 };

	now_ns = 1000000000000;
	noted[0] = '\0';
	noted_refused = refused_in = refusals = 0;
	config_init(&config);
	assert_int_equal(config_add_admission(&config, "udp/9000-9999", &why), 0);
	loop = ev_loop_new(EVFLAG_NOENV);
	assert_non_null(loop);
	assert_int_equal(roll_open(&roll, &config, NULL), 0);
	roll_start(roll, loop, &EARS);
	return 0;
}

static int end(void **state)
{
	roll_close(roll);
	ev_loop_destroy(loop);
	return 0;
}

/* A program's end of a connection over which it asked for that; -1: it was refused, with that reason. */
static int enrol(pid_t pid, const char *request, char *reason, size_t size)
{
	json_t *object = json_loads(request, 0, NULL), *answer;
	struct control_peer peer = { .pid = pid };
	char line[1024] = "";
	int ends[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	peer.fd = ends[0];
	answer = roll_register(roll, &peer, object);
	json_decref(object);
	reason[0] = '\0';
	if (!answer) {
		assert_true(peer.taken);
		assert_true(recv(ends[1], line, sizeof(line) - 1, 0) > 0);
		assert_non_null(strstr(line, "\"registered\":[\"udp/9"));
		return ends[1];
	}
	snprintf(reason, size, "%s", json_string_value(json_object_get(answer, "error")));
	json_decref(answer);
	close(ends[0]);
	close(ends[1]);
	return -1;
}

static int enrol_port(pid_t pid, unsigned port)
{
	char request[200], reason[200];

	snprintf(request, sizeof(request),
		 "{\"program\":\"p\",\"netns\":77,\"services\":[\"udp/%u\"]}", port);
	return enrol(pid, request, reason, sizeof(reason));
}

static void say(int fd, const char *line)
{
	assert_int_equal(send(fd, line, strlen(line), 0), (ssize_t)strlen(line));
	ev_run(loop, EVRUN_NOWAIT);
}

static void sends_that_were_not_permitted_have_the_table_looked_at_each_time(void **state)
{
	int fd = enrol_port(5, 9000);

	say(fd, "{\"eperm\":7}\n");
	assert_int_equal(refusals, 1);
	assert_int_equal(refused_in, 77);
	say(fd, "{\"eperm\":1}\n{\"eperm\":2}\n");
	assert_int_equal(refusals, 3);
	assert_int_equal(roll_eperm(roll), 10);
	close(fd);
}

static void they_are_written_down_now_and_then_and_none_is_forgotten(void **state)
{
	int fd = enrol_port(5, 9000);

	say(fd, "{\"eperm\":7}\n");
	assert_int_equal(noted_refused, 7);
	now_ns += 9000000000;
	say(fd, "{\"eperm\":20}\n");
	assert_int_equal(noted_refused, 7);
	now_ns += 1000000000;
	say(fd, "{\"eperm\":300}\n");
	assert_int_equal(noted_refused, 320);
	close(fd);
}

static void a_report_may_come_in_pieces(void **state)
{
	int fd = enrol_port(5, 9000);

	say(fd, "{\"ep");
	assert_int_equal(refusals, 0);
	say(fd, "erm\":3}\n{");
	assert_int_equal(roll_eperm(roll), 3);
	say(fd, "\"eperm\":4}\n");
	assert_int_equal(roll_eperm(roll), 7);
	close(fd);
}

static void whoever_says_something_else_is_sent_away(void **state)
{
	static const char *const LINES[] = { "nonsense\n", "{\"eperm\":-1}\n", "{}\n",
					     "{\"eperm\":1}\n\n" };
	char byte, much[300];

	for (size_t i = 0; i < sizeof(LINES) / sizeof(LINES[0]); i++) {
		int fd = enrol_port(5, 9000);

		say(fd, LINES[i]);
		assert_int_equal(roll_programs(roll), 0);
		assert_int_equal(recv(fd, &byte, 1, MSG_DONTWAIT), 0);
		close(fd);
	}
	memset(much, 'x', sizeof(much));
	much[sizeof(much) - 1] = '\0';
	say(enrol_port(5, 9000), much);
	assert_int_equal(roll_programs(roll), 0);
}

static void a_program_that_comes_and_goes_is_told_of_now_and_then(void **state)
{
	notes = 0;
	for (int i = 0; i < 100; i++) {
		close(enrol_port(5, 9000));
		ev_run(loop, EVRUN_NOWAIT);
		assert_int_equal(roll_programs(roll), 0);
	}
	assert_int_equal(notes, TURNSTILE_AT_ONCE);
}

static void a_program_that_ends_is_told_and_its_services_may_only_come_back(void **state)
{
	struct config there = config;
	int one = enrol_port(5, 9000), two = enrol_port(6, 9000);

	close(one);
	ev_run(loop, EVRUN_NOWAIT);
	roll_extend(roll, 77, &there);
	assert_int_equal(there.count, 1);
	assert_false(there.services[0].leaving);
	close(two);
	ev_run(loop, EVRUN_NOWAIT);
	there = config;
	roll_extend(roll, 77, &there);
	assert_true(there.services[0].leaving);
	assert_string_equal(noted, "register 5; register 6; leave 5; leave 6; ");
	there = config;
	roll_extend(roll, 78, &there);
	assert_int_equal(there.count, 0);
}

static void what_may_not_be_registered_is_refused_with_the_reason(void **state)
{
	char reason[200];

	assert_int_equal(
		enrol(5, "{\"program\":\"p\",\"netns\":77,\"services\":[\"tcp/80\"]}",
		      reason, sizeof(reason)),
		-1);
	assert_non_null(strstr(reason, "tcp/80 may not be registered"));
	assert_int_equal(
		enrol(5, "{\"program\":\"p\",\"netns\":666,\"services\":[\"udp/9000\"]}",
		      reason, sizeof(reason)),
		-1);
	assert_non_null(strstr(reason, "not guarded"));
	assert_int_equal(enrol(5, "{}", reason, sizeof(reason)), -1);
	assert_int_equal(roll_programs(roll), 0);
}

static void nobody_takes_all_the_places(void **state)
{
	int fds[ROLL_OF_USER_MAX];

	for (unsigned i = 0; i < ROLL_OF_USER_MAX; i++) {
		fds[i] = enrol_port(5, 9000 + i);
		assert_true(fds[i] >= 0);
	}
	assert_int_equal(enrol_port(5, 9100), -1);
	close(fds[0]);
	ev_run(loop, EVRUN_NOWAIT);
	fds[0] = enrol_port(5, 9100);
	assert_true(fds[0] >= 0);
	for (unsigned i = 0; i < ROLL_OF_USER_MAX; i++)
		close(fds[i]);
}

static void a_new_configuration_sends_away_who_may_not_any_more(void **state)
{
	int fd = enrol_port(5, 9000);

	roll_review(roll);
	assert_int_equal(roll_programs(roll), 1);
	config.admission_count = 0;
	roll_review(roll);
	assert_int_equal(roll_programs(roll), 0);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define ROLL_TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
		ROLL_TEST(
			sends_that_were_not_permitted_have_the_table_looked_at_each_time),
		ROLL_TEST(they_are_written_down_now_and_then_and_none_is_forgotten),
		ROLL_TEST(a_report_may_come_in_pieces),
		ROLL_TEST(whoever_says_something_else_is_sent_away),
		ROLL_TEST(a_program_that_comes_and_goes_is_told_of_now_and_then),
		ROLL_TEST(
			a_program_that_ends_is_told_and_its_services_may_only_come_back),
		ROLL_TEST(what_may_not_be_registered_is_refused_with_the_reason),
		ROLL_TEST(nobody_takes_all_the_places),
		ROLL_TEST(a_new_configuration_sends_away_who_may_not_any_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
