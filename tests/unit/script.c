// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/args.h"
#include "lib/text.h"
#include "rules/plan.h"
#include "rules/ruleset.h"
#include "rules/script.h"

static struct service parse(const char *text)
{
	struct service service;
	struct args_why why;

	assert_int_equal(service_parse(text, &service, &why), 0);
	return service;
}

static void expect(const char *service_text, const struct terms *terms,
		   const char *wanted)
{
	struct service service = parse(service_text);
	const struct ruleset none = { .generation = 1 };
	struct plan plan = { 0 };
	struct text text = { 0 };

	assert_int_equal(plan_add(&plan, &none, &service, terms), 0);
	script_render(&plan, &text);
	assert_string_equal(text_str(&text), wanted);
	text_free(&text);
	plan_free(&plan);
}

static void a_plan_reads_as_nft_text(void **state)
{
	const struct terms terms = { .lease_ms = 30000, .holder = { "ctguard", 12 } };

	expect("udp/9000", &terms,
	       "add table inet ctkit { comment \"ctkit: NOTRACK leases\"; }\n"
	       "add map inet ctkit in_services { type inet_proto . inet_service : "
	       "verdict; "
	       "flags timeout; }\n"
	       "add map inet ctkit out_services { type inet_proto . inet_service : "
	       "verdict; "
	       "flags timeout; }\n"
	       "add chain inet ctkit prerouting { type filter hook prerouting priority "
	       "raw; "
	       "policy accept; }\n"
	       "add chain inet ctkit output { type filter hook output priority raw; "
	       "policy accept; }\n"
	       "add rule inet ctkit prerouting fib daddr type local meta l4proto . th "
	       "dport "
	       "vmap @in_services\n"
	       "add rule inet ctkit output meta l4proto . th sport vmap @out_services\n"
	       "add rule inet ctkit output fib daddr type local meta l4proto . th dport "
	       "vmap "
	       "@in_services\n"
	       "add chain inet ctkit in_udp_9000\n"
	       "add rule inet ctkit in_udp_9000 counter notrack\n"
	       "add chain inet ctkit out_udp_9000\n"
	       "add rule inet ctkit out_udp_9000 fib saddr type local counter notrack\n"
	       "add element inet ctkit in_services { udp . 9000 timeout 30s comment "
	       "\"ctguard 12\" : jump "
	       "in_udp_9000 }\n"
	       "add element inet ctkit out_services { udp . 9000 timeout 30s comment "
	       "\"ctguard 12\" : jump "
	       "out_udp_9000 }\n");
}

static void expect_lease(const char *service_text, uint64_t lease_ms, const char *wanted)
{
	struct service service = parse(service_text);
	const struct change change = { .kind = CHANGE_ADD_LEASE,
				       .map = layout_map(layout_group(&service),
							 LAYOUT_IN),
				       .service = service,
				       .lease_ms = lease_ms };
	struct text text = { 0 };

	script_statement(&change, &text);
	assert_string_equal(text_str(&text), wanted);
	text_free(&text);
}

static void leases_are_written_in_nft_units(void **state)
{
	expect_lease("tcp/1", 0,
		     "add element inet ctkit in_services { tcp . 1 : jump in_tcp_1 }");
	expect_lease("tcp/1", 1,
		     "add element inet ctkit in_services { tcp . 1 timeout 1ms : jump "
		     "in_tcp_1 }");
	expect_lease("udp/192.0.2.1:53", 93784005,
		     "add element inet ctkit in_services4 { udp . 192.0.2.1 . 53 timeout "
		     "1d2h3m4s5ms : jump in_udp_192.0.2.1_53 }");
	expect_lease(
		"tcp/[2001:db8::1]:443", 3600000,
		"add element inet ctkit in_services6 { tcp . 2001:db8::1 . 443 timeout "
		"1h : jump in_tcp_2001-db8--1_443 }");
}

/* The rules of the service's chains, and its look-ups, among the lines of the plan. */
static void expect_rules(const char *service_text, const struct extent *extent,
			 const char *const wanted[])
{
	const struct terms terms = { .extent = *extent };
	struct service service = parse(service_text);
	const struct ruleset none = { .generation = 1 };
	struct plan plan = { 0 };

	assert_int_equal(plan_add(&plan, &none, &service, &terms), 0);
	for (size_t i = 0; i < plan.count; i++) {
		const struct change *change = &plan.changes[i];
		struct text text = { 0 };

		if (change->kind != CHANGE_ADD_UNTRACK &&
		    change->kind != CHANGE_ADD_LOOKUP &&
		    change->kind != CHANGE_ADD_LEASE && change->kind != CHANGE_ADD_MAP)
			continue;
		script_statement(change, &text);
		assert_non_null(*wanted);
		assert_string_equal(text_str(&text), *wanted++);
		text_free(&text);
	}
	assert_null(*wanted);
	plan_free(&plan);
}

