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

static void expect(const char *service_text, uint64_t lease_ms, const char *wanted)
{
	struct service service = parse(service_text);
	const struct ruleset none = { .generation = 1 };
	struct plan plan = { 0 };
	struct text text = { 0 };

	assert_int_equal(plan_add(&plan, &none, &service, lease_ms), 0);
	script_render(&plan, &text);
	assert_string_equal(text_str(&text), wanted);
	text_free(&text);
	plan_free(&plan);
}

static void a_plan_reads_as_nft_text(void **state)
{
	expect("udp/9000", 30000,
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
	       "add rule inet ctkit out_udp_9000 counter notrack\n"
	       "add element inet ctkit in_services { udp . 9000 timeout 30s : jump "
	       "in_udp_9000 }\n"
	       "add element inet ctkit out_services { udp . 9000 timeout 30s : jump "
	       "out_udp_9000 }\n");
}

static void expect_lease(const char *service_text, uint64_t lease_ms, const char *wanted)
{
	struct service service = parse(service_text);
	const struct change change = { .kind = CHANGE_ADD_LEASE,
				       .map = layout_map_of(LAYOUT_IN, &service),
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_plan_reads_as_nft_text),
		cmocka_unit_test(leases_are_written_in_nft_units),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
