// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/stage.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/service.h"
#include "rules/actor.h"
#include "rules/clientports.h"
#include "rules/detours.h"
#include "rules/intruder.h"
#include "rules/opening.h"
#include "rules/peer.h"
#include "rules/scratch.h"

/* Loopback goes by a queue that the kernel may get to later if it is busy. */
enum { QUIET_MS = 30 };

/* Until nothing happens any more. */
static void pump(struct play *play)
{
	struct pollfd fds[PLAY_SOCKETS_MAX + COPY_LINKS_MAX];

	for (int round = 0; round < PLAY_ROUNDS_MAX; round++) {
		/*
		 * Those that are added on the way have no place in fds until the next
		 * round.
		 */
		size_t sockets = play->sockets, count = 0;

		for (size_t i = 0; i < sockets; i++) {
			const struct play_socket *socket = &play->socket[i];
			bool waits = socket->role == PLAY_ASKS && !socket->flow->asked;

			fds[count++] =
				(struct pollfd){ .fd = socket->fd,
						 .events = waits ? POLLOUT : POLLIN };
		}
		for (size_t i = 0; i < play->scratch->links; i++)
			fds[count++] =
				(struct pollfd){ .fd = play->scratch->link[i].up
							       ? play->scratch->fd[i]
							       : -1,
						 .events = POLLIN };
		if (poll(fds, count, QUIET_MS) <= 0)
			return;
		for (size_t i = 0; i < count; i++) {
			if (!fds[i].revents)
				continue;
			if (i < sockets)
				actor_handle(play, &play->socket[i], fds[i].revents);
			else
				peer_read(play, i - sockets);
		}
	}
}

/* The bytes of an address of getifaddrs(). */
static const uint8_t *bytes_of(const struct sockaddr *address, bool v6)
{
	return v6 ? ((const struct sockaddr_in6 *)(const void *)address)
			       ->sin6_addr.s6_addr
		  : (const uint8_t *)&((const struct sockaddr_in *)(const void *)address)
			       ->sin_addr;
}

/*
 * Whether changing these bits of the last byte of an address gives another host: in its network, which the last byte of the
 * mask says, and neither the address of all hosts there nor that of none.
 */
static bool is_host(uint8_t last, uint8_t mask, uint8_t change)
{
	uint8_t host = (uint8_t)((last ^ change) & ~mask), all = (uint8_t)~mask;

	return !(change & mask) && (all <= 1 || (host != 0 && host != all));
}

/* Who else could be on the cable: of a tunnel the other end; of ...1 it is ...2. */
static struct craft_end neighbour_of(const struct ifaddrs *at,
				     const struct craft_end *own, bool v6)
{
	static const uint8_t CHANGES[] = { 3, 1, 2 };
	const size_t count = v6 ? 16 : 4;
	const struct sockaddr *peer = at->ifa_dstaddr;
	struct craft_end end = *own;
	uint8_t mask = at->ifa_netmask ? bytes_of(at->ifa_netmask, v6)[count - 1] : 0;
	size_t i = 0;

	if (mask == UINT8_MAX && peer && peer->sa_family == at->ifa_addr->sa_family &&
	    memcmp(bytes_of(peer, v6), own->address, count) != 0) {
		memcpy(end.address, bytes_of(peer, v6), count);
		return end;
	}
	while (i < sizeof(CHANGES) && !is_host(own->address[count - 1], mask, CHANGES[i]))
		i++;
	end.address[count - 1] ^= CHANGES[i % sizeof(CHANGES)];
	return end;
}

/* Somebody far away: addresses for documentation (RFC 5737, RFC 3849). */
static struct craft_end far_away(bool v6)
{
	struct craft_end end = { .port = 0 };

	inet_pton(v6 ? AF_INET6 : AF_INET, v6 ? "2001:db8:77::77" : "198.51.100.77",
		  end.address);
	return end;
}

