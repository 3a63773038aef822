// SPDX-License-Identifier: GPL-2.0-or-later
#include "conntrack/reclaim.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stddef.h>

#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>

#include "conntrack/addresses.h"
#include "conntrack/flow.h"
#include "conntrack/table.h"
#include "conntrack/tuple.h"
#include "lib/nl.h"
#include "lib/service.h"

enum { CT_GET = NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_GET };
enum { CT_DELETE = NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_DELETE };

enum { BATCH_BYTES = 32768 };

/*
 * A walk over the table that deletes as it goes, a batch at a time. The deletes have a conversation
 * of their own: the dump's is busy until its end.
 */
struct sweep {
	struct nl *deleter;
	const struct reclaim *order;
	uint32_t batched; /* messages in the batch */
	size_t used;      /* bytes of the batch */
	struct nlmsghdr *last;
	_Alignas(struct nlmsghdr) char batch[BATCH_BYTES];
};

static int flush(struct sweep *sweep)
{
	int err;

	if (sweep->batched == 0)
		return 0;
	/* Only the last is acknowledged: an answer to each would overrun the socket. */
	sweep->last->nlmsg_flags |= NLM_F_ACK;
	err = nl_batch(sweep->deleter, sweep->batch, sweep->used, sweep->last->nlmsg_seq,
		       NULL);
	/*
	 * ENOENT: an entry ended by itself meanwhile. ENOBUFS: many did, and the replies that said so
	 * overran the socket. The kernel goes on with the batch after either.
	 */
	if (err && err != -ENOENT && err != -ENOBUFS)
		return err;
	atomic_fetch_add(sweep->order->deleted, sweep->batched);
	sweep->batched = 0;
	sweep->used = 0;
	return 0;
}

static int add_delete(struct sweep *sweep, const struct flow *flow)
{
	struct nlmsghdr *message = mnl_nlmsg_put_header(sweep->batch + sweep->used);
	struct nfgenmsg *nfgen = mnl_nlmsg_put_extra_header(message, sizeof(*nfgen));
	int err;

	message->nlmsg_type = CT_DELETE;
	message->nlmsg_flags = NLM_F_REQUEST;
	message->nlmsg_seq = nl_sequence(sweep->deleter);
	nfgen->nfgen_family = flow->family;
	nfgen->version = NFNETLINK_V0;
	err = tuple_put(message, flow);
	if (err)
		return err;
	sweep->used += MNL_ALIGN(message->nlmsg_len);
	sweep->last = message;
	sweep->batched++;
	return 0;
}

static bool is_meant(const struct reclaim *order, const struct flow *flow)
{
	return flow_of_service(flow, order->service, order->local) &&
	       (!order->chosen || order->chosen(flow, order->data));
}

static int sweep_cb(const struct nlmsghdr *message, void *data)
{
	struct sweep *sweep = data;
	struct flow flow;
	int err = 0;

	if (atomic_load(sweep->order->stop))
		err = -ECANCELED;
	else if (flow_parse(message, &flow) < 0 || !is_meant(sweep->order, &flow))
		return MNL_CB_OK;
	else if (sweep->used + MNL_NLMSG_HDRLEN + TUPLE_BYTES_MAX > BATCH_BYTES)
		err = flush(sweep);
	if (!err)
		err = add_delete(sweep, &flow);
	if (!err)
		return MNL_CB_OK;
	/* How a callback of libmnl says why it fails. */
	errno = -err;
	return MNL_CB_ERROR;
}

/* The walk through the buckets of an empty table would take 10 ms, for nothing. */
static bool is_empty(struct nl *nl)
{
	struct table_usage usage;

	return table_usage_get(nl, &usage) == 0 && usage.entries == 0;
}

/*
 * All that is there is read, once. With a filter of the kernel's, of one family and one end, it takes four walks and no
 * less CPU; and a walk that lets nothing through neither stops for packets nor gives the lock away.
 */
static int sweep_table(struct nl *nl, struct sweep *sweep)
{
	int err;

	if (is_empty(nl))
		return 0;
	nl_begin_nfnl(nl, CT_GET, NLM_F_DUMP, AF_UNSPEC);
	err = nl_transact(nl, sweep_cb, sweep);
	return err ? err : flush(sweep);
}

int reclaim_service(struct nl *nl, const struct reclaim *order)
{
	struct sweep sweep = { .order = order };
	int err = nl_open(&sweep.deleter, NETLINK_NETFILTER);

	if (!err)
		err = sweep_table(nl, &sweep);
	nl_close(sweep.deleter);
	return err;
}
