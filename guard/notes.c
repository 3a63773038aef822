// SPDX-License-Identifier: GPL-2.0-or-later
#include "guard/notes.h"

#include <stdbool.h>
#include <string.h>

#include "guard/config.h"
#include "guard/enrolment.h"
#include "guard/journal.h"
#include "guard/lease.h"
#include "guard/policy.h"
#include "guard/turnstile.h"
#include "lib/clock.h"
#include "lib/text.h"

/* The services that are out, by their own lease or held by others, for a sentence. */
static void list_engaged(const struct leases *leases, const struct policy_view *view,
			 bool held, struct text *names)
{
	for (size_t i = 0; i < view->count; i++) {
		if (leases_engaged(leases, i) && leases_held(leases, i) == held)
			text_add(names, "%s%s", names->length ? ", " : "",
				 view->services[i].name);
	}
}

void notes_hello(struct journal *journal, const char *event, const struct config *config,
		 size_t namespaces)
{
	char name[SERVICE_TEXT_MAX];
	struct text text = { 0 };

	text_add(&text, "guarding%s: ",
		 journal->rehearse ? " (dry run: nothing is changed)" : "");
	for (size_t i = 0; i < config->count; i++) {
		service_format(&config->services[i].service, name);
		text_add(&text, "%s%s", i ? ", " : "", name);
	}
	if (config->admission_count)
		text_add(&text, "%swhat programs register", config->count ? " and " : "");
	if (config->netns[0])
		text_add(&text, " in %zu network namespace%s", namespaces,
			 namespaces == 1 ? "" : "s");
	text_add(&text, "; engage at %g%% or %gs before full, release at %g%%, lease %gs",
		 100 * config->policy.engage_at, config->policy.horizon_s,
		 100 * config->policy.release_at, config->lease_s);
	journal_note(journal, event, text_str(&text));
	text_free(&text);
}

void notes_adopted(struct journal *journal, const struct leases *leases,
		   const struct policy_view *view)
{
	struct text names = { 0 };
	struct text text = { 0 };

	for (size_t i = 0; i < view->count; i++) {
		if (!leases_engaged(leases, i) || leases_held(leases, i))
			continue;
		text_add(&text, "took over the lease of %s, which was left running",
			 view->services[i].name);
		journal_out(journal, "adopt", view->services[i].name,
			    leases_percent(leases, i), text_str(&text));
		text_free(&text);
	}
	list_engaged(leases, view, true, &names);
	if (names.length) {
		text_add(&text,
			 "out of tracking already, not by a lease of a guard before, and "
			 "left so: %s",
			 text_str(&names));
		journal_note(journal, "adopt", text_str(&text));
	}
	text_free(&names);
	text_free(&text);
}

void notes_joined(struct journal *journal)
{
	journal_note(journal, "join", "this network namespace is guarded from now on");
}

void notes_gone(struct journal *journal)
{
	journal_note(journal, "gone",
		     "this network namespace is gone, and is guarded no longer");
}

void notes_churn(struct journal *journal, const char *what, struct turnstile *turnstile)
{
	uint64_t now_ns = clock_now_ns();
	struct text text = { 0 };

	if (!turnstile_sums(turnstile, now_ns))
		return;
	text_add(&text,
		 "%s come and go often: %zu came and %zu went that are not told of one "
		 "by one",
		 what, turnstile->came, turnstile->went);
	journal_note(journal, "churn", text_str(&text));
	text_free(&text);
	turnstile_forget(turnstile, now_ns);
}

void notes_program(struct journal *journal, const char *event, pid_t pid,
		   const struct enrolment *enrolment)
{
	struct text text = { 0 };
	char name[SERVICE_TEXT_MAX];

	text_add(&text, "%s, pid %d, %s ", enrolment->program, (int)pid,
		 strcmp(event, "register") == 0 ? "registered" : "serves no more");
	for (size_t i = 0; i < enrolment->count; i++) {
		service_format(&enrolment->services[i], name);
		text_add(&text, "%s%s", i ? ", " : "", name);
	}
	journal_note(journal, event, text_str(&text));
	text_free(&text);
}

/*
 * EPERM is also what a sender gets whose packet a rule of the output hook drops
 * (nf_hook_slow()).
 */
void notes_refused(struct journal *journal, const struct enrolment *enrolment, pid_t pid,
		   uint64_t count)
{
	struct text text = { 0 };

	text_add(&text,
		 "%s, pid %d, could not send %llu times: the kernel did not permit it, "
		 "as when the table is full, or by a rule",
		 enrolment->program, (int)pid, (unsigned long long)count);
	journal_note(journal, "refused", text_str(&text));
	text_free(&text);
}

void notes_renamed(struct journal *journal, const char *before)
{
	struct text text = { 0 };

	text_add(&text, "this network namespace was called %s before", before);
	journal_note(journal, "rename", text_str(&text));
	text_free(&text);
}

void notes_withdrawn(struct journal *journal, const char *service)
{
	struct text text = { 0 };

	text_add(&text, "%s %s back because the guard ends",
		 journal->rehearse ? "would give" : "gave", service);
	journal_about(journal, "withdraw", service, text_str(&text));
	text_free(&text);
}

void notes_goodbye(struct journal *journal, const struct config *config,
		   const struct leases *leases, const struct policy_view *view,
		   uint64_t errors)
{
	const struct journal *keeper = journal->keeper ? journal->keeper : journal;
	uint64_t lost = keeper->lost + keeper->unkept;
	struct text names = { 0 };
	struct text text = { 0 };

	list_engaged(leases, view, false, &names);
	text_add(&text, "ends; ");
	if (!names.length)
		text_add(&text, "nothing of its is out of tracking");
	else if (journal->rehearse)
		text_add(&text, "%s would be out of tracking", text_str(&names));
	else
		text_add(&text,
			 "%s: leases run out within %gs, unless a guard takes them over",
			 text_str(&names), config->lease_s);
	if (errors)
		text_add(&text, "; %llu looks or readings failed",
			 (unsigned long long)errors);
	/* Of all namespaces: they are counted where they are kept. */
	if (lost)
		text_add(&text, "; %llu events could not be written",
			 (unsigned long long)lost);
	journal_note(journal, "stop", text_str(&text));
	text_free(&names);
	text_free(&text);
}

void notes_quiet(struct journal *journal, size_t namespaces)
{
	struct text text = { 0 };

	text_add(&text,
		 "ends; in %zu network namespace%s nothing of its is out of tracking",
		 namespaces, namespaces == 1 ? "" : "s");
	journal_note(journal, "stop", text_str(&text));
	text_free(&text);
}