/* Between this host and another one behind a link. */
static void open_remotely(struct play *play, enum play_act act, size_t link,
			  const struct craft_end *own, const struct craft_end *other,
			  bool v6)
{
	uint16_t ports[OPENING_PORTS_MAX];
	size_t count = opening_ports(play->service, ports);

	if (play->apart) {
		intruder_knock(play, link, own, other, v6);
		return;
	}
	for (size_t i = 0; i < count; i++)
		opening_flow(play, act, link, own, other, ports[i], v6);
	if (act == PLAY_SHUT)
		return;
	opening_given(play, act, link, own, other, v6);
	for (size_t i = 0; i < play->detours->count && !play->service->outbound; i++)
		opening_astray(play, act, link, own, other, play->detours->port[i], v6);
}

static size_t link_named(const struct play *play, const char *name)
{
	for (size_t i = 0; i < play->scratch->links; i++)
		if (strcmp(play->scratch->link[i].name, name) == 0 &&
		    play->scratch->link[i].up)
			return i;
	return SIZE_MAX;
}

/* Whether flows of the service can have this address of ours. */
static bool is_asked(const struct service *service, const struct craft_end *own, bool v6)
{
	if (v6 && IN6_IS_ADDR_LINKLOCAL((const struct in6_addr *)own->address))
		return false;
	if (service->family == AF_UNSPEC)
		return true;
	if ((service->family == AF_INET6) != v6)
		return false;
	return service->outbound ||
	       memcmp(own->address, &service->addr, v6 ? 16 : 4) == 0;
}

static void open_at(struct play *play, enum play_act act, const struct ifaddrs *at)
{
	bool v6 = at->ifa_addr->sa_family == AF_INET6;
	size_t link = link_named(play, at->ifa_name);
	struct craft_end own = { .port = 0 }, other;
	uint16_t ports[OPENING_PORTS_MAX];

	memcpy(own.address, bytes_of(at->ifa_addr, v6), v6 ? 16 : 4);
	if (!is_asked(play->service, &own, v6))
		return;
	for (size_t i = 0; i < opening_ports(play->service, ports); i++)
		if (!play->service->outbound)
			opening_flow(play, act, SIZE_MAX, &own, &own, ports[i], v6);
	if (link == SIZE_MAX)
		return;
	other = neighbour_of(at, &own, v6);
	open_remotely(play, act, link, &own, &other, v6);
	other = far_away(v6);
	open_remotely(play, act, link, &own, &other, v6);
}

static void open_everywhere(struct play *play, enum play_act act)
{
	struct ifaddrs *all;

	if (getifaddrs(&all))
		return;
	for (const struct ifaddrs *at = all; at; at = at->ifa_next)
		if (at->ifa_addr && (at->ifa_addr->sa_family == AF_INET ||
				     at->ifa_addr->sa_family == AF_INET6))
			open_at(play, act, at);
	freeifaddrs(all);
	pump(play);
}

/* Goes on with the conversations from one on. */
static void go_on(struct play *play, size_t first)
{
	for (size_t i = first; i < play->flows; i++) {
		struct play_flow *flow = &play->flow[i];
		struct craft next = flow->next;

		if (flow->fd >= 0)
			actor_ask(play, flow);
		if (!flow->remote || !flow->heard)
			continue;
		next.flags = CRAFT_ACK;
		next.bytes =
			(size_t)snprintf(next.data, sizeof(next.data), "%s", flow->name);
		peer_send(play, flow->link, &next);
	}
	pump(play);
}

/* One about what this host has sent last in that conversation, as its receiver would send it. */
static void complain_about(struct play *play, const struct play_flow *flow,
			   const uint8_t kinds[2][2])
{
	const uint8_t *mac = play->scratch->link[flow->link].mac;
	uint8_t quoted[CRAFT_BYTES_MAX], frame[CRAFT_BYTES_MAX];
	struct craft about, error;

	if (!craft_read(flow->frame, flow->bytes, &about))
		return;
	/*
	 * TCP believes only errors about numbers that are not acknowledged, or are the next (tcp_v4_err()), and which
	 * of its segments was the last depends on when it acknowledges.
	 */
	about.seq += (uint32_t)about.bytes;
	error = (struct craft){ .v6 = about.v6,
				.proto = about.v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP,
				.from = about.to,
				.to = about.from,
				.type = kinds[about.v6][0],
				.code = kinds[about.v6][1] };
	peer_send_frame(play, flow->link, frame,
			craft_error(quoted, craft_write(&about, mac, quoted), &error,
				    1400, mac, frame));
}

