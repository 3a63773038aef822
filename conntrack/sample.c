// SPDX-License-Identifier: GPL-2.0-or-later
#include "conntrack/sample.h"

#include <arpa/inet.h>
#include <errno.h>

#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>

#include "conntrack/flow.h"
#include "lib/clock.h"
#include "lib/nl.h"

/* What the reading of one sample shares with the callback of its dump. */
struct reading {
	const struct sample_size *size;
	uint64_t start_ns;
	sample_cb *cb;
	void *data;
	struct sample sample;
	bool stopped; /* by us: there was more to read */
};

static bool is_over(const struct reading *reading)
{
	uint32_t seen = reading->sample.flows + reading->sample.malformed;

	if (seen < reading->size->enough)
		return false;
	return seen >= reading->size->most ||
	       clock_between_s(reading->start_ns, clock_now_ns()) >=
		       reading->size->budget_s;
}

/* An entry that is offloaded to hardware shows no time. */
static bool is_expiring(const struct flow *flow)
{
	return flow->timeout_s < SAMPLE_EXPIRING_S &&
	       !(flow->status & (IPS_OFFLOAD | IPS_HW_OFFLOAD));
}

static int flow_cb(const struct nlmsghdr *message, void *data)
{
	struct reading *reading = data;
	struct sample *sample = &reading->sample;
	struct flow flow;

	/*
	 * Malformed messages count towards the bound. The one after the last is looked at to
	 * know that there are more.
	 */
	if (is_over(reading)) {
		reading->stopped = true;
		return MNL_CB_STOP;
	}
	if (flow_parse(message, &flow) < 0) {
		sample->malformed++;
		return MNL_CB_OK;
	}
	sample->flows++;
	sample->expiring += is_expiring(&flow);
	reading->cb(&flow, reading->data);
	return MNL_CB_OK;
}

int sample_take_sized(struct nl *nl, const struct sample_size *size, sample_cb *cb,
		      void *data, struct sample *out)
{
	struct reading reading = {
		.size = size, .start_ns = clock_now_ns(), .cb = cb, .data = data
	};
	int err;

	nl_begin_nfnl(nl, NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_GET, NLM_F_DUMP,
		      AF_UNSPEC);
	err = nl_transact(nl, flow_cb, &reading);
	if (err && err != -EINTR && err != -ENOBUFS)
		return err;
	reading.sample.cut = err;
	reading.sample.complete = !err && !reading.stopped;
	*out = reading.sample;
	return 0;
}

int sample_take(struct nl *nl, uint32_t max, sample_cb *cb, void *data,
		struct sample *out)
{
	const struct sample_size size = { .enough = max, .most = max };

	return sample_take_sized(nl, &size, cb, data, out);
}

int sample_purge(struct nl *nl)
{
	struct nlmsghdr *message =
		nl_begin_nfnl(nl, NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_GET,
			      NLM_F_DUMP, AF_UNSPEC);
	int err;

	/* No entry of the table is a template. A kernel that does not filter sends them all. */
	mnl_attr_put_u32(message, CTA_STATUS, htonl(IPS_TEMPLATE));
	mnl_attr_put_u32(message, CTA_STATUS_MASK, htonl(IPS_TEMPLATE));
	err = nl_transact(nl, NULL, NULL);
	return err == -EINTR || err == -ENOBUFS ? 0 : err;
}
