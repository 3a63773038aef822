// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/supervisor.h"

#include <errno.h>
#include <ev.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/log.h"
#include "server/backoff.h"
#include "server/binding.h"
#include "server/board.h"
#include "server/context.h"
#include "server/duty.h"
#include "server/quota.h"
#include "server/stats.h"

enum { MS_PER_S = 1000 };

static const double RESTART_S = 1; /* if a worker could not be started: the next try */
static const double GRACE_S = 1;   /* for a worker to end after its drain */
static const double SAME_SIGNAL_S =
	0.25; /* timeout(1) signals the process and its group */

struct slot {
	pid_t pid; /* 0: none runs */
	struct backoff backoff;
};

struct supervisor {
	const struct supervisor_task *task;
	struct ev_loop *loop;
	struct stats *stats;
	ev_signal term, interrupt, hangup, replace;
	ev_child child;
	ev_timer report, restart, grace;
	uint64_t stopping_ns; /* since when; valid if stopping */
	unsigned running;
	bool stopping;
	bool restart_due; /* something may be started now */
	struct slot slots[];
};

static void kill_all(const struct supervisor *supervisor, int number)
{
	for (unsigned i = 0; i < supervisor->task->workers; i++)
		if (supervisor->slots[i].pid)
			kill(supervisor->slots[i].pid, number);
}

/* What a dead worker had open is closed now. */
static void settle(struct supervisor *supervisor, unsigned number)
{
	struct stats *stats = board_slot(supervisor->task->board, number);
	uint64_t open = stats_get(stats, STAT_CONNS_OPEN);

	stats_add(stats, STAT_CONNS_CLOSED, open);
	stats_drop(stats, STAT_CONNS_OPEN, open);
	/* Those whom it fed come again, or not. */
	stats_drop(stats, STAT_SUBSCRIBERS, stats_get(stats, STAT_SUBSCRIBERS));
	if (supervisor->task->quota)
		quota_settle(supervisor->task->quota, number);
	if (supervisor->task->udp_quota)
		quota_settle(supervisor->task->udp_quota, number);
}

/* What became of a worker, and what comes of it. */
static void explain(const struct supervisor *supervisor, pid_t pid, int status,
		    const struct backoff *backoff, unsigned delay_ms)
{
	const struct log *log = supervisor->task->log;
	char end[80];
	char next[80] = "starting another";

	if (WIFSIGNALED(status))
		snprintf(end, sizeof(end), "was ended by signal %d (%s)",
			 WTERMSIG(status), strsignal(WTERMSIG(status)));
	else
		snprintf(end, sizeof(end), "ended with status %d", WEXITSTATUS(status));
	if (delay_ms > 0)
		snprintf(next, sizeof(next),
			 "number %u in a row that died at once; the next one starts in "
			 "%us",
			 backoff->young, delay_ms / MS_PER_S);
	log_warn(log, "worker %d %s; %s", (int)pid, end, next);
}

/* The timer is set to the first start that is due. */
static void plan_restart(struct supervisor *supervisor)
{
	uint64_t now_ns = clock_now_ns();
	double first_s = -1;

	for (unsigned i = 0; i < supervisor->task->workers; i++) {
		const struct slot *slot = &supervisor->slots[i];
		double delay_s = clock_between_s(now_ns, slot->backoff.due_ns);

		if (slot->pid)
			continue;
		if (first_s < 0 || delay_s < first_s)
			first_s = delay_s > 0 ? delay_s : 0;
	}
	ev_timer_stop(supervisor->loop, &supervisor->restart);
	if (first_s < 0)
		return;
	ev_timer_set(&supervisor->restart, first_s, 0);
	ev_timer_start(supervisor->loop, &supervisor->restart);
}

static void on_child(struct ev_loop *loop, ev_child *w, int revents)
{
	struct supervisor *supervisor = w->data;
	struct slot *slot;
	unsigned delay_ms;
	unsigned i = 0;

	while (i < supervisor->task->workers && supervisor->slots[i].pid != w->rpid)
		i++;
	if (i == supervisor->task->workers)
		return;
	supervisor->slots[i].pid = 0;
	supervisor->running--;
	settle(supervisor, i);
	if (supervisor->stopping) {
		if (supervisor->running == 0)
			ev_break(loop, EVBREAK_ALL);
		return;
	}
	slot = &supervisor->slots[i];
	delay_ms = backoff_died(&slot->backoff, clock_now_ns());
	explain(supervisor, w->rpid, w->rstatus, &slot->backoff, delay_ms);
	stats_add(supervisor->stats, STAT_WORKER_RESTARTS, 1);
	plan_restart(supervisor);
}

