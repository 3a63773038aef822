// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/judge.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* Before the headers of the kernel, which define the same otherwise. */
#include <netinet/in.h>

#include <linux/netfilter.h>

#include <cmocka.h>

#include "lib/args.h"
#include "lib/service.h"
#include "rules/audit.h"

/* What only the host tells, on one without rules. */
static struct evidence evidence;
static struct audit audit;

static void judge(const char *text)
{
	struct service service;
	struct args_why why;

	assert_int_equal(service_parse(text, &service, &why), 0);
	assert_int_equal(judge_by_evidence(&evidence, &service, NULL, &audit), 0);
}

static void finds(const char *code, enum audit_verdict verdict,
		  enum finding_severity severity)
{
	assert_int_equal(audit.count, 1);
	assert_string_equal(audit.finding[0].code, code);
	assert_int_equal(audit.finding[0].severity, severity);
	assert_int_equal(audit.verdict, verdict);
}

static int begin(void **state)
{
	model_clear(&evidence.model);
	evidence.host = (struct surroundings){ .surveyed = true };
	return 0;
}

static void a_plain_host_has_nothing_to_say(void **state)
{
	judge("udp/9000");
	assert_int_equal(audit.count, 0);
	assert_int_equal(audit.verdict, AUDIT_SAFE);
}

static void what_is_not_looked_at_is_named(void **state)
{
	static const struct {
		size_t flag;
		const char *code;
	} LIMITS[] = {
		{ offsetof(struct surroundings, ipvs), "ipvs" },
		{ offsetof(struct surroundings, ovs), "ovs" },
		{ offsetof(struct surroundings, filters), "tc" },
		{ offsetof(struct surroundings, xdp), "ebpf" },
	};

	for (size_t i = 0; i < sizeof(LIMITS) / sizeof(LIMITS[0]); i++) {
		begin(state);
		*(bool *)((char *)&evidence.host + LIMITS[i].flag) = true;
		judge("udp/9000");
		finds(LIMITS[i].code, AUDIT_SAFE, FINDING_INFO);
	}
}

static void legacy_tables_are_unknown_with_the_way_out_of_each(void **state)
{
	evidence.host.legacy4 = true;
	judge("udp/9000");
	finds("legacy", AUDIT_UNKNOWN, FINDING_BLOCKER);
	assert_non_null(strstr(audit.finding[0].fix, "(iptables-legacy-save | "));
	begin(state);
	evidence.host.legacy6 = true;
	judge("udp/9000");
	finds("legacy", AUDIT_UNKNOWN, FINDING_BLOCKER);
	assert_non_null(strstr(audit.finding[0].fix, "(ip6tables-legacy-save | "));
	begin(state);
	evidence.host.legacy_hidden = true;
	judge("udp/9000");
	finds("legacy", AUDIT_UNKNOWN, FINDING_BLOCKER);
	assert_string_equal(audit.finding[0].fix, "audit as root");
}

static void helpers_by_port_read_only_their_ports(void **state)
{
	evidence.host.auto_helpers = true;
	judge("udp/70-137");
	finds("helper", AUDIT_UNSAFE, FINDING_BLOCKER);
	judge("udp/69");
	finds("helper", AUDIT_UNSAFE, FINDING_BLOCKER);
	judge("tcp/69");
	assert_int_equal(audit.verdict, AUDIT_SAFE);
	judge("udp/70-136");
	assert_int_equal(audit.verdict, AUDIT_SAFE);
	evidence.host.auto_helpers = false;
	judge("udp/69");
	assert_int_equal(audit.verdict, AUDIT_SAFE);
}

/* Makes a base chain of family bridge that asks for tracking. */
static void bridge_rules(void)
{
	struct model_table *table = model_add_table(&evidence.model, NFPROTO_BRIDGE, "b");
	struct model_chain *chain = model_add_chain(&evidence.model, table, "forward");

	chain->base = true;
	chain->hook = NF_INET_FORWARD;
	chain->effects = MODEL_ASKS_CT;
}

static void rules_of_a_bridge_matter_where_there_is_one(void **state)
{
	bridge_rules();
	judge("udp/9000");
	assert_int_equal(audit.verdict, AUDIT_SAFE);
	evidence.host.bridge = true;
	judge("udp/9000");
	finds("bridge", AUDIT_UNKNOWN, FINDING_BLOCKER);
	evidence.model.chains->effects = 0;
	judge("udp/9000");
	assert_int_equal(audit.verdict, AUDIT_SAFE);
}

static void an_address_that_no_packet_can_have_is_told(void **state)
{
	const struct wide first = wide_of(0xc0000201);
	struct range here = { first, first };

	evidence.host.local4 = (struct ranges){ &here, 1 };
	judge("udp/192.0.2.1:9000");
	assert_int_equal(audit.count, 0);
	judge("udp/192.0.2.2:9000");
	finds("address", AUDIT_SAFE, FINDING_INFO);
	judge("out:udp/192.0.2.1:9000");
	finds("address", AUDIT_SAFE, FINDING_INFO);
	evidence.host.local4 = (struct ranges){ NULL, 0 };
}

static void translated_connections_are_evidence(void **state)
{
	judge("udp/9000");
	judge_translated(0, 0, &audit);
	judge_translated(0, -EINVAL, &audit);
	judge_translated(0, -EOPNOTSUPP, &audit);
	assert_int_equal(audit.count, 0);
	judge_translated(0, -EIO, &audit);
	finds("live-nat", AUDIT_UNKNOWN, FINDING_BLOCKER);
	judge("udp/9000");
	judge_translated(1, 0, &audit);
	finds("live-nat", AUDIT_UNSAFE, FINDING_BLOCKER);
	assert_string_equal(audit.finding[0].why,
			    "one of its connections in the table is "
			    "translated: untracked, they would break");
}

static int end(void **state)
{
	model_clear(&evidence.model);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_plain_host_has_nothing_to_say, begin,
						end),
		cmocka_unit_test_setup_teardown(what_is_not_looked_at_is_named, begin,
						end),
		cmocka_unit_test_setup_teardown(
			legacy_tables_are_unknown_with_the_way_out_of_each, begin, end),
		cmocka_unit_test_setup_teardown(helpers_by_port_read_only_their_ports,
						begin, end),
		cmocka_unit_test_setup_teardown(
			rules_of_a_bridge_matter_where_there_is_one, begin, end),
		cmocka_unit_test_setup_teardown(
			an_address_that_no_packet_can_have_is_told, begin, end),
		cmocka_unit_test_setup_teardown(translated_connections_are_evidence,
						begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
