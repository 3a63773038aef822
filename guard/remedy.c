// SPDX-License-Identifier: GPL-2.0-or-later
#include "guard/remedy.h"

#include <string.h>

#include "guard/config.h"
#include "guard/custody.h"
#include "guard/journal.h"
#include "guard/lease.h"
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

/* A change that failed is not tried again within this time. */
static const double RETRY_AFTER_S = 1;

static const char *name_of(const struct remedy *remedy, size_t i)
{
	return lookout_view(remedy->lookout)->services[i].name;
}

/* Deletes what the service has in the table: its packets no longer keep or need it. */
static void reclaim(const struct remedy *remedy, size_t i)
{
	const struct service *service = &remedy->config->services[i].service;
	uint32_t before = lookout_view(remedy->lookout)->entries;
	uint64_t start_ns = clock_now_ns();
	uint32_t after;
	int err;

	/* An address may have come since the last census; what is known does for the others. */
	err = lookout_read_local(remedy->lookout);
	if (err)
		trouble_note(remedy->trouble, "read the addresses of this host", err);
	err = reclaim_service(remedy->nl, remedy->reclaim_way, service,
			      lookout_local(remedy->lookout), NULL);
	if (err)
		log_warn(remedy->log,
			 "could not delete the entries of %s: %s; they end by timeout",
			 name_of(remedy, i), strerror(-err));
	err = lookout_restart(remedy->lookout, &after);
	if (err)
		trouble_note(remedy->trouble, "count the table", err);
	else
		journal_effect(remedy->journal, name_of(remedy, i), before, after,
			       clock_between_s(start_ns, clock_now_ns()));
}

/* The rules are there: what is to be known of them, before anything that takes time. */
static int engage(struct remedy *remedy, size_t i, uint64_t now_ns, struct apply_why *why)
{
	int err = leases_engage(remedy->leases, i, now_ns, why);
	int unread;

	if (err)
		return err;
	unread = custody_begin(remedy->custody);
	if (unread)
		trouble_note(remedy->trouble, "read the nft tables", unread);
	return 0;
}

/* Carries out ENGAGE and RELEASE. */
static void change(struct remedy *remedy, const struct policy_decision *decision)
{
	const struct policy_view *view = lookout_view(remedy->lookout);
	size_t i = decision->service;
	struct apply_why why;
	double seconds;
	int err;

	if (view->now_ns < remedy->retry_ns)
		return;
	if (decision->action == POLICY_ENGAGE)
		err = engage(remedy, i, view->now_ns, &why);
	else
		err = leases_release(remedy->leases, i, &why);
	if (err) {
		journal_failure(remedy->journal, view, decision, why.text);
		remedy->record.failures++;
		remedy->retry_ns =
			view->now_ns + (uint64_t)(RETRY_AFTER_S * CLOCK_NS_PER_S);
		return;
	}
	seconds = clock_between_s(view->now_ns, clock_now_ns());
	journal_decision(remedy->journal, view, decision, seconds);
	if (decision->action == POLICY_ENGAGE)
		record_engagement(&remedy->record, seconds);
	else
		remedy->record.releases++;
	remedy->complained_ns = 0;
	if (decision->action == POLICY_ENGAGE && !remedy->rehearse)
		reclaim(remedy, i);
}

static void complain(struct remedy *remedy, const struct policy_decision *decision)
{
	const struct policy_view *view = lookout_view(remedy->lookout);

	if (remedy->complained_ns &&
	    clock_between_s(remedy->complained_ns, view->now_ns) < REPEAT_AFTER_S)
		return;
	remedy->complained_ns = view->now_ns;
	journal_decision(remedy->journal, view, decision,
			 clock_between_s(view->now_ns, clock_now_ns()));
}

/* Once nothing helped, somebody wants to know when that is over. */
static void note_relief(struct remedy *remedy, const struct policy_decision *decision)
{
	const struct policy_view *view = lookout_view(remedy->lookout);

	if (decision->action == POLICY_HELPLESS) {
		remedy->helpless = true;
		return;
	}
	if (!remedy->helpless || (decision->action == POLICY_REST &&
				  policy_triggered(&remedy->config->policy, view)))
		return;
	remedy->helpless = false;
	journal_note(remedy->journal, "relieved",
		     decision->action == POLICY_REST
			     ? "the table is no longer about to be full"
			     : "there is something that helps");
}

void remedy_apply(struct remedy *remedy, const struct policy_decision *decision)
{
	if (remedy->paused || remedy->standing_down)
		return;
	note_relief(remedy, decision);
	if (decision->action == POLICY_ENGAGE || decision->action == POLICY_RELEASE)
		change(remedy, decision);
	else if (decision->action == POLICY_HELPLESS)
		complain(remedy, decision);
}

int remedy_give_back(struct remedy *remedy, size_t i, struct apply_why *why)
{
	const char *name = name_of(remedy, i);
	struct text text = { 0 };
	int err = leases_release(remedy->leases, i, why);

	if (err)
		return err;
	remedy->record.releases++;
	text_add(&text, "%s %s back by order", remedy->rehearse ? "would give" : "gave",
		 name);
	journal_about(remedy->journal, "release", name, text_str(&text));
	text_free(&text);
	return 0;
}

void remedy_restore(struct remedy *remedy, size_t i)
{
	const char *name = name_of(remedy, i);
	struct text text = { 0 };
	struct apply_why why;
	int err = engage(remedy, i, clock_now_ns(), &why);

	if (err) {
		remedy->record.failures++;
		text_add(&text, "could not put back the rules of %s: %s", name, why.text);
	} else {
		remedy->record.restorations++;
		text_add(&text, "put back the rules of %s, which went with the ruleset",
			 name);
	}
	journal_about(remedy->journal, "restore", name, text_str(&text));
	text_free(&text);
	if (!err)
		reclaim(remedy, i);
}

void remedy_stand_down(struct remedy *remedy)
{
	remedy->standing_down = true;
	journal_note(remedy->journal, "stand-down",
		     "standing down: somebody deleted table inet " RULESET_TABLE
		     " and nothing else; nothing is taken out until \"ctguard resume\"");
}

int remedy_withdraw(const struct remedy *remedy)
{
	int result = 0;

	for (size_t i = 0; i < remedy->config->count; i++) {
		struct apply_why why;
		int err;

		if (!leases_engaged(remedy->leases, i) || leases_held(remedy->leases, i))
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
