// SPDX-License-Identifier: GPL-2.0-or-later
#include "lib/sockdiag.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <linux/inet_diag.h>

#include <cmocka.h>

#include "lib/nl.h"

/* One that is looked for by its inode, and what was found. */
struct search {
	uint64_t inode;
	unsigned found;
	struct sockdiag_socket socket;
};

static void compare(const struct sockdiag_socket *socket, void *data)
{
	struct search *search = data;

	if (socket->inode != search->inode)
		return;
	search->found++;
	search->socket = *socket;
}

/* A socket at a free port of an address; only: IPv6 only. */
static int open_at(int type, const char *address, int only)
{
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };
	struct sockaddr_in v4 = { .sin_family = AF_INET };
	bool is_v4 = inet_pton(AF_INET, address, &v4.sin_addr) == 1;
	const struct sockaddr *name =
		is_v4 ? (const struct sockaddr *)&v4 : (const struct sockaddr *)&v6;
	int fd = socket(is_v4 ? AF_INET : AF_INET6, type, 0);

	assert_true(fd >= 0);
	if (!is_v4) {
		assert_int_equal(inet_pton(AF_INET6, address, &v6.sin6_addr), 1);
		assert_int_equal(
			setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof(only)),
			0);
	}
	assert_int_equal(bind(fd, name, is_v4 ? sizeof(v4) : sizeof(v6)), 0);
	if (type == SOCK_STREAM)
		assert_int_equal(listen(fd, 1), 0);
	return fd;
}

static struct search look_for(int fd)
{
	struct search search = { 0 };
	struct nl *diag;
	struct stat file;

	assert_int_equal(fstat(fd, &file), 0);
	search.inode = file.st_ino;
	assert_int_equal(nl_open(&diag, NETLINK_SOCK_DIAG), 0);
	assert_int_equal(sockdiag_read(diag, compare, &search), 0);
	nl_close(diag);
	return search;
}

static void every_kind_of_socket_is_found_as_it_was_bound(void **state)
{
	static const struct {
		const char *address;
		int type, only;
		uint8_t proto, family;
		bool any;
	} CASES[] = {
		{ "0.0.0.0", SOCK_STREAM, 0, IPPROTO_TCP, AF_INET, true },
		{ "127.0.0.1", SOCK_STREAM, 0, IPPROTO_TCP, AF_INET, false },
		{ "::", SOCK_STREAM, 0, IPPROTO_TCP, AF_UNSPEC, true },
		{ "::", SOCK_STREAM, 1, IPPROTO_TCP, AF_INET6, true },
		{ "0.0.0.0", SOCK_DGRAM, 0, IPPROTO_UDP, AF_INET, true },
		{ "127.0.0.1", SOCK_DGRAM, 0, IPPROTO_UDP, AF_INET, false },
		{ "::", SOCK_DGRAM, 0, IPPROTO_UDP, AF_UNSPEC, true },
		{ "::", SOCK_DGRAM, 1, IPPROTO_UDP, AF_INET6, true },
		{ "::ffff:127.0.0.1", SOCK_DGRAM, 0, IPPROTO_UDP, AF_INET, false },
		{ "::ffff:0.0.0.0", SOCK_DGRAM, 0, IPPROTO_UDP, AF_INET, true },
	};

	for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
		int fd = open_at(CASES[i].type, CASES[i].address, CASES[i].only);
		struct sockaddr_in6 name;
		socklen_t bytes = sizeof(name);
		struct search search = look_for(fd);

		assert_int_equal(getsockname(fd, (struct sockaddr *)&name, &bytes), 0);
		assert_int_equal(search.found, 1);
		assert_int_equal(search.socket.proto, CASES[i].proto);
		assert_int_equal(search.socket.family, CASES[i].family);
		assert_int_equal(search.socket.any, CASES[i].any);
		/* The port is at the same place in both families' names. */
		assert_int_equal(search.socket.port, ntohs(name.sin6_port));
		if (!CASES[i].any)
			assert_int_equal(search.socket.address.v4.s_addr,
					 htonl(INADDR_LOOPBACK));
		close(fd);
	}
}

static void a_socket_that_is_connected_is_none(void **state)
{
	int fd = open_at(SOCK_DGRAM, "127.0.0.1", 0);
	struct sockaddr_in name;
	socklen_t bytes = sizeof(name);

	assert_int_equal(getsockname(fd, (struct sockaddr *)&name, &bytes), 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&name, sizeof(name)), 0);
	assert_int_equal(look_for(fd).found, 0);
	close(fd);
}

static void a_message_that_is_cut_off_is_no_socket(void **state)
{
	struct {
		struct nlmsghdr header;
		struct inet_diag_msg diag;
	} message = { .header = { .nlmsg_len = sizeof(message) },
		      .diag = { .idiag_family = AF_INET,
				.id = { .idiag_sport = htons(53) } } };
	struct sockdiag_socket socket;

	assert_true(sockdiag_parse(&message.header, IPPROTO_UDP, &socket));
	assert_int_equal(socket.port, 53);
	for (uint32_t bytes = 0; bytes < sizeof(message); bytes++) {
		message.header.nlmsg_len = bytes;
		assert_false(sockdiag_parse(&message.header, IPPROTO_UDP, &socket));
	}
	message.header.nlmsg_len = sizeof(message);
	message.diag.idiag_family = AF_UNIX;
	assert_false(sockdiag_parse(&message.header, IPPROTO_UDP, &socket));
	message.diag.idiag_family = AF_INET;
	message.diag.id.idiag_sport = 0;
	assert_false(sockdiag_parse(&message.header, IPPROTO_UDP, &socket));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind_of_socket_is_found_as_it_was_bound),
		cmocka_unit_test(a_socket_that_is_connected_is_none),
		cmocka_unit_test(a_message_that_is_cut_off_is_no_socket),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
