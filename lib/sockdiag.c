// SPDX-License-Identifier: GPL-2.0-or-later
#include "lib/sockdiag.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <string.h>

#include <linux/inet_diag.h>
#include <linux/sock_diag.h>

#include "lib/nl.h"

/* Which sockets are meant. UDP's state for "not connected" is CLOSE. */
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
	void (*found)(const struct sockdiag_socket *socket, void *data);
	void *data;
};

static bool is_any(const struct sockdiag_socket *socket)
{
	if (socket->family == AF_INET)
		return socket->address.v4.s_addr == htonl(INADDR_ANY);
	return IN6_IS_ADDR_UNSPECIFIED(&socket->address.v6);
}

/* A socket bound to ::ffff:192.0.2.1 takes IPv4 at that address. */
static void unmap(struct sockdiag_socket *socket)
{
	if (socket->family != AF_INET6 || !IN6_IS_ADDR_V4MAPPED(&socket->address.v6))
		return;
	socket->family = AF_INET;
	socket->address.v4.s_addr = socket->address.v6.s6_addr32[3];
}

static bool takes_ipv6_only(const struct nlmsghdr *message)
{
	const struct nlattr *attr;

	/*
	 * Not asked for: it comes with each IPv6 socket in these states
	 * (inet_diag_msg_attrs_fill()).
	 */
	mnl_attr_for_each(attr, message, sizeof(struct inet_diag_msg)) {
		if (mnl_attr_get_type(attr) == INET_DIAG_SKV6ONLY &&
		    mnl_attr_get_payload_len(attr) == sizeof(uint8_t))
			return mnl_attr_get_u8(attr);
	}
	return false;
}

bool sockdiag_parse(const struct nlmsghdr *message, uint8_t proto,
		    struct sockdiag_socket *out)
{
	const struct inet_diag_msg *diag = mnl_nlmsg_get_payload(message);
	struct sockdiag_socket socket = { .proto = proto };

	/* Nothing reaches a socket without a port. */
	if (message->nlmsg_len < MNL_NLMSG_HDRLEN + sizeof(*diag) ||
	    (diag->idiag_family != AF_INET && diag->idiag_family != AF_INET6) ||
	    diag->id.idiag_sport == 0)
		return false;
	socket.family = diag->idiag_family;
	socket.port = ntohs(diag->id.idiag_sport);
	socket.inode = diag->idiag_inode;
	memcpy(&socket.address, diag->id.idiag_src, sizeof(socket.address));
	unmap(&socket);
	socket.any = is_any(&socket);
	if (socket.any && socket.family == AF_INET6 && !takes_ipv6_only(message))
		socket.family = AF_UNSPEC;
	*out = socket;
	return true;
}

static int socket_cb(const struct nlmsghdr *message, void *data)
{
	const struct dump *dump = data;
	struct sockdiag_socket socket;

	if (sockdiag_parse(message, dump->proto, &socket))
		dump->found(&socket, dump->data);
	return MNL_CB_OK;
}

static int read_kind(struct nl *diag, const struct kind *kind, struct dump *dump)
{
	struct nlmsghdr *message = nl_begin(diag, SOCK_DIAG_BY_FAMILY, NLM_F_DUMP);
	struct inet_diag_req_v2 *request;

	dump->proto = kind->proto;
	request = mnl_nlmsg_put_extra_header(message, sizeof(*request));
	request->sdiag_family = kind->family;
	request->sdiag_protocol = kind->proto;
	request->idiag_states = 1U << kind->state;
	return nl_transact(diag, socket_cb, dump);
}

int sockdiag_read(struct nl *diag,
		  void (*found)(const struct sockdiag_socket *socket, void *data),
		  void *data)
{
	struct dump dump = { .found = found, .data = data };
	int err = 0;

	for (size_t i = 0; i < MNL_ARRAY_SIZE(KINDS); i++) {
		int failed = read_kind(diag, &KINDS[i], &dump);

		/* Interrupted means that a socket may be missing: as good as it gets. */
		if (failed && failed != -EINTR && !err)
			err = failed;
	}
	return err;
}
