// SPDX-License-Identifier: GPL-2.0-or-later
#include "guard/remedy.h"

#include <errno.h>
#include <string.h>

#include "guard/chores.h"
#include "guard/config.h"
#include "guard/custody.h"
#include "guard/headroom.h"
#include "guard/journal.h"
#include "guard/lease.h"
#include "guard/leftovers.h"
#include "guard/lookout.h"
#include "guard/notes.h"
#include "guard/policy.h"
#include "guard/trouble.h"
#include "lib/clock.h"
#include "lib/log.h"
#include "lib/text.h"
#include "rules/ruleset.h"

/* The same complaint is not repeated within this time. */
static const double REPEAT_AFTER_S = 10;

/* So long the table must not be about to be full for that to be over. */
static const double RELIEVED_AFTER_S = 5;

/* A change that failed is not tried again within this time. */
static const double RETRY_AFTER_S = 1;

static const char *name_of(const struct remedy *remedy, size_t i)
{
	return lookout_view(remedy->lookout)->services[i].name;
}

/* Has entries deleted that the packets of service number i no longer keep or need. */
static void have_deleted(const struct remedy *remedy, size_t i, double expected,
			 uint32_t entries)
{
	const struct chore chore = {
		.kind = CHORE_RECLAIM,
		.service = remedy->config->services[i].service,
		/*
		 * An entry of a flow that these rules leave tracked would come back with its
		 * next packet.
		 */
		.extent = leases_extent(remedy->leases, i),
		.expected = expected,
		.entries = entries,
		.begun_ns = clock_now_ns(),
	};

	if (!chores_ask(remedy->chores, &chore))
		log_warn(remedy->log, "the entries of %s are left to end by timeout",
			 name_of(remedy, i));
}

static void reclaim(const struct remedy *remedy, const struct policy_decision *decision,
		    unsigned before)
{
	const struct policy_view *view = lookout_view(remedy->lookout);

	/* stock is what was tracked, all but before: of that goes what is out in addition. */
	have_deleted(remedy, decision->service,
		     view->services[decision->service].stock *
			     (decision->percent - before) / (POLICY_WHOLE - before),
		     view->entries);
}

static int set_percent(const struct remedy *remedy,
		       const struct policy_decision *decision, struct apply_why *why)
{
	int unread, err;

	if (decision->percent == 0)
		return leases_release(remedy->leases, decision->service, why);
	err = leases_set(remedy->leases, decision->service, decision->percent,
			 clock_now_ns(), why);
	if (err)
		return err;
	/* The rules are there: what is to be known of them, before anything that takes time. */
	unread = custody_begin(remedy->custody);
	if (unread)
		trouble_note(remedy->trouble, "read the nft tables", unread);
	return 0;
}

static void fail(struct remedy *remedy, const struct policy_decision *decision,
		 const char *why)
{
	const struct policy_view *view = lookout_view(remedy->lookout);

	journal_failure(remedy->journal, view, decision, why);
	remedy->deeds.failures++;
	remedy->retry_ns = view->now_ns + (uint64_t)(RETRY_AFTER_S * CLOCK_NS_PER_S);
}

/* Carries out ENGAGE and RELEASE. */
static void change(struct remedy *remedy, const struct policy_decision *decision)
{
	const struct policy_view *view = lookout_view(remedy->lookout);
	unsigned before = leases_percent(remedy->leases, decision->service);
	struct apply_why why;
	double seconds;
	int uncounted;

	if (set_percent(remedy, decision, &why)) {
		fail(remedy, decision, why.text);
		return;
	}
	seconds = clock_between_s(view->now_ns, clock_now_ns());
	journal_decision(remedy->journal, view, decision, seconds);
	lookout_note_change(remedy->lookout, decision->service, decision->percent);
	remedy->complained_ns = 0;
	if (decision->action == POLICY_RELEASE) {
		remedy->deeds.releases++;
		return;
	}
	deeds_engagement(&remedy->deeds, seconds);
	if (remedy->rehearse)
		return;
	reclaim(remedy, decision, before);
	/* The past says nothing about what follows. */
	uncounted = lookout_restart(remedy->lookout, NULL);
	if (uncounted)
		trouble_note(remedy->trouble, "count the table", uncounted);
}