/* One kind after the other: of a connection the kernel keeps only the last error. */
static void complain(struct play *play)
{
	static const uint8_t ERRORS[][2][2] = { { { 3, 3 }, { 1, 4 } },
						{ { 3, 4 }, { 2, 0 } },
						{ { 11, 0 }, { 3, 0 } } };

	play->complaining = true;
	for (size_t k = 0; k < sizeof(ERRORS) / sizeof(ERRORS[0]); k++) {
		for (size_t i = 0; i < play->flows; i++)
			if (play->flow[i].heard)
				complain_about(play, &play->flow[i], ERRORS[k]);
		pump(play);
	}
}

static void stop_listening(struct play *play)
{
	for (size_t i = 0; i < play->sockets; i++) {
		if (play->socket[i].role != PLAY_LISTENS || play->socket[i].fd < 0)
			continue;
		close(play->socket[i].fd);
		play->socket[i].fd = -1;
	}
}

/* What comes from the remote service's port though nobody here has asked. */
static void intrude(struct play *play)
{
	if (!play->service->outbound)
		return;
	play->apart = true;
	open_everywhere(play, PLAY_NEW);
	play->apart = false;
}

void stage_act(struct play *play, int act)
{
	size_t first = play->flows;

	if (act == 1) {
		open_everywhere(play, PLAY_OLD);
		return;
	}
	go_on(play, 0);
	open_everywhere(play, PLAY_NEW);
	go_on(play, first);
	complain(play);
	intrude(play);
	stop_listening(play);
	if (!play->service->outbound)
		open_everywhere(play, PLAY_SHUT);
}

/* For IPv4 and IPv6; a host without IPv6 has only one. */
static void listen_at(struct play *play, uint16_t port)
{
	const struct craft_end any = { .port = port };

	for (int v6 = 0; v6 < 2; v6++) {
		int fd = actor_open(play, &any, v6);

		if (actor_add(play, fd, PLAY_LISTENS, NULL) &&
		    play->service->proto == IPPROTO_TCP)
			listen(fd, SOMAXCONN);
	}
}

int stage_open(const struct scratch *scratch, const struct service *service,
	       const struct ranges *given, const struct detours *detours,
	       struct play **out)
{
	struct play *play = calloc(1, sizeof(*play));
	uint16_t ports[OPENING_PORTS_MAX];

	if (!play)
		return -ENOMEM;
	play->scratch = scratch;
	play->service = service;
	play->ports = *given;
	play->detours = detours;
	if (clientports_of(service, given, &play->arena, &play->given)) {
		stage_close(play);
		return -ENOMEM;
	}
	intruder_listen(play);
	for (size_t i = 0; i < opening_ports(service, ports) && !service->outbound; i++)
		listen_at(play, ports[i]);
	if (!service->outbound && !play->sockets) {
		stage_close(play);
		return -EADDRNOTAVAIL;
	}
	*out = play;
	return 0;
}

void stage_close(struct play *play)
{
	if (!play)
		return;
	for (size_t i = 0; i < play->sockets; i++)
		if (play->socket[i].fd >= 0)
			close(play->socket[i].fd);
	text_free(&play->facts);
	arena_free(&play->arena);
	free(play);
}

void stage_facts(const struct play *play, struct text *out)
{
	text_add(out, "%s", text_str(&play->facts));
}

size_t stage_flows(const struct play *play)
{
	return play->flows;
}

size_t stage_left_out(const struct play *play)
{
	return play->left_out;
}

bool stage_heard(const struct play *play)
{
	return play->heard;
}
