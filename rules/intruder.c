// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/intruder.h"

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "lib/service.h"
#include "rules/actor.h"
#include "rules/peer.h"

static const uint16_t DOORS[] = { 22, 53, 80, 443, 8080, 9000 };

enum { DOORS_COUNT = sizeof(DOORS) / sizeof(DOORS[0]) };

/* An answer of UDP may go to any port that clients are given. */
static bool is_door(const struct play *play, uint16_t port)
{
	size_t i = 0;

	while (i < DOORS_COUNT && DOORS[i] != port)
		i++;
	return play->service->outbound && i < DOORS_COUNT &&
	       !ranges_have(&play->ports, wide_of(port));
}

void intruder_listen(struct play *play)
{
	for (size_t i = 0; i < 2 * DOORS_COUNT; i++) {
		const struct craft_end any = { .port = DOORS[i / 2] };
		int fd = is_door(play, any.port) ? actor_open(play, &any, i % 2) : -1;

		if (actor_add(play, fd, PLAY_LISTENS, NULL) &&
		    play->service->proto == IPPROTO_TCP)
			listen(fd, SOMAXCONN);
	}
}

void intruder_knock(struct play *play, size_t link, const struct craft_end *own,
		    const struct craft_end *other, bool v6)
{
	const struct service *service = play->service;

	for (size_t i = 0; i < DOORS_COUNT; i++) {
		struct craft packet = { .v6 = v6,
					.proto = service->proto,
					.from = *other,
					.to = *own,
					.flags = CRAFT_SYN,
					.seq = 1000 };

		if (!is_door(play, DOORS[i]))
			continue;
		if (service->family != AF_UNSPEC)
			memcpy(packet.from.address, &service->addr, v6 ? 16 : 4);
		packet.from.port = service->first_port;
		packet.to.port = DOORS[i];
		if (service->proto == IPPROTO_UDP)
			packet.bytes = (size_t)snprintf(packet.data, sizeof(packet.data),
							"to port %u", packet.to.port);
		peer_send(play, link, &packet);
	}
}

bool intruder_hears(struct play *play, const struct craft *heard)
{
	const uint8_t opened = CRAFT_SYN | CRAFT_ACK;
	char text[CRAFT_TEXT_MAX];

	if (heard->proto != play->service->proto || !is_door(play, heard->from.port) ||
	    heard->to.port != play->service->first_port)
		return false;
	craft_text(heard, text);
	if (heard->proto == IPPROTO_TCP && (heard->flags & opened) == opened)
		play_note(play, PLAY_UNASKED, "a SYN that nobody asked for gets in: %s",
			  text);
	return true;
}
