// SPDX-License-Identifier: GPL-2.0-or-later
#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_conntrack_tcp.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>

#include "conntrack/addresses.h"
#include "conntrack/flow.h"
#include "lib/args.h"
#include "lib/service.h"

enum { MESSAGE_BYTES = 1024, MUTATIONS = 200000 };

/* One entry of a kernel 6.18 dump: tcp 10.0.0.1:40000 -> 10.200.0.1:9000, established, assured. */
static const unsigned char RECORDED[] = {
	0xf0, 0x00, 0x00, 0x00, 0x00, 0x01, 0x02, 0x00, 0x07, 0x00, 0x00, 0x00, 0x00,
	0x00, 0x00, 0x00, 0x02, 0x00, 0x00, 0x00, 0x34, 0x00, 0x01, 0x80, 0x14, 0x00,
	0x01, 0x80, 0x08, 0x00, 0x01, 0x00, 0x0a, 0x00, 0x00, 0x01, 0x08, 0x00, 0x02,
	0x00, 0x0a, 0xc8, 0x00, 0x01, 0x1c, 0x00, 0x02, 0x80, 0x05, 0x00, 0x01, 0x00,
	0x06, 0x00, 0x00, 0x00, 0x06, 0x00, 0x02, 0x00, 0x9c, 0x40, 0x00, 0x00, 0x06,
	0x00, 0x03, 0x00, 0x23, 0x28, 0x00, 0x00, 0x34, 0x00, 0x02, 0x80, 0x14, 0x00,
	0x01, 0x80, 0x08, 0x00, 0x01, 0x00, 0x0a, 0xc8, 0x00, 0x01, 0x08, 0x00, 0x02,
	0x00, 0x0a, 0x00, 0x00, 0x01, 0x1c, 0x00, 0x02, 0x80, 0x05, 0x00, 0x01, 0x00,
	0x06, 0x00, 0x00, 0x00, 0x06, 0x00, 0x02, 0x00, 0x23, 0x28, 0x00, 0x00, 0x06,
	0x00, 0x03, 0x00, 0x9c, 0x40, 0x00, 0x00, 0x08, 0x00, 0x03, 0x00, 0x00, 0x00,
	0x00, 0x0e, 0x08, 0x00, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x08, 0x00, 0x0c,
	0x00, 0xaa, 0x04, 0x1d, 0x1d, 0x08, 0x00, 0x0b, 0x00, 0x00, 0x00, 0x00, 0x01,
	0x08, 0x00, 0x07, 0x00, 0x00, 0x00, 0x02, 0x57, 0x30, 0x00, 0x04, 0x80, 0x2c,
	0x00, 0x01, 0x80, 0x05, 0x00, 0x01, 0x00, 0x03, 0x00, 0x00, 0x00, 0x05, 0x00,
	0x02, 0x00, 0x00, 0x00, 0x00, 0x00, 0x05, 0x00, 0x03, 0x00, 0x00, 0x00, 0x00,
	0x00, 0x06, 0x00, 0x04, 0x00, 0x00, 0x00, 0x00, 0x00, 0x06, 0x00, 0x05, 0x00,
	0x00, 0x00, 0x00, 0x00, 0x1c, 0x00, 0x18, 0x80, 0x08, 0x00, 0x01, 0x00, 0x00,
	0x00, 0x00, 0x00, 0x08, 0x00, 0x02, 0x00, 0x00, 0x00, 0x00, 0x00, 0x08, 0x00,
	0x03, 0x00, 0x00, 0x00, 0x00, 0x00,
};

/* A message of its exact size on the heap, so that the address sanitizer sees every byte too far. */
static struct nlmsghdr *copy_of(const void *message, size_t bytes)
{
	struct nlmsghdr *copy = malloc(bytes);

	assert_non_null(copy);
	memcpy(copy, message, bytes);
	return copy;
}

