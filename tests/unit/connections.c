// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>

#include "conntrack/connections.c"
#include "lib/args.h"

/*
 * In place of the kernel: sockets, of which it gives those that the request selects. The conditions
 * are run as net/ipv4/inet_diag.c does.
 */
struct open_socket {
	uint8_t family;
	const char *source, *destination;
	uint16_t source_port, destination_port;
};

static const struct open_socket SOCKETS[] = {
	{ AF_INET, "192.0.2.1", "198.51.100.1", 8080, 40000 },
	{ AF_INET, "192.0.2.2", "198.51.100.1", 8080, 40001 },
	{ AF_INET, "192.0.2.1", "198.51.100.1", 8079, 40002 },
	{ AF_INET, "192.0.2.1", "198.51.100.1", 8081, 40003 },
	{ AF_INET, "192.0.2.1", "198.51.100.2", 40004, 443 },
	{ AF_INET6, "2001:db8::1", "2001:db8::9", 8080, 40005 },
	{ AF_INET6, "::ffff:192.0.2.1", "::ffff:198.51.100.1", 8080, 40006 },
	{ AF_INET6, "2001:db8::1", "2001:db8::8", 40007, 443 },
};

struct nl {
	_Alignas(struct nlmsghdr) char request[512];
	unsigned given;
};

static struct nl diag;

struct nlmsghdr *nl_begin(struct nl *nl, uint16_t type, uint16_t flags)
{
	struct nlmsghdr *header = mnl_nlmsg_put_header(nl->request);

	header->nlmsg_type = type;
	header->nlmsg_flags = flags;
	return header;
}

static bool is_met(const struct inet_diag_bc_op *op, const struct open_socket *socket)
{
	uint16_t port = (uint16_t)op[1].no;

	switch (op->code) {
	case INET_DIAG_BC_S_GE: return socket->source_port >= port;
	case INET_DIAG_BC_S_LE: return socket->source_port <= port;
	case INET_DIAG_BC_D_GE: return socket->destination_port >= port;
	case INET_DIAG_BC_D_LE: return socket->destination_port <= port;
	default: fail_msg("condition %u", op->code);
	}
	return false;
}

static bool is_selected(const struct nlattr *code, const struct open_socket *socket)
{
	const char *at = mnl_attr_get_payload(code);
	int left = mnl_attr_get_payload_len(code);

	while (left > 0) {
		const struct inet_diag_bc_op *op = (const void *)at;
		int step = is_met(op, socket) ? op->yes : op->no;

		assert_true(step > 0 && step % 4 == 0);
		at += step;
		left -= step;
	}
	return left == 0;
}

static size_t put_socket(char *buffer, const struct open_socket *socket)
{
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
	struct inet_diag_msg *body =
		mnl_nlmsg_put_extra_header(message, sizeof(struct inet_diag_msg));

	body->idiag_family = socket->family;
	assert_int_equal(inet_pton(socket->family, socket->source, body->id.idiag_src),
			 1);
	assert_int_equal(
		inet_pton(socket->family, socket->destination, body->id.idiag_dst), 1);
	return message->nlmsg_len;
}

int nl_transact(struct nl *nl, mnl_cb_t cb, void *data)
{
	const struct nlmsghdr *request = (const struct nlmsghdr *)nl->request;
	const struct inet_diag_req_v2 *wanted = mnl_nlmsg_get_payload(request);
	const struct nlattr *code =
		mnl_nlmsg_get_payload_offset(request, sizeof(*wanted));

	assert_int_equal(mnl_attr_get_type(code), INET_DIAG_REQ_BYTECODE);
	assert_int_equal(wanted->sdiag_protocol, IPPROTO_TCP);
	assert_false(wanted->idiag_states & (1U << TCP_LISTEN | 1U << TCP_TIME_WAIT));
	assert_true(wanted->idiag_states & 1U << TCP_ESTABLISHED);
	for (size_t i = 0; i < sizeof(SOCKETS) / sizeof(SOCKETS[0]); i++) {
		_Alignas(struct nlmsghdr) char buffer[256];

		if (SOCKETS[i].family != wanted->sdiag_family ||
		    !is_selected(code, &SOCKETS[i]))
			continue;
		put_socket(buffer, &SOCKETS[i]);
		nl->given++;
		if (cb((const struct nlmsghdr *)buffer, data) != MNL_CB_OK)
			return 0;
	}
	return 0;
}

static uint32_t count_most(const char *spec, uint32_t most)
{
	struct service service;
	struct args_why why;
	uint32_t count = 77;

	diag.given = 0;
	assert_int_equal(service_parse(spec, &service, &why), 0);
	assert_int_equal(connections_count(&diag, &service, most, &count), 0);
	return count;
}

static uint32_t count_of(const char *spec)
{
	return count_most(spec, 1000);
}

static void a_port_has_the_connections_of_both_families(void **state)
{
	assert_int_equal(count_of("tcp/8080"), 4);
	/* What is of others costs no message. */
	assert_int_equal(diag.given, 4);
	assert_int_equal(count_of("tcp/8082"), 0);
	assert_int_equal(diag.given, 0);
}

static void a_range_has_those_of_its_first_and_last_port_too(void **state)
{
	assert_int_equal(count_of("tcp/8079-8081"), 6);
	assert_int_equal(count_of("tcp/8080-8081"), 5);
	assert_int_equal(count_of("tcp/1-65535"), 8);
}

static void an_address_has_its_own_also_where_it_is_mapped(void **state)
{
	assert_int_equal(count_of("tcp/192.0.2.1:8080"), 2);
	assert_int_equal(count_of("tcp/192.0.2.2:8080"), 1);
	assert_int_equal(count_of("tcp/[2001:db8::1]:8080"), 1);
	assert_int_equal(count_of("tcp/[2001:db8::2]:8080"), 0);
}

static void of_flows_to_others_the_other_end_counts(void **state)
{
	assert_int_equal(count_of("out:tcp/443"), 2);
	assert_int_equal(count_of("out:tcp/198.51.100.2:443"), 1);
	assert_int_equal(count_of("out:tcp/8080"), 0);
}

static void there_is_no_end_to_count_to_but_the_most(void **state)
{
	assert_int_equal(count_most("tcp/8080", 3), 3);
	assert_int_equal(count_most("tcp/8080", 1), 1);
	assert_int_equal(diag.given, 1);
}

static void udp_has_no_connections(void **state)
{
	assert_int_equal(count_of("udp/8080"), 0);
	assert_int_equal(diag.given, 0);
}

static void a_message_that_is_cut_off_is_no_connection(void **state)
{
	_Alignas(struct nlmsghdr) char buffer[256];
	struct service service = { .proto = IPPROTO_TCP };
	size_t whole = put_socket(buffer, &SOCKETS[0]);
	struct nlmsghdr *message = (struct nlmsghdr *)buffer;

	for (size_t length = MNL_NLMSG_HDRLEN; length <= whole; length++) {
		struct count count = { .service = &service, .most = 10 };

		message->nlmsg_len = (uint32_t)length;
		assert_int_equal(count_cb(message, &count), MNL_CB_OK);
		assert_int_equal(count.found, length == whole);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_port_has_the_connections_of_both_families),
		cmocka_unit_test(a_range_has_those_of_its_first_and_last_port_too),
		cmocka_unit_test(an_address_has_its_own_also_where_it_is_mapped),
		cmocka_unit_test(of_flows_to_others_the_other_end_counts),
		cmocka_unit_test(there_is_no_end_to_count_to_but_the_most),
		cmocka_unit_test(udp_has_no_connections),
		cmocka_unit_test(a_message_that_is_cut_off_is_no_connection),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
