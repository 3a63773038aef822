// SPDX-License-Identifier: GPL-2.0-or-later
#include "conntrack/tuple.h"

#include <arpa/inet.h>
#include <errno.h>

#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink_conntrack.h>

#include <libnetfilter_conntrack/libnetfilter_conntrack.h>

#include "conntrack/flow.h"

static void set_addresses(struct nf_conntrack *ct, const struct flow *flow)
{
	nfct_set_attr_u8(ct, ATTR_L3PROTO, flow->family);
	if (flow->family == AF_INET) {
		nfct_set_attr_u32(ct, ATTR_IPV4_SRC, flow->orig.src.v4.s_addr);
		nfct_set_attr_u32(ct, ATTR_IPV4_DST, flow->orig.dst.v4.s_addr);
	} else {
		nfct_set_attr(ct, ATTR_IPV6_SRC, &flow->orig.src.v6);
		nfct_set_attr(ct, ATTR_IPV6_DST, &flow->orig.dst.v6);
	}
}

int tuple_put(struct nlmsghdr *message, const struct flow *flow)
{
	struct nf_conntrack *ct = nfct_new();
	int err = 0;

	if (!ct)
		return -ENOMEM;
	set_addresses(ct, flow);
	nfct_set_attr_u8(ct, ATTR_L4PROTO, flow->proto);
	nfct_set_attr_u16(ct, ATTR_PORT_SRC, htons(flow->orig.src_port));
	nfct_set_attr_u16(ct, ATTR_PORT_DST, htons(flow->orig.dst_port));
	if (flow->zone)
		nfct_set_attr_u16(ct, ATTR_ZONE, flow->zone);
	if (flow->orig_zone)
		nfct_set_attr_u16(ct, ATTR_ORIG_ZONE, flow->orig_zone);
	if (nfct_nlmsg_build(message, ct) < 0)
		err = -errno;
	nfct_destroy(ct);
	/* libnetfilter_conntrack 1.0.9 reads the id of an entry but does not write it. */
	if (!err && flow->id)
		mnl_attr_put_u32(message, CTA_ID, htonl(flow->id));
	return err;
}
