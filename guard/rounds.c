// SPDX-License-Identifier: GPL-2.0-or-later
#include "guard/rounds.h"

#include "guard/journal.h"
#include "guard/lease.h"
#include "guard/lookout.h"
#include "guard/policy.h"
#include "guard/remedy.h"
#include "guard/trouble.h"
#include "lib/clock.h"
#include "lib/log.h"
#include "lib/text.h"

/* Refreshes that may fail before a lease ends. */
static const double REFRESHES_PER_LEASE = 4;

/* How often packet counters are read while a service is out. */
static const double MEASURE_EVERY_S = 1;

static void on_look(struct ev_loop *loop, ev_timer *timer, int revents)
{
	struct rounds *rounds = timer->data;
	struct policy_decision decision;
	int err = lookout_decide(rounds->lookout, &decision);

	rounds->remedy->record.looks++;

	if (err)
		trouble_note(rounds->trouble,
			     "read the table or the addresses of this host", err);
	remedy_apply(rounds->remedy, &decision);
	timer->repeat = lookout_next_s(rounds->lookout);
	ev_timer_again(loop, timer);
}

/* Rules of ours are gone: not put back behind whoever took them away. */
static void on_lost(size_t i, void *data)
{
	struct rounds *rounds = data;
	struct text text = { 0 };

	text_add(&text,
		 "%s is tracked again: its rules ran out or were taken away by somebody "
		 "else; "
		 "they are not put back unless the table fills again",
		 lookout_view(rounds->lookout)->services[i].name);
	journal_about(rounds->journal, "lost",
		      lookout_view(rounds->lookout)->services[i].name, text_str(&text));
	text_free(&text);
}

static void measure(struct rounds *rounds)
{
	int err = leases_measure(rounds->leases, clock_now_ns(), on_lost, rounds);

	if (err)
		trouble_note(rounds->trouble, "read the counters", err);
}

/* What is refreshed must still be there: a refresh would bring it back without a decision. */
static void refresh(struct rounds *rounds)
{
	struct apply_why why;
	int err;

	measure(rounds);
	err = leases_refresh(rounds->leases, &why);
	if (err)
		log_warn(rounds->log, "could not refresh the leases: %s", why.text);
}

static void on_refresh(struct ev_loop *loop, ev_timer *timer, int revents)
{
	refresh(timer->data);
}

static void on_measure(struct ev_loop *loop, ev_timer *timer, int revents)
{
	measure(timer->data);
}

void rounds_start(struct rounds *rounds, double lease_s)
{
	double refresh_s = lease_s / REFRESHES_PER_LEASE;

	ev_timer_init(&rounds->look, on_look, 0, POLICY_POLL_MIN_MS / 1e3);
	ev_timer_init(&rounds->refresh, on_refresh, refresh_s, refresh_s);
	ev_timer_init(&rounds->measure, on_measure, MEASURE_EVERY_S, MEASURE_EVERY_S);
	rounds->look.data = rounds->refresh.data = rounds->measure.data = rounds;
	ev_timer_start(rounds->loop, &rounds->look);
	ev_timer_start(rounds->loop, &rounds->refresh);
	ev_timer_start(rounds->loop, &rounds->measure);
}

void rounds_stop(struct rounds *rounds)
{
	ev_timer_stop(rounds->loop, &rounds->look);
	ev_timer_stop(rounds->loop, &rounds->refresh);
	ev_timer_stop(rounds->loop, &rounds->measure);
}
