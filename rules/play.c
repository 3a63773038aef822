// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/play.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *const WHENS[] = {
	[PLAY_OLD] = " (begun before NOTRACK)",
	[PLAY_NEW] = "",
	[PLAY_SHUT] = " (where nobody listens)",
};

void play_note(struct play *play, enum play_kind kind, const char *fmt, ...)
{
	char fact[PLAY_FACT_MAX], begin = PLAY_OF_ERRORS;
	va_list args;

	va_start(args, fmt);
	vsnprintf(fact, sizeof(fact), fmt, args);
	va_end(args);
	if (kind == PLAY_PACKET)
		begin = play->complaining ? PLAY_AFTER_ERRORS : PLAY_OF_PACKETS;
	else if (kind == PLAY_UNASKED)
		begin = PLAY_OF_UNASKED;
	text_add(&play->facts, "%c%s\n", begin, fact);
}

void play_request_text(const struct play_flow *flow, char text[PLAY_REQUEST_MAX])
{
	char from[CRAFT_TEXT_MAX], to[CRAFT_TEXT_MAX];

	if (!flow) {
		snprintf(text, PLAY_REQUEST_MAX, "data that nobody sent so");
		return;
	}
	craft_end_text(&flow->next.from, flow->next.v6, from);
	craft_end_text(&flow->next.to, flow->next.v6, to);
	snprintf(text, PLAY_REQUEST_MAX, "the request of %.48s to %.48s%s", from, to,
		 WHENS[flow->act]);
}

const struct play_flow *play_flow_of(const struct play *play, const char *data,
				     size_t bytes)
{
	if (bytes >= PLAY_ANSWER_BYTES &&
	    memcmp(data, PLAY_ANSWER, PLAY_ANSWER_BYTES) == 0) {
		data += PLAY_ANSWER_BYTES;
		bytes -= PLAY_ANSWER_BYTES;
	}
	for (size_t i = 0; i < play->flows; i++)
		if (strlen(play->flow[i].name) == bytes &&
		    memcmp(play->flow[i].name, data, bytes) == 0)
			return &play->flow[i];
	return NULL;
}
