// SPDX-License-Identifier: GPL-2.0-or-later
/* Before the kernel's headers, which else define the same. */
#include <netinet/in.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <libmnl/libmnl.h>
#include <libnftnl/table.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include "rules/tables.h"

enum { MESSAGE_BYTES = 512 };

static struct nlmsghdr *message(char *buffer, uint16_t family, const char *name,
				uint64_t handle)
{
	struct nftnl_table *table = nftnl_table_alloc();
	struct nlmsghdr *header;

	memset(buffer, 0, MESSAGE_BYTES);
	nftnl_table_set_str(table, NFTNL_TABLE_NAME, name);
	header = nftnl_nlmsg_build_hdr(buffer, NFT_MSG_NEWTABLE, family, 0, 0);
	nftnl_table_nlmsg_build_payload(header, table);
	mnl_attr_put_u64(header, NFTA_TABLE_HANDLE, htobe64(handle));
	nftnl_table_free(table);
	return header;
}

static void ours_is_left_out_and_only_ours(void **state)
{
	struct tables tables = { 0 };
	_Alignas(struct nlmsghdr) char buffer[MESSAGE_BYTES];

	tables_message(message(buffer, NFPROTO_INET, "ctkit", 3), &tables);
	assert_int_equal(tables.count, 0);
	tables_message(message(buffer, NFPROTO_IPV4, "ctkit", 4), &tables);
	tables_message(message(buffer, NFPROTO_INET, "firewall", 5), &tables);
	assert_int_equal(tables.count, 2);
	assert_int_equal(tables.handles[0], 4);
	assert_int_equal(tables.handles[1], 5);
}

static void a_table_made_anew_is_another(void **state)
{
	const struct tables before = { 2, { 1, 2 } }, again = { 2, { 1, 3 } };
	const struct tables fewer = { 1, { 1 } }, none = { 0 };

	assert_true(tables_same(&before, &before));
	assert_true(tables_same(&none, &none));
	assert_false(tables_same(&before, &again));
	assert_false(tables_same(&before, &fewer));
	assert_false(tables_same(&fewer, &before));
}

static void more_tables_than_fit_are_passed_over(void **state)
{
	struct tables tables = { 0 };
	_Alignas(struct nlmsghdr) char buffer[MESSAGE_BYTES];

	for (uint64_t handle = 1; handle <= 2 * TABLES_MAX; handle++)
		tables_message(message(buffer, NFPROTO_IPV4, "x", handle), &tables);
	assert_int_equal(tables.count, TABLES_MAX);
	assert_int_equal(tables.handles[TABLES_MAX - 1], TABLES_MAX);
}

static void a_message_cut_off_anywhere_is_no_harm(void **state)
{
	_Alignas(struct nlmsghdr) char buffer[MESSAGE_BYTES];
	struct nlmsghdr *whole = message(buffer, NFPROTO_INET, "firewall", 5);

	for (uint32_t length = sizeof(*whole) + sizeof(struct nfgenmsg);
	     length < whole->nlmsg_len; length++) {
		struct nlmsghdr *cut = malloc(length);
		struct tables tables = { 0 };

		assert_non_null(cut);
		memcpy(cut, buffer, length);
		cut->nlmsg_len = length;
		tables_message(cut, &tables);
		assert_true(tables.count <= 1);
		free(cut);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ours_is_left_out_and_only_ours),
		cmocka_unit_test(a_table_made_anew_is_another),
		cmocka_unit_test(more_tables_than_fit_are_passed_over),
		cmocka_unit_test(a_message_cut_off_anywhere_is_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
