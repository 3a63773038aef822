// SPDX-License-Identifier: GPL-2.0-or-later
#include "guard/wiring.h"

#include <errno.h>
#include <ev.h>
#include <linux/netlink.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conntrack/active.h"
#include "guard/chores.h"
#include "guard/config.h"
#include "guard/desk.h"
#include "guard/journal.h"
#include "guard/lease.h"
#include "guard/liaison.h"
#include "guard/lock.h"
#include "guard/lookout.h"
#include "guard/notes.h"
#include "guard/orders.h"
#include "guard/outcome.h"
#include "guard/policy.h"
#include "guard/post.h"
#include "guard/remedy.h"
#include "guard/rounds.h"
#include "guard/startup.h"
#include "guard/trouble.h"
#include "lib/clock.h"
#include "lib/log.h"
#include "lib/nl.h"
#include "lib/text.h"

enum { WHY_BYTES = 1000 };

struct guard {
	struct guard_setup setup;
	struct config config;
	struct config wanted; /* the next, while a reload is under way */
	const struct log *log;
	struct journal *journal;
	bool rehearse;
	struct ev_loop *loop;
	ev_signal interrupt;
	ev_signal terminate;
	ev_signal hangup;
	int lock_fd;
	struct post post;
	struct chores *chores;
	struct nl *nl;
	struct trouble trouble;
	struct rounds rounds;
	struct remedy remedy;
	struct orders orders;
	struct desk desk;
	struct liaison liaison;
};

static void on_interrupt(struct ev_loop *loop, ev_signal *watcher, int revents)
{
	struct guard *guard = watcher->data;

	guard->orders.wish = ORDERS_STOP;
	ev_break(loop, EVBREAK_ALL);
}

static void on_terminate(struct ev_loop *loop, ev_signal *watcher, int revents)
{
	struct guard *guard = watcher->data;

	guard->orders.wish = ORDERS_NONE;
	ev_break(loop, EVBREAK_ALL);
}

/* Reads the next configuration; what is wrong with it leaves the present one alone. */
static int prepare(void *data, char *why, size_t size)
{
	struct guard *guard = data;
	struct text reason = { 0 };
	int err = guard->setup.reread(&guard->wanted, &reason, guard->setup.data);

	if (err) {
		snprintf(why, size, "the configuration stays as it is: %s",
			 text_str(&reason));
		log_error(guard->log, "%s", why);
	}
	text_free(&reason);
	return err;
}

/* Without a file to read again there is only one thing that a lost terminal can mean. */
static void on_hangup(struct ev_loop *loop, ev_signal *watcher, int revents)
{
	struct guard *guard = watcher->data;
	char why[WHY_BYTES];

	if (!guard->setup.reread) {
		on_terminate(loop, watcher, revents);
		return;
	}
	if (prepare(guard, why, sizeof(why)))
		return;
	guard->orders.wish = ORDERS_RELOAD;
	ev_break(loop, EVBREAK_ALL);
}

/* Stopping what was never started does no harm. */
static void stop_watchers(struct guard *guard)
{
	rounds_stop(&guard->rounds);
	ev_signal_stop(guard->loop, &guard->interrupt);
	ev_signal_stop(guard->loop, &guard->terminate);
	ev_signal_stop(guard->loop, &guard->hangup);
}

/* Tells the others of the leases and the lookout that there are now. */
static void introduce(struct guard *guard)
{
	guard->remedy.config = guard->orders.config = &guard->config;
	guard->remedy.lookout = guard->orders.lookout = guard->post.lookout;
	guard->remedy.leases = guard->orders.leases = guard->post.leases;
	guard->journal->logbook.path =
		guard->config.journal[0] ? guard->config.journal : NULL;
	guard->rounds.lookout = guard->post.lookout;
	guard->rounds.leases = guard->post.leases;
	guard->rounds.warrant = (struct warrant){
		.vetting = guard->post.vetting,
		.lookout = guard->post.lookout,
		.leases = guard->post.leases,
		.remedy = &guard->remedy,
		.journal = guard->journal,
		.trouble = &guard->trouble,
	};
}

static int open_kernel(struct guard *guard)
{
	int err = chores_open(&guard->chores);

	if (!err)
		err = post_open(&guard->post, &guard->config, guard->setup.legacy,
				guard->chores, guard->rehearse);
	if (!err)
		err = nl_open(&guard->nl, NETLINK_NETFILTER);
	if (err)
		return err;
	guard->remedy.log = guard->log;
	guard->remedy.journal = guard->orders.journal = guard->journal;
	guard->remedy.trouble = &guard->trouble;
	guard->remedy.nl = guard->nl;
	guard->remedy.custody = &guard->rounds.custody;
	guard->remedy.chores = guard->chores;
	guard->remedy.rehearse = guard->rehearse;
	guard->orders.trouble = guard->rounds.trouble = &guard->trouble;
	guard->orders.remedy = guard->rounds.remedy = &guard->remedy;
	guard->rounds.log = guard->log;
	guard->rounds.liaison = &guard->liaison;
	guard->rounds.orders = &guard->orders;
	guard->rounds.journal = guard->journal;
	guard->orders.check = guard->setup.reread ? prepare : NULL;
	guard->orders.data = guard;
	guard->orders.started_ns = clock_now_ns();
	introduce(guard);
	return 0;
}

/* What is taken over must still be safe, too. */
static int adopt(struct guard *guard, struct text *why)
{
	struct apply_why reason;
	int err = leases_adopt(guard->post.leases, clock_now_ns(), &reason);

	if (err > 0)
		err = leases_refresh(guard->post.leases, &reason);
	if (err >= 0) {
		warrant_review(&guard->rounds.warrant);
		err = leases_arm(guard->post.leases, &reason);
	}
	if (err < 0)
		text_add(why, "%s", reason.text);
	return err < 0 ? err : 0;
}

