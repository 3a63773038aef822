// SPDX-License-Identifier: GPL-2.0-or-later
#include "conntrack/listeners.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <string.h>

#include <linux/inet_diag.h>
#include <linux/sock_diag.h>

#include "conntrack/host.h"
#include "conntrack/routes.h"
#include "lib/nl.h"

/* Which sockets take what was not asked for by them. UDP's state for "not connected" is CLOSE. */
struct kind {
	uint8_t proto;
	uint8_t family;
	uint8_t state;
};

static const struct kind KINDS[] = {
	{ IPPROTO_TCP, AF_INET, TCP_LISTEN },
	{ IPPROTO_TCP, AF_INET6, TCP_LISTEN },
	{ IPPROTO_UDP, AF_INET, TCP_CLOSE },
	{ IPPROTO_UDP, AF_INET6, TCP_CLOSE },
};

/* What a dump's callback knows beside its message. */
struct dump {
	uint8_t proto;
	struct host *host;
};

static bool is_any(uint8_t family, const union flow_address *address)
{
	if (family == AF_INET)
		return address->v4.s_addr == htonl(INADDR_ANY);
	return IN6_IS_ADDR_UNSPECIFIED(&address->v6);
}

/* A socket bound to ::ffff:192.0.2.1 takes IPv4 at that address. */
static void unmap(struct host_listener *listener)
{
	if (listener->family != AF_INET6 || !IN6_IS_ADDR_V4MAPPED(&listener->address.v6))
		return;
	listener->family = AF_INET;
	listener->address.v4.s_addr = listener->address.v6.s6_addr32[3];
}

static bool takes_ipv6_only(const struct nlmsghdr *message)
{
	const struct nlattr *attr;

	mnl_attr_for_each(attr, message, sizeof(struct inet_diag_msg)) {
		if (mnl_attr_get_type(attr) == INET_DIAG_SKV6ONLY &&
		    mnl_attr_get_payload_len(attr) == sizeof(uint8_t))
			return mnl_attr_get_u8(attr);
	}
	return false;
}

static int socket_cb(const struct nlmsghdr *message, void *data)
{
	const struct inet_diag_msg *diag = mnl_nlmsg_get_payload(message);
	const struct dump *dump = data;
	struct host_listener listener = { .proto = dump->proto };

	if (message->nlmsg_len < MNL_NLMSG_HDRLEN + sizeof(*diag))
		return MNL_CB_OK;
	listener.family = diag->idiag_family;
	listener.port = ntohs(diag->id.idiag_sport);
	listener.inode = diag->idiag_inode;
	memcpy(&listener.address, diag->id.idiag_src, sizeof(listener.address));
	listener.any = is_any(listener.family, &listener.address);
	if (listener.any && listener.family == AF_INET6 && !takes_ipv6_only(message))
		listener.family = AF_UNSPEC;
	unmap(&listener);
	if (listener.port != 0)
		host_add_listener(dump->host, &listener);
	return MNL_CB_OK;
}

static int read_kind(struct nl *diag, const struct kind *kind, struct host *host)
{
	struct dump dump = { .proto = kind->proto, .host = host };
	struct nlmsghdr *message = nl_begin(diag, SOCK_DIAG_BY_FAMILY, NLM_F_DUMP);
	struct inet_diag_req_v2 *request;

	request = mnl_nlmsg_put_extra_header(message, sizeof(*request));
	request->sdiag_family = kind->family;
	request->sdiag_protocol = kind->proto;
	request->idiag_states = 1U << kind->state;
	return nl_transact(diag, socket_cb, &dump);
}

int listeners_read(struct nl *diag, struct nl *route, struct host *host)
{
	int err;

	/* If it fails they stay as they were: without any, all flows would be forwarded ones. */
	err = routes_read_local(route, &host->addresses);
	host->listeners = 0;
	host->left_out = 0;
	for (size_t i = 0; i < MNL_ARRAY_SIZE(KINDS); i++) {
		int failed = read_kind(diag, &KINDS[i], host);

		/* Interrupted means that a socket may be missing: as good as it gets. */
		if (failed && failed != -EINTR && !err)
			err = failed;
	}
	host_ready(host);
	return err;
}
