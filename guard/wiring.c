// SPDX-License-Identifier: GPL-2.0-or-later
#include "guard/wiring.h"

#include <errno.h>
#include <ev.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "guard/budget.h"
#include "guard/config.h"
#include "guard/desk.h"
#include "guard/dispatch.h"
#include "guard/journal.h"
#include "guard/liaison.h"
#include "guard/notes.h"
#include "guard/refit.h"
#include "guard/roll.h"
#include "guard/startup.h"
#include "guard/status.h"
#include "guard/wards.h"
#include "lib/clock.h"
#include "lib/log.h"
#include "lib/text.h"

enum { WHY_BYTES = 1000 };

struct guard {
	struct guard_setup setup;
	struct config config;
	struct config wanted; /* the next, while a reload is under way */
	const struct log *log;
	struct journal *journal;
	struct ev_loop *loop;
	ev_signal interrupt;
	ev_signal terminate;
	ev_signal hangup;
	struct wards wards;
	struct roll *roll;
	struct dispatch dispatch;
	struct desk desk;
	struct liaison liaison;
};

static void on_interrupt(struct ev_loop *loop, ev_signal *watcher, int revents)
{
	struct guard *guard = watcher->data;

	dispatch_want(&guard->dispatch, DISPATCH_STOP);
}

static void on_terminate(struct ev_loop *loop, ev_signal *watcher, int revents)
{
	struct guard *guard = watcher->data;

	dispatch_want(&guard->dispatch, DISPATCH_END);
}

/* Reads the next configuration; what is wrong with it leaves the present one alone. */
static int prepare(void *data, char *why, size_t size)
{
	struct guard *guard = data;
	struct text reason = { 0 };
	int err = guard->setup.reread(&guard->wanted, &reason, guard->setup.data);

	if (!err && strcmp(guard->wanted.netns, guard->config.netns) != 0) {
		text_add(&reason, "netns cannot change while the guard runs");
		err = -EINVAL;
	}
	if (!err)
		/* Tried before it is promised, as an order is answered before the swap. */
		err = desk_prepare(&guard->desk, &guard->config, &guard->wanted, &reason);
	if (err) {
		snprintf(why, size, "the configuration stays as it is: %s",
			 text_str(&reason));
		log_error(guard->log, "%s", why);
	}
	if (!err && strcmp(guard->wanted.control, guard->config.control) != 0)
		log_warn(guard->log, "control: orders come to the same place until the "
				     "guard is started anew");
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
	dispatch_want(&guard->dispatch, DISPATCH_RELOAD);
}

/*
 * Stopping what was never started does no harm. Not for a reload: without a watcher a signal would
 * end the process.
 */
static void stop_signals(struct guard *guard)
{
	ev_signal_stop(guard->loop, &guard->interrupt);
	ev_signal_stop(guard->loop, &guard->terminate);
	ev_signal_stop(guard->loop, &guard->hangup);
}

/* The file is open for the time of one event only: so another name is all it takes. */
static void keep_journal(struct guard *guard)
{
	guard->journal->logbook.path =
		guard->config.journal[0] ? guard->config.journal : NULL;
}

static double on_looked(void *data, uint64_t looked_ns)
{
	struct guard *guard = data;
	struct status status;

	/* After each look, of each namespace: made only where there is a manager to hear it. */
	if (liaison_listens(&guard->liaison)) {
		dispatch_status(&guard->dispatch, &status);
		liaison_look(&guard->liaison, &status, looked_ns);
	}
	return liaison_patience_s(&guard->liaison);
}

static int open_wards(struct guard *guard, struct text *why)
{
	const struct ward_setup setup = {
		.config = &guard->config,
		.roll = guard->roll,
		.log = guard->log,
		.journal = guard->journal,
		.legacy = guard->setup.legacy,
		.rehearse = guard->setup.rehearse,
		.guarded = &guard->wards.count,
		.looked = on_looked,
		.data = guard,
	};

	return wards_open(&guard->wards, &setup, why);
}

static void start_signals(struct guard *guard)
{
	ev_signal_init(&guard->interrupt, on_interrupt, SIGINT);
	ev_signal_init(&guard->terminate, on_terminate, SIGTERM);
	ev_signal_init(&guard->hangup, on_hangup, SIGHUP);
	guard->interrupt.data = guard->terminate.data = guard->hangup.data = guard;
	ev_signal_start(guard->loop, &guard->interrupt);
	ev_signal_start(guard->loop, &guard->terminate);
	ev_signal_start(guard->loop, &guard->hangup);
}

/* In which namespace is not told: where nothing is new, refit_ward() finds that soon. */
static void on_registered(void *data)
{
	const struct guard *guard = data;
	struct text why = { 0 };

	for (size_t i = 0; i < guard->wards.count; i++) {
		if (refit_ward(guard->wards.list[i], &why))
			log_error(guard->log,
				  "what is registered could not be taken over: %s",
				  text_str(&why));
	}
	text_free(&why);
}

