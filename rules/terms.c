// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/terms.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/service.h"

enum { PERCENT_MAX = 100, PID_DIGITS_MAX = 10 };

static const char LETTERS[] = "abcdefghijklmnopqrstuvwxyz", DIGITS[] = "0123456789";

bool extent_equal(const struct extent *a, const struct extent *b)
{
	if (a->kind != b->kind)
		return false;
	switch (a->kind) {
	case EXTENT_SHARE: return a->percent == b->percent;
	case EXTENT_BUDGET: return a->packets_per_s == b->packets_per_s;
	case EXTENT_ALL: break;
	}
	return true;
}

void extent_format(const struct extent *extent, char text[EXTENT_TEXT_MAX])
{
	switch (extent->kind) {
	case EXTENT_ALL: snprintf(text, EXTENT_TEXT_MAX, "all"); break;
	case EXTENT_SHARE:
		snprintf(text, EXTENT_TEXT_MAX, "%u%%", extent->percent);
		break;
	case EXTENT_BUDGET:
		snprintf(text, EXTENT_TEXT_MAX, "over %" PRIu32 "/s",
			 extent->packets_per_s);
		break;
	}
}

const char *extent_unfit(const struct extent *extent, const struct service *service)
{
	switch (extent->kind) {
	case EXTENT_SHARE:
		return extent->percent == 0 || extent->percent >= PERCENT_MAX
			       ? "a share is 1% to 99% of its flows"
			       : NULL;
	case EXTENT_BUDGET:
		/* A packet of a TCP connection that is tracked alone makes an entry for five days. */
		if (service->proto != IPPROTO_UDP)
			return "a budget is for udp: of a tcp connection all packets are "
			       "tracked, or none";
		return extent->packets_per_s == 0 ||
				       extent->packets_per_s > EXTENT_RATE_MAX
			       ? "a budget is 1 to 10M packets a second"
			       : NULL;
	case EXTENT_ALL: break;
	}
	return NULL;
}

unsigned untrack_count(const struct extent *extent, const struct service *service,
		       enum layout_side side)
{
	/* The hash reads addresses, which are elsewhere in each family's header. */
	return extent->kind == EXTENT_SHARE && service->family == AF_UNSPEC ? 2 : 1;
}

struct untrack untrack_rule(const struct extent *extent, const struct service *service,
			    enum layout_side side, unsigned index)
{
	/*
	 * What this host sends are replies of its own services and requests to others'.
	 */
	struct untrack rule = {
		.extent = *extent,
		.from_here = (side == LAYOUT_OUT) != service->outbound,
	};

	/*
	 * A budget is of requests: a reply that is untracked makes no entry, whatever it
	 * answers.
	 */
	if (extent->kind == EXTENT_BUDGET && side == LAYOUT_OUT)
		rule.extent = (struct extent){ 0 };
	if (extent->kind != EXTENT_SHARE)
		return rule;
	rule.by_source = side == LAYOUT_IN;
	rule.family = service->family;
	if (rule.family == AF_UNSPEC)
		rule.family = index == 0 ? AF_INET : AF_INET6;
	return rule;
}

unsigned untrack_index(const struct untrack *rule, const struct service *service,
		       enum layout_side side)
{
	unsigned count = untrack_count(&rule->extent, service, side);

	for (unsigned i = 0; i < count; i++) {
		struct untrack ours = untrack_rule(&rule->extent, service, side, i);

		if (extent_equal(&rule->extent, &ours.extent) &&
		    rule->family == ours.family && rule->by_source == ours.by_source &&
		    rule->from_here == ours.from_here)
			return i;
	}
	return UNTRACK_RULES_MAX;
}

void holder_format(const struct holder *holder, char text[HOLDER_TEXT_MAX])
{
	text[0] = '\0';
	if (holder->program[0])
		snprintf(text, HOLDER_TEXT_MAX, "%s %" PRIu32, holder->program,
			 holder->pid);
}

struct holder holder_parse(const char *text, size_t length)
{
	const struct holder nobody = { 0 };
	char copy[HOLDER_TEXT_MAX] = "", again[HOLDER_TEXT_MAX];
	struct holder holder = { 0 };
	size_t letters, digits;

	if (length >= sizeof(copy))
		return nobody;
	memcpy(copy, text, length);
	letters = strspn(copy, LETTERS);
	if (letters == 0 || letters >= sizeof(holder.program) || copy[letters] != ' ')
		return nobody;
	digits = strspn(copy + letters + 1, DIGITS);
	if (digits == 0 || digits > PID_DIGITS_MAX)
		return nobody;
	memcpy(holder.program, copy, letters);
	holder.pid = (uint32_t)strtoul(copy + letters + 1, NULL, 10);
	holder_format(&holder, again);
	/* Just what holder_format() writes: no zeros in front, nothing behind. */
	if (strlen(again) != length || memcmp(again, text, length) != 0)
		return nobody;
	return holder;
}

bool holder_equal(const struct holder *a, const struct holder *b)
{
	return a->pid == b->pid && strcmp(a->program, b->program) == 0;
}