static void put_tuple6(struct nlmsghdr *message, uint16_t type, const char *src,
		       const char *dst, uint16_t src_port, uint16_t dst_port)
{
	struct nlattr *tuple = mnl_attr_nest_start(message, type);
	struct nlattr *nest = mnl_attr_nest_start(message, CTA_TUPLE_IP);
	struct in6_addr address;

	inet_pton(AF_INET6, src, &address);
	mnl_attr_put(message, CTA_IP_V6_SRC, sizeof(address), &address);
	inet_pton(AF_INET6, dst, &address);
	mnl_attr_put(message, CTA_IP_V6_DST, sizeof(address), &address);
	mnl_attr_nest_end(message, nest);
	nest = mnl_attr_nest_start(message, CTA_TUPLE_PROTO);
	mnl_attr_put_u8(message, CTA_PROTO_NUM, IPPROTO_TCP);
	mnl_attr_put_u16(message, CTA_PROTO_SRC_PORT, htons(src_port));
	mnl_attr_put_u16(message, CTA_PROTO_DST_PORT, htons(dst_port));
	mnl_attr_nest_end(message, nest);
	mnl_attr_put_u16(message, CTA_TUPLE_ZONE, htons(9));
	mnl_attr_nest_end(message, tuple);
}

static struct nlmsghdr *build6(char *buffer, const struct nf_ct_tcp_flags *flags)
{
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
	struct nfgenmsg *nfgen = mnl_nlmsg_put_extra_header(message, sizeof(*nfgen));
	struct nlattr *info, *tcp;

	message->nlmsg_type = NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_NEW;
	nfgen->nfgen_family = AF_INET6;
	put_tuple6(message, CTA_TUPLE_ORIG, "2001:db8::5", "2001:db8::1", 50000, 443);
	put_tuple6(message, CTA_TUPLE_REPLY, "fd00::9", "2001:db8::5", 8443, 50000);
	mnl_attr_put_u32(message, CTA_STATUS, htonl(IPS_DST_NAT | IPS_SEEN_REPLY));
	mnl_attr_put_u16(message, CTA_ZONE, htons(7));
	info = mnl_attr_nest_start(message, CTA_PROTOINFO);
	tcp = mnl_attr_nest_start(message, CTA_PROTOINFO_TCP);
	mnl_attr_put_u8(message, CTA_PROTOINFO_TCP_STATE, TCP_CONNTRACK_TIME_WAIT);
	if (flags)
		mnl_attr_put(message, CTA_PROTOINFO_TCP_FLAGS_ORIGINAL, sizeof(*flags),
			     flags);
	mnl_attr_nest_end(message, tcp);
	mnl_attr_nest_end(message, info);
	return message;
}

static void a_recorded_entry_is_read(void **state)
{
	struct nlmsghdr *message = copy_of(RECORDED, sizeof(RECORDED));
	struct flow flow;

	assert_int_equal(flow_parse(message, &flow), 0);
	assert_int_equal(flow.family, AF_INET);
	assert_int_equal(flow.proto, IPPROTO_TCP);
	assert_int_equal(ntohl(flow.orig.src.v4.s_addr), 0x0a000001);
	assert_int_equal(ntohl(flow.reply.src.v4.s_addr), 0x0ac80001);
	assert_int_equal(flow.orig.src_port, 40000);
	assert_int_equal(flow.orig.dst_port, 9000);
	assert_int_equal(flow.reply.dst_port, 40000);
	assert_int_equal(flow.timeout_s, 599);
	assert_int_equal(flow.id, 0xaa041d1d);
	assert_int_equal(flow.tcp_state, TCP_CONNTRACK_ESTABLISHED);
	assert_true(flow_replied(&flow));
	assert_true(flow_assured(&flow));
	assert_false(flow_is_nat(&flow));
	free(message);
}

/* As Linux 6.18 tells of a connection that it saw opened, and of one that it picked up from an answer. */
static void tcp_that_was_picked_up_is_told_from_what_was_seen_opened(void **state)
{
	static const struct {
		struct nf_ct_tcp_flags flags;
		bool handshake;
	} CASES[] = { { { 0x23, 0 }, true }, { { 0x0a, 0 }, false }, { { 0, 0 }, true } };
	_Alignas(struct nlmsghdr) char buffer[MESSAGE_BYTES];
	struct flow flow;

	for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
		assert_int_equal(flow_parse(build6(buffer, &CASES[i].flags), &flow), 0);
		assert_int_equal(flow.handshake, CASES[i].handshake);
	}
	assert_int_equal(flow_parse(build6(buffer, NULL), &flow), 0);
	assert_false(flow.handshake);
}

