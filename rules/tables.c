// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/tables.h"

/* Before the kernel's headers, which else define the same. */
#include <netinet/in.h>

#include <errno.h>
#include <libmnl/libmnl.h>
#include <libnftnl/table.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <string.h>

#include "lib/nl.h"
#include "rules/ruleset.h"

static bool is_ours(const struct nftnl_table *table)
{
	const char *name = nftnl_table_get_str(table, NFTNL_TABLE_NAME);

	return nftnl_table_get_u32(table, NFTNL_TABLE_FAMILY) == NFPROTO_INET && name &&
	       strcmp(name, RULESET_TABLE) == 0;
}

int tables_message(const struct nlmsghdr *header, void *data)
{
	struct nftnl_table *table = nftnl_table_alloc();
	struct tables *tables = data;
	int err = table ? 0 : -ENOMEM;

	if (!err && nftnl_table_nlmsg_parse(header, table) < 0)
		err = -EBADMSG;
	if (!err && !is_ours(table) && tables->count < TABLES_MAX)
		tables->handles[tables->count++] =
			nftnl_table_get_u64(table, NFTNL_TABLE_HANDLE);
	if (table)
		nftnl_table_free(table);
	if (!err)
		return MNL_CB_OK;
	errno = -err;
	return MNL_CB_ERROR;
}

int tables_read(struct nl *nl, struct tables *out)
{
	struct tables tables = { 0 };
	int err;

	nl_begin_nfnl(nl, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETTABLE, NLM_F_DUMP,
		      NFPROTO_UNSPEC);
	err = nl_transact(nl, tables_message, &tables);
	if (!err)
		*out = tables;
	return err;
}

bool tables_same(const struct tables *a, const struct tables *b)
{
	return a->count == b->count &&
	       memcmp(a->handles, b->handles, a->count * sizeof(a->handles[0])) == 0;
}