/* Forking is left to supervisor_run(): the child must not come back into the loop. */
static void on_restart(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct supervisor *supervisor = w->data;

	supervisor->restart_due = true;
	ev_break(loop, EVBREAK_ALL);
}

/* The supervisor prints, so that no worker ever waits for a slow reader of stdout. */
static void on_report(struct ev_loop *loop, ev_timer *w, int revents)
{
	const struct supervisor_task *task = ((struct supervisor *)w->data)->task;

	task->report(task->data);
}

/* A worker that is stopped or hangs must not keep the service from ending. */
static void on_grace(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct supervisor *supervisor = w->data;

	log_warn(supervisor->task->log, "%u workers did not end in time: killed",
		 supervisor->running);
	kill_all(supervisor, SIGKILL);
}

/* The first one drains, the second one ends everything at once. */
static void on_stop(struct ev_loop *loop, ev_signal *w, int revents)
{
	struct supervisor *supervisor = w->data;
	uint64_t now_ns = clock_now_ns();

	if (supervisor->stopping) {
		if (clock_between_s(supervisor->stopping_ns, now_ns) > SAME_SIGNAL_S)
			kill_all(supervisor, SIGKILL);
		return;
	}
	supervisor->stopping = true;
	supervisor->stopping_ns = now_ns;
	log_info(supervisor->task->log, "stopping: new connections are refused");
	duty_stopping(supervisor->task->duty);
	/* The last count of what the kernel dropped goes with the sockets. */
	stats_add(supervisor->stats, STAT_UDP_OVERFLOWS,
		  binding_overflows(supervisor->task->bindings));
	binding_stop(supervisor->task->bindings);
	kill_all(supervisor, SIGTERM);
	ev_timer_set(&supervisor->grace, supervisor->task->settings->drain_s + GRACE_S,
		     0);
	ev_timer_start(loop, &supervisor->grace);
	if (supervisor->running == 0)
		ev_break(loop, EVBREAK_ALL);
}

/* First the supervisor, then the workers: what it could not do they need not try. */
static void on_hangup(struct ev_loop *loop, ev_signal *w, int revents)
{
	struct supervisor *supervisor = w->data;

	if (duty_hangup(supervisor->task->duty))
		on_stop(loop, w, revents);
	else
		kill_all(supervisor, SIGHUP);
}

/* Who comes next is told who served before, to end them once there are others. */
static void on_replace(struct ev_loop *loop, ev_signal *w, int revents)
{
	struct supervisor *supervisor = w->data;
	const struct supervisor_task *task = supervisor->task;
	pid_t *workers;
	unsigned count = 0;

	if (supervisor->stopping)
		return;
	workers = calloc(task->workers, sizeof(*workers));
	if (!workers) {
		log_warn(task->log, "cannot be replaced: out of memory");
		return;
	}
	for (unsigned i = 0; i < task->workers; i++)
		if (supervisor->slots[i].pid)
			workers[count++] = supervisor->slots[i].pid;
	duty_replace(task->duty, workers, count);
	free(workers);
}

/* In the child: leaves the parent's loop and sockets alone, and dies with the parent. */
static void become_worker(struct supervisor *supervisor, unsigned number, pid_t parent)
{
	struct ev_loop *loop = supervisor->loop;

	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		raise(SIGTERM); /* it died before prctl(); blocked until it can be handled */
	ev_signal_stop(loop, &supervisor->term);
	ev_signal_stop(loop, &supervisor->interrupt);
	ev_signal_stop(loop, &supervisor->hangup);
	ev_signal_stop(loop, &supervisor->replace);
	duty_close(supervisor->task->duty);
	ev_loop_destroy(loop);
	binding_keep(supervisor->task->bindings, number);
}

/* Starts every worker that does not run and is due. Returns SUPERVISOR_IS_WORKER in a child, or -errno. */
static int start_missing(struct supervisor *supervisor, unsigned *worker)
{
	pid_t parent = getpid();

	for (unsigned i = 0; i < supervisor->task->workers; i++) {
		struct slot *slot = &supervisor->slots[i];
		pid_t pid;

		if (slot->pid || slot->backoff.due_ns > clock_now_ns())
			continue;
		pid = fork();
		if (pid < 0)
			return -errno;
		if (pid == 0) {
			become_worker(supervisor, i, parent);
			*worker = i;
			return SUPERVISOR_IS_WORKER;
		}
		slot->pid = pid;
		backoff_started(&slot->backoff, clock_now_ns());
		supervisor->running++;
	}
	return SUPERVISOR_ENDED;
}

/* With all signals blocked, so that a child gets none before it can tell what it means. */
static int start_blocked(struct supervisor *supervisor, unsigned *worker)
{
	sigset_t all, old;
	int err;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &old);
	err = start_missing(supervisor, worker);
	if (err != SUPERVISOR_IS_WORKER)
		sigprocmask(SIG_SETMASK, &old, NULL);
	return err;
}

