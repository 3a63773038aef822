// SPDX-License-Identifier: GPL-2.0-or-later
/* Against the real kernel: sock_diag needs no privilege. */
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/nl.h"

enum { SOCKETS = 300 };

static int open_sockets(void **state)
{
	static int fds[SOCKETS];

	for (int i = 0; i < SOCKETS; i++) {
		struct sockaddr_in any = { .sin_family = AF_INET };

		fds[i] = socket(AF_INET, SOCK_DGRAM, 0);
		if (fds[i] < 0 || bind(fds[i], (struct sockaddr *)&any, sizeof(any)) < 0)
			return -1;
	}
	*state = fds;
	return 0;
}

static int close_sockets(void **state)
{
	for (int i = 0; i < SOCKETS; i++)
		close(((int *)*state)[i]);
	return 0;
}

static void begin_dump(struct nl *nl, uint8_t family)
{
	struct nlmsghdr *header = nl_begin(nl, SOCK_DIAG_BY_FAMILY, NLM_F_DUMP);
	struct inet_diag_req_v2 *request =
		mnl_nlmsg_put_extra_header(header, sizeof(*request));

	request->sdiag_family = family;
	request->sdiag_protocol = IPPROTO_UDP;
	request->idiag_states = UINT32_MAX;
}

static int count_cb(const struct nlmsghdr *header, void *data)
{
	++*(int *)data;
	return MNL_CB_OK;
}

static int stop_at_ten_cb(const struct nlmsghdr *header, void *data)
{
	return ++*(int *)data == 10 ? MNL_CB_STOP : MNL_CB_OK;
}

static int fail_cb(const struct nlmsghdr *header, void *data)
{
	errno = EBADMSG;
	return MNL_CB_ERROR;
}

static void a_dump_is_read_to_its_end(void **state)
{
	struct nl *nl;
	int count = 0;

	assert_int_equal(nl_open(&nl, NETLINK_SOCK_DIAG), 0);
	begin_dump(nl, AF_INET);
	assert_int_equal(nl_transact(nl, count_cb, &count), 0);
	assert_true(count >= SOCKETS);
	nl_close(nl);
}

static void a_dump_left_early_does_not_poison_the_next_request(void **state)
{
	struct nl *nl;
	int first = 0, second = 0;

	assert_int_equal(nl_open(&nl, NETLINK_SOCK_DIAG), 0);
	begin_dump(nl, AF_INET);
	assert_int_equal(nl_transact(nl, stop_at_ten_cb, &first), 0);
	assert_int_equal(first, 10);
	begin_dump(nl, AF_INET);
	assert_int_equal(nl_transact(nl, count_cb, &second), 0);
	assert_true(second >= SOCKETS);
	nl_close(nl);
}

/* The next descriptor is the socket's. */
static void a_dump_left_early_is_ended_when_there_is_time(void **state)
{
	struct stat opened, kept, renewed;
	struct nl *nl;
	int fd = dup(STDERR_FILENO), count = 0;

	close(fd);
	assert_int_equal(nl_open(&nl, NETLINK_SOCK_DIAG), 0);
	assert_int_equal(fstat(fd, &opened), 0);
	assert_int_equal(nl_ready(nl), 0);
	assert_int_equal(fstat(fd, &kept), 0);
	assert_int_equal(kept.st_ino, opened.st_ino);
	begin_dump(nl, AF_INET);
	assert_int_equal(nl_transact(nl, stop_at_ten_cb, &count), 0);
	assert_int_equal(nl_ready(nl), 0);
	assert_int_equal(fstat(fd, &renewed), 0);
	assert_int_not_equal(renewed.st_ino, opened.st_ino);
	nl_close(nl);
}

static void a_callback_that_fails_is_heard(void **state)
{
	struct nl *nl;
	int count = 0;

	assert_int_equal(nl_open(&nl, NETLINK_SOCK_DIAG), 0);
	begin_dump(nl, AF_INET);
	assert_int_equal(nl_transact(nl, fail_cb, NULL), -EBADMSG);
	begin_dump(nl, AF_INET);
	assert_int_equal(nl_transact(nl, count_cb, &count), 0);
	assert_true(count >= SOCKETS);
	nl_close(nl);
}

static void a_refused_request_returns_the_kernels_error(void **state)
{
	struct nl *nl;

	assert_int_equal(nl_open(&nl, NETLINK_SOCK_DIAG), 0);
	begin_dump(nl, 250);
	assert_int_equal(nl_transact(nl, NULL, NULL), -EINVAL);
	nl_close(nl);
}

static void a_batch_names_the_message_that_failed(void **state)
{
	char batch[2 * NLMSG_HDRLEN] = { 0 };
	struct nlmsghdr *header = mnl_nlmsg_put_header(batch);
	uint32_t failed = 0, sequence;
	struct nl *nl;

	assert_int_equal(nl_open(&nl, NETLINK_SOCK_DIAG), 0);
	sequence = nl_sequence(nl);
	header->nlmsg_type = SOCK_DIAG_BY_FAMILY; /* too short for one */
	header->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	header->nlmsg_seq = sequence;
	assert_int_equal(nl_batch(nl, batch, header->nlmsg_len, sequence, &failed),
			 -EINVAL);
	assert_int_equal(failed, sequence);
	nl_close(nl);
}

static void closing_nothing_is_allowed(void **state)
{
	nl_close(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_dump_is_read_to_its_end),
		cmocka_unit_test(a_dump_left_early_does_not_poison_the_next_request),
		cmocka_unit_test(a_dump_left_early_is_ended_when_there_is_time),
		cmocka_unit_test(a_callback_that_fails_is_heard),
		cmocka_unit_test(a_refused_request_returns_the_kernels_error),
		cmocka_unit_test(a_batch_names_the_message_that_failed),
		cmocka_unit_test(closing_nothing_is_allowed),
	};

	return cmocka_run_group_tests(tests, open_sockets, close_sockets);
}
