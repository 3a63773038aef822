// SPDX-License-Identifier: GPL-2.0-or-later
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <linux/netfilter/nf_conntrack_common.h>

#include "conntrack/host.h"
#include "conntrack/rollcall.h"
#include "lib/args.h"

static const uint64_t SECOND = 1000000000;

/* A host with the addresses 192.0.2.1 and 2001:db8::1, where nothing listens. */
static struct host *new_host(void)
{
	struct host *host = calloc(1, sizeof(*host));
	struct address_prefix v4 = { .family = AF_INET, .bits = 32 };
	struct address_prefix v6 = { .family = AF_INET6, .bits = 128 };

	assert_non_null(host);
	inet_pton(AF_INET, "192.0.2.1", &v4.address);
	inet_pton(AF_INET6, "2001:db8::1", &v6.address);
	addresses_add(&host->addresses, &v4);
	addresses_add(&host->addresses, &v6);
	host_ready(host);
	return host;
}

/* From a port at one address to a port at another, and back. */
static struct flow flow_of(uint8_t proto, const char *from, uint16_t from_port,
			   const char *to, uint16_t to_port)
{
	struct flow flow = { .family = AF_INET, .proto = proto };

	if (inet_pton(AF_INET, from, &flow.orig.src) != 1) {
		flow.family = AF_INET6;
		inet_pton(AF_INET6, from, &flow.orig.src);
	}
	inet_pton(flow.family, to, &flow.orig.dst);
	flow.orig.src_port = from_port;
	flow.orig.dst_port = to_port;
	flow.reply.src = flow.orig.dst;
	flow.reply.dst = flow.orig.src;
	flow.reply.src_port = to_port;
	flow.reply.dst_port = from_port;
	return flow;
}

/* How many of the flows count for a service. */
static uint32_t count_of(const char *spec, const struct flow *flows, size_t count)
{
	struct rollcall_list asked = { .count = 1 };
	struct rollcall rollcall = { .asked = &asked };
	struct host *host = new_host();
	struct rollcall_walk walk = { .begun_ns = SECOND, .complete = true };
	struct args_why why;

	assert_int_equal(service_parse(spec, &asked.service[0], &why), 0);
	rollcall_begin(&rollcall);
	for (size_t i = 0; i < count; i++)
		rollcall_add(&rollcall, host, &flows[i]);
	rollcall_end(&rollcall, &walk);
	free(host);
	return rollcall.row[0].flows;
}

static void a_service_is_counted_in_both_families_and_directions(void **state)
{
	const struct flow flows[] = {
		flow_of(IPPROTO_UDP, "203.0.113.1", 40000, "192.0.2.1", 53),
		flow_of(IPPROTO_UDP, "2001:db8::7", 40000, "2001:db8::1", 53),
		/* Picked up from an answer. */
		flow_of(IPPROTO_TCP, "192.0.2.1", 53, "203.0.113.1", 40000),
		flow_of(IPPROTO_TCP, "203.0.113.1", 40000, "192.0.2.1", 53),
		/* Another port, opened by this host, forwarded. */
		flow_of(IPPROTO_UDP, "203.0.113.1", 40000, "192.0.2.1", 54),
		flow_of(IPPROTO_UDP, "192.0.2.1", 40000, "203.0.113.1", 53),
		flow_of(IPPROTO_UDP, "203.0.113.1", 40000, "198.51.100.1", 53),
	};
	const size_t n = sizeof(flows) / sizeof(flows[0]);

	assert_int_equal(count_of("udp/53", flows, n), 2);
	assert_int_equal(count_of("tcp/53", flows, n), 2);
	assert_int_equal(count_of("udp/50-60", flows, n), 3);
	assert_int_equal(count_of("udp/55-60", flows, n), 0);
	assert_int_equal(count_of("udp/192.0.2.1:53", flows, n), 1);
	assert_int_equal(count_of("tcp/192.0.2.1:53", flows, n), 2);
	assert_int_equal(count_of("udp/192.0.2.2:53", flows, n), 0);
	assert_int_equal(count_of("udp/[2001:db8::1]:53", flows, n), 1);
	assert_int_equal(count_of("udp/[2001:db8::2]:53", flows, n), 0);
	assert_int_equal(count_of("out:udp/53", flows, n), 1);
	assert_int_equal(count_of("out:udp/203.0.113.1:53", flows, n), 1);
	assert_int_equal(count_of("out:udp/203.0.113.2:53", flows, n), 0);
	assert_int_equal(count_of("out:tcp/53", flows, n), 0);
}

