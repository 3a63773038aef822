// SPDX-License-Identifier: GPL-2.0-or-later
#include "guard/wiring.h"

#include <errno.h>
#include <ev.h>
#include <linux/netlink.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conntrack/reclaim.h"
#include "guard/config.h"
#include "guard/journal.h"
#include "guard/lease.h"
#include "guard/lock.h"
#include "guard/lookout.h"
#include "guard/policy.h"
#include "lib/clock.h"
#include "lib/log.h"
#include "lib/nl.h"
#include "lib/text.h"

/* The same complaint is not repeated within this time. */
static const double REPEAT_AFTER_S = 10;

/* A change that failed is not tried again within this time. */
static const double RETRY_AFTER_S = 1;

/* Refreshes that may fail before a lease ends. */
static const double REFRESHES_PER_LEASE = 4;

/* How often packet counters are read while a service is out. */
static const double MEASURE_EVERY_S = 1;

struct guard {
	const struct config *config;
	const struct log *log;
	struct journal *journal;
	bool rehearse;
	struct ev_loop *loop;
	ev_timer look;
	ev_timer refresh;
	ev_timer measure;
	ev_signal interrupt;
	ev_signal terminate;
	int lock_fd;
	struct lookout *lookout;
	struct leases *leases;
	struct nl *nl; /* deletes entries */
	enum reclaim_way reclaim_way;
	uint64_t
		complained_ns; /* last word about a table that cannot be relieved; 0: none */
	uint64_t retry_ns;     /* no change before this, because one failed */
	uint64_t errors;       /* looks, readings and measurements that failed */
	bool withdraw;         /* take the rules away at the end */
};

static bool within(uint64_t then_ns, uint64_t now_ns, double seconds)
{
	return then_ns && clock_between_s(then_ns, now_ns) < seconds;
}

static const char *name_of(const struct guard *guard, size_t i)
{
	return lookout_view(guard->lookout)->services[i].name;
}

/* Counts an error and tells the first: a broken table must not fill the log. */
static void note_error(struct guard *guard, const char *what, int err)
{
	if (guard->errors++ == 0)
		log_warn(guard->log, "cannot %s: %s; going on", what, strerror(-err));
}

/* Deletes what the service has in the table: its packets no longer keep or need it. */
static void reclaim(struct guard *guard, size_t i)
{
	const struct service *service = &guard->config->services[i].service;
	uint32_t before = lookout_view(guard->lookout)->entries;
	uint64_t start_ns = clock_now_ns();
	uint32_t after;
	int err;

	/* An address may have come since the last census; what is known does for the others. */
	err = lookout_read_local(guard->lookout);
	if (err)
		note_error(guard, "read the addresses of this host", err);
	err = 0;
	if (!guard->rehearse)
		err = reclaim_service(guard->nl, guard->reclaim_way, service,
				      lookout_local(guard->lookout), NULL);
	if (err)
		log_warn(guard->log,
			 "could not delete the entries of %s: %s; they end by timeout",
			 name_of(guard, i), strerror(-err));
	err = lookout_restart(guard->lookout, &after);
	if (err)
		note_error(guard, "count the table", err);
	else if (!guard->rehearse)
		journal_effect(guard->journal, name_of(guard, i), before, after,
			       clock_between_s(start_ns, clock_now_ns()));
}

/* Carries out ENGAGE and RELEASE. */
static void act(struct guard *guard, const struct policy_decision *decision)
{
	const struct policy_view *view = lookout_view(guard->lookout);
	size_t i = decision->service;
	struct apply_why why;
	int err;

	if (view->now_ns < guard->retry_ns)
		return;
	if (decision->action == POLICY_ENGAGE)
		err = leases_engage(guard->leases, i, view->now_ns, &why);
	else
		err = leases_release(guard->leases, i, &why);
	if (err) {
		journal_failure(guard->journal, view, decision, why.text);
		guard->retry_ns =
			view->now_ns + (uint64_t)(RETRY_AFTER_S * CLOCK_NS_PER_S);
		return;
	}
	journal_decision(guard->journal, view, decision,
			 clock_between_s(view->now_ns, clock_now_ns()));
	guard->complained_ns = 0;
	if (decision->action == POLICY_ENGAGE)
		reclaim(guard, i);
}

