// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/worker.h"

#include <errno.h>
#include <ev.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/log.h"
#include "server/acceptor.h"
#include "server/batch.h"
#include "server/binding.h"
#include "server/conn.h"
#include "server/context.h"
#include "server/inbox.h"
#include "server/publish.h"
#include "server/roster.h"
#include "server/router.h"
#include "server/udp.h"

/* Timers that are served per turn of the wheel, so that sockets get their share. */
enum { TURN_MAX = 4096 };

/* What the router still passes on is waited for: looked for so often, and so long. */
static const double LAST_WORD_S = 0.005, LAST_WORD_MAX_S = 1;

struct worker {
	struct context context;
	const struct worker_task *task;
	struct batch *batch;
	struct udp *udps; /* as many as there are bindings; those of UDP are used */
	struct acceptor *acceptors; /* the same for TCP */
	struct inbox *inbox;        /* NULL: nobody publishes */
	struct router *router;      /* NULL: another worker is */
	ev_signal term, hangup;
	ev_timer deadline;  /* of the drain */
	ev_timer last_word; /* of the router */
	uint64_t stopping_ns;
	ev_prepare idle; /* looks whether the drain is done */
};

static void on_turn(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct context *context = w->data;
	uint64_t now_ns = clock_now_ns();

	for (int i = 0; i < TURN_MAX; i++) {
		struct wheel_entry *timer = wheel_expired(&context->wheel, now_ns);

		if (!timer)
			break;
		conn_due(conn_of_timer(timer));
	}
	if (context->wheel.count == 0)
		ev_timer_stop(loop, w);
}

/* What is open after the drain is cut off by close_worker(). */
static void on_deadline(struct ev_loop *loop, ev_timer *w, int revents)
{
	ev_break(loop, EVBREAK_ALL);
}

static void on_idle(struct ev_loop *loop, ev_prepare *w, int revents)
{
	const struct worker *worker = w->data;

	if (LIST_EMPTY(&worker->context.open))
		ev_break(loop, EVBREAK_ALL);
}

/* What the queues hold is served first: its senders had no way to know. */
static void stop_listening(struct worker *worker)
{
	for (size_t i = 0; i < worker->task->binding_count; i++) {
		struct binding *binding = &worker->task->bindings[i];

		if (binding->fd < 0)
			continue;
		if (binding->proto == IPPROTO_UDP)
			udp_stop(&worker->udps[i]);
		else
			acceptor_stop(&worker->acceptors[i]);
		close(binding->fd);
		binding->fd = -1;
	}
}

/* All that was published has come: feeds and other connections end. */
static void end_connections(struct worker *worker)
{
	struct context *context = &worker->context;
	struct conn *conn, *next;

	if (worker->inbox)
		inbox_stop(worker->inbox);
	for (conn = LIST_FIRST(&context->open); conn; conn = next) {
		next = LIST_NEXT(conn, entry);
		if (conn->phase == CONN_OPEN)
			conn->ops->stop(conn);
	}
	ev_prepare_start(context->loop, &worker->idle);
}

static void on_last_word(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct worker *worker = w->data;
	double waited_s = clock_between_s(worker->stopping_ns, clock_now_ns());

	if (worker->context.publish && publish_is_read(worker->context.publish) &&
	    waited_s < LAST_WORD_MAX_S)
		return;
	ev_timer_stop(loop, w);
	end_connections(worker);
}

/* A second SIGTERM changes nothing: it may reach the supervisor's group, and so us, as well. */
static void on_term(struct ev_loop *loop, ev_signal *w, int revents)
{
	struct worker *worker = w->data;
	struct context *context = &worker->context;

	if (context->stopping)
		return;
	context->stopping = true;
	worker->stopping_ns = clock_now_ns();
	stop_listening(worker);
	if (worker->router)
		router_stop(worker->router);
	ev_timer_set(&worker->deadline, context->settings->drain_s, 0);
	ev_timer_start(loop, &worker->deadline);
	ev_timer_start(loop, &worker->last_word);
	on_last_word(loop, &worker->last_word, 0);
}

/* The supervisor has tried before, and says so if it is not possible. */
static void on_hangup(struct ev_loop *loop, ev_signal *w, int revents)
{
	const struct worker *worker = w->data;

	log_reopen(worker->context.log);
}

/* Takes this worker's part in passing messages on. */
static int start_publishing(struct worker *worker)
{
	struct context *context = &worker->context;
	struct publish *publish = worker->task->publish;
	unsigned number = worker->task->number;
	int err;

	if (!publish)
		return 0;
	publish_keep(publish, number);
	context->publish = publish;
	err = roster_open(&context->roster, publish_presence(publish), number);
	if (err == 0)
		err = inbox_open(&worker->inbox, context, publish_inlet(publish, number));
	if (err == 0 && number == PUBLISH_ROUTER)
		err = router_open(&worker->router, context, publish);
	return err;
}

