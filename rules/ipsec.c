// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/ipsec.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/xfrm.h>

#include "lib/nl.h"

struct policies {
	bool any, marked;
};

static int policy_cb(const struct nlmsghdr *message, void *data)
{
	struct policies *policies = data;
	const struct nlattr *attr;

	if (mnl_nlmsg_get_payload_len(message) < sizeof(struct xfrm_userpolicy_info))
		return MNL_CB_OK;
	policies->any = true;
	mnl_attr_for_each(attr, message, sizeof(struct xfrm_userpolicy_info)) {
		policies->marked |= mnl_attr_get_type(attr) == XFRMA_MARK;
	}
	return MNL_CB_OK;
}

int ipsec_read(bool *marks, bool *any)
{
	struct policies policies = { 0 };
	struct nl *nl = NULL;
	int err = nl_open(&nl, NETLINK_XFRM);

	if (!err) {
		nl_begin(nl, XFRM_MSG_GETPOLICY, NLM_F_DUMP);
		err = nl_transact(nl, policy_cb, &policies);
	}
	nl_close(nl);
	*marks |= policies.marked;
	*any |= policies.any;
	return err == -ENOMEM ? err : 0;
}