/* A rehearsal leaves the table as full as it is: its own pretended steps are no helplessness. */
static void complain(struct guard *guard, const struct policy_decision *decision)
{
	const struct policy_view *view = lookout_view(guard->lookout);

	if (guard->rehearse && leases_count(guard->leases) > 0)
		return;
	if (within(guard->complained_ns, view->now_ns, REPEAT_AFTER_S))
		return;
	guard->complained_ns = view->now_ns;
	journal_decision(guard->journal, view, decision,
			 clock_between_s(view->now_ns, clock_now_ns()));
}

static void on_look(struct ev_loop *loop, ev_timer *timer, int revents)
{
	struct guard *guard = timer->data;
	struct policy_decision decision;
	int err = lookout_decide(guard->lookout, &decision);

	if (err)
		note_error(guard, "read the table or the addresses of this host", err);
	if (decision.action == POLICY_ENGAGE || decision.action == POLICY_RELEASE)
		act(guard, &decision);
	else if (decision.action == POLICY_HELPLESS)
		complain(guard, &decision);
	timer->repeat = lookout_next_s(guard->lookout);
	ev_timer_again(loop, timer);
}

static void on_refresh(struct ev_loop *loop, ev_timer *timer, int revents)
{
	struct guard *guard = timer->data;
	struct apply_why why;
	int err = leases_refresh(guard->leases, &why);

	/* That the rules are gone is noticed, and told, by the next measurement. */
	if (err && err != -ENOENT)
		log_warn(guard->log, "could not refresh the leases: %s", why.text);
}

static void on_measure(struct ev_loop *loop, ev_timer *timer, int revents)
{
	struct guard *guard = timer->data;
	size_t lost = 0;
	int err = leases_measure(guard->leases, clock_now_ns(), &lost);

	if (err)
		note_error(guard, "read the counters", err);
	if (lost)
		journal_note(guard->journal, "lost",
			     "rules of ours were taken away by somebody else; they are "
			     "not put "
			     "back unless the table fills again");
}

static void on_interrupt(struct ev_loop *loop, ev_signal *watcher, int revents)
{
	struct guard *guard = watcher->data;

	guard->withdraw = true;
	ev_break(loop, EVBREAK_ALL);
}

static void on_terminate(struct ev_loop *loop, ev_signal *watcher, int revents)
{
	ev_break(loop, EVBREAK_ALL);
}

static void explain(int err, struct text *why)
{
	switch (err) {
	case -EPERM:
		text_add(why,
			 "no CAP_NET_ADMIN in this network namespace: cannot read the "
			 "connection-tracking table or change its rules");
		break;
	case -ENOENT:
	case -EOPNOTSUPP:
	case -EINVAL:
	case -EPROTONOSUPPORT:
		text_add(why, "this kernel has no connection tracking by netlink: %s",
			 strerror(-err));
		break;
	case -EADDRINUSE:
		text_add(why, "another ctguard runs in this network namespace");
		break;
	default: text_add(why, "%s", strerror(-err)); break;
	}
}

static int open_kernel(struct guard *guard)
{
	int err = leases_open(&guard->leases, guard->config, guard->rehearse);

	if (!err)
		err = lookout_open(&guard->lookout, guard->config, guard->leases);
	if (!err)
		err = nl_open(&guard->nl, NETLINK_NETFILTER);
	if (!err)
		err = reclaim_probe(guard->nl, &guard->reclaim_way);
	return err;
}

static void start_watchers(struct guard *guard)
{
	double refresh_s = guard->config->lease_s / REFRESHES_PER_LEASE;

	ev_timer_init(&guard->look, on_look, 0, POLICY_POLL_MIN_MS / 1e3);
	ev_timer_init(&guard->refresh, on_refresh, refresh_s, refresh_s);
	ev_timer_init(&guard->measure, on_measure, MEASURE_EVERY_S, MEASURE_EVERY_S);
	ev_signal_init(&guard->interrupt, on_interrupt, SIGINT);
	ev_signal_init(&guard->terminate, on_terminate, SIGTERM);
	guard->look.data = guard->refresh.data = guard->measure.data = guard;
	guard->interrupt.data = guard->terminate.data = guard;
	ev_timer_start(guard->loop, &guard->look);
	ev_timer_start(guard->loop, &guard->refresh);
	ev_timer_start(guard->loop, &guard->measure);
	ev_signal_start(guard->loop, &guard->interrupt);
	ev_signal_start(guard->loop, &guard->terminate);
}

