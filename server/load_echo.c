// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/load_echo.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "lib/args.h"
#include "lib/clock.h"
#include "lib/log.h"
#include "server/crew.h"
#include "server/dial.h"
#include "server/echoer.h"
#include "server/poller.h"
#include "server/progress.h"

enum { DESCRIPTORS_SPARE = 32, EVENTS = 8 };

/* Messages a second that one process sends without effort: a second one would only be woken. */
enum { WORTH_A_PROCESS = 20000 };

/* How often the parent looks at what its children did. */
static const uint64_t LOOK_NS = UINT64_C(20) * CLOCK_NS_PER_MS;

/* So much later than they should children may end before they are killed. */
static const uint64_t END_NS = UINT64_C(10) * CLOCK_NS_PER_S;

struct echo {
	const struct load *load;
	struct crew *crew;
	struct poller *poller;
	struct progress progress;
	struct echoer_orders *orders;
	unsigned processes;
	unsigned stuck;
	uint64_t end_ns; /* when all should have ended */
	bool stopping;   /* they were told to */
};

static uint64_t flows_per_process(void)
{
	uint64_t descriptors = dial_raise_descriptors();

	return descriptors > DESCRIPTORS_SPARE ? descriptors - DESCRIPTORS_SPARE : 1;
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t processes(const struct load *load)
{
	uint64_t per_process = flows_per_process();
	uint64_t needed = (load->flows + per_process - 1) / per_process;
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	uint64_t useful = least(cpus > 0 ? (uint64_t)cpus : 1, load->flows);

	if (load->processes > 0)
		return load->processes;
	useful = load->rate > 0 ? least(useful, load->rate / WORTH_A_PROCESS + 1)
				: least(useful, load->window);
	return needed > useful ? needed : useful;
}

int load_echo_check(const struct load *load, struct args_why *why)
{
	uint64_t count = processes(load);
	uint64_t room = flows_per_process();

	if (count > CREW_MAX || (load->flows + count - 1) / count > room)
		snprintf(why->text, sizeof(why->text),
			 "%" PRIu64 " flows want more than %" PRIu64
			 " processes of %" PRIu64 " descriptors (RLIMIT_NOFILE)",
			 load->flows, least(count, CREW_MAX), room);
	else if (count > load->flows)
		snprintf(why->text, sizeof(why->text),
			 "%" PRIu64
			 " processes want as many --flows at least, not %" PRIu64,
			 count, load->flows);
	else if (load->rate == 0 && count > load->window)
		snprintf(why->text, sizeof(why->text),
			 "%" PRIu64 " processes want a --window of as many at least, not "
			 "%" PRIu64,
			 count, load->window);
	else
		return 0;
	return -ERANGE;
}

static int work(const struct crew_job *job, unsigned index, void *slot, void *shared)
{
	const struct echo *echo = job->data;
	const struct echoer_share share = {
		.load = echo->load,
		.processes = echo->processes,
		.index = index,
	};

	return echoer_run(&share, slot, shared) ? 1 : 0;
}

static const struct echoer_count *count_of(const struct echo *echo, unsigned i)
{
	return crew_slot(echo->crew, i);
}

/* Whether each child has connected what it can, or ended; how many flows are connected. */
static bool all_ready(const struct echo *echo, uint64_t *connected)
{
	bool ready = true;

	*connected = 0;
	for (unsigned i = 0; i < echo->processes; i++) {
		const struct echoer_count *count = count_of(echo, i);

		ready &= __atomic_load_n(&count->ready, __ATOMIC_ACQUIRE) ||
			 crew_pid(echo->crew, i) == 0;
		*connected += count->connected;
	}
	return ready;
}

/* The counts only: what the progress line and the end of the run need often. */
static void add_counts(const struct echo *echo, struct echo_result *sum)
{
	for (unsigned i = 0; i < echo->processes; i++) {
		const struct echo_result *part = &count_of(echo, i)->result;

		sum->sent += part->sent;
		sum->received += part->received;
		sum->lost += part->lost;
	}
}

static void add_rest(struct echo_result *sum, const struct echo_result *part)
{
	sum->received_late += part->received_late;
	sum->duplicates += part->duplicates;
	sum->unexpected += part->unexpected;
	sum->refused += part->refused;
	sum->overruns += part->overruns;
	sum->outcome.late += part->outcome.late;
	if (part->outcome.max_late_ns > sum->outcome.max_late_ns)
		sum->outcome.max_late_ns = part->outcome.max_late_ns;
	sum->outcome.cut_short |= part->outcome.cut_short;
	hist_merge(&sum->latency_ns, &part->latency_ns);
	tally_merge(&sum->errors, &part->errors);
}

/* What a child that was killed had sent and not got back is outstanding for ever. */
static void sum_up(const struct echo *echo, struct echo_result *sum)
{
	uint64_t last_ns = echo->orders->start_ns;

	*sum = (struct echo_result){
		.processes = echo->processes,
		.broken = crew_broken(echo->crew),
		.stuck = echo->stuck,
		.outcome.stopped_by = poller_signal(echo->poller),
	};
	sum->outcome.missing = sum->broken + sum->stuck > 0;
	add_counts(echo, sum);
	for (unsigned i = 0; i < echo->processes; i++) {
		const struct echoer_count *count = count_of(echo, i);

		add_rest(sum, &count->result);
		if (count->last_ns > last_ns)
			last_ns = count->last_ns;
	}
	sum->outstanding = sum->sent - sum->received - sum->lost;
	sum->seconds = clock_between_s(echo->orders->start_ns, last_ns);
	if (echo->load->rate > 0)
		sum->seconds += 1.0 / (double)echo->load->rate;
	if (sum->seconds > 0)
		sum->rate = (double)sum->received / sum->seconds;
}

static void look(const struct echo *echo)
{
	struct epoll_event events[EVENTS];

	poller_wait(echo->poller, clock_now_ns() + LOOK_NS, events, EVENTS);
}

/* The clock of the run starts when all that will connect have. Returns 0 or -errno. */
static int start(struct echo *echo)
{
	struct tally errors = { 0 };
	uint64_t connected, now_ns;

	while (crew_running(echo->crew) > 0 && !all_ready(echo, &connected) &&
	       !poller_signal(echo->poller))
		look(echo);
	all_ready(echo, &connected);
	for (unsigned i = 0; i < echo->processes; i++)
		tally_merge(&errors, &count_of(echo, i)->result.errors);
	if (connected == 0)
		return -(tally_worst(&errors) ?: ETIMEDOUT);
	if (connected < echo->load->flows)
		log_warn(echo->load->log,
			 "only %" PRIu64 " of %" PRIu64
			 " flows have a connection: the others count as errors",
			 connected, echo->load->flows);
	now_ns = clock_now_ns();
	progress_start(&echo->progress, echo->load->log, now_ns);
	echo->end_ns = now_ns + echo->load->duration_ns + echo->load->wait_ns + END_NS;
	__atomic_store_n(&echo->orders->start_ns, now_ns, __ATOMIC_RELEASE);
	return 0;
}

/* Without one of them, what is left is not the load that was asked for. */
static void stop_if_due(struct echo *echo)
{
	if (echo->stopping ||
	    (!poller_signal(echo->poller) && crew_broken(echo->crew) == 0))
		return;
	echo->stopping = true;
	echo->end_ns = clock_now_ns() + END_NS;
	crew_signal(echo->crew, SIGTERM);
}

static void run(struct echo *echo)
{
	while (crew_running(echo->crew) > 0 && clock_now_ns() < echo->end_ns) {
		struct echo_result sum = { 0 };

		stop_if_due(echo);
		add_counts(echo, &sum);
		progress_tell(&echo->progress, clock_now_ns(), "sent", sum.sent,
			      "received", sum.received);
		look(echo);
	}
	echo->stuck = crew_running(echo->crew);
	/* A signal to the whole group may have ended the children before we looked. */
	look(echo);
}

int load_echo_run(const struct load *load, struct echo_result *out)
{
	struct echo echo = { .load = load, .processes = (unsigned)processes(load) };
	struct crew_job job = {
		.work = work,
		.data = &echo,
		.slot_bytes = sizeof(struct echoer_count),
		.shared_bytes = sizeof(struct echoer_orders),
	};
	/* Before the children: what they inherit is blocked signals, not signals missed. */
	int err = poller_open(&echo.poller);

	if (err)
		return err;
	err = crew_open(&echo.crew, echo.processes, &job);
	if (!err) {
		echo.orders = crew_shared(echo.crew);
		err = start(&echo);
	}
	if (!err) {
		run(&echo);
		sum_up(&echo, out);
	}
	crew_close(echo.crew);
	poller_close(echo.poller);
	return err;
}
