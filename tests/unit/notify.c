// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <unistd.h>

#include "lib/clock.h"
#include "lib/notify.h"

/* A manager's socket, at a path or an abstract name that is its own. */
static int listen_at(const char *name, bool abstract)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	size_t length = strlen(name);
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	memcpy(address.sun_path, name, length);
	if (abstract)
		address.sun_path[0] = '\0';
	else
		unlink(name);
	assert_int_equal(
		bind(fd, (struct sockaddr *)&address,
		     (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length)),
		0);
	setenv("NOTIFY_SOCKET", name, 1);
	return fd;
}

static void assert_heard(int fd, const char *expected)
{
	char message[2048];
	ssize_t bytes = recv(fd, message, sizeof(message) - 1, MSG_DONTWAIT);

	assert_true(bytes >= 0);
	message[bytes] = '\0';
	assert_string_equal(message, expected);
}

static int forget_environment(void **state)
{
	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
	return 0;
}

static void without_a_manager_nothing_happens(void **state)
{
	struct notify notify;

	assert_int_equal(notify_open(&notify), 0);
	assert_int_equal(notify_send(&notify, "READY=1"), 0);
	assert_int_equal(notify.watchdog_ns, 0);
	notify_close(&notify);
}

static void messages_reach_a_path_and_an_abstract_socket(void **state)
{
	char names[2][64];

	snprintf(names[0], sizeof(names[0]), "/tmp/notify-test-%d", (int)getpid());
	snprintf(names[1], sizeof(names[1]), "@notify-test-%d", (int)getpid());
	for (int i = 0; i < 2; i++) {
		int fd = listen_at(names[i], i == 1);
		struct notify notify;

		assert_int_equal(notify_open(&notify), 0);
		assert_int_equal(notify_send(&notify, "READY=1\nSTATUS=%d feeds", 3), 0);
		assert_heard(fd, "READY=1\nSTATUS=3 feeds");
		notify_close(&notify);
		assert_int_equal(notify_send(&notify, "READY=1"), 0);
		close(fd);
	}
	unlink(names[0]);
}

static void a_reload_says_when_it_began(void **state)
{
	char name[64];
	char message[200] = "";
	unsigned long long time_us;
	struct notify notify;
	int fd;

	snprintf(name, sizeof(name), "@notify-reload-%d", (int)getpid());
	fd = listen_at(name, true);
	assert_int_equal(notify_open(&notify), 0);
	assert_int_equal(notify_reloading(&notify), 0);
	assert_true(recv(fd, message, sizeof(message) - 1, MSG_DONTWAIT) > 0);
	assert_int_equal(sscanf(message, "RELOADING=1\nMONOTONIC_USEC=%llu", &time_us),
			 1);
	assert_true(time_us <= clock_now_ns() / 1000);
	notify_close(&notify);
	close(fd);
}

static void a_watchdog_is_obeyed_if_it_is_ours(void **state)
{
	struct notify notify;
	char pid[20];

	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	setenv("NOTIFY_SOCKET", "/nowhere", 1);
	setenv("WATCHDOG_USEC", "3000000", 1);
	assert_int_equal(notify_open(&notify), 0);
	assert_int_equal(notify.watchdog_ns, UINT64_C(3) * CLOCK_NS_PER_S);
	assert_int_equal(notify_send(&notify, "READY=1"), -ENOENT);
	notify_close(&notify);
	setenv("WATCHDOG_PID", pid, 1);
	assert_int_equal(notify_open(&notify), 0);
	assert_int_equal(notify.watchdog_ns, UINT64_C(3) * CLOCK_NS_PER_S);
	notify_close(&notify);
	setenv("WATCHDOG_PID", "1", 1);
	assert_int_equal(notify_open(&notify), 0);
	assert_int_equal(notify.watchdog_ns, 0);
	notify_close(&notify);
	unsetenv("WATCHDOG_PID");
	setenv("WATCHDOG_USEC", "3s", 1);
	assert_int_equal(notify_open(&notify), 0);
	assert_int_equal(notify.watchdog_ns, 0);
	notify_close(&notify);
}

static void an_address_that_is_none_is_refused(void **state)
{
	char name[300];
	struct notify notify;

	memset(name, 'a', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	setenv("NOTIFY_SOCKET", "vsock:2:1234", 1);
	assert_int_equal(notify_open(&notify), -EAFNOSUPPORT);
	setenv("NOTIFY_SOCKET", "@", 1);
	assert_int_equal(notify_open(&notify), -ENAMETOOLONG);
	name[0] = '/';
	setenv("NOTIFY_SOCKET", name, 1);
	assert_int_equal(notify_open(&notify), -ENAMETOOLONG);
	assert_int_equal(notify_send(&notify, "READY=1"), 0);
	setenv("NOTIFY_SOCKET", "", 1);
	assert_int_equal(notify_open(&notify), 0);
}

static void a_message_that_would_be_cut_is_not_sent(void **state)
{
	char name[64];
	struct notify notify;
	int fd;

	snprintf(name, sizeof(name), "@notify-long-%d", (int)getpid());
	fd = listen_at(name, true);
	assert_int_equal(notify_open(&notify), 0);
	assert_int_equal(notify_send(&notify, "STATUS=%2000d", 1), -EMSGSIZE);
	assert_int_equal(recv(fd, name, sizeof(name), MSG_DONTWAIT), -1);
	notify_close(&notify);
	close(fd);
}

static void a_manager_that_is_busy_is_not_waited_for(void **state)
{
	struct notify notify;
	int manager, err = 0;
	char name[64];

	snprintf(name, sizeof(name), "@notify-busy-%d", (int)getpid());
	manager = listen_at(name, true);
	setenv("NOTIFY_SOCKET", name, 1);
	assert_int_equal(notify_open(&notify), 0);
	/* Until the queue is full, which nobody empties. */
	for (int i = 0; !err && i < 100000; i++)
		err = notify_try(&notify, "STATUS=%d", i);
	assert_int_equal(err, -EAGAIN);
	notify_close(&notify);
	assert_int_equal(notify_try(&notify, "STATUS=x"), 0);
	close(manager);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(without_a_manager_nothing_happens,
				       forget_environment),
		cmocka_unit_test_setup(messages_reach_a_path_and_an_abstract_socket,
				       forget_environment),
		cmocka_unit_test_setup(a_reload_says_when_it_began, forget_environment),
		cmocka_unit_test_setup(a_watchdog_is_obeyed_if_it_is_ours,
				       forget_environment),
		cmocka_unit_test_setup(an_address_that_is_none_is_refused,
				       forget_environment),
		cmocka_unit_test_setup(a_message_that_would_be_cut_is_not_sent,
				       forget_environment),
		cmocka_unit_test_setup(a_manager_that_is_busy_is_not_waited_for,
				       forget_environment),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
