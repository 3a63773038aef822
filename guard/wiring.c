// SPDX-License-Identifier: GPL-2.0-or-later
#include "guard/wiring.h"

#include <errno.h>
#include <ev.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conntrack/active.h"
#include "guard/config.h"
#include "guard/journal.h"
#include "guard/lease.h"
#include "guard/lock.h"
#include "guard/lookout.h"
#include "guard/notes.h"
#include "guard/policy.h"
#include "guard/remedy.h"
#include "guard/trouble.h"
#include "lib/clock.h"
#include "lib/log.h"
#include "lib/nl.h"
#include "lib/text.h"

/* What the event loop opens: epoll, a pipe or an eventfd for signals, a timer. */
enum { LOOP_DESCRIPTORS = 5 };

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
	ev_signal hangup;
	int lock_fd;
	struct lookout *lookout;
	struct leases *leases;
	struct nl *nl;
	struct trouble trouble;
	struct remedy remedy;
	bool withdraw; /* take the rules away at the end */
};

static const char *name_of(const struct guard *guard, size_t i)
{
	return lookout_view(guard->lookout)->services[i].name;
}

static void on_look(struct ev_loop *loop, ev_timer *timer, int revents)
{
	struct guard *guard = timer->data;
	struct policy_decision decision;
	int err = lookout_decide(guard->lookout, &decision);

	if (err)
		trouble_note(&guard->trouble,
			     "read the table or the addresses of this host", err);
	remedy_apply(&guard->remedy, &decision);
	timer->repeat = lookout_next_s(guard->lookout);
	ev_timer_again(loop, timer);
}

/* Rules of ours are gone: not put back behind whoever took them away. */
static void on_lost(size_t i, void *data)
{
	struct guard *guard = data;
	struct text text = { 0 };

	text_add(&text,
		 "%s is tracked again: its rules ran out or were taken away by somebody "
		 "else; "
		 "they are not put back unless the table fills again",
		 name_of(guard, i));
	journal_note(guard->journal, "lost", text_str(&text));
	text_free(&text);
}

static void measure(struct guard *guard)
{
	int err = leases_measure(guard->leases, clock_now_ns(), on_lost, guard);

	if (err)
		trouble_note(&guard->trouble, "read the counters", err);
}

/* What is refreshed must still be there: a refresh would bring it back without a decision. */
static void refresh(struct guard *guard)
{
	struct apply_why why;
	int err;

	measure(guard);
	err = leases_refresh(guard->leases, &why);
	if (err)
		log_warn(guard->log, "could not refresh the leases: %s", why.text);
}

static void on_refresh(struct ev_loop *loop, ev_timer *timer, int revents)
{
	refresh(timer->data);
}

static void on_measure(struct ev_loop *loop, ev_timer *timer, int revents)
{
	measure(timer->data);
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
		text_add(why, "another ctguard runs in this network namespace (or a "
			      "program that "
			      "has its lock, the abstract Unix socket @ctkit/ctguard)");
		break;
	default: text_add(why, "cannot start: %s", strerror(-err)); break;
	}
}

/* Stopping what was never started does no harm. */
static void stop_watchers(struct guard *guard)
{
	ev_timer_stop(guard->loop, &guard->look);
	ev_timer_stop(guard->loop, &guard->refresh);
	ev_timer_stop(guard->loop, &guard->measure);
	ev_signal_stop(guard->loop, &guard->interrupt);
	ev_signal_stop(guard->loop, &guard->terminate);
	ev_signal_stop(guard->loop, &guard->hangup);
}

static int open_kernel(struct guard *guard)
{
	int err = leases_open(&guard->leases, guard->config, guard->rehearse);

	if (!err)
		err = lookout_open(&guard->lookout, guard->config, guard->leases,
				   guard->rehearse);
	if (!err)
		err = nl_open(&guard->nl, NETLINK_NETFILTER);
	if (!err)
		err = reclaim_probe(guard->nl, &guard->remedy.reclaim_way);
	if (err)
		return err;
	guard->remedy.config = guard->config;
	guard->remedy.log = guard->log;
	guard->remedy.journal = guard->journal;
	guard->remedy.lookout = guard->lookout;
	guard->remedy.leases = guard->leases;
	guard->remedy.trouble = &guard->trouble;
	guard->remedy.nl = guard->nl;
	guard->remedy.rehearse = guard->rehearse;
	return 0;
}

