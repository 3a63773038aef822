// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/peer.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/service.h"
#include "rules/intruder.h"
#include "rules/scratch.h"

void peer_send_frame(struct play *play, size_t link, const uint8_t *frame, size_t bytes)
{
	/* An interface that is down takes nothing; then nothing comes of it. */
	if (bytes && write(play->scratch->fd[link], frame, bytes) < 0)
		play_note(play, PLAY_PACKET, "%s takes no packets",
			  play->scratch->link[link].name);
}

void peer_send(struct play *play, size_t link, const struct craft *packet)
{
	uint8_t frame[CRAFT_BYTES_MAX];
	size_t bytes = craft_write(packet, play->scratch->link[link].mac, frame);

	peer_send_frame(play, link, frame, bytes);
}

/* Whose packet it is that leaves by the link: its client is there, or here. */
static struct play_flow *flow_of(struct play *play, size_t link,
				 const struct craft *packet)
{
	for (size_t i = 0; i < play->flows; i++) {
		struct play_flow *flow = &play->flow[i];
		const struct craft_end *client =
			flow->remote ? &packet->to : &packet->from;

		if ((!flow->remote || flow->link == link) &&
		    flow->next.v6 == packet->v6 && flow->next.from.port == client->port &&
		    memcmp(flow->next.from.address, client->address,
			   sizeof(client->address)) == 0)
			return flow;
	}
	return NULL;
}

/* Whether others than this host answer there. */
static bool is_asked(const struct play *play, uint16_t port)
{
	if (!play->service->outbound)
		return play->given.count && port == PLAY_ASKED;
	return port >= play->service->first_port && port <= play->service->last_port;
}

/* What the crafted end of a conversation says to a packet of this host, if anything. */
static bool reaction(const struct play *play, const struct play_flow *flow,
		     const struct craft *heard, struct craft *out)
{
	bool answered = heard->bytes >= PLAY_ANSWER_BYTES &&
			memcmp(heard->data, PLAY_ANSWER, PLAY_ANSWER_BYTES) == 0;
	uint32_t length = (uint32_t)heard->bytes;

	*out = (struct craft){ .v6 = heard->v6,
			       .proto = heard->proto,
			       .from = heard->to,
			       .to = heard->from,
			       .flags = CRAFT_ACK,
			       .seq = heard->ack,
			       .ack = heard->seq + length };
	if (heard->proto == IPPROTO_TCP && heard->flags & CRAFT_RST)
		return false;
	if (heard->proto == IPPROTO_TCP && heard->flags & CRAFT_SYN) {
		out->ack = heard->seq + 1;
		/* A SYN is answered by a SYN-ACK, a SYN-ACK by the request. */
		if (!(heard->flags & CRAFT_ACK))
			out->flags |= CRAFT_SYN;
		else if (flow)
			out->bytes = (size_t)snprintf(out->data, sizeof(out->data), "%s",
						      flow->name);
		return true;
	}
	/* An answer to an answer would be answered in turn. */
	if (answered || !heard->bytes || !is_asked(play, heard->to.port))
		return false;
	out->bytes = (size_t)snprintf(
		out->data, sizeof(out->data), "%s%.*s", PLAY_ANSWER,
		(int)(heard->bytes < PLAY_NAME_BYTES ? heard->bytes : PLAY_NAME_BYTES),
		heard->data);
	return true;
}

/* A frame that leaves this host. */
static void leave(struct play *play, size_t link, const uint8_t *frame, size_t bytes)
{
	char text[CRAFT_TEXT_MAX];
	struct craft heard, answer;
	struct play_flow *flow;

	if (bytes > CRAFT_BYTES_MAX || !craft_read(frame, bytes, &heard))
		return;
	if (intruder_hears(play, &heard))
		return;
	craft_text(&heard, text);
	if (text[0] && !play->apart)
		play_note(play, craft_is_error(&heard) ? PLAY_ERROR : PLAY_PACKET,
			  "%s by %s", text, play->scratch->link[link].name);
	if (heard.proto != IPPROTO_TCP && heard.proto != IPPROTO_UDP)
		return;
	flow = flow_of(play, link, &heard);
	if (flow && heard.proto == play->service->proto) {
		flow->next.seq = heard.ack;
		flow->next.ack = heard.seq + (uint32_t)heard.bytes;
		flow->heard = true;
		flow->link = link;
		flow->bytes = bytes;
		memcpy(flow->frame, frame, bytes);
	}
	if (reaction(play, flow, &heard, &answer))
		peer_send(play, link, &answer);
}

void peer_read(struct play *play, size_t link)
{
	uint8_t frame[2048];
	ssize_t bytes;

	for (int i = 0; i < PLAY_ROUNDS_MAX; i++) {
		bytes = read(play->scratch->fd[link], frame, sizeof(frame));
		if (bytes <= 0)
			return;
		leave(play, link, frame, (size_t)bytes);
	}
}
