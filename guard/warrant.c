// SPDX-License-Identifier: GPL-2.0-or-later
#include "guard/warrant.h"

#include <errno.h>
#include <stddef.h>

#include "guard/chores.h"
#include "guard/config.h"
#include "guard/journal.h"
#include "guard/lease.h"
#include "guard/lookout.h"
#include "guard/policy.h"
#include "guard/remedy.h"
#include "guard/trouble.h"
#include "guard/vetting.h"
#include "lib/clock.h"
#include "lib/text.h"

static const char *name_of(const struct warrant *warrant, size_t i)
{
	return lookout_view(warrant->lookout)->services[i].name;
}

/* What is safe from the start is no news. */
static void tell(const struct warrant *warrant, size_t i, bool known)
{
	enum vetting_verdict verdict = vetting_verdict(warrant->vetting, i);
	const char *name = name_of(warrant, i);
	struct text text = { 0 };

	if (verdict == VETTING_SAFE && known)
		text_add(&text, "%s is safe to take out again", name);
	else if (verdict == VETTING_UNSAFE)
		text_add(&text, "%s stays tracked, it is unsafe to take it out: %s", name,
			 vetting_why(warrant->vetting, i));
	else if (verdict == VETTING_UNKNOWN)
		text_add(&text,
			 "%s stays tracked, it cannot be told whether it is safe to take "
			 "it out: %s",
			 name, vetting_why(warrant->vetting, i));
	if (text.length)
		journal_about(warrant->journal, "verdict", name, text_str(&text));
	text_free(&text);
}

static void give_back(const struct warrant *warrant, size_t i)
{
	struct apply_why why;
	int err;

	if (leases_held(warrant->leases, i) ||
	    (!leases_engaged(warrant->leases, i) && !leases_bounded(warrant->leases, i)))
		return;
	err = remedy_give_back(warrant->remedy, i, "because it is not safe any more",
			       &why);
	if (err)
		trouble_note(warrant->trouble, "give back what is not safe any more",
			     err);
}

/* Whether live entries are translated takes a walk through the whole table. */
static void ask_for_look(const struct warrant *warrant, size_t i)
{
	const struct remedy *remedy = warrant->remedy;
	const struct chore chore = {
		.kind = CHORE_TRANSLATED,
		.service = remedy->config->services[i].service,
		.begun_ns = clock_now_ns(),
	};

	if (!vetting_wants_look(warrant->vetting, i))
		return;
	/* Rules may change faster than anybody looks: one that waits will see what this one would. */
	if (chores_waits(remedy->chores, &chore))
		vetting_share_look(warrant->vetting, i);
	else if (!chores_ask(remedy->chores, &chore))
		vetting_note_look(warrant->vetting, &chore.service, 0, -EAGAIN);
}

/* What follows from what is known now. */
static void act(const struct warrant *warrant)
{
	size_t count = lookout_view(warrant->lookout)->count;
	struct apply_why why;
	int err;

	for (size_t i = 0; i < count; i++) {
		bool allowed = vetting_allows(warrant->vetting, i);
		/* How it stood before, until the next line says how it stands. */
		bool known = lookout_view(warrant->lookout)->services[i].unsafe;

		lookout_note_unsafe(warrant->lookout, i, !allowed);
		lookout_note_midstream(warrant->lookout, i,
				       vetting_midstream(warrant->vetting, i));
		if (vetting_take_news(warrant->vetting, i)) {
			tell(warrant, i, known);
			err = allowed ? leases_arm(warrant->leases, &why) : 0;
			if (err)
				trouble_note(warrant->trouble, "arm a budget", err);
		}
		/* At each review again, until it is done. */
		if (vetting_condemns(warrant->vetting, i))
			give_back(warrant, i);
	}
}

static void review(const struct warrant *warrant, int err)
{
	if (err)
		trouble_note(warrant->trouble, "audit the ruleset", err);
	act(warrant);
}

static size_t sharers(const struct warrant *warrant)
{
	return warrant->guarded ? *warrant->guarded : 1;
}

/* Rules of one namespace that take long to judge, and change all the time, must not blind the guard to others. */
void warrant_review(struct warrant *warrant)
{
	int err = 0;

	if (respite_begin(&warrant->review)) {
		err = vetting_update(warrant->vetting);
		respite_end(&warrant->review, sharers(warrant));
	}
	review(warrant, err);
}

/* Whether service i is judged by the rules of now, as far as these can be read. */
static bool hear(struct warrant *warrant, size_t i)
{
	int err;

	if (vetting_knows(warrant->vetting, i))
		return true;
	if (!respite_begin(&warrant->decision))
		/* What is forced goes whatever the rules say. */
		return vetting_verdict(warrant->vetting, i) == VETTING_FORCED;
	err = vetting_update_one(warrant->vetting, i);
	respite_end(&warrant->decision, sharers(warrant));
	review(warrant, err);
	return true;
}

void warrant_ask_for_looks(const struct warrant *warrant)
{
	size_t count = lookout_view(warrant->lookout)->count;

	for (size_t i = 0; i < count; i++)
		ask_for_look(warrant, i);
}

void warrant_note_look(struct warrant *warrant, const struct chore *chore)
{
	vetting_note_look(warrant->vetting, &chore->service, chore->done, chore->err);
	warrant_review(warrant);
}

void warrant_apply(struct warrant *warrant, const struct policy_decision *decision)
{
	bool changes =
		decision->action == POLICY_ENGAGE || decision->action == POLICY_RELEASE;
	bool current = changes && vetting_is_current(warrant->vetting);
	bool heard = true;

	if (changes && !current) {
		heard = hear(warrant, decision->service);
		current = vetting_is_current(warrant->vetting);
	}
	/* What comes back needs no permission. */
	if (decision->action == POLICY_ENGAGE &&
	    (!heard || !vetting_allows(warrant->vetting, decision->service)))
		return;
	remedy_apply(warrant->remedy, decision);
	if (changes)
		vetting_keep(warrant->vetting, current);
}