static void start_watchers(struct guard *guard)
{
	guard->rounds.loop = guard->loop;
	rounds_start(&guard->rounds, guard->config.lease_s);
	ev_signal_init(&guard->interrupt, on_interrupt, SIGINT);
	ev_signal_init(&guard->terminate, on_terminate, SIGTERM);
	ev_signal_init(&guard->hangup, on_hangup, SIGHUP);
	guard->interrupt.data = guard->terminate.data = guard->hangup.data = guard;
	ev_signal_start(guard->loop, &guard->interrupt);
	ev_signal_start(guard->loop, &guard->terminate);
	ev_signal_start(guard->loop, &guard->hangup);
}

static int open_all(struct guard *guard, struct text *why)
{
	int err;

	/* A rehearsal is in nobody's way. */
	if (!guard->rehearse)
		guard->lock_fd = lock_take();
	err = guard->lock_fd < 0 && !guard->rehearse ? guard->lock_fd
						     : open_kernel(guard);
	if (err) {
		startup_explain(err, why);
		return err;
	}
	err = adopt(guard, why);
	if (!err)
		err = desk_open(&guard->desk, &guard->config, guard->rehearse, guard->log,
				why);
	if (err)
		return err;
	/* libev aborts when it runs out of descriptors. */
	err = startup_descriptors();
	if (!err)
		guard->loop = ev_loop_new(EVFLAG_NOENV);
	if (!guard->loop)
		text_add(why, "cannot make an event loop: %s",
			 strerror(err ? -err : ENOMEM));
	return guard->loop ? 0 : -ENOMEM;
}

int guard_open(struct guard **out, const struct guard_setup *setup, struct text *why)
{
	struct guard *guard = calloc(1, sizeof(*guard));
	int err;

	if (!guard) {
		text_add(why, "%s", strerror(ENOMEM));
		return -ENOMEM;
	}
	guard->setup = *setup;
	guard->config = *setup->config;
	guard->journal = setup->journal;
	guard->log = setup->log;
	guard->trouble.log = setup->log;
	guard->rehearse = setup->rehearse;
	guard->lock_fd = -1;
	liaison_open(&guard->liaison, guard->log);
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
	desk_close(&guard->desk);
	chores_close(guard->chores);
	if (guard->loop) {
		stop_watchers(guard);
		ev_loop_destroy(guard->loop);
	}
	post_close(&guard->post);
	nl_close(guard->nl);
	liaison_close(&guard->liaison);
	if (guard->lock_fd >= 0)
		close(guard->lock_fd);
	free(guard);
}

/* A guard of a table that nothing fills would look broken. */
static void say_if_inactive(struct guard *guard)
{
	enum active active = ACTIVE_UNKNOWN;

	if (lookout_view(guard->post.lookout)->entries == 0 &&
	    active_probe(guard->nl, &active) == 0 && active == ACTIVE_NO)
		log_warn(guard->log,
			 "connections are not tracked in this network namespace now: "
			 "there is nothing to guard until a rule needs tracking");
}

/* Swaps the next configuration in, all of it or nothing. What is out stays out. */
static int swap(struct guard *guard, struct text *why)
{
	struct config present = guard->config;
	struct post post;
	int err = desk_move(&guard->desk, &present, &guard->wanted, why);

	if (!err)
		err = post_hand_over(&guard->post, &guard->config, &guard->wanted,
				     &guard->remedy, why);
	if (err)
		return err;
	/* The new ones keep a pointer to it. */
	guard->config = guard->wanted;
	err = post_open(&post, &guard->config, guard->setup.legacy, guard->chores,
			guard->rehearse);
	if (err) {
		guard->config = present;
		text_add(why, "%s", strerror(-err));
		return err;
	}
	post_close(&guard->post);
	guard->post = post;
	introduce(guard);
	return adopt(guard, why);
}

/* Tells the journal and the service manager that it guards now. */
static void greet(struct guard *guard)
{
	const struct status status = orders_status(&guard->orders);

	notes_hello(guard->journal, &guard->config, guard->post.leases,
		    lookout_view(guard->post.lookout));
	liaison_ready(&guard->liaison, &status);
}

static void reload(struct guard *guard)
{
	struct text why = { 0 };
	int err;

	liaison_reloading(&guard->liaison);
	stop_watchers(guard);
	err = swap(guard, &why);
	if (err)
		log_error(guard->log, "the configuration could not be taken over: %s",
			  text_str(&why));
	text_free(&why);
	start_watchers(guard);
	greet(guard);
}

static void on_chore(const struct chore *chore, void *data)
{
	struct guard *guard = data;

	outcome_note(&guard->remedy, chore);
}

int guard_run(struct guard *guard)
{
	int err = 0;

	guard->orders.loop = guard->loop;
	desk_start(&guard->desk, guard->loop, &guard->orders, &guard->remedy.deeds,
		   guard->nl);
	chores_start(guard->chores, guard->loop, on_chore, guard);
	start_watchers(guard);
	greet(guard);
	say_if_inactive(guard);
	for (;;) {
		guard->orders.wish = ORDERS_NONE;
		ev_run(guard->loop, 0);
		if (guard->orders.wish != ORDERS_RELOAD)
			break;
		reload(guard);
	}
	liaison_stopping(&guard->liaison);
	if (guard->orders.wish == ORDERS_STOP)
		err = remedy_withdraw(&guard->remedy);
	notes_goodbye(guard->journal, &guard->config, guard->post.leases,
		      lookout_view(guard->post.lookout), guard->trouble.count);
	return err;
}