static void an_ipv6_entry_has_zones_state_and_translation(void **state)
{
	_Alignas(struct nlmsghdr) char buffer[MESSAGE_BYTES];
	struct nlmsghdr *built = build6(buffer, NULL);
	struct nlmsghdr *message = copy_of(built, built->nlmsg_len);
	struct flow flow;

	assert_int_equal(flow_parse(message, &flow), 0);
	assert_int_equal(flow.family, AF_INET6);
	assert_int_equal(flow.zone, 7);
	assert_int_equal(flow.orig_zone, 9);
	assert_int_equal(flow.tcp_state, TCP_CONNTRACK_TIME_WAIT);
	assert_int_equal(flow.reply.src.v6.s6_addr[0], 0xfd);
	assert_int_equal(flow.reply.src_port, 8443);
	assert_true(flow_is_nat(&flow));
	assert_false(flow_assured(&flow));
	free(message);
}

/* Whether the recorded message, cut here, still has both tuples and no half attribute. */
static bool is_whole(size_t bytes)
{
	static const size_t ENDS[] = { 124, 132, 140, 148, 156, 164, 212 };

	for (size_t i = 0; i < sizeof(ENDS) / sizeof(ENDS[0]); i++) {
		if (bytes == ENDS[i])
			return true;
	}
	return false;
}

/* Cuts the message everywhere: where an attribute is cut, and where one is missing. */
static void a_truncated_entry_is_refused(void **state)
{
	struct flow untouched, flow;

	memset(&flow, 0x5a, sizeof(flow));
	untouched = flow;
	for (size_t bytes = MNL_NLMSG_HDRLEN; bytes < sizeof(RECORDED); bytes++) {
		struct nlmsghdr *message = copy_of(RECORDED, bytes);
		int err;

		message->nlmsg_len = (uint32_t)bytes;
		err = flow_parse(message, &flow);
		assert_int_equal(err, is_whole(bytes) ? 0 : -EBADMSG);
		if (err)
			assert_memory_equal(&flow, &untouched, sizeof(flow));
		else
			flow = untouched;
		free(message);
	}
}

static void messages_of_another_kind_are_refused(void **state)
{
	struct nlmsghdr *message = copy_of(RECORDED, sizeof(RECORDED));
	struct nfgenmsg *nfgen = mnl_nlmsg_get_payload(message);
	struct flow flow;

	message->nlmsg_type = NFNL_SUBSYS_NFTABLES << 8;
	assert_int_equal(flow_parse(message, &flow), -EBADMSG);
	message->nlmsg_type = NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_DELETE;
	assert_int_equal(flow_parse(message, &flow), -EBADMSG);
	message->nlmsg_type = NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_NEW;
	nfgen->nfgen_family = AF_INET6; /* with IPv4 addresses inside */
	assert_int_equal(flow_parse(message, &flow), -EBADMSG);
	nfgen->nfgen_family = 77;
	assert_int_equal(flow_parse(message, &flow), -EBADMSG);
	free(message);
}

static void a_lie_about_a_length_is_refused(void **state)
{
	/* Where the lengths of tuples, of nests in them, of values, and of the TCP state are. */
	static const size_t AT[] = { 20, 24, 28, 44, 48, 56, 72, 124, 164, 168, 172 };

	for (size_t i = 0; i < sizeof(AT) / sizeof(AT[0]); i++) {
		for (unsigned int lie = 0; lie < 256; lie++) {
			struct nlmsghdr *message = copy_of(RECORDED, sizeof(RECORDED));
			unsigned char *bytes = (unsigned char *)message;
			struct flow flow;

			if (lie == RECORDED[AT[i]]) {
				free(message);
				continue;
			}
			bytes[AT[i]] = (unsigned char)lie;
			/* It may still make sense: what counts is that nothing beyond is read. */
			flow_parse(message, &flow);
			bytes[AT[i] + 1] = 0xff;
			assert_int_equal(flow_parse(message, &flow), -EBADMSG);
			free(message);
		}
	}
}

/* Within the padding no attribute moves: only the size of the value is wrong. */
static void a_value_of_another_size_is_refused(void **state)
{
	/* Where the lengths of an address, a protocol, a port, the status and the TCP state are. */
	static const size_t AT[] = { 28, 48, 56, 124, 172 };

	for (size_t i = 0; i < sizeof(AT) / sizeof(AT[0]); i++) {
		for (unsigned char size = 5; size <= 8; size++) {
			struct nlmsghdr *message = copy_of(RECORDED, sizeof(RECORDED));
			struct flow flow;
			int err;

			((unsigned char *)message)[AT[i]] = size;
			err = flow_parse(message, &flow);
			assert_int_equal(err, size == RECORDED[AT[i]] ? 0 : -EBADMSG);
			free(message);
		}
	}
}