/* Some were started, one could not be: ends those. */
static void give_up(struct supervisor *supervisor)
{
	kill_all(supervisor, SIGKILL);
	for (unsigned i = 0; i < supervisor->task->workers; i++)
		if (supervisor->slots[i].pid)
			waitpid(supervisor->slots[i].pid, NULL, 0);
}

static void watch(struct supervisor *supervisor)
{
	struct ev_loop *loop = supervisor->loop;
	double report_s = supervisor->task->report_s;
	sigset_t none;

	ev_signal_init(&supervisor->term, on_stop, SIGTERM);
	ev_signal_init(&supervisor->interrupt, on_stop, SIGINT);
	ev_signal_init(&supervisor->hangup, on_hangup, SIGHUP);
	ev_signal_init(&supervisor->replace, on_replace, SIGUSR2);
	/* Before the ends of workers that a signal to the whole group has reached as well. */
	ev_set_priority(&supervisor->term, EV_MAXPRI);
	ev_set_priority(&supervisor->interrupt, EV_MAXPRI);
	ev_child_init(&supervisor->child, on_child, 0, 0);
	ev_timer_init(&supervisor->report, on_report, report_s, report_s);
	ev_timer_init(&supervisor->restart, on_restart, 0, 0);
	ev_timer_init(&supervisor->grace, on_grace, 0, 0);
	supervisor->term.data = supervisor->interrupt.data = supervisor;
	supervisor->hangup.data = supervisor->replace.data = supervisor;
	supervisor->child.data = supervisor->report.data = supervisor;
	supervisor->restart.data = supervisor->grace.data = supervisor;
	ev_signal_start(loop, &supervisor->term);
	ev_signal_start(loop, &supervisor->interrupt);
	ev_signal_start(loop, &supervisor->hangup);
	ev_signal_start(loop, &supervisor->replace);
	ev_child_start(loop, &supervisor->child);
	if (report_s > 0)
		ev_timer_start(loop, &supervisor->report);
	/* A ctserve that was here before has blocked them. */
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Starts what is due. Returns SUPERVISOR_IS_WORKER in a child; what fails is tried again. */
static int restart(struct supervisor *supervisor, unsigned *worker)
{
	int err;

	supervisor->restart_due = false;
	err = start_blocked(supervisor, worker);
	if (err == SUPERVISOR_IS_WORKER)
		return err;
	plan_restart(supervisor);
	if (err < 0) {
		log_warn(supervisor->task->log, "cannot start a worker: %s",
			 strerror(-err));
		ev_timer_stop(supervisor->loop, &supervisor->restart);
		ev_timer_set(&supervisor->restart, RESTART_S, 0);
		ev_timer_start(supervisor->loop, &supervisor->restart);
	}
	return SUPERVISOR_ENDED;
}

/* The loop, left only to fork and to end. */
static int supervise(struct supervisor *supervisor, unsigned *worker)
{
	const struct supervisor_task *task = supervisor->task;
	int err = start_blocked(supervisor, worker);

	if (err < 0)
		give_up(supervisor);
	if (err)
		return err;
	duty_ready(task->duty, supervisor->loop);
	task->ready(task->data);
	while (!supervisor->stopping || supervisor->running > 0) {
		ev_run(supervisor->loop, 0);
		if (!supervisor->restart_due || supervisor->stopping)
			continue;
		err = restart(supervisor, worker);
		if (err == SUPERVISOR_IS_WORKER)
			return err;
	}
	return SUPERVISOR_ENDED;
}

int supervisor_run(const struct supervisor_task *task, unsigned *worker)
{
	const struct sigaction ignore = { .sa_handler = SIG_IGN };
	struct supervisor *supervisor =
		calloc(1, sizeof(*supervisor) + task->workers * sizeof(struct slot));
	int err;

	if (!supervisor)
		return -ENOMEM;
	supervisor->task = task;
	supervisor->stats = board_slot(task->board, task->workers);
	/* A reader of stdout that goes away is an error of printf(), not the end. */
	sigaction(SIGPIPE, &ignore, NULL);
	/* The default loop: only that one can watch children. */
	supervisor->loop = ev_default_loop(EVFLAG_AUTO | EVFLAG_NOENV);
	if (!supervisor->loop) {
		free(supervisor);
		return -ENOMEM;
	}
	watch(supervisor);
	err = supervise(supervisor, worker);
	if (err != SUPERVISOR_IS_WORKER) {
		duty_close(task->duty);
		ev_loop_destroy(supervisor->loop);
	}
	free(supervisor);
	return err;
}
