// SPDX-License-Identifier: GPL-2.0-or-later
#include "guard/rounds.h"

#include <math.h>
#include <time.h>

#include "conntrack/home.h"
#include "guard/config.h"
#include "guard/journal.h"
#include "guard/lease.h"
#include "guard/lookout.h"
#include "guard/outcome.h"
#include "guard/policy.h"
#include "guard/remedy.h"
#include "guard/trouble.h"
#include "guard/vetting.h"
#include "lib/clock.h"
#include "lib/log.h"
#include "lib/text.h"
#include "rules/ruleset.h"

/* Refreshes that may fail before a lease ends; and the part of it that a look may wait for the kernel is all but one. */
static const double REFRESHES_PER_LEASE = 8;

/* Looks that come faster than the loop can, and how many of them it may have to wait for. */
static const double LOOP_S = 0.001;
enum { CLOSE_LOOKS = 20 };

/* Each time this part of the way to the mark is behind the table, the audit is brought up to date. */
static const double NEARED_PART = 0.25;

/* How often packet counters are read while a service is out. */
static const double MEASURE_EVERY_S = 1;

/*
 * How often it is seen whether somebody changed the ruleset: what was out must be out in a
 * second. By its events it would be known at once, but for those the kernel makes a message of
 * each rule and element that anybody loads.
 */
static const double INSPECT_EVERY_S = 0.25;

/* Nothing of ours is there: it may take a moment to see that another service is safe now. */
static const double IDLE_INSPECT_EVERY_S = 1;

/* A table that is still is only counted, but for a look this often. */
static const double STILL_S = 1;

/* Whether the thread is in the namespace; then leave() is due. */
static bool enter(const struct rounds *rounds)
{
	int err = rounds->home ? home_leave(rounds->home, rounds->netns) : 0;

	if (err)
		trouble_note(rounds->trouble, "enter the network namespace", err);
	return !err;
}

static void leave(const struct rounds *rounds)
{
	if (rounds->home)
		home_return(rounds->home, rounds->netns);
}

static void tell_loss(const struct rounds *rounds, size_t i, const char *cause)
{
	const char *name = lookout_view(rounds->lookout)->services[i].name;
	struct text text = { 0 };

	text_add(&text, "%s is tracked again: %s", name, cause);
	journal_about(rounds->journal, "lost", name, text_str(&text));
	text_free(&text);
}

/* Rules of ours are gone. Only those that went by accident are put back. */
static void face_loss(struct rounds *rounds, const struct custody_report *report)
{
	static const char *const CAUSES[] = {
		[CUSTODY_LAPSED] =
			"its lease ran out while the guard did not run, and is "
			"not begun anew unless the table fills again",
		[CUSTODY_FLUSHED] = "another tool replaced the ruleset",
		[CUSTODY_REMOVED] = "table inet ctkit was deleted",
		[CUSTODY_CHANGED] =
			"its rules were taken away by somebody else; they are "
			"not put back unless the table fills again",
	};

	for (size_t i = 0; i < report->count; i++)
		tell_loss(rounds, report->services[i],
			  report->held[i]
				  ? "the rule that kept it out, which was not the "
				    "guard's, has ended"
				  : CAUSES[report->loss[i]]);
	/* It is the table's deletion, so all that is lost is judged alike. */
	if (report->loss[0] == CUSTODY_REMOVED)
		remedy_stand_down(rounds->remedy);
	for (size_t i = 0; i < report->count; i++) {
		if (report->loss[i] == CUSTODY_FLUSHED && !report->held[i])
			remedy_restore(rounds->remedy, report->services[i]);
	}
}

static void inspect(struct rounds *rounds)
{
	struct custody_report report;
	int err;

	rounds->measured_ns = clock_now_ns();
	err = custody_check(&rounds->custody, rounds->measured_ns, &report);
	if (err)
		trouble_note(rounds->trouble, "read the rules and their counters", err);
	if (report.count)
		face_loss(rounds, &report);
}

/* What is refreshed must still be there: a refresh would bring it back without a decision. */
static void refresh(struct rounds *rounds)
{
	struct apply_why why;
	bool current;
	int err;

	rounds->refreshed_ns = clock_now_ns();
	inspect(rounds);
	current = vetting_is_current(rounds->warrant.vetting);
	err = leases_refresh(rounds->leases, &why);
	vetting_keep(rounds->warrant.vetting, current);
	if (err)
		log_warn(rounds->log, "could not refresh the leases: %s", why.text);
}

static void on_refresh(struct ev_loop *loop, ev_timer *timer, int revents)
{
	struct rounds *rounds = timer->data;

	if (enter(rounds)) {
		refresh(rounds);
		leave(rounds);
	}
}

static void on_met(size_t i, void *data)
{
	const struct rounds *rounds = data;
	const char *name = lookout_view(rounds->lookout)->services[i].name;
	struct text text = { 0 };

	text_add(
		&text,
		"somebody else has made rules that keep %s out of tracking, and they are "
		"left so",
		name);
	journal_about(rounds->journal, "adopt", name, text_str(&text));
	text_free(&text);
}

/* What others take out is known before it is decided how much goes. */
static void meet(struct rounds *rounds)
{
	int err = leases_meet(rounds->leases, clock_now_ns(), on_met, rounds);

	if (err)
		trouble_note(rounds->trouble, "see what others take out of tracking",
			     err);
}