static void random_damage_reads_nothing_beyond_the_message(void **state)
{
	unsigned int seed = (unsigned int)time(NULL);
	_Alignas(struct nlmsghdr) char buffer[MESSAGE_BYTES];
	struct nlmsghdr *built = build6(buffer, NULL);
	int refused = 0;

	print_message("seed %u\n", seed);
	for (int i = 0; i < MUTATIONS; i++) {
		bool v4 = rand_r(&seed) % 2;
		size_t bytes = v4 ? sizeof(RECORDED) : built->nlmsg_len;
		struct nlmsghdr *message =
			copy_of(v4 ? (const void *)RECORDED : built, bytes);
		struct flow flow;

		for (int n = 1 + rand_r(&seed) % 4; n > 0; n--) {
			size_t at = MNL_NLMSG_HDRLEN +
				    (size_t)rand_r(&seed) % (bytes - MNL_NLMSG_HDRLEN);

			((unsigned char *)message)[at] = (unsigned char)rand_r(&seed);
		}
		refused += flow_parse(message, &flow) < 0;
		free(message);
	}
	assert_in_range(refused, MUTATIONS / 20, MUTATIONS - MUTATIONS / 20);
}

static struct flow tcp4(const char *src, uint16_t src_port, const char *dst,
			uint16_t dst_port)
{
	struct flow flow = { .family = AF_INET, .proto = IPPROTO_TCP };

	inet_pton(AF_INET, src, &flow.orig.src);
	inet_pton(AF_INET, dst, &flow.orig.dst);
	flow.orig.src_port = src_port;
	flow.orig.dst_port = dst_port;
	return flow;
}

/* On a host whose addresses are 192.0.2.1, 198.51.100.0/24 and 2001:db8::1. */
static bool belongs(const struct flow *flow, const char *text)
{
	static const char *const LOCAL[] = { "192.0.2.1", "198.51.100.0", "2001:db8::1" };
	static const uint8_t BITS[] = { 32, 24, 128 };
	static struct addresses local;
	struct service service;
	struct args_why why;

	addresses_clear(&local);
	for (size_t i = 0; i < 3; i++) {
		struct address_prefix prefix = { .bits = BITS[i] };

		prefix.family = BITS[i] == 128 ? AF_INET6 : AF_INET;
		inet_pton(prefix.family, LOCAL[i], &prefix.address);
		addresses_add(&local, &prefix);
	}
	addresses_ready(&local);
	assert_int_equal(service_parse(text, &service, &why), 0);
	return flow_of_service(flow, &service, &local);
}

static void a_flow_belongs_to_the_local_service_it_goes_to(void **state)
{
	struct flow flow = tcp4("10.0.0.9", 40000, "192.0.2.1", 8080);

	assert_true(belongs(&flow, "tcp/8080"));
	assert_true(belongs(&flow, "tcp/192.0.2.1:8080"));
	assert_true(belongs(&flow, "tcp/8000-8100"));
	assert_false(belongs(&flow, "out:tcp/8080"));
	assert_false(belongs(&flow, "udp/8080"));
	assert_false(belongs(&flow, "tcp/8081"));
	assert_false(belongs(&flow, "tcp/192.0.2.2:8080"));
	assert_false(belongs(&flow, "tcp/[2001:db8::1]:8080"));
	assert_false(belongs(&flow, "tcp/40000"));
	flow = tcp4("10.0.0.9", 40000, "198.51.100.77", 8080);
	assert_true(belongs(&flow, "tcp/8080"));
	assert_true(belongs(&flow, "tcp/198.51.100.77:8080"));
	flow = tcp4("127.0.0.1", 40000, "127.0.0.53", 8080);
	assert_true(belongs(&flow, "tcp/8080"));
}

static void a_flow_to_the_port_of_another_host_belongs_to_no_local_service(void **state)
{
	struct flow opened = tcp4("192.0.2.1", 40000, "10.0.0.9", 8080);
	struct flow forwarded = tcp4("10.0.0.8", 40000, "10.0.0.9", 8080);

	assert_false(belongs(&opened, "tcp/8080"));
	assert_false(belongs(&opened, "tcp/8000-8100"));
	assert_false(belongs(&opened, "tcp/10.0.0.9:8080"));
	assert_false(belongs(&forwarded, "tcp/8080"));
	assert_false(belongs(&forwarded, "tcp/10.0.0.9:8080"));
}

