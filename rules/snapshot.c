// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/snapshot.h"

/* Before the headers of the kernel, which define the same otherwise. */
#include <netinet/in.h>

#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdbool.h>

#include "lib/clock.h"
#include "lib/nl.h"
#include "rules/gather.h"
#include "rules/model.h"
#include "rules/ruleset.h"

/* How often a ruleset that changes while it is read is read again. */
enum { READ_TRIES = 20 };

/* Looking at the clock costs as much as some messages. */
enum { MESSAGES_A_LOOK = 64 };

struct reading {
	struct gather gather;
	uint64_t until_ns; /* 0: as long as it takes */
	unsigned messages;
};

static bool is_late(const struct reading *reading)
{
	return reading->until_ns && clock_spent_ns() > reading->until_ns;
}

static int message_cb(const struct nlmsghdr *header, void *data)
{
	struct reading *reading = data;
	int err = gather_message(&reading->gather, header);

	if (!err && ++reading->messages % MESSAGES_A_LOOK == 0 && is_late(reading))
		err = -ETIME;
	errno = -err;
	return err ? MNL_CB_ERROR : MNL_CB_OK;
}

static int dump(struct nl *nl, uint16_t message, struct reading *reading)
{
	nl_begin_nfnl(nl, (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | message), NLM_F_DUMP,
		      NFPROTO_UNSPEC);
	return nl_transact(nl, message_cb, reading);
}

/* The kernel finds a set by going through all of them. */
static int dump_elements(struct nl *nl, struct reading *reading,
			 const struct model_set *set)
{
	struct nlmsghdr *header = nl_begin_nfnl(
		nl, (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETSETELEM),
		NLM_F_DUMP, set->table->family);

	mnl_attr_put_strz(header, NFTA_SET_ELEM_LIST_TABLE, set->table->name);
	mnl_attr_put_strz(header, NFTA_SET_ELEM_LIST_SET, set->name);
	return is_late(reading) ? -ETIME : nl_transact(nl, message_cb, reading);
}

static int read_once(struct nl *nl, uint64_t until_ns, struct model *out)
{
	static const uint16_t DUMPS[] = { NFT_MSG_GETTABLE,     NFT_MSG_GETCHAIN,
					  NFT_MSG_GETSET,       NFT_MSG_GETOBJ,
					  NFT_MSG_GETFLOWTABLE, NFT_MSG_GETRULE };
	struct reading reading = { .gather = { .model = out }, .until_ns = until_ns };
	uint32_t after = 0;
	int err = ruleset_generation(nl, &out->generation);

	for (size_t i = 0; i < sizeof(DUMPS) / sizeof(DUMPS[0]) && !err; i++)
		err = dump(nl, DUMPS[i], &reading);
	for (const struct model_set *set = out->sets; set && !err; set = set->next)
		err = dump_elements(nl, &reading, set);
	if (!err)
		err = ruleset_generation(nl, &after);
	/* A set that is gone by now: it changed meanwhile. */
	if (err == -ENOENT || (!err && after != out->generation))
		return -EINTR;
	return err ? err : model_complete(out);
}

int snapshot_read(struct nl *nl, uint64_t until_ns, struct model *out)
{
	int err = -EINTR;

	for (int tries = 0; err == -EINTR && tries < READ_TRIES; tries++) {
		model_clear(out);
		err = read_once(nl, until_ns, out);
	}
	if (err)
		model_clear(out);
	return err == -EINTR ? -EAGAIN : err;
}