static void what_is_translated_counts_where_it_goes(void **state)
{
	struct flow redirected =
		flow_of(IPPROTO_TCP, "203.0.113.1", 40000, "198.51.100.9", 80);
	struct flow outbound =
		flow_of(IPPROTO_TCP, "192.0.2.1", 40000, "198.51.100.9", 80);

	inet_pton(AF_INET, "192.0.2.1", &redirected.reply.src);
	redirected.reply.src_port = 8080;
	inet_pton(AF_INET, "203.0.113.1", &outbound.reply.src);
	assert_int_equal(count_of("tcp/8080", &redirected, 1), 1);
	assert_int_equal(count_of("tcp/192.0.2.1:8080", &redirected, 1), 1);
	assert_int_equal(count_of("tcp/80", &redirected, 1), 0);
	assert_int_equal(count_of("tcp/198.51.100.9:8080", &redirected, 1), 0);
	/* Others are called what was asked for. */
	assert_int_equal(count_of("out:tcp/198.51.100.9:80", &outbound, 1), 1);
	assert_int_equal(count_of("out:tcp/203.0.113.1:80", &outbound, 1), 0);
}

static void the_states_are_counted_too(void **state)
{
	struct rollcall_list asked = { .count = 1 };
	struct rollcall rollcall = { .asked = &asked };
	struct rollcall_walk walk = { .begun_ns = SECOND, .complete = true, .flows = 9 };
	struct flow flow = flow_of(IPPROTO_UDP, "203.0.113.1", 4000, "192.0.2.1", 53);
	struct host *host = new_host();
	struct args_why why;

	assert_int_equal(service_parse("udp/53", &asked.service[0], &why), 0);
	rollcall_begin(&rollcall);
	rollcall_add(&rollcall, host, &flow);
	flow.status = IPS_SEEN_REPLY | IPS_ASSURED | IPS_SRC_NAT;
	rollcall_add(&rollcall, host, &flow);
	rollcall_add(&rollcall, host, &flow);
	rollcall_end(&rollcall, &walk);
	assert_int_equal(rollcall.row[0].flows, 3);
	assert_int_equal(rollcall.row[0].unreplied, 1);
	assert_int_equal(rollcall.row[0].assured, 2);
	assert_int_equal(rollcall.row[0].nat, 2);
	assert_int_equal(rollcall.flows, 9);
	free(host);
}

static void a_walk_that_is_cut_short_changes_nothing_but_when_the_next_is(void **state)
{
	struct rollcall_list asked = { .count = 1 };
	struct rollcall rollcall = { .asked = &asked };
	struct rollcall_walk walk = { SECOND, 0.5, true, 7 };
	struct flow flow = flow_of(IPPROTO_UDP, "203.0.113.1", 4000, "192.0.2.1", 53);
	struct host *host = new_host();
	struct args_why why;

	assert_int_equal(service_parse("udp/53", &asked.service[0], &why), 0);
	assert_true(rollcall_is_due(&rollcall, 1, 1));
	rollcall_begin(&rollcall);
	rollcall_add(&rollcall, host, &flow);
	rollcall_end(&rollcall, &walk);
	assert_false(rollcall_is_due(&rollcall, 1, 50 * SECOND));
	assert_true(rollcall_is_due(&rollcall, 1, 52 * SECOND));
	assert_false(rollcall_is_due(&rollcall, 0.5, 100 * SECOND));
	assert_true(rollcall_is_due(&rollcall, 0.5, 102 * SECOND));
	walk = (struct rollcall_walk){ 60 * SECOND, 0.1, false, 3 };
	rollcall_begin(&rollcall);
	rollcall_end(&rollcall, &walk);
	assert_int_equal(rollcall.row[0].flows, 1);
	assert_int_equal(rollcall.flows, 7);
	assert_int_equal(rollcall.taken_ns, SECOND);
	assert_false(rollcall_is_due(&rollcall, 1, 69 * SECOND));
	assert_true(rollcall_is_due(&rollcall, 1, 71 * SECOND));
	/* The next begins from nothing. */
	walk.complete = true;
	rollcall_begin(&rollcall);
	rollcall_end(&rollcall, &walk);
	assert_int_equal(rollcall.row[0].flows, 0);
	free(host);
}

static void nothing_is_due_where_nothing_was_asked_for(void **state)
{
	struct rollcall rollcall = { 0 };
	struct flow flow = flow_of(IPPROTO_UDP, "203.0.113.1", 4000, "192.0.2.1", 53);
	struct host *host = new_host();

	assert_false(rollcall_is_due(&rollcall, 1, SECOND));
	rollcall_add(&rollcall, host, &flow);
	free(host);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_service_is_counted_in_both_families_and_directions),
		cmocka_unit_test(what_is_translated_counts_where_it_goes),
		cmocka_unit_test(the_states_are_counted_too),
		cmocka_unit_test(
			a_walk_that_is_cut_short_changes_nothing_but_when_the_next_is),
		cmocka_unit_test(nothing_is_due_where_nothing_was_asked_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