static void only_what_this_host_opens_to_another_is_outbound(void **state)
{
	struct flow opened = tcp4("192.0.2.1", 40000, "10.0.0.9", 8080);
	struct flow forwarded = tcp4("10.0.0.8", 40000, "10.0.0.9", 8080);
	struct flow within = tcp4("192.0.2.1", 40000, "198.51.100.7", 8080);

	assert_true(belongs(&opened, "out:tcp/8080"));
	assert_true(belongs(&opened, "out:tcp/10.0.0.9:8080"));
	assert_false(belongs(&opened, "out:tcp/10.0.0.7:8080"));
	assert_false(belongs(&forwarded, "out:tcp/8080"));
	assert_false(belongs(&within, "out:tcp/8080"));
}

static void an_ipv6_flow_belongs_by_its_own_family(void **state)
{
	struct flow flow = { .family = AF_INET6, .proto = IPPROTO_UDP };

	inet_pton(AF_INET6, "2001:db8::9", &flow.orig.src);
	inet_pton(AF_INET6, "2001:db8::1", &flow.orig.dst);
	flow.orig.src_port = 40000;
	flow.orig.dst_port = 53;
	assert_true(belongs(&flow, "udp/53"));
	assert_true(belongs(&flow, "udp/[2001:db8::1]:53"));
	inet_pton(AF_INET6, "2001:db8::2", &flow.orig.dst);
	assert_false(belongs(&flow, "udp/53"));
	assert_false(belongs(&flow, "udp/[2001:db8::2]:53"));
}

static void a_picked_up_tcp_flow_belongs_to_the_service_it_comes_from(void **state)
{
	struct flow flow = tcp4("192.0.2.1", 8080, "10.0.0.9", 40000);

	assert_true(belongs(&flow, "tcp/8080"));
	assert_true(belongs(&flow, "tcp/192.0.2.1:8080"));
	assert_false(belongs(&flow, "tcp/10.0.0.9:8080"));
	assert_false(belongs(&flow, "out:tcp/8080"));
	flow = tcp4("10.0.0.9", 8080, "192.0.2.1", 40000);
	assert_false(belongs(&flow, "tcp/8080"));
}

static void udp_that_the_service_sent_first_belongs_to_it(void **state)
{
	struct flow flow = tcp4("192.0.2.1", 8080, "10.0.0.9", 40000);

	flow.proto = IPPROTO_UDP;
	assert_true(belongs(&flow, "udp/8080"));
	assert_false(belongs(&flow, "tcp/8080"));
	/* It may be the one that asks. */
	flow.orig.dst_port = 53;
	assert_false(belongs(&flow, "udp/8080"));
	assert_true(belongs(&flow, "out:udp/53"));
}

static void a_client_that_uses_the_port_as_its_own_does_not_belong(void **state)
{
	struct flow flow = tcp4("10.0.0.9", 8080, "192.0.2.1", 443);

	assert_false(belongs(&flow, "tcp/8080"));
	assert_true(belongs(&flow, "tcp/443"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_recorded_entry_is_read),
		cmocka_unit_test(
			tcp_that_was_picked_up_is_told_from_what_was_seen_opened),
		cmocka_unit_test(an_ipv6_entry_has_zones_state_and_translation),
		cmocka_unit_test(a_truncated_entry_is_refused),
		cmocka_unit_test(messages_of_another_kind_are_refused),
		cmocka_unit_test(a_lie_about_a_length_is_refused),
		cmocka_unit_test(a_value_of_another_size_is_refused),
		cmocka_unit_test(random_damage_reads_nothing_beyond_the_message),
		cmocka_unit_test(a_flow_belongs_to_the_local_service_it_goes_to),
		cmocka_unit_test(
			a_flow_to_the_port_of_another_host_belongs_to_no_local_service),
		cmocka_unit_test(only_what_this_host_opens_to_another_is_outbound),
		cmocka_unit_test(an_ipv6_flow_belongs_by_its_own_family),
		cmocka_unit_test(
			a_picked_up_tcp_flow_belongs_to_the_service_it_comes_from),
		cmocka_unit_test(udp_that_the_service_sent_first_belongs_to_it),
		cmocka_unit_test(a_client_that_uses_the_port_as_its_own_does_not_belong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
