// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/precedent.h"

#include "rules/auditor.h"
#include "rules/model.h"
#include "rules/walk.h"

/* Sends another packet of the conversation; returns whether rules let it through. */
static bool passes(struct auditor *auditor, struct packet *packet, enum packet_kind kind,
		   bool untrack)
{
	struct run *run = &auditor->earlier;

	packet->kind = kind;
	run->world = &auditor->world;
	run->model = auditor->model;
	run->packet = packet;
	run->untrack = untrack;
	walk(run, &auditor->order);
	return run->now.fate == RUN_DELIVERED || run->now.fate == RUN_TAKEN;
}

/*
 * Whether a reply must have gone before: later packets of TCP need one, and errors that are
 * about replies.
 */
static bool needs_reply(const struct packet *packet)
{
	/* An error that this host gets is about what it sent, and the other way round. */
	bool opened_here = packet_opens_here(packet);

	switch (packet->kind) {
	case PACKET_LATER:
	case PACKET_LATER_REPLY: return packet_proto(packet) == IPPROTO_TCP;
	case PACKET_ERROR_IN: return !opened_here || packet->loopback;
	case PACKET_ERROR_OUT: return opened_here && !packet->loopback;
	default: return false;
	}
}

/* Whether an error about the request is what a rule has answered it with. */
static bool is_told(const struct run *request, const struct packet *packet)
{
	return request->now.fate == RUN_REJECTED && packet_is_error(packet) &&
	       !needs_reply(packet);
}

/* In the case that is assumed, and what may be assumed further. */
static bool has_history(struct auditor *auditor, struct run *tracked)
{
	struct packet earlier = *tracked->packet;

	if (!passes(auditor, &earlier, PACKET_REQUEST, false) &&
	    !is_told(&auditor->earlier, tracked->packet))
		return false;
	if (auditor->model->untracks &&
	    run_was_tracked(tracked) != (auditor->earlier.now.tracking == RUN_TRACKED))
		return false;
	if (needs_reply(tracked->packet) &&
	    !passes(auditor, &earlier, PACKET_REPLY, false))
		return false;
	/* That a later request is dropped after the first was, both untracked, is no news. */
	return tracked->packet->kind != PACKET_LATER ||
	       passes(auditor, &earlier, PACKET_REQUEST, true);
}

bool precedent_exists(struct auditor *auditor, struct run *tracked)
{
	struct world_point now = world_point(&auditor->world);
	bool found = false, more = true;

	if (tracked->packet->kind == PACKET_REQUEST || tracked->packet->unasked)
		return true;
	while (more && !found && !auditor->world.spent) {
		found = has_history(auditor, tracked);
		more = world_again(&auditor->world, &now);
	}
	world_return(&auditor->world, &now);
	/* What was chosen in there is nobody's any more. */
	auditor->world.choices = now.at;
	return found || auditor->world.spent;
}
