// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/opener.h"

#include <errno.h>
#include <signal.h>

#include "lib/clock.h"
#include "server/load.h"

/*
 * How often the waits and the orders are looked at. Fifty processes that do so every
 * millisecond would be a load of their own.
 */
enum { LOOK_NS = 50 * CLOCK_NS_PER_MS, FIRST_LOOK_NS = 2 * CLOCK_NS_PER_MS };

/*
 * Behind schedule, opening gets as much time as reading took since it last was given some, and this
 * much at least: what is open must not keep the rest from being opened, nor the reverse.
 */
static const uint64_t OPEN_LEAST_NS = UINT64_C(2) * CLOCK_NS_PER_MS;

/*
 * Events are collected for so long before they are looked at: it is chunks that are counted
 * here, not latency, and to be woken up for each one costs more than to read it.
 */
static const double COLLECT_S = 0.005;

static uint64_t order(const uint64_t *time_ns)
{
	return __atomic_load_n(time_ns, __ATOMIC_RELAXED);
}

uint32_t opener_passed_ms(const struct opener *opener, uint64_t now_ns)
{
	return (uint32_t)((now_ns - order(&opener->orders->start_ns)) / CLOCK_NS_PER_MS);
}

static void note_lateness(struct opener *opener, uint64_t due_ns, uint64_t now_ns)
{
	struct clients_count *count = opener->count;

	if (now_ns < due_ns + LOAD_LATE_NS)
		return;
	count->late++;
	if (now_ns - due_ns > count->max_late_ns)
		count->max_late_ns = now_ns - due_ns;
}

/* Returns when to come back. */
static uint64_t open_due(struct opener *opener, uint64_t now_ns)
{
	const struct share *share = &opener->share->share;
	uint64_t pause_ns = now_ns - opener->opened_ns;
	uint64_t stop_ns = now_ns + (pause_ns > OPEN_LEAST_NS ? pause_ns : OPEN_LEAST_NS);

	while (now_ns < stop_ns && opener->next < opener->mine) {
		uint64_t number = share_number(share, opener->next);
		uint64_t due_ns = pacer_time_ns(&opener->pacer, number);

		now_ns = clock_now_ns();
		if (now_ns >= order(&opener->orders->stop_opening_ns))
			break;
		if (now_ns < due_ns)
			return due_ns;
		note_lateness(opener, due_ns, now_ns);
		opener->open(opener, opener->next++, number, now_ns);
	}
	return opener->next < opener->mine ? now_ns : now_ns + LOOK_NS;
}

/* Does what is due now. Returns when to come back at the latest. */
static uint64_t work(struct opener *opener, uint64_t now_ns)
{
	uint64_t start_ns = order(&opener->orders->start_ns);
	uint64_t next_ns;

	if (!start_ns || now_ns < start_ns)
		return now_ns + FIRST_LOOK_NS;
	if (!opener->started) {
		pacer_start(&opener->pacer, start_ns, opener->share->load->rate);
		opener->opened_ns = now_ns;
	}
	opener->started = true;
	next_ns = open_due(opener, now_ns);
	opener->opened_ns = clock_now_ns();
	opener->look(opener, now_ns);
	return next_ns < now_ns + LOOK_NS ? next_ns : now_ns + LOOK_NS;
}

static void on_tick(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct opener *opener = ev_userdata(loop);
	uint64_t end_ns = order(&opener->orders->end_ns);
	uint64_t now_ns = clock_now_ns();
	uint64_t next_ns;

	if (end_ns && now_ns >= end_ns) {
		ev_break(loop, EVBREAK_ALL);
		return;
	}
	next_ns = work(opener, now_ns);
	if (end_ns && next_ns > end_ns)
		next_ns = end_ns;
	now_ns = clock_now_ns();
	/* libev counts from when it woke up. */
	ev_now_update(loop);
	ev_timer_set(w, next_ns > now_ns ? clock_between_s(now_ns, next_ns) : 0, 0);
	ev_timer_start(loop, w);
}

static void on_signal(struct ev_loop *loop, ev_signal *w, int revents)
{
	ev_break(loop, EVBREAK_ALL);
}

static void start_watchers(struct opener *opener)
{
	sigset_t set;

	ev_set_userdata(opener->loop, opener);
	ev_set_io_collect_interval(opener->loop, COLLECT_S);
	ev_timer_init(&opener->tick, on_tick, 0, 0);
	ev_timer_start(opener->loop, &opener->tick);
	ev_signal_init(&opener->interrupt, on_signal, SIGINT);
	ev_signal_start(opener->loop, &opener->interrupt);
	ev_signal_init(&opener->terminate, on_signal, SIGTERM);
	ev_signal_start(opener->loop, &opener->terminate);
	/* The parent has them blocked, to read them from a signalfd; libev wants to be interrupted. */
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
}

int opener_run(struct opener *opener)
{
	opener->mine = share_size(&opener->share->share);
	opener->loop = ev_loop_new(EVFLAG_NOENV | EVBACKEND_EPOLL);
	if (!opener->loop)
		return -ENOMEM;
	start_watchers(opener);
	ev_run(opener->loop, 0);
	opener->close_all(opener);
	ev_signal_stop(opener->loop, &opener->interrupt);
	ev_signal_stop(opener->loop, &opener->terminate);
	ev_timer_stop(opener->loop, &opener->tick);
	ev_loop_destroy(opener->loop);
	return order(&opener->orders->end_ns) ? 0 : -EINTR;
}
