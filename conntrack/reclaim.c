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

/*
 * Which parts of CTA_TUPLE_ORIG the kernel compares: CTA_FILTER_ORIG_FLAGS, in the byte order
 * of the host. In no exported header (net/netfilter/nf_internals.h, kernel 5.8).
 */
enum {
	FILTER_PROTO_NUM = 1 << 3,
	FILTER_SRC_PORT = 1 << 4,
	FILTER_DST_PORT = 1 << 5,
};

enum { CT_GET = NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_GET };
enum { CT_DELETE = NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_DELETE };

/* What the kernel shall compare. Flags say which of the values count. */
struct filter {
	uint32_t flags;
	uint8_t proto;
	uint16_t port; /* source or destination by flags */
};

static void put_filter(struct nlmsghdr *message, const struct filter *filter)
{
	struct nlattr *tuple = mnl_attr_nest_start(message, CTA_TUPLE_ORIG);
	struct nlattr *nest;

	nest = mnl_attr_nest_start(message, CTA_TUPLE_PROTO);
	mnl_attr_put_u8(message, CTA_PROTO_NUM, filter->proto);
	if (filter->flags & FILTER_SRC_PORT)
		mnl_attr_put_u16(message, CTA_PROTO_SRC_PORT, htons(filter->port));
	if (filter->flags & FILTER_DST_PORT)
		mnl_attr_put_u16(message, CTA_PROTO_DST_PORT, htons(filter->port));
	mnl_attr_nest_end(message, nest);
	mnl_attr_nest_end(message, tuple);

	nest = mnl_attr_nest_start(message, CTA_FILTER);
	mnl_attr_put_u32(message, CTA_FILTER_ORIG_FLAGS, filter->flags);
	mnl_attr_nest_end(message, nest);
}

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

/* The kernel's filter is coarser than the service, and ignored before 5.8: look again. */
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
	errno = -err;
	return MNL_CB_ERROR;
}

/* The walk through the buckets of an empty table would take 10 ms, for nothing. */
static bool is_empty(struct nl *nl)
{
	struct table_usage usage;

	return table_usage_get(nl, &usage) == 0 && usage.entries == 0;
}

static int sweep_table(struct nl *nl, uint8_t family, const struct filter *filter,
		       struct sweep *sweep)
{
	struct nlmsghdr *message;
	int err;

	if (is_empty(nl))
		return 0;
	message = nl_begin_nfnl(nl, CT_GET, NLM_F_DUMP, family);
	put_filter(message, filter);
	err = nl_transact(nl, sweep_cb, sweep);
	return err ? err : flush(sweep);
}

/* What a message without addresses selects: as near as it comes to the service. */
static struct filter filter_of(const struct service *service)
{
	struct filter filter = {
		.flags = FILTER_PROTO_NUM,
		.proto = service->proto,
		.port = service->first_port,
	};

	if (service->first_port == service->last_port)
		filter.flags |= FILTER_DST_PORT;
	return filter;
}

/*
 * What was picked up from the service's own packet, of TCP or of UDP, has its ends swapped.
 * A filter by source port would also take the clients of others that use the port, so
 * each is looked at.
 */
static int sweep_swapped(struct nl *nl, uint8_t family, struct sweep *sweep)
{
	const struct service *service = sweep->order->service;
	const struct filter filter = {
		.flags = FILTER_PROTO_NUM | FILTER_SRC_PORT,
		.proto = service->proto,
		.port = service->first_port,
	};

	if (service->outbound || service->first_port != service->last_port)
		return 0;
	return sweep_table(nl, family, &filter, sweep);
}

static int reclaim_family(struct nl *nl, uint8_t family, struct sweep *sweep)
{
	const struct filter filter = filter_of(sweep->order->service);
	int err = sweep_table(nl, family, &filter, sweep);

	return err ? err : sweep_swapped(nl, family, sweep);
}

int reclaim_service(struct nl *nl, const struct reclaim *order)
{
	static const uint8_t FAMILIES[] = { AF_INET, AF_INET6 };
	const struct service *service = order->service;
	struct sweep sweep = { .order = order };
	int err = nl_open(&sweep.deleter, NETLINK_NETFILTER);

	for (size_t i = 0; !err && i < MNL_ARRAY_SIZE(FAMILIES); i++) {
		if (service->family == AF_UNSPEC || service->family == FAMILIES[i])
			err = reclaim_family(nl, FAMILIES[i], &sweep);
	}
	nl_close(sweep.deleter);
	return err;
}