static void shares_of_ranges_and_budgets_of_remote_services_read_as_nft_text(void **state)
{
	static const char *const SHARE[] = {
		"add map inet ctkit in_ranges { type inet_proto . inet_service : "
		"verdict; flags interval, timeout; }",
		"add map inet ctkit out_ranges { type inet_proto . inet_service : "
		"verdict; flags interval, timeout; }",
		"add rule inet ctkit prerouting fib daddr type local meta l4proto . th "
		"dport vmap @in_ranges",
		"add rule inet ctkit output meta l4proto . th sport vmap @out_ranges",
		"add rule inet ctkit output fib daddr type local meta l4proto . th dport "
		"vmap @in_ranges",
		"add rule inet ctkit in_tcp_10-20 meta nfproto ipv4 jhash ip saddr . th "
		"sport mod 100 seed 0xbeef < 60 counter notrack",
		"add rule inet ctkit in_tcp_10-20 meta nfproto ipv6 jhash ip6 saddr . th "
		"sport mod 100 seed 0xbeef < 60 counter notrack",
		"add rule inet ctkit out_tcp_10-20 fib saddr type local meta nfproto "
		"ipv4 jhash ip daddr . th dport mod 100 seed 0xbeef < 60 counter notrack",
		"add rule inet ctkit out_tcp_10-20 fib saddr type local meta nfproto "
		"ipv6 jhash ip6 daddr . th dport mod 100 seed 0xbeef < 60 counter "
		"notrack",
		"add element inet ctkit in_ranges { tcp . 10-20 : jump in_tcp_10-20 }",
		"add element inet ctkit out_ranges { tcp . 10-20 : jump out_tcp_10-20 }",
		NULL,
	};
	static const char *const BUDGET[] = {
		"add map inet ctkit to_remote4 { type inet_proto . ipv4_addr . "
		"inet_service : verdict; flags timeout; }",
		"add map inet ctkit from_remote4 { type inet_proto . ipv4_addr . "
		"inet_service : verdict; flags timeout; }",
		"add rule inet ctkit output fib daddr type != local meta l4proto . ip "
		"daddr . th dport vmap @to_remote4",
		"add rule inet ctkit prerouting fib saddr type != local fib daddr type "
		"local meta l4proto . ip saddr . th sport vmap @from_remote4",
		"add rule inet ctkit to_remote_udp_192.0.2.1_53 fib saddr type local "
		"limit rate over "
		"2000/second burst 2000 packets counter notrack",
		"add rule inet ctkit from_remote_udp_192.0.2.1_53 counter notrack",
		"add element inet ctkit to_remote4 { udp . 192.0.2.1 . 53 : jump "
		"to_remote_udp_192.0.2.1_53 }",
		"add element inet ctkit from_remote4 { udp . 192.0.2.1 . 53 : jump "
		"from_remote_udp_192.0.2.1_53 }",
		NULL,
	};
	const struct extent share = { EXTENT_SHARE, .percent = 60, .seed = 0xbeef };
	const struct extent budget = { EXTENT_BUDGET, .packets_per_s = 2000 };

	expect_rules("tcp/10-20", &share, SHARE);
	expect_rules("out:udp/192.0.2.1:53", &budget, BUDGET);
}

static void counters_start_where_they_stood(void **state)
{
	const struct change change = { .kind = CHANGE_ADD_UNTRACK,
				       .service = parse("udp/9000"),
				       .untrack = { .packets = 7, .bytes = 300 } };
	struct text text = { 0 };

	script_statement(&change, &text);
	assert_string_equal(text_str(&text), "add rule inet ctkit in_udp_9000 counter "
					     "packets 7 bytes 300 notrack");
	text_free(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_plan_reads_as_nft_text),
		cmocka_unit_test(leases_are_written_in_nft_units),
		cmocka_unit_test(
			shares_of_ranges_and_budgets_of_remote_services_read_as_nft_text),
		cmocka_unit_test(counters_start_where_they_stood),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
