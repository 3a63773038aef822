// SPDX-License-Identifier: GPL-2.0-or-later
#include "conntrack/active.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>

#include "conntrack/flow.h"
#include "conntrack/tuple.h"
#include "lib/nl.h"

/* A UDP socket at a free port of 127.0.0.1. Returns its descriptor or -errno. */
static int open_end(struct sockaddr_in *bound)
{
	socklen_t length = sizeof(*bound);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int err;

	if (fd < 0)
		return -errno;
	*bound = (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	if (bind(fd, (const struct sockaddr *)bound, length) == 0 &&
	    getsockname(fd, (struct sockaddr *)bound, &length) == 0)
		return fd;
	err = -errno;
	close(fd);
	return err;
}

/* Sends a datagram from one new socket to another and tells as what flow. */
static int send_datagram(struct flow *flow)
{
	struct sockaddr_in from = { 0 }, to = { 0 };
	int sender = -1, receiver = -1;
	int err = 0;

	sender = open_end(&from);
	receiver = open_end(&to);
	if (sender < 0 || receiver < 0)
		err = sender < 0 ? sender : receiver;
	else if (sendto(sender, "", 1, 0, (const struct sockaddr *)&to, sizeof(to)) < 0)
		err = -errno;
	/* The entry outlives the sockets: it goes when it expires, or is deleted. */
	if (sender >= 0)
		close(sender);
	if (receiver >= 0)
		close(receiver);
	if (err)
		return err;
	*flow = (struct flow){
		.family = AF_INET,
		.proto = IPPROTO_UDP,
		.orig = { .src.v4 = from.sin_addr,
			  .dst.v4 = to.sin_addr,
			  .src_port = ntohs(from.sin_port),
			  .dst_port = ntohs(to.sin_port) },
	};
	return 0;
}

static int ask(struct nl *nl, uint16_t message_type, const struct flow *flow)
{
	struct nlmsghdr *message =
		nl_begin_nfnl(nl, (uint16_t)(NFNL_SUBSYS_CTNETLINK << 8 | message_type),
			      NLM_F_ACK, AF_INET);
	int err = tuple_put(message, flow);

	return err ? err : nl_transact(nl, NULL, NULL);
}

int active_probe(struct nl *nl, enum active *out)
{
	struct flow flow;
	int err = send_datagram(&flow);

	if (err)
		return err;
	err = ask(nl, IPCTNL_MSG_CT_GET, &flow);
	if (err && err != -ENOENT)
		return err;
	*out = err ? ACTIVE_NO : ACTIVE_YES;
	if (!err)
		err = ask(nl, IPCTNL_MSG_CT_DELETE, &flow);
	/* That the entry is gone already is what was wanted. */
	return err == -ENOENT ? 0 : err;
}
