// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/udp.h>

#include "server/answer.h"

/* A message with the control messages that were added to it. */
struct given {
	struct msghdr message;
	size_t used;
	_Alignas(struct cmsghdr) char bytes[2 * ANSWER_CONTROL_BYTES];
};

static void *give(struct given *given, int level, int type, const void *data,
		  size_t bytes)
{
	struct cmsghdr *control = (struct cmsghdr *)(given->bytes + given->used);

	control->cmsg_level = level;
	control->cmsg_type = type;
	control->cmsg_len = CMSG_LEN(bytes);
	memcpy(CMSG_DATA(control), data, bytes);
	given->used += CMSG_SPACE(bytes);
	given->message.msg_control = given->bytes;
	given->message.msg_controllen = given->used;
	return CMSG_DATA(control);
}

static void an_answer_has_a_hop_less(void **state)
{
	static const struct {
		int had, has;
	} CASES[] = {
		{ 255, 64 }, { 65, 64 }, { 64, 63 }, { 63, 62 }, { 2, 1 }, { 1, 0 }
	};

	for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
		for (int v6 = 0; v6 < 2; v6++) {
			struct given given = { 0 };
			int *hops = give(&given, v6 ? IPPROTO_IPV6 : IPPROTO_IP,
					 v6 ? IPV6_HOPLIMIT : IP_TTL, &CASES[i].had,
					 sizeof(int));
			struct answer answer = answer_prepare(&given.message, 10);

			assert_int_equal(*hops, CASES[i].has);
			assert_int_equal(answer.allowed, CASES[i].has > 0);
			assert_int_equal(answer.datagrams, 1);
		}
	}
}

static void an_answer_leaves_from_the_address_that_was_asked(void **state)
{
	const struct in_pktinfo asked = { .ipi_ifindex = 3,
					  .ipi_addr.s_addr = htonl(0x0a000001),
					  .ipi_spec_dst.s_addr = htonl(0x0a000001) };
	struct in6_pktinfo asked6 = { .ipi6_ifindex = 3 };
	const struct in_pktinfo *info;
	const struct in6_pktinfo *info6;
	struct given given = { 0 };

	info = give(&given, IPPROTO_IP, IP_PKTINFO, &asked, sizeof(asked));
	assert_true(answer_prepare(&given.message, 1).allowed);
	assert_int_equal(info->ipi_ifindex, 0);
	assert_int_equal(info->ipi_spec_dst.s_addr, htonl(0x0a000001));
	inet_pton(AF_INET6, "2001:db8::1", &asked6.ipi6_addr);
	given = (struct given){ 0 };
	info6 = give(&given, IPPROTO_IPV6, IPV6_PKTINFO, &asked6, sizeof(asked6));
	assert_true(answer_prepare(&given.message, 1).allowed);
	assert_int_equal(info6->ipi6_ifindex, 0);
	inet_pton(AF_INET6, "fe80::1", &asked6.ipi6_addr);
	given = (struct given){ 0 };
	info6 = give(&given, IPPROTO_IPV6, IPV6_PKTINFO, &asked6, sizeof(asked6));
	assert_true(answer_prepare(&given.message, 1).allowed);
	assert_int_equal(info6->ipi6_ifindex, 3);
}

static void what_was_sent_to_many_is_not_answered(void **state)
{
	const struct in_pktinfo broadcast = { .ipi_addr.s_addr = htonl(0x0a0000ff),
					      .ipi_spec_dst.s_addr = htonl(0x0a000001) };
	struct in6_pktinfo group = { 0 };
	struct given given = { 0 };

	give(&given, IPPROTO_IP, IP_PKTINFO, &broadcast, sizeof(broadcast));
	assert_false(answer_prepare(&given.message, 1).allowed);
	inet_pton(AF_INET6, "ff02::1", &group.ipi6_addr);
	given = (struct given){ 0 };
	give(&given, IPPROTO_IPV6, IPV6_PKTINFO, &group, sizeof(group));
	assert_false(answer_prepare(&given.message, 1).allowed);
}

