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

/* A review is followed by a rest of so many times what it took: one of many namespaces, or of one alone. */
enum { REST_OF_MANY = 20, REST_ALONE = 4 };

/* If it took longer than this, of CPU time. */
static const double SHORT_S = 0.02;

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

/* Rules of one namespace that take long to judge, and change all the time, must not blind the guard to others. */
void warrant_review(struct warrant *warrant)
{
	int rest = warrant->one_of_many ? REST_OF_MANY : REST_ALONE;
	uint64_t begun_ns = clock_spent_ns();
	double took_s;
	int err = 0;

	if (!clock_is_within(warrant->reviewed_ns, clock_now_ns(), warrant->rest_s)) {
		err = vetting_update(warrant->vetting);
		took_s = clock_between_s(begun_ns, clock_spent_ns());
		warrant->rest_s = took_s > SHORT_S ? rest * took_s : 0;
		warrant->reviewed_ns = clock_now_ns();
	}
	review(warrant, err);
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

	if (changes && !current) {
		review(warrant, vetting_update_one(warrant->vetting, decision->service));
		current = vetting_is_current(warrant->vetting);
	}
	if (decision->action == POLICY_ENGAGE &&
	    !vetting_allows(warrant->vetting, decision->service))
		return;
	remedy_apply(warrant->remedy, decision);
	if (changes)
		vetting_keep(warrant->vetting, current);
}
