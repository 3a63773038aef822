// SPDX-License-Identifier: GPL-2.0-or-later
#include "conntrack/connections.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stddef.h>

#include <linux/inet_diag.h>
#include <linux/sock_diag.h>

#include "conntrack/flow.h"
#include "lib/nl.h"
#include "lib/service.h"

/* Neither ends of nothing (listeners), nor those that are over (TIME_WAIT). */
static const uint32_t OPEN_STATES = 1U << TCP_ESTABLISHED | 1U << TCP_SYN_SENT |
				    1U << TCP_SYN_RECV | 1U << TCP_FIN_WAIT1 |
				    1U << TCP_FIN_WAIT2 | 1U << TCP_CLOSE_WAIT |
				    1U << TCP_LAST_ACK | 1U << TCP_CLOSING;

struct count {
	const struct service *service;
	uint32_t most;
	uint32_t found;
};

/* The address is compared here; an IPv4 address in an IPv6 socket is a mapped one. */
static bool has_address(const struct inet_diag_sockid *id, uint8_t family,
			const struct service *service)
{
	const __be32 *address = service->outbound ? id->idiag_dst : id->idiag_src;

	if (service->family == AF_UNSPEC)
		return true;
	if (family == AF_INET6 &&
	    IN6_IS_ADDR_V4MAPPED((const struct in6_addr *)address)) {
		family = AF_INET;
		address += 3;
	}
	return family == service->family &&
	       flow_same_address(family, address, &service->addr);
}

static int count_cb(const struct nlmsghdr *message, void *data)
{
	const struct inet_diag_msg *socket = mnl_nlmsg_get_payload(message);
	struct count *count = data;

	if (mnl_nlmsg_get_payload_len(message) < sizeof(*socket))
		return MNL_CB_OK;
	count->found += has_address(&socket->id, socket->idiag_family, count->service);
	return count->found < count->most ? MNL_CB_OK : MNL_CB_STOP;
}

/*
 * Two conditions of two words each: port >= first, port <= last. The second word has the port to
 * compare with; yes leads on, no leads beyond the end: rejected (net/ipv4/inet_diag.c).
 */
static void put_ports(struct nlmsghdr *message, const struct service *service)
{
	enum { CONDITION = 2 * sizeof(struct inet_diag_bc_op), ALL = 2 * CONDITION };
	uint8_t ge = service->outbound ? INET_DIAG_BC_D_GE : INET_DIAG_BC_S_GE;
	uint8_t le = service->outbound ? INET_DIAG_BC_D_LE : INET_DIAG_BC_S_LE;
	const struct inet_diag_bc_op code[] = {
		{ .code = ge, .yes = CONDITION, .no = ALL + sizeof(code[0]) },
		{ .no = service->first_port },
		{ .code = le, .yes = CONDITION, .no = CONDITION + sizeof(code[0]) },
		{ .no = service->last_port },
	};

	mnl_attr_put(message, INET_DIAG_REQ_BYTECODE, sizeof(code), code);
}

static int count_family(struct nl *diag, uint8_t family, struct count *count)
{
	struct nlmsghdr *message = nl_begin(diag, SOCK_DIAG_BY_FAMILY, NLM_F_DUMP);
	struct inet_diag_req_v2 *request;
	int err;

	request = mnl_nlmsg_put_extra_header(message, sizeof(*request));
	request->sdiag_family = family;
	request->sdiag_protocol = IPPROTO_TCP;
	request->idiag_states = OPEN_STATES;
	put_ports(message, count->service);
	err = nl_transact(diag, count_cb, count);
	/* Interrupted means that a few may be missing. */
	return err == -EINTR ? 0 : err;
}

int connections_count(struct nl *diag, const struct service *service, uint32_t most,
		      uint32_t *out)
{
	struct count count = { .service = service, .most = most };
	int err;

	if (service->proto != IPPROTO_TCP) {
		*out = 0;
		return 0;
	}
	err = count_family(diag, AF_INET, &count);
	if (!err && count.found < most)
		err = count_family(diag, AF_INET6, &count);
	if (!err)
		*out = count.found;
	return err;
}
