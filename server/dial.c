// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/dial.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/nl.h"

/* The default of net.ipv4.ip_local_port_range, for where /proc cannot be read. */
enum { DEFAULT_EPHEMERAL_PORTS = 28232 };

static int set_int(int fd, int level, int option, int value)
{
	return setsockopt(fd, level, option, &value, sizeof(value)) < 0 ? -errno : 0;
}

static int new_socket(const struct target *target)
{
	int type = target->proto == IPPROTO_UDP ? SOCK_DGRAM : SOCK_STREAM;
	int fd = socket(target->endpoint.any.sa_family,
			type | SOCK_NONBLOCK | SOCK_CLOEXEC, target->proto);

	return fd < 0 ? -errno : fd;
}

/*
 * IPv6 lets a socket use an address of an AnyIP route only when it may use any address
 * at all (IPV6_FREEBIND); IPv4 looks into the routing table. Whether the source is ours
 * is asked beforehand, by dial_is_local().
 */
static int allow_anyip(int fd, const struct target *target)
{
	if (target->endpoint.any.sa_family == AF_INET)
		return 0;
	return set_int(fd, SOL_IPV6, IPV6_FREEBIND, 1);
}

static int bind_local(int fd, const struct target *target, const union endpoint *local)
{
	int err = allow_anyip(fd, target);

	/*
	 * Both families keep the port at the same place. Without one the kernel chooses at connect(),
	 * when it knows the other end: a port may then have several targets, and bind() does not run
	 * out of them.
	 */
	if (!err && local->v4.sin_port == 0)
		err = set_int(fd, SOL_IP, IP_BIND_ADDRESS_NO_PORT, 1);
	else if (!err && target->proto == IPPROTO_TCP)
		err = set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	if (!err && bind(fd, &local->any, endpoint_size(local)) < 0)
		err = -errno;
	return err;
}

int dial_socket(const struct target *target, const union endpoint *local)
{
	int fd = new_socket(target);
	int err;

	if (fd < 0 || !local)
		return fd;
	err = bind_local(fd, target, local);
	if (err) {
		close(fd);
		return err;
	}
	return fd;
}

int dial_connect(int fd, const struct target *target)
{
	if (connect(fd, &target->endpoint.any, endpoint_size(&target->endpoint)) < 0)
		return -errno;
	return 0;
}

static int bind_wildcard(int fd, const struct target *target, uint16_t port)
{
	union endpoint any = { .any.sa_family = target->endpoint.any.sa_family };
	bool v4 = any.any.sa_family == AF_INET;
	int err = allow_anyip(fd, target);

	if (!err && v4)
		err = set_int(fd, SOL_IP, IP_PKTINFO, 1);
	else if (!err)
		err = set_int(fd, SOL_IPV6, IPV6_RECVPKTINFO, 1);
	if (!err && !v4)
		err = set_int(fd, SOL_IPV6, IPV6_V6ONLY, 1);
	any.v4.sin_port = htons(port);
	if (!err && bind(fd, &any.any, endpoint_size(&any)) < 0)
		err = -errno;
	return err;
}

int dial_wildcard(const struct target *target, uint16_t port)
{
	int fd = new_socket(target);
	int err;

	if (fd < 0)
		return fd;
	err = bind_wildcard(fd, target, port);
	if (err) {
		close(fd);
		return err;
	}
	return fd;
}

void dial_grow_buffer(int fd, int bytes)
{
	/* SO_RCVBUFFORCE wants CAP_NET_ADMIN; SO_RCVBUF stops at net.core.rmem_max. */
	if (set_int(fd, SOL_SOCKET, SO_RCVBUFFORCE, bytes))
		set_int(fd, SOL_SOCKET, SO_RCVBUF, bytes);
}

uint64_t dial_overruns(int fd)
{
	uint32_t memory[SK_MEMINFO_VARS] = { 0 };
	socklen_t size = sizeof(memory);

	if (getsockopt(fd, SOL_SOCKET, SO_MEMINFO, memory, &size) < 0)
		return 0;
	return memory[SK_MEMINFO_DROPS];
}

uint64_t dial_raise_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return 0;
	if (limit.rlim_cur < limit.rlim_max) {
		struct rlimit raised = { limit.rlim_max, limit.rlim_max };

		if (setrlimit(RLIMIT_NOFILE, &raised) == 0)
			limit = raised;
	}
	return limit.rlim_cur;
}

uint64_t dial_ephemeral_ports(void)
{
	FILE *file = fopen("/proc/sys/net/ipv4/ip_local_port_range", "re");
	unsigned first, last;
	int fields;

	if (!file)
		return DEFAULT_EPHEMERAL_PORTS;
	fields = fscanf(file, "%u %u", &first, &last);
	fclose(file);
	if (fields != 2 || last < first || last > UINT16_MAX)
		return DEFAULT_EPHEMERAL_PORTS;
	return last - first + 1;
}

static int route_cb(const struct nlmsghdr *header, void *data)
{
	const struct rtmsg *route = mnl_nlmsg_get_payload(header);
	bool *local = data;

	if (header->nlmsg_type == RTM_NEWROUTE &&
	    mnl_nlmsg_get_payload_len(header) >= sizeof(*route))
		*local = route->rtm_type == RTN_LOCAL;
	return MNL_CB_OK;
}

static void build_route_request(struct nl *nl, const union endpoint *address)
{
	struct nlmsghdr *header = nl_begin(nl, RTM_GETROUTE, NLM_F_ACK);
	struct rtmsg *route = mnl_nlmsg_put_extra_header(header, sizeof(*route));

	route->rtm_family = (unsigned char)address->any.sa_family;
	if (address->any.sa_family == AF_INET) {
		route->rtm_dst_len = 8 * sizeof(struct in_addr);
		mnl_attr_put(header, RTA_DST, sizeof(struct in_addr),
			     &address->v4.sin_addr);
	} else {
		route->rtm_dst_len = 8 * sizeof(struct in6_addr);
		mnl_attr_put(header, RTA_DST, sizeof(struct in6_addr),
			     &address->v6.sin6_addr);
	}
}

int dial_is_local(const union endpoint *address, bool *out)
{
	bool local = false;
	struct nl *nl;
	int err = nl_open(&nl, NETLINK_ROUTE);

	if (err)
		return err;
	build_route_request(nl, address);
	err = nl_transact(nl, route_cb, &local);
	nl_close(nl);
	/* No route at all is an answer too: then it is not ours. */
	if (err && err != -ENETUNREACH && err != -EHOSTUNREACH)
		return err;
	*out = local;
	return 0;
}