/* With a full table a local send fails with EPERM: that may be the first sign of it */
static void on_send_refused(uint64_t netns, void *data)
{
	const struct guard *guard = data;
	struct ward *ward = wards_find(&guard->wards, netns);

	if (ward)
		rounds_look_now(&ward->rounds);
}

static bool is_guarded(uint64_t netns, void *data)
{
	return wards_find(&((struct guard *)data)->wards, netns) != NULL;
}

static bool is_busy(const struct roll_service *service, void *data)
{
	const struct guard *guard = data;
	const struct ward *ward = wards_find(&guard->wards, service->netns);

	return ward && refit_is_out(ward, &service->service);
}

static void start_roll(struct guard *guard)
{
	const struct roll_ears ears = {
		.changed = on_registered,
		.refused = on_send_refused,
		.guards = is_guarded,
		.busy = is_busy,
		.data = guard,
	};

	roll_start(guard->roll, guard->loop, &ears);
}

static int open_all(struct guard *guard, struct text *why)
{
	int err = roll_open(&guard->roll, &guard->config, guard->journal);

	if (err) {
		text_add(why, "%s", strerror(-err));
		return err;
	}
	guard->dispatch.roll = guard->roll;
	/* Wards have something to tell already when they are opened. */
	keep_journal(guard);
	err = open_wards(guard, why);
	if (!err)
		err = desk_open(&guard->desk, &guard->config, guard->setup.rehearse,
				guard->log, why);
	if (err)
		return err;
	/* libev aborts when it runs out of descriptors. */
	err = startup_descriptors();
	if (!err)
		/* NOENV: LIBEV_FLAGS of whoever starts it is not to choose how this waits. */
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
	guard->dispatch = (struct dispatch){
		.config = &guard->config,
		.journal = guard->journal,
		.wards = &guard->wards,
		.rehearse = guard->setup.rehearse,
		.check = setup->reread ? prepare : NULL,
		.data = guard,
		.started_ns = clock_now_ns(),
	};
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
	if (guard->loop)
		stop_signals(guard);
	wards_close(&guard->wards);
	roll_close(guard->roll);
	if (guard->loop)
		ev_loop_destroy(guard->loop);
	liaison_close(&guard->liaison);
	free(guard);
}

/*
 * Swaps the next configuration in: until all wards are prepared an error leaves the present one
 * alone, after that it does not. What is out stays out.
 */
static int swap(struct guard *guard, struct text *why)
{
	struct config present = guard->config;
	int err = wards_hand_over(&guard->wards, &guard->wanted, why);

	if (err)
		return err;
	guard->config = guard->wanted;
	err = wards_prepare(&guard->wards, why);
	if (err) {
		guard->config = present;
		return err;
	}
	desk_move(&guard->desk);
	keep_journal(guard);
	return wards_swap(&guard->wards, why);
}

/* Tells the journal what it guards since that event. */
static void tell(const struct guard *guard, const char *event)
{
	notes_hello(guard->journal, event, &guard->config, guard->wards.count);
	budget_warn(&guard->config, guard->log);
}

/* Tells the service manager that it guards now. */
static void be_ready(struct guard *guard)
{
	struct status status;

	dispatch_status(&guard->dispatch, &status);
	liaison_ready(&guard->liaison, &status);
}

static void reload(struct guard *guard)
{
	struct text why = { 0 };
	int err;

	liaison_reloading(&guard->liaison);
	wards_stop(&guard->wards);
	err = swap(guard, &why);
	if (err)
		log_error(guard->log, "the configuration could not be taken over: %s",
			  text_str(&why));
	else
		tell(guard, "reload");
	text_free(&why);
	wards_start(&guard->wards, guard->loop);
	roll_review(guard->roll);
	/* Also where it failed: the manager waits for the end of a reload (sd_notify(3)). */
	be_ready(guard);
}

int guard_run(struct guard *guard)
{
	int err = 0;

	guard->dispatch.loop = guard->loop;
	start_roll(guard);
	desk_start(&guard->desk, guard->loop, &guard->dispatch);
	start_signals(guard);
	wards_start(&guard->wards, guard->loop);
	tell(guard, "start");
	for (size_t i = 0; i < guard->wards.count; i++)
		ward_tell_adopted(guard->wards.list[i]);
	be_ready(guard);
	/* Of many, some are always idle. */
	if (!guard->config.netns[0])
		ward_say_if_inactive(guard->wards.list[0]);
	for (;;) {
		/* Only what runs in the loop wishes something, so nothing is forgotten. */
		guard->dispatch.wish = DISPATCH_NONE;
		ev_run(guard->loop, 0);
		if (guard->dispatch.wish != DISPATCH_RELOAD)
			break;
		reload(guard);
	}
	liaison_stopping(&guard->liaison);
	if (guard->dispatch.wish == DISPATCH_STOP)
		err = wards_withdraw(&guard->wards);
	wards_say_goodbye(&guard->wards);
	if (guard->wards.count)
		return err;
	/* That is what wards.c broke the loop for. */
	log_error(guard->log, "no network namespace is left to guard");
	return -ENOENT;
}
