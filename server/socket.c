// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/sock_diag.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <unistd.h>

/* The kernel cuts it to net.core.somaxconn. */
enum { BACKLOG = 65535 };

static const int YES = 1;

socklen_t socket_address_bytes(const union socket_address *address)
{
	return address->any.sa_family == AF_INET6 ? sizeof(address->v6)
						  : sizeof(address->v4);
}

bool socket_have_ipv6(void)
{
	const union socket_address any = { .v6.sin6_family = AF_INET6 };
	int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool have;

	if (fd < 0)
		return false;
	/* ipv6.disable=1 has no such family, containers often have no such address. */
	have = bind(fd, &any.any, sizeof(any.v6)) == 0;
	close(fd);
	return have;
}

static int set(int fd, int level, int option, int value)
{
	return setsockopt(fd, level, option, &value, sizeof(value)) < 0 ? -errno : 0;
}

/* SO_RCVBUFFORCE passes net.core.rmem_max, but needs CAP_NET_ADMIN; the other does its best. */
static void enlarge_buffers(int fd)
{
	if (set(fd, SOL_SOCKET, SO_RCVBUFFORCE, SOCKET_BUFFER_BYTES) < 0)
		set(fd, SOL_SOCKET, SO_RCVBUF, SOCKET_BUFFER_BYTES);
	if (set(fd, SOL_SOCKET, SO_SNDBUFFORCE, SOCKET_BUFFER_BYTES) < 0)
		set(fd, SOL_SOCKET, SO_SNDBUF, SOCKET_BUFFER_BYTES);
}

static int prepare(int fd, int proto, sa_family_t family)
{
	int err = 0;

	if (family == AF_INET6)
		err = set(fd, IPPROTO_IPV6, IPV6_V6ONLY, YES);
	if (err == 0 && proto == IPPROTO_UDP)
		enlarge_buffers(fd);
	/* TCP: connections of an earlier run in TIME_WAIT must not hold the port. */
	if (err == 0 && proto == IPPROTO_TCP)
		err = set(fd, SOL_SOCKET, SO_REUSEADDR, YES);
	if (err == 0 && proto == IPPROTO_TCP)
		err = set(fd, SOL_SOCKET, SO_KEEPALIVE, YES);
	if (err == 0 && proto == IPPROTO_TCP)
		err = set(fd, IPPROTO_TCP, TCP_NODELAY, YES);
	return err;
}

static int open_prepared(int proto, const union socket_address *address)
{
	int type = proto == IPPROTO_UDP ? SOCK_DGRAM : SOCK_STREAM;
	int fd = socket(address->any.sa_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int err;

	if (fd < 0)
		return -errno;
	err = prepare(fd, proto, address->any.sa_family);
	if (err) {
		close(fd);
		return err;
	}
	return fd;
}

static int bind_and_listen(int fd, int proto, const union socket_address *address)
{
	if (bind(fd, &address->any, socket_address_bytes(address)) < 0)
		return -errno;
	if (proto == IPPROTO_TCP && listen(fd, BACKLOG) < 0)
		return -errno;
	return 0;
}

/*
 * Bound and listening first, shareable afterwards: so there is no moment in which a
 * second ctserve of the same user could slip into the group unnoticed.
 */
int socket_claim(int proto, const union socket_address *address)
{
	int fd = open_prepared(proto, address);
	int err;

	if (fd < 0)
		return fd;
	err = bind_and_listen(fd, proto, address);
	if (err == 0)
		err = set(fd, SOL_SOCKET, SO_REUSEPORT, YES);
	if (err == 0)
		return fd;
	close(fd);
	return err;
}

/* The kernel lets only sockets of the same user join, and only if all are shareable. */
int socket_join(int proto, const union socket_address *address)
{
	int fd = open_prepared(proto, address);
	int err;

	if (fd < 0)
		return fd;
	err = set(fd, SOL_SOCKET, SO_REUSEPORT, YES);
	if (err == 0)
		err = bind_and_listen(fd, proto, address);
	if (err == 0)
		return fd;
	close(fd);
	return err;
}

/* Bound already: IPV6_V6ONLY is as it is. */
int socket_adopt(int fd, int proto)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return -errno;
	return prepare(fd, proto, AF_INET);
}

int socket_tune_feed(int fd)
{
	return set(fd, SOL_SOCKET, SO_SNDBUF, SOCKET_FEED_BUFFER_BYTES);
}

int socket_want_destination(int fd, sa_family_t family)
{
	if (family == AF_INET6)
		return set(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, YES);
	return set(fd, IPPROTO_IP, IP_PKTINFO, YES);
}

int socket_want_hops(int fd, sa_family_t family)
{
	if (family == AF_INET6)
		return set(fd, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, YES);
	return set(fd, IPPROTO_IP, IP_RECVTTL, YES);
}

int socket_steer_by_cpu(int fd, unsigned count)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_CPU)),
		BPF_STMT(BPF_ALU | BPF_MOD | BPF_K, count),
		BPF_STMT(BPF_RET | BPF_A, 0),
	};
	/*
	 * What it returns is the place of a socket in its group, in the order in which they were
	 * bound.
	 */
	const struct sock_fprog program = { sizeof(code) / sizeof(code[0]), code };

	if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &program,
		       sizeof(program)) < 0)
		return -errno;
	return 0;
}

int socket_set_hops(int fd, sa_family_t family, int hops)
{
	if (family == AF_INET6)
		return set(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, hops);
	return set(fd, IPPROTO_IP, IP_TTL, hops);
}

/* With IP_PMTUDISC_DO what is longer than the way allows is EMSGSIZE, and sent in no fragments. */
int socket_set_fragments(int fd, bool allowed)
{
	return set(fd, IPPROTO_IP, IP_MTU_DISCOVER,
		   allowed ? IP_PMTUDISC_WANT : IP_PMTUDISC_DO);
}

int socket_want_bursts(int fd)
{
	return set(fd, SOL_UDP, UDP_GRO, YES);
}

/* Only a local address can be bound; asking the kernel also covers AnyIP routes. */
bool socket_address_is_local(const union socket_address *address)
{
	union socket_address probe = *address;
	int fd = socket(address->any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool local;

	/* Not known: better no answer than one that comes back for ever. */
	if (fd < 0)
		return true;
	if (probe.any.sa_family == AF_INET6)
		probe.v6.sin6_port = 0;
	else
		probe.v4.sin_port = 0;
	local = bind(fd, &probe.any, socket_address_bytes(&probe)) == 0 ||
		errno != EADDRNOTAVAIL;
	close(fd);
	return local;
}

/* SO_MEMINFO costs nothing per packet, unlike SO_RXQ_OVFL. */
uint64_t socket_overflows(int fd)
{
	uint32_t info[SK_MEMINFO_VARS] = { 0 };
	socklen_t bytes = sizeof(info);

	if (getsockopt(fd, SOL_SOCKET, SO_MEMINFO, info, &bytes) < 0)
		return 0;
	return info[SK_MEMINFO_DROPS];
}