static void delete_again(struct remedy *remedy, const struct policy_decision *decision)
{
	const struct policy_view *view = lookout_view(remedy->lookout);

	if (!remedy->rehearse)
		have_deleted(remedy, decision->service,
			     view->services[decision->service].stock, view->entries);
	journal_decision(remedy->journal, view, decision, 0);
}

static void purge(struct remedy *remedy, const struct policy_decision *decision)
{
	const struct policy_view *view = lookout_view(remedy->lookout);
	const struct chore chore = {
		.kind = CHORE_PURGE,
		.entries = view->entries,
		.begun_ns = clock_now_ns(),
	};

	if (chores_ask(remedy->chores, &chore))
		journal_decision(remedy->journal, view, decision, 0);
}

static void raise_limit(struct remedy *remedy, const struct policy_decision *decision)
{
	const struct policy_view *view = lookout_view(remedy->lookout);
	int err = headroom_raise(remedy);

	if (err)
		fail(remedy, decision, strerror(-err));
	else
		journal_decision(remedy->journal, view, decision,
				 clock_between_s(view->now_ns, clock_now_ns()));
}

static void lower_limit(struct remedy *remedy, const struct policy_decision *decision)
{
	const struct policy_view *view = lookout_view(remedy->lookout);
	int err = headroom_lower(remedy);

	/* With -ESTALE headroom_lower() has said that the limit is somebody else's. */
	if (err && err != -ESTALE)
		fail(remedy, decision, strerror(-err));
	else if (!err)
		journal_decision(remedy->journal, view, decision,
				 clock_between_s(view->now_ns, clock_now_ns()));
}

static void complain(struct remedy *remedy, const struct policy_decision *decision)
{
	const struct policy_view *view = lookout_view(remedy->lookout);
	struct policy_decision named = *decision;
	int err;

	if (remedy->complained_ns &&
	    clock_between_s(remedy->complained_ns, view->now_ns) < REPEAT_AFTER_S)
		return;
	remedy->complained_ns = view->now_ns;
	/* Without a name it is said all the same. */
	err = lookout_name_top(remedy->lookout, &named);
	if (err)
		trouble_note(remedy->trouble, "find out who fills the table", err);
	journal_decision(remedy->journal, view, &named,
			 clock_between_s(view->now_ns, clock_now_ns()));
}

/* Once nothing helped, somebody wants to know when that is over. */
static void note_relief(struct remedy *remedy, const struct policy_decision *decision)
{
	const struct policy_view *view = lookout_view(remedy->lookout);

	bool filling = policy_triggered(&remedy->config->policy, view);

	if (decision->action == POLICY_HELPLESS)
		remedy->helpless = true;
	if (filling)
		remedy->filling_ns = view->now_ns;
	/* What comes again and again while nothing helps is no help; nor is a moment below the mark the end. */
	if (!remedy->helpless ||
	    (filling ? decision->action != POLICY_ENGAGE &&
			       decision->action != POLICY_RAISE
		     : clock_between_s(remedy->filling_ns, view->now_ns) <
			       RELIEVED_AFTER_S))
		return;
	remedy->helpless = false;
	journal_note(remedy->journal, "relieved",
		     filling ? "there is something that helps"
			     : "the table is no longer about to be full");
}

static void carry_out(struct remedy *remedy, const struct policy_decision *decision)
{
	switch (decision->action) {
	case POLICY_ENGAGE:
	case POLICY_RELEASE: change(remedy, decision); break;
	case POLICY_PURGE: purge(remedy, decision); break;
	case POLICY_DELETE: delete_again(remedy, decision); break;
	case POLICY_RAISE: raise_limit(remedy, decision); break;
	case POLICY_LOWER: lower_limit(remedy, decision); break;
	case POLICY_REST:
	case POLICY_ATTRIBUTE:
	case POLICY_HELPLESS: break;
	}
}

void remedy_apply(struct remedy *remedy, const struct policy_decision *decision)
{
	if (remedy->paused || remedy->standing_down)
		return;
	note_relief(remedy, decision);
	/* A word changes no rules: it need not wait until these may be changed again. */
	if (decision->action == POLICY_HELPLESS)
		complain(remedy, decision);
	else if (lookout_view(remedy->lookout)->now_ns >= remedy->retry_ns)
		carry_out(remedy, decision);
}

