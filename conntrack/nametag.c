// SPDX-License-Identifier: GPL-2.0-or-later
#include "conntrack/nametag.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "lib/clock.h"

/* Of those that have no label of their own. */
static const char OTHER[] = "other";

static bool is_taken(const struct nametag_others *others, bool label, const char *text)
{
	for (size_t i = 0; i < others->count; i++) {
		const struct nametag *tag = others->tag[i];

		if (strcmp(label ? tag->label : tag->name, text) == 0)
			return true;
	}
	return false;
}

static void remember(struct nametag_past *past, const char *label)
{
	snprintf(past->label[past->next], SURVEY_LABEL_MAX, "%s", label);
	past->next = (past->next + 1) % NAMETAG_REMEMBERED;
	if (past->count < NAMETAG_REMEMBERED)
		past->count++;
}

/* Whether there may be a label like that: there was one, or one more may be. */
static bool may_be(struct nametag_past *past, const char *label, uint64_t now_ns)
{
	double passed_s = clock_between_s(past->at_ns, now_ns);

	for (size_t i = 0; i < past->count; i++) {
		if (strcmp(past->label[i], label) == 0)
			return true;
	}
	past->given = fmax(0, past->given - passed_s / NAMETAG_ONE_EACH_S);
	past->at_ns = now_ns;
	/* No whole number, as it goes down all the time: there must be room for one more. */
	if (past->given > NAMETAG_AT_ONCE - 1)
		return false;
	past->given++;
	remember(past, label);
	return true;
}

/*
 * Two may be called the same. Names tell them apart by a number that no other will have, labels by
 * the least that is free: who comes and goes would else make labels without end.
 */
void nametag_make(struct nametag_past *past, const struct nametag_others *others,
		  uint64_t inode, const struct nametag_call *call, uint64_t now_ns,
		  struct nametag *out)
{
	char base[SURVEY_LABEL_MAX], label[NAMETAG_MAX];

	if (is_taken(others, false, call->text))
		snprintf(out->name, sizeof(out->name), "%s:%llu", call->text,
			 (unsigned long long)inode);
	else
		snprintf(out->name, sizeof(out->name), "%s", call->text);
	snprintf(base, sizeof(base), "%.*s", (int)call->lasting, call->text);
	if (!call->asked && !may_be(past, base, now_ns))
		snprintf(base, sizeof(base), "%s", OTHER);
	snprintf(label, sizeof(label), "%s", base);
	for (int nth = 2; is_taken(others, true, label); nth++)
		snprintf(label, sizeof(label), "%s:%d", base, nth);
	memcpy(out->label, label, sizeof(label));
}
