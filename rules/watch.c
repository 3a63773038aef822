// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/watch.h"

/* Before the headers of the kernel, which define the same otherwise. */
#include <netinet/in.h>

#include <endian.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <string.h>

#include "lib/nl.h"
#include "rules/attrs.h"
#include "rules/audit.h"
#include "rules/model.h"

/* In front of the number. */
static const char TAG[] = "ctrules watches ";

struct mark {
	char tag[sizeof(TAG)];
	uint8_t number;
};

void watch_of(const struct audit *audit, struct watch *out)
{
	out->count = 0;
	for (size_t i = 0; i < audit->count && out->count < WATCH_MAX; i++)
		if (audit->finding[i].weight == FINDING_UNJUDGED &&
		    audit->finding[i].rule)
			out->rule[out->count++] = audit->finding[i].rule;
}

int watch_number(const struct watch *watch, const struct nlmsghdr *dumped)
{
	const char *table, *chain;
	struct attrs attrs;
	uint64_t handle;

	if ((dumped->nlmsg_type & 0xff) != NFT_MSG_NEWRULE ||
	    !attrs_of_message(dumped, &attrs))
		return WATCH_NONE;
	table = attrs_string(attrs.at[NFTA_RULE_TABLE]);
	chain = attrs_string(attrs.at[NFTA_RULE_CHAIN]);
	if (!table || !chain || !attrs_number(attrs.at[NFTA_RULE_HANDLE], &handle))
		return WATCH_NONE;
	for (size_t i = 0; i < watch->count; i++) {
		const struct model_rule *rule = watch->rule[i];

		if (rule->handle == handle && strcmp(rule->chain->name, chain) == 0 &&
		    rule->chain->table->family == attrs_family(dumped) &&
		    strcmp(rule->chain->table->name, table) == 0)
			return (int)i;
	}
	return WATCH_NONE;
}

void watch_put_number(struct nlmsghdr *to, int number)
{
	struct mark mark = { .number = (uint8_t)number };

	memcpy(mark.tag, TAG, sizeof(TAG));
	mnl_attr_put(to, NFTA_RULE_USERDATA, sizeof(mark), &mark);
}

void watch_put_counter(struct nlmsghdr *to)
{
	struct nlattr *outer = mnl_attr_nest_start(to, NFTA_LIST_ELEM);

	mnl_attr_put_strz(to, NFTA_EXPR_NAME, "counter");
	mnl_attr_nest_end(to, mnl_attr_nest_start(to, NFTA_EXPR_DATA));
	mnl_attr_nest_end(to, outer);
}

/* The packets of the first expression if that is a counter. */
static uint64_t first_counter(const struct nlattr *expressions)
{
	const struct nlattr *first = mnl_attr_get_payload(expressions);
	struct attrs expression, counter;
	const char *name;
	uint64_t packets;

	if (!mnl_attr_ok(first, mnl_attr_get_payload_len(expressions)) ||
	    !attrs_of_nest(first, &expression))
		return 0;
	name = attrs_string(expression.at[NFTA_EXPR_NAME]);
	if (!name || strcmp(name, "counter") != 0 || !expression.at[NFTA_EXPR_DATA] ||
	    !attrs_of_nest(expression.at[NFTA_EXPR_DATA], &counter) ||
	    !attrs_number(counter.at[NFTA_COUNTER_PACKETS], &packets))
		return 0;
	return packets;
}

void watch_note(const struct nlmsghdr *dumped, uint64_t *reached)
{
	const struct nlattr *userdata;
	struct attrs attrs;
	struct mark mark;

	if (!attrs_of_message(dumped, &attrs) || !attrs.at[NFTA_RULE_EXPRESSIONS])
		return;
	userdata = attrs.at[NFTA_RULE_USERDATA];
	if (!userdata || mnl_attr_get_payload_len(userdata) != sizeof(mark))
		return;
	memcpy(&mark, mnl_attr_get_payload(userdata), sizeof(mark));
	if (memcmp(mark.tag, TAG, sizeof(TAG)) == 0 && mark.number < WATCH_MAX &&
	    first_counter(attrs.at[NFTA_RULE_EXPRESSIONS]))
		*reached |= UINT64_C(1) << mark.number;
}

static int note_cb(const struct nlmsghdr *message, void *data)
{
	watch_note(message, data);
	return MNL_CB_OK;
}

int watch_read(const struct watch *watch, uint64_t *reached)
{
	struct nl *nl = NULL;
	int err;

	*reached = 0;
	if (!watch->count)
		return 0;
	err = nl_open(&nl, NETLINK_NETFILTER);
	if (!err) {
		nl_begin_nfnl(nl, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETRULE, NLM_F_DUMP,
			      NFPROTO_UNSPEC);
		err = nl_transact(nl, note_cb, reached);
	}
	nl_close(nl);
	return err;
}