static int open_all(struct guard *guard, struct text *why)
{
	struct apply_why reason;
	int err;

	guard->lock_fd = lock_take();
	err = guard->lock_fd < 0 ? guard->lock_fd : open_kernel(guard);
	if (err) {
		explain(err, why);
		return err;
	}
	err = leases_adopt(guard->leases, clock_now_ns(), &reason);
	if (err < 0) {
		text_add(why, "%s", reason.text);
		return err;
	}
	guard->loop = ev_loop_new(EVFLAG_NOENV);
	if (!guard->loop) {
		text_add(why, "cannot make an event loop");
		return -ENOMEM;
	}
	return 0;
}

int guard_open(struct guard **out, const struct config *config, struct journal *journal,
	       const struct log *log, bool rehearse, struct text *why)
{
	struct guard *guard = calloc(1, sizeof(*guard));
	int err;

	if (!guard) {
		text_add(why, "%s", strerror(ENOMEM));
		return -ENOMEM;
	}
	guard->config = config;
	guard->journal = journal;
	guard->log = log;
	guard->rehearse = rehearse;
	guard->lock_fd = -1;
	err = open_all(guard, why);
	if (err) {
		guard_close(guard);
		return err;
	}
	*out = guard;
	return 0;
}

void guard_close(struct guard *guard)
{
	if (!guard)
		return;
	if (guard->loop)
		ev_loop_destroy(guard->loop);
	lookout_close(guard->lookout);
	leases_close(guard->leases);
	nl_close(guard->nl);
	if (guard->lock_fd >= 0)
		close(guard->lock_fd);
	free(guard);
}

/* The services that are out of tracking, for a sentence. */
static void list_engaged(const struct guard *guard, struct text *names)
{
	for (size_t i = 0; i < guard->config->count; i++) {
		if (leases_engaged(guard->leases, i))
			text_add(names, "%s%s", names->length ? ", " : "",
				 name_of(guard, i));
	}
}

static void say_hello(struct guard *guard)
{
	const struct policy_settings *policy = &guard->config->policy;
	struct text text = { 0 };

	text_add(&text,
		 "guarding%s: ", guard->rehearse ? " (dry run: nothing is changed)" : "");
	for (size_t i = 0; i < guard->config->count; i++)
		text_add(&text, "%s%s", i ? ", " : "", name_of(guard, i));
	text_add(&text, "; engage at %g%% or %gs before full, release at %g%%, lease %gs",
		 100 * policy->engage_at, policy->horizon_s, 100 * policy->release_at,
		 guard->config->lease_s);
	journal_note(guard->journal, "start", text_str(&text));
	text_free(&text);
	if (leases_count(guard->leases) == 0)
		return;
	text_add(&text, "took over the leases of an earlier guard: ");
	list_engaged(guard, &text);
	journal_note(guard->journal, "adopt", text_str(&text));
	text_free(&text);
}

static int withdraw(struct guard *guard)
{
	int result = 0;

	for (size_t i = 0; i < guard->config->count; i++) {
		struct apply_why why;
		int err;

		if (!leases_engaged(guard->leases, i))
			continue;
		err = leases_release(guard->leases, i, &why);
		if (!err)
			continue;
		log_error(guard->log, "could not give back %s: %s", name_of(guard, i),
			  why.text);
		result = err;
	}
	return result;
}

static int say_goodbye(struct guard *guard)
{
	struct text names = { 0 };
	struct text text = { 0 };
	int err = 0;

	list_engaged(guard, &names);
	if (!names.length) {
		text_add(&text, "ends; nothing is out of tracking");
	} else if (guard->withdraw) {
		err = withdraw(guard);
		text_add(&text, "ends; gave back %s", text_str(&names));
	} else {
		text_add(&text,
			 "ends; %s: leases run out within %gs, unless a guard takes them "
			 "over",
			 text_str(&names), guard->config->lease_s);
	}
	if (!err)
		journal_note(guard->journal, "stop", text_str(&text));
	text_free(&names);
	text_free(&text);
	return err;
}

int guard_run(struct guard *guard)
{
	start_watchers(guard);
	say_hello(guard);
	ev_run(guard->loop, 0);
	return say_goodbye(guard);
}