static void start_watchers(struct guard *guard)
{
	double refresh_s = guard->config->lease_s / REFRESHES_PER_LEASE;

	ev_timer_init(&guard->look, on_look, 0, POLICY_POLL_MIN_MS / 1e3);
	ev_timer_init(&guard->refresh, on_refresh, refresh_s, refresh_s);
	ev_timer_init(&guard->measure, on_measure, MEASURE_EVERY_S, MEASURE_EVERY_S);
	ev_signal_init(&guard->interrupt, on_interrupt, SIGINT);
	ev_signal_init(&guard->terminate, on_terminate, SIGTERM);
	ev_signal_init(&guard->hangup, on_terminate, SIGHUP);
	guard->look.data = guard->refresh.data = guard->measure.data = guard;
	guard->interrupt.data = guard->terminate.data = guard->hangup.data = guard;
	ev_timer_start(guard->loop, &guard->look);
	ev_timer_start(guard->loop, &guard->refresh);
	ev_timer_start(guard->loop, &guard->measure);
	ev_signal_start(guard->loop, &guard->interrupt);
	ev_signal_start(guard->loop, &guard->terminate);
	ev_signal_start(guard->loop, &guard->hangup);
}

/* Whether the loop will find the descriptors that it needs. */
static int spare_descriptors(void)
{
	int fds[LOOP_DESCRIPTORS];
	int count = 0, err = 0;

	while (count < LOOP_DESCRIPTORS) {
		fds[count] = open("/dev/null", O_RDONLY | O_CLOEXEC);
		if (fds[count] < 0) {
			err = -errno;
			break;
		}
		count++;
	}
	while (count > 0)
		close(fds[--count]);
	return err;
}

static int open_all(struct guard *guard, struct text *why)
{
	struct apply_why reason;
	int err;

	/* A rehearsal is in nobody's way. */
	if (!guard->rehearse)
		guard->lock_fd = lock_take();
	err = guard->lock_fd < 0 && !guard->rehearse ? guard->lock_fd
						     : open_kernel(guard);
	if (err) {
		explain(err, why);
		return err;
	}
	err = leases_adopt(guard->leases, clock_now_ns(), &reason);
	if (err > 0)
		err = leases_refresh(guard->leases, &reason);
	if (err < 0) {
		text_add(why, "%s", reason.text);
		return err;
	}
	/* libev aborts when it runs out of descriptors. */
	err = spare_descriptors();
	if (!err)
		guard->loop = ev_loop_new(EVFLAG_NOENV);
	if (!guard->loop)
		text_add(why, "cannot make an event loop: %s",
			 strerror(err ? -err : ENOMEM));
	return guard->loop ? 0 : -ENOMEM;
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
	guard->trouble.log = log;
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
	if (guard->loop) {
		stop_watchers(guard);
		ev_loop_destroy(guard->loop);
	}
	lookout_close(guard->lookout);
	leases_close(guard->leases);
	nl_close(guard->nl);
	if (guard->lock_fd >= 0)
		close(guard->lock_fd);
	free(guard);
}

/* A guard of a table that nothing fills would look broken. */
static void say_if_inactive(struct guard *guard)
{
	enum active active = ACTIVE_UNKNOWN;

	if (lookout_view(guard->lookout)->entries == 0 &&
	    active_probe(guard->nl, &active) == 0 && active == ACTIVE_NO)
		log_warn(guard->log,
			 "connections are not tracked in this network namespace now: "
			 "there is nothing to guard until a rule needs tracking");
}

int guard_run(struct guard *guard)
{
	const struct policy_view *view = lookout_view(guard->lookout);
	int err = 0;

	start_watchers(guard);
	notes_hello(guard->journal, guard->config, guard->leases, view);
	say_if_inactive(guard);
	ev_run(guard->loop, 0);
	if (guard->withdraw)
		err = remedy_withdraw(&guard->remedy);
	notes_goodbye(guard->journal, guard->config, guard->leases, view,
		      guard->trouble.count);
	return err;
}
