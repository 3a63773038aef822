// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/opening.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/service.h"
#include "rules/actor.h"
#include "rules/clientports.h"
#include "rules/peer.h"
#include "rules/scratch.h"

/* The first of the ports of those who ask, of those that clients are given. */
enum { FIRST_PORT = 7000 };

/* How many conversations there may be by the end of an act: each has its part, lest one take the room of all. */
static size_t room_of(const struct play *play, enum play_act act)
{
	size_t acts = play->service->outbound ? PLAY_SHUT : PLAY_SHUT + 1;

	return PLAY_FLOWS_MAX * (size_t)(act + 1) / acts;
}

static struct play_flow *add_flow(struct play *play, enum play_act act, const char *where,
				  bool v6)
{
	static const char *const ACTS[] = { "old", "new", "shut" };
	struct play_flow *flow = &play->flow[play->flows];

	if (play->flows >= room_of(play, act)) {
		play->left_out++;
		return NULL;
	}
	*flow = (struct play_flow){ .fd = -1, .link = SIZE_MAX };
	flow->next.v6 = v6;
	flow->next.proto = play->service->proto;
	flow->act = act;
	snprintf(flow->name, sizeof(flow->name), "%s %s %zu", ACTS[act], where,
		 play->flows);
	play->flows++;
	return flow;
}

/* A client behind a link opens a conversation with the service. */
static void open_remote(struct play *play, struct play_flow *flow, size_t link)
{
	bool tcp = flow->next.proto == IPPROTO_TCP;
	struct craft first = flow->next;

	flow->remote = true;
	flow->link = link;
	if (tcp) {
		first.flags = CRAFT_SYN;
		first.seq = flow->next.seq = 1000;
	} else {
		first.bytes = (size_t)snprintf(first.data, sizeof(first.data), "%s",
					       flow->name);
	}
	peer_send(play, link, &first);
}

/* A client on this host does. */
static void open_local(struct play *play, struct play_flow *flow)
{
	struct sockaddr_storage address;
	socklen_t bytes = actor_address(&flow->next.to, flow->next.v6, &address);

	flow->fd = actor_open(play, &flow->next.from, flow->next.v6);
	if (!actor_add(play, flow->fd, PLAY_ASKS, flow)) {
		flow->fd = -1;
		return;
	}
	if (flow->next.proto == IPPROTO_UDP)
		actor_ask(play, flow);
	else if (connect(flow->fd, (void *)&address, bytes) && errno != EINPROGRESS)
		actor_fail(play, flow, "cannot be sent", errno);
}

size_t opening_ports(const struct service *service, uint16_t ports[OPENING_PORTS_MAX])
{
	uint16_t first = service->first_port, last = service->last_port;
	size_t count = 0;

	ports[count++] = first;
	if (last - first > 1)
		ports[count++] = (uint16_t)(first + (last - first) / 2);
	if (last > first)
		ports[count++] = last;
	return count;
}

void opening_flow(struct play *play, enum play_act act, size_t link,
		  const struct craft_end *own, const struct craft_end *other,
		  uint16_t port, bool v6)
{
	const struct service *service = play->service;
	bool here = link == SIZE_MAX;
	struct play_flow *flow =
		add_flow(play, act, here ? "lo" : play->scratch->link[link].name, v6);
	struct craft_end server, client;

	if (!flow)
		return;
	server = service->outbound ? *other : *own;
	client = service->outbound ? *own : *other;
	if (service->outbound && service->family != AF_UNSPEC)
		memcpy(server.address, &service->addr, v6 ? 16 : 4);
	server.port = port;
	client.port = clientports_at(&play->ports, FIRST_PORT + play->flows);
	flow->next.from = client;
	flow->next.to = server;
	if (here || service->outbound)
		open_local(play, flow);
	else
		open_remote(play, flow, link);
}

void opening_astray(struct play *play, enum play_act act, size_t link,
		    const struct craft_end *own, const struct craft_end *other,
		    uint16_t port, bool v6)
{
	struct play_flow *flow = add_flow(play, act, play->scratch->link[link].name, v6);

	if (!flow)
		return;
	flow->next.from = *own;
	flow->next.from.port = clientports_at(&play->ports, FIRST_PORT + play->flows);
	flow->next.to = *other;
	flow->next.to.port = port;
	open_local(play, flow);
}

/* One of the service's that clients are given, but not one that the service has; 0: there is none. */
static uint16_t given_port(const struct play *play)
{
	uint16_t ports[OPENING_PORTS_MAX];
	size_t count = opening_ports(play->service, ports);

	for (size_t number = play->flows; number <= play->flows + count; number++) {
		uint16_t port = clientports_at(&play->given, number);
		size_t i = 0;

		while (i < count && ports[i] != port)
			i++;
		if (i == count)
			return port;
	}
	return 0;
}

void opening_given(struct play *play, enum play_act act, size_t link,
		   const struct craft_end *own, const struct craft_end *other, bool v6)
{
	uint16_t port = play->given.count ? given_port(play) : 0;
	struct play_flow *flow;

	if (!port)
		return;
	flow = add_flow(play, act, play->scratch->link[link].name, v6);
	if (!flow)
		return;
	flow->next.from = *own;
	flow->next.from.port = port;
	flow->next.to = *other;
	flow->next.to.port = PLAY_ASKED;
	open_local(play, flow);
}
