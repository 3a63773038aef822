// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <netinet/in.h>

#include <linux/netfilter_ipv4/ip_tables.h>
#include <linux/netfilter_ipv6/ip6_tables.h>

#include "rules/policies.h"

/* As struct ip6t_standard. */
struct standard4 {
	struct ipt_entry entry;
	struct xt_standard_target target;
};

/* A table of two hooks, as the kernel describes those of both families. */
struct table {
	struct ipt_getinfo info;
	union {
		struct standard4 four[2];
		struct ip6t_standard six[2];
	} entries;
};

static void fill(struct table *table, uint8_t family)
{
	size_t step = family == AF_INET ? sizeof(table->entries.four[0])
					: sizeof(table->entries.six[0]);

	memset(table, 0, sizeof(*table));
	table->info.valid_hooks = 1 << NF_INET_LOCAL_IN | 1 << NF_INET_LOCAL_OUT;
	table->info.hook_entry[NF_INET_LOCAL_OUT] = (unsigned)step;
	table->info.size = (unsigned)(2 * step);
	for (int i = 0; i < 2; i++) {
		if (family == AF_INET)
			table->entries.four[i] = (struct standard4){
				.entry = { .target_offset = sizeof(struct ipt_entry),
					   .next_offset = (uint16_t)step },
				.target.verdict = -NF_ACCEPT - 1,
			};
		else
			table->entries.six[i] =
				(struct ip6t_standard)IP6T_STANDARD_INIT(NF_ACCEPT);
	}
}

static bool judge(const struct table *table, uint8_t family)
{
	return policies_judge(family, &table->info, sizeof(table->info), &table->entries,
			      table->info.size);
}

static void policies_that_accept_are_nothing(void **state)
{
	struct table table;

	fill(&table, AF_INET);
	assert_true(judge(&table, AF_INET));
	assert_false(judge(&table, AF_INET6));
	fill(&table, AF_INET6);
	assert_true(judge(&table, AF_INET6));
	assert_false(judge(&table, AF_INET));
}

static void anything_else_is_something(void **state)
{
	struct table table;

	fill(&table, AF_INET);
	table.entries.four[1].target.verdict = -NF_DROP - 1;
	assert_false(judge(&table, AF_INET));
	fill(&table, AF_INET);
	table.entries.four[0].entry.ip.proto = IPPROTO_UDP;
	assert_false(judge(&table, AF_INET));
	fill(&table, AF_INET6);
	table.entries.six[1].entry.ipv6.invflags = IP6T_INV_PROTO;
	assert_false(judge(&table, AF_INET6));
	fill(&table, AF_INET6);
	memcpy(table.entries.six[0].target.target.u.user.name, "NFQUEUE", 7);
	assert_false(judge(&table, AF_INET6));
	fill(&table, AF_INET);
	table.entries.four[0].entry.target_offset += 8;
	assert_false(judge(&table, AF_INET));
	fill(&table, AF_INET);
	table.info.valid_hooks = 0;
	assert_false(judge(&table, AF_INET));
	table.info.valid_hooks = 1 << NF_INET_NUMHOOKS;
	assert_false(judge(&table, AF_INET));
}

/* In memory of just that size, so that a read beyond it is seen. */
static void what_is_cut_or_points_outside_is_something(void **state)
{
	struct table table;

	fill(&table, AF_INET);
	for (size_t bytes = 0; bytes < table.info.size; bytes++) {
		struct ipt_getinfo info = table.info;
		uint8_t *copy = malloc(bytes ? bytes : 1);

		assert_non_null(copy);
		memcpy(copy, &table.entries, bytes);
		info.size = (unsigned)bytes;
		assert_false(policies_judge(AF_INET, &info, sizeof(info), copy, bytes));
		assert_false(policies_judge(AF_INET, &table.info, sizeof(table.info),
					    copy, bytes));
		free(copy);
	}
	for (size_t bytes = 0; bytes < sizeof(table.info); bytes++)
		assert_false(policies_judge(AF_INET, &table.info, bytes, &table.entries,
					    table.info.size));
	table.info.hook_entry[NF_INET_LOCAL_IN] = UINT32_MAX;
	assert_false(judge(&table, AF_INET));
	table.info.hook_entry[NF_INET_LOCAL_IN] = table.info.size;
	assert_false(judge(&table, AF_INET));
}

static void a_table_that_cannot_be_asked_about_is_something(void **state)
{
	assert_false(policies_accept(-1, AF_INET, "filter"));
	assert_false(policies_accept(-1, AF_INET6, "filter"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(policies_that_accept_are_nothing),
		cmocka_unit_test(anything_else_is_something),
		cmocka_unit_test(what_is_cut_or_points_outside_is_something),
		cmocka_unit_test(a_table_that_cannot_be_asked_about_is_something),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