static int start_serving(struct worker *worker)
{
	int err = 0;

	for (size_t i = 0; i < worker->task->binding_count && err == 0; i++) {
		const struct binding *binding = &worker->task->bindings[i];

		if (binding->fd < 0)
			continue;
		if (binding->proto == IPPROTO_UDP)
			err = udp_start(&worker->udps[i], &worker->context, worker->batch,
					binding);
		else
			acceptor_start(&worker->acceptors[i], &worker->context, binding);
	}
	return err;
}

static void start_signals(struct worker *worker)
{
	const struct sigaction ignore = { .sa_handler = SIG_IGN };
	sigset_t none;

	/* Ctrl-C reaches the whole group; the supervisor decides what it means. */
	sigaction(SIGINT, &ignore, NULL);
	sigaction(SIGPIPE, &ignore, NULL);
	/* Meant for the supervisor, also if it is sent to all. */
	sigaction(SIGUSR2, &ignore, NULL);
	ev_signal_init(&worker->term, on_term, SIGTERM);
	worker->term.data = worker;
	ev_signal_start(worker->context.loop, &worker->term);
	ev_signal_init(&worker->hangup, on_hangup, SIGHUP);
	worker->hangup.data = worker;
	ev_signal_start(worker->context.loop, &worker->hangup);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static int open_worker(struct worker *worker, const struct worker_task *task)
{
	struct context *context = &worker->context;
	double tick_s;
	int err;

	worker->task = task;
	context->log = task->log;
	context->board = task->board;
	context->stats = task->stats;
	context->quota = task->quota;
	context->udp_quota = task->udp_quota;
	context->number = task->number;
	LIST_INIT(&context->open);
	/* NOENV: LIBEV_FLAGS in the environment must not choose the backend of a service. */
	context->loop = ev_loop_new(EVFLAG_AUTO | EVFLAG_NOENV);
	worker->udps = calloc(task->binding_count, sizeof(*worker->udps));
	worker->acceptors = calloc(task->binding_count, sizeof(*worker->acceptors));
	if (!context->loop || !worker->udps || !worker->acceptors)
		return -ENOMEM;
	err = context_open(context, task->settings);
	if (err == 0)
		err = batch_open(&worker->batch);
	if (err == 0)
		err = start_publishing(worker);
	if (err)
		return err;
	tick_s = (double)context->wheel.tick_ns / CLOCK_NS_PER_S;
	ev_timer_init(&context->turn, on_turn, tick_s, tick_s);
	context->turn.data = context;
	ev_timer_init(&worker->deadline, on_deadline, 0, 0);
	ev_timer_init(&worker->last_word, on_last_word, LAST_WORD_S, LAST_WORD_S);
	worker->last_word.data = worker;
	ev_prepare_init(&worker->idle, on_idle);
	worker->idle.data = worker;
	return 0;
}

static void close_worker(struct worker *worker)
{
	struct context *context = &worker->context;

	while (!LIST_EMPTY(&context->open))
		conn_close(LIST_FIRST(&context->open));
	router_close(worker->router);
	inbox_close(worker->inbox);
	roster_close(context->roster);
	batch_close(worker->batch);
	context_close(context);
	free(worker->udps);
	free(worker->acceptors);
	if (context->loop)
		ev_loop_destroy(context->loop);
	free(worker);
}

/*
 * Only on the CPUs whose datagrams it gets. Elsewhere, if it may not run on any of those, or
 * cannot be told: then steering only costs.
 */
static void stay_on_cpus(const struct worker_task *task)
{
	cpu_set_t allowed, own;

	CPU_ZERO(&own);
	if (task->workers == 0 || sched_getaffinity(0, sizeof(allowed), &allowed) < 0)
		return;
	for (unsigned cpu = task->number; cpu < CPU_SETSIZE; cpu += task->workers)
		if (CPU_ISSET(cpu, &allowed))
			CPU_SET(cpu, &own);
	if (CPU_COUNT(&own) == 0 || sched_setaffinity(0, sizeof(own), &own) < 0)
		log_warn(task->log, "worker %u has no CPU of its own to run on",
			 task->number);
}

int worker_run(const struct worker_task *task)
{
	struct worker *worker = calloc(1, sizeof(*worker));
	int err;

	if (!worker)
		return -ENOMEM;
	stay_on_cpus(task);
	err = open_worker(worker, task);
	/* A SIGTERM since the fork is still blocked, and found by the loop. */
	if (err == 0)
		err = start_serving(worker);
	if (err) {
		log_error(task->log, "a worker could not start: %s", strerror(-err));
		goto out;
	}
	start_signals(worker);
	log_debug(task->log, "worker %u serves, process %d", task->number, (int)getpid());
	ev_run(worker->context.loop, 0);
out:
	close_worker(worker);
	return err;
}