static void a_burst_is_answered_as_a_burst(void **state)
{
	const struct in_pktinfo asked = { 0 };
	const int told = 1200, hops = 64;
	struct given given = { 0 };
	const struct cmsghdr *control = (const struct cmsghdr *)given.bytes;
	struct answer answer;
	uint16_t segment;
	size_t bytes;

	give(&given, SOL_UDP, UDP_GRO, &told, sizeof(told));
	give(&given, IPPROTO_IP, IP_PKTINFO, &asked, sizeof(asked));
	give(&given, IPPROTO_IP, IP_TTL, &hops, sizeof(hops));
	answer = answer_prepare(&given.message, 3 * 1200 + 1);
	assert_true(answer.allowed);
	assert_int_equal(answer.datagrams, 4);
	assert_int_equal(control->cmsg_type, UDP_SEGMENT);
	assert_int_equal(control->cmsg_len, CMSG_LEN(sizeof(segment)));
	memcpy(&segment, CMSG_DATA(control), sizeof(segment));
	assert_int_equal(segment, 1200);
	assert_true(answer_is_burst(&given.message, &bytes));
	assert_int_equal(bytes, 1200);
	answer_unburst(&given.message);
	assert_false(answer_is_burst(&given.message, &bytes));
}

static void what_nobody_asked_for_is_not_sent_back(void **state)
{
	const struct timeval time = { 1, 2 };
	const struct in_pktinfo asked = { .ipi_ifindex = 3 };
	const uint8_t service = 0x10;
	const int hops = 64;
	struct given given = { 0 };
	const struct cmsghdr *control = (const struct cmsghdr *)given.bytes;
	struct answer answer;

	give(&given, SOL_SOCKET, SO_TIMESTAMP, &time, sizeof(time));
	give(&given, IPPROTO_IP, IP_TOS, &service, sizeof(service));
	give(&given, IPPROTO_IP, IP_TTL, &hops, sizeof(hops));
	answer = answer_prepare(&given.message, 1);
	assert_true(answer.allowed);
	assert_int_equal(answer.hops, 63);
	assert_int_equal(given.message.msg_controllen, CMSG_SPACE(sizeof(int)));
	assert_int_equal(control->cmsg_type, IP_TTL);
	given = (struct given){ 0 };
	give(&given, SOL_SOCKET, SO_TIMESTAMP, &time, sizeof(time));
	give(&given, IPPROTO_IP, IP_PKTINFO, &asked, sizeof(asked));
	assert_true(answer_prepare(&given.message, 1).allowed);
	assert_int_equal(given.message.msg_controllen,
			 CMSG_SPACE(sizeof(struct in_pktinfo)));
	assert_int_equal(control->cmsg_type, IP_PKTINFO);
}

static void who_was_not_told_all_does_not_answer(void **state)
{
	const int hops = 64;
	struct given given = { .message.msg_flags = MSG_CTRUNC };

	give(&given, IPPROTO_IP, IP_TTL, &hops, sizeof(hops));
	assert_false(answer_prepare(&given.message, 1).allowed);
}

static void hops_are_left_out_and_nothing_else(void **state)
{
	const struct in6_pktinfo asked = { .ipi6_ifindex = 3 };
	const int told = 1200, hops = 64;
	struct given given = { 0 };
	size_t bytes;

	give(&given, SOL_UDP, UDP_GRO, &told, sizeof(told));
	give(&given, IPPROTO_IPV6, IPV6_PKTINFO, &asked, sizeof(asked));
	give(&given, IPPROTO_IPV6, IPV6_HOPLIMIT, &hops, sizeof(hops));
	assert_int_equal(answer_prepare(&given.message, 5000).hops, 63);
	answer_leave_out_hops(&given.message);
	assert_int_equal(given.message.msg_controllen,
			 CMSG_SPACE(sizeof(uint16_t)) + CMSG_LEN(sizeof(asked)));
	assert_true(answer_is_burst(&given.message, &bytes));
	answer_leave_out_hops(&given.message);
	assert_int_equal(given.message.msg_controllen,
			 CMSG_SPACE(sizeof(uint16_t)) + CMSG_LEN(sizeof(asked)));
	given = (struct given){ 0 };
	give(&given, IPPROTO_IP, IP_TTL, &hops, sizeof(hops));
	answer_leave_out_hops(&given.message);
	assert_int_equal(given.message.msg_controllen, 0);
}

static void nothing_said_is_one_datagram(void **state)
{
	struct msghdr message = { 0 };
	size_t bytes;
	struct answer answer = answer_prepare(&message, 5);

	assert_true(answer.allowed);
	assert_int_equal(answer.datagrams, 1);
	assert_false(answer_is_burst(&message, &bytes));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_answer_has_a_hop_less),
		cmocka_unit_test(an_answer_leaves_from_the_address_that_was_asked),
		cmocka_unit_test(what_was_sent_to_many_is_not_answered),
		cmocka_unit_test(a_burst_is_answered_as_a_burst),
		cmocka_unit_test(what_nobody_asked_for_is_not_sent_back),
		cmocka_unit_test(who_was_not_told_all_does_not_answer),
		cmocka_unit_test(hops_are_left_out_and_nothing_else),
		cmocka_unit_test(nothing_said_is_one_datagram),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
