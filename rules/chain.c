// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/chain.h"

/* Before the kernel's headers, which else define the same. */
#include <netinet/in.h>

#include <errno.h>
#include <libnftnl/chain.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include "lib/nl.h"
#include "rules/ruleset.h"

static int uses_cb(const struct nlmsghdr *header, void *data)
{
	struct nftnl_chain *chain = nftnl_chain_alloc();
	uint32_t *out = data;
	int err = chain ? 0 : ENOMEM;

	if (!err && nftnl_chain_nlmsg_parse(header, chain) < 0)
		err = EBADMSG;
	if (!err)
		*out = nftnl_chain_get_u32(chain, NFTNL_CHAIN_USE);
	if (chain)
		nftnl_chain_free(chain);
	errno = err;
	return err ? MNL_CB_ERROR : MNL_CB_OK;
}

int chain_uses(struct nl *nl, const char *name, uint32_t *out)
{
	const uint16_t type = NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETCHAIN;
	struct nftnl_chain *chain = nftnl_chain_alloc();
	uint32_t uses = 0;
	int err;

	if (!chain)
		return -ENOMEM;
	nftnl_chain_set_str(chain, NFTNL_CHAIN_TABLE, RULESET_TABLE);
	nftnl_chain_set_str(chain, NFTNL_CHAIN_NAME, name);
	nftnl_chain_nlmsg_build_payload(nl_begin_nfnl(nl, type, NLM_F_ACK, NFPROTO_INET),
					chain);
	nftnl_chain_free(chain);
	err = nl_transact(nl, uses_cb, &uses);
	if (!err)
		*out = uses;
	return err;
}
