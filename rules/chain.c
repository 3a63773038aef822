// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/chain.h"

/* Before the kernel's headers, which else define the same. */
#include <netinet/in.h>

#include <errno.h>
#include <libnftnl/chain.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdbool.h>
#include <string.h>

#include "lib/nl.h"
#include "rules/layout.h"
#include "rules/ruleset.h"

/* What is asked of a chain. */
struct answer {
	enum layout_hook hook;
	uint32_t uses;
	bool misplaced;
};

static bool is_misplaced(const struct nftnl_chain *chain, enum layout_hook hook)
{
	const char *type = nftnl_chain_get_str(chain, NFTNL_CHAIN_TYPE);

	/* A chain without a type is no base chain: nothing gets there by itself. */
	return !type || strcmp(type, "filter") != 0 ||
	       nftnl_chain_get_u32(chain, NFTNL_CHAIN_HOOKNUM) !=
		       layout_hook_number(hook) ||
	       nftnl_chain_get_s32(chain, NFTNL_CHAIN_PRIO) != LAYOUT_PRIORITY ||
	       nftnl_chain_get_u32(chain, NFTNL_CHAIN_POLICY) != NF_ACCEPT;
}

static int chain_cb(const struct nlmsghdr *header, void *data)
{
	struct nftnl_chain *chain = nftnl_chain_alloc();
	struct answer *answer = data;
	int err = chain ? 0 : ENOMEM;

	if (!err && nftnl_chain_nlmsg_parse(header, chain) < 0)
		err = EBADMSG;
	if (!err) {
		answer->uses = nftnl_chain_get_u32(chain, NFTNL_CHAIN_USE);
		answer->misplaced = is_misplaced(chain, answer->hook);
	}
	if (chain)
		nftnl_chain_free(chain);
	errno = err;
	return err ? MNL_CB_ERROR : MNL_CB_OK;
}

static int ask(struct nl *nl, const char *name, struct answer *answer)
{
	const uint16_t type = NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETCHAIN;
	struct nftnl_chain *chain = nftnl_chain_alloc();

	if (!chain)
		return -ENOMEM;
	nftnl_chain_set_str(chain, NFTNL_CHAIN_TABLE, RULESET_TABLE);
	nftnl_chain_set_str(chain, NFTNL_CHAIN_NAME, name);
	nftnl_chain_nlmsg_build_payload(nl_begin_nfnl(nl, type, NLM_F_ACK, NFPROTO_INET),
					chain);
	nftnl_chain_free(chain);
	return nl_transact(nl, chain_cb, answer);
}

int chain_uses(struct nl *nl, const char *name, uint32_t *out)
{
	struct answer answer = { .uses = 0 };
	int err = ask(nl, name, &answer);

	if (!err)
		*out = answer.uses;
	return err;
}

int chain_misplaced(struct nl *nl, unsigned *out)
{
	unsigned misplaced = 0;

	for (int i = 0; i < LAYOUT_HOOKS; i++) {
		struct answer answer = { .hook = (enum layout_hook)i };
		int err = ask(nl, layout_hook_name(answer.hook), &answer);

		/* One that is not there is in nobody's place. */
		if (err && err != -ENOENT)
			return err;
		if (answer.misplaced)
			misplaced |= 1U << i;
	}
	*out = misplaced;
	return 0;
}