/* To see whether anything moved costs microseconds; to read the rules costs more. */
static void keep_current(struct rounds *rounds)
{
	const struct vetting *vetting = rounds->warrant.vetting;
	uint32_t generation;
	int err = ruleset_generation(rounds->remedy->nl, &generation);

	if (err || generation != leases_generation(rounds->leases))
		meet(rounds);
	if (err || !vetting_is_of(vetting, generation))
		warrant_review(&rounds->warrant);
}

static void inspect_if_moved(struct rounds *rounds)
{
	bool moved;
	int err;

	keep_current(rounds);
	warrant_ask_for_looks(&rounds->warrant);
	err = custody_moved(&rounds->custody, &moved);
	if (err)
		trouble_note(rounds->trouble, "read the ruleset's generation", err);
	if (!moved &&
	    clock_between_s(rounds->measured_ns, clock_now_ns()) < MEASURE_EVERY_S)
		return;
	inspect(rounds);
	outcome_count(rounds->remedy);
}

/* Inspects if that is due before the next look, which is in next_s. Returns seconds until that must be. */
static double inspect_in_time(struct rounds *rounds, double next_s)
{
	double every_s =
		leases_any(rounds->leases) ? INSPECT_EVERY_S : IDLE_INSPECT_EVERY_S;
	double due_s = every_s - clock_between_s(rounds->inspected_ns, clock_now_ns());

	/* To wake up costs more than either. */
	if (due_s > next_s / 2)
		return fmin(next_s, due_s);
	inspect_if_moved(rounds);
	rounds->inspected_ns = clock_now_ns();
	return fmin(next_s, every_s);
}

/*
 * Whether the table has left a good part of the way to the mark behind: what is known of the rules
 * must be up to date before it gets there.
 */
static bool has_neared(struct rounds *rounds)
{
	const struct policy_view *view = lookout_view(rounds->lookout);
	double mark = rounds->remedy->config->policy.engage_at * view->limit;
	double way;

	if (view->entries < rounds->lowest)
		rounds->lowest = view->entries;
	way = mark - rounds->lowest;
	if (way <= 0 || view->entries - rounds->lowest < NEARED_PART * way)
		return false;
	rounds->lowest = view->entries;
	return true;
}

static void look(struct rounds *rounds)
{
	struct policy_decision decision;
	int err = lookout_decide(rounds->lookout, &decision);

	rounds->remedy->deeds.looks++;
	if (err)
		trouble_note(rounds->trouble,
			     "read the table or the addresses of this host", err);
	warrant_apply(&rounds->warrant, &decision);
	if (has_neared(rounds))
		keep_current(rounds);
}

/* A look may have had to wait for the kernel. */
static bool refresh_is_late(const struct rounds *rounds)
{
	return clock_between_s(rounds->refreshed_ns, clock_now_ns()) >=
	       rounds->refresh.repeat;
}

/* The table is about to reach the mark, and the loop waits for whole milliseconds. */
static void look_closely(struct rounds *rounds)
{
	for (int i = 0; i < CLOSE_LOOKS; i++) {
		double next_s = lookout_next_s(rounds->lookout);
		/* Only slept where it is less than LOOP_S, so there are no whole seconds. */
		const struct timespec pause = { .tv_nsec = (long)(next_s * 1e9) };

		if (next_s >= LOOP_S || refresh_is_late(rounds))
			return;
		nanosleep(&pause, NULL);
		look(rounds);
	}
}

/* Whether there is nothing for a look to do, nor will be before the next. */
static bool is_still(struct rounds *rounds)
{
	double within_s = fmin(STILL_S, rounds->patience_s) - rounds->look.repeat;

	if (!lookout_is_still(rounds->lookout, within_s))
		return false;
	rounds->remedy->deeds.looks++;
	return true;
}

static void on_look(struct ev_loop *loop, ev_timer *timer, int revents)
{
	struct rounds *rounds = timer->data;
	double next_s = lookout_next_s(rounds->lookout);

	/* The timer repeats as it is: what decides when to look has hardly moved. */
	if (is_still(rounds))
		return;
	if (enter(rounds)) {
		look(rounds);
		look_closely(rounds);
		next_s = inspect_in_time(rounds, lookout_next_s(rounds->lookout));
		leave(rounds);
	}
	rounds->patience_s =
		rounds->looked(rounds->data, lookout_view(rounds->lookout)->now_ns);
	timer->repeat = fmin(next_s, rounds->patience_s);
	ev_timer_again(loop, timer);
}

void rounds_start(struct rounds *rounds, double lease_s)
{
	double refresh_s = lease_s / REFRESHES_PER_LEASE;

	ev_timer_init(&rounds->look, on_look, 0, POLICY_POLL_MIN_MS / 1e3);
	ev_timer_init(&rounds->refresh, on_refresh, refresh_s, refresh_s);
	/* A look that is due, too, comes after that. */
	ev_set_priority(&rounds->refresh, EV_MAXPRI);
	rounds->refreshed_ns = clock_now_ns();
	rounds->look.data = rounds->refresh.data = rounds;
	rounds->inspected_ns = clock_now_ns();
	rounds->custody = (struct custody){
		.nl = rounds->remedy->nl,
		.leases = rounds->leases,
		.lease_s = lease_s,
	};
	ev_timer_start(rounds->loop, &rounds->look);
	ev_timer_start(rounds->loop, &rounds->refresh);
}

void rounds_look_now(struct rounds *rounds)
{
	/* As if its time had come; on_look() sets the next anew. */
	ev_feed_event(rounds->loop, &rounds->look, EV_TIMER);
}

void rounds_stop(struct rounds *rounds)
{
	ev_timer_stop(rounds->loop, &rounds->look);
	ev_timer_stop(rounds->loop, &rounds->refresh);
}