int remedy_give_back(struct remedy *remedy, size_t i, const char *cause,
		     struct apply_why *why)
{
	const char *name = name_of(remedy, i);
	struct text text = { 0 };
	int err = leases_release(remedy->leases, i, why);

	if (err)
		return err;
	lookout_note_change(remedy->lookout, i, 0);
	remedy->deeds.releases++;
	text_add(&text, "%s %s back %s", remedy->rehearse ? "would give" : "gave", name,
		 cause);
	journal_about(remedy->journal, "release", name, text_str(&text));
	text_free(&text);
	return 0;
}

void remedy_finish(const struct remedy *remedy)
{
	uint32_t entries;

	leftovers_clear(remedy->nl, remedy->config, remedy->journal, remedy->trouble);
	if (remedy->rehearse || lookout_restart(remedy->lookout, &entries))
		return;
	for (size_t i = 0; i < remedy->config->count; i++) {
		if (leases_engaged(remedy->leases, i) && !leases_held(remedy->leases, i))
			/*
			 * How many were left is not known: of 0 that are expected none is
			 * missed.
			 */
			have_deleted(remedy, i, 0, entries);
	}
}

/* How many entries came since is not known: none are thought to be left. */
static int put_back(struct remedy *remedy, size_t i, struct apply_why *why)
{
	const struct policy_decision again = {
		.action = POLICY_ENGAGE,
		.service = i,
		.percent = leases_lost_percent(remedy->leases, i),
	};
	int err;

	if (again.percent == 0)
		return leases_arm(remedy->leases, why);
	err = set_percent(remedy, &again, why);
	if (!err)
		have_deleted(remedy, i, 0, lookout_view(remedy->lookout)->entries);
	return err;
}

void remedy_restore(struct remedy *remedy, size_t i)
{
	const char *name = name_of(remedy, i);
	struct text text = { 0 };
	struct apply_why why;
	int err = put_back(remedy, i, &why);

	if (err) {
		remedy->deeds.failures++;
		text_add(&text, "could not put back the rules of %s: %s", name, why.text);
	} else {
		remedy->deeds.restorations++;
		text_add(&text, "put back the rules of %s, which went with the ruleset",
			 name);
	}
	/* 0 percent after a failure: incidents.c does not take that for out. */
	journal_out(remedy->journal, "restore", name, leases_percent(remedy->leases, i),
		    text_str(&text));
	text_free(&text);
}

void remedy_stand_down(struct remedy *remedy)
{
	remedy->standing_down = true;
	journal_note(remedy->journal, "stand-down",
		     "standing down: somebody deleted table inet " RULESET_TABLE
		     " and nothing else; nothing is taken out until \"ctguard resume\"");
}

/* 0 also where somebody else has set it since: that stays. */
static int put_limit_back(struct remedy *remedy)
{
	struct limit_change made = remedy->limit;
	struct text text = { 0 };
	int err = headroom_lower(remedy);

	if (err && err != -ESTALE) {
		log_error(remedy->log, "could not set the limit back to %u: %s",
			  made.before, strerror(-err));
		return err;
	}
	if (err || !made.raised)
		return 0;
	text_add(&text, "set the limit back to %u because the guard ends", made.before);
	journal_note(remedy->journal, "lower", text_str(&text));
	text_free(&text);
	return 0;
}

int remedy_withdraw(struct remedy *remedy)
{
	int result = put_limit_back(remedy);

	for (size_t i = 0; i < remedy->config->count; i++) {
		struct apply_why why;
		int err;

		if (leases_held(remedy->leases, i) ||
		    (!leases_engaged(remedy->leases, i) &&
		     !leases_bounded(remedy->leases, i)))
			continue;
		err = leases_release(remedy->leases, i, &why);
		if (!err) {
			notes_withdrawn(remedy->journal, name_of(remedy, i));
			continue;
		}
		log_error(remedy->log, "could not give %s back: %s", name_of(remedy, i),
			  why.text);
		result = err;
	}
	return result;
}

enum status_state remedy_state(const struct remedy *remedy)
{
	if (remedy->standing_down)
		return STATUS_STANDING_DOWN;
	if (remedy->paused)
		return STATUS_PAUSED;
	if (remedy->helpless)
		return STATUS_HELPLESS;
	return leases_count(remedy->leases) > 0 ? STATUS_ENGAGED : STATUS_WATCHING;
}
