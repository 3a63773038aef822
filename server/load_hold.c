// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/load_hold.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/args.h"
#include "lib/clock.h"
#include "lib/log.h"
#include "server/clients.h"
#include "server/crew.h"
#include "server/dial.h"
#include "server/frame.h"
#include "server/leases.h"
#include "server/poller.h"
#include "server/progress.h"

enum { DESCRIPTORS_SPARE = 32, EVENTS = 8 };

/* How often the parent adds up what its children did. */
static const uint64_t LOOK_NS = UINT64_C(20) * CLOCK_NS_PER_MS;

/* How long children may take to close what they hold before they are killed, and more for each. */
static const uint64_t END_NS = UINT64_C(30) * CLOCK_NS_PER_S;
static const uint64_t CLOSE_NS = UINT64_C(100) * CLOCK_NS_PER_MS / 1000;

/* How much later than they should children may have said what became of the last feed. */
static const uint64_t STAND_NS = UINT64_C(5) * CLOCK_NS_PER_S;

struct hold {
	const struct load *load;
	struct crew *crew;
	struct poller *poller;
	struct progress progress;
	struct clients_orders *orders;
	struct hold_result result;
};

static uint64_t connections_per_process(void)
{
	uint64_t descriptors = dial_raise_descriptors();

	return descriptors > DESCRIPTORS_SPARE ? descriptors - DESCRIPTORS_SPARE : 1;
}

static uint64_t processes(const struct load *load)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	return crew_size(load->count, share_room(connections_per_process()),
			 cpus > 0 ? (uint64_t)cpus : 1);
}

/* What a feed over UDP takes as id (server/frame.h): the longest number must fit. */
static int check_ids(const struct load *load, struct args_why *why)
{
	static const char PREFIX[] = "/test/";
	char longest[24];
	int digits = snprintf(longest, sizeof(longest), "%" PRIu64, load->count);

	if (strncmp(load->path_prefix, PREFIX, sizeof(PREFIX) - 1) == 0 &&
	    strlen(load->path_prefix) + (size_t)digits <= FRAME_ID_MAX)
		return 0;
	snprintf(why->text, sizeof(why->text),
		 "ids over UDP start with %s and have at most %d characters, unlike "
		 "\"%.60s\" and a number",
		 PREFIX, FRAME_ID_MAX, load->path_prefix);
	return -ERANGE;
}

int load_hold_check(const struct load *load, struct args_why *why)
{
	uint64_t addresses = load->has_source ? load->source.addresses : 1;
	uint64_t ports = dial_ephemeral_ports();

	if (load->count > addresses * ports) {
		snprintf(why->text, sizeof(why->text),
			 "%" PRIu64 " connections want %" PRIu64
			 " local addresses of %" PRIu64 " ports "
			 "(net.ipv4.ip_local_port_range): give a larger --source",
			 load->count, (load->count + ports - 1) / ports, ports);
		return -ERANGE;
	}
	if (processes(load) > CREW_MAX) {
		snprintf(why->text, sizeof(why->text),
			 "%" PRIu64 " connections want more than %d processes of %" PRIu64
			 " descriptors (RLIMIT_NOFILE)",
			 load->count, CREW_MAX, connections_per_process());
		return -ERANGE;
	}
	return load->target.proto == IPPROTO_UDP ? check_ids(load, why) : 0;
}

static int work(const struct crew_job *job, unsigned index, void *slot, void *shared)
{
	const struct hold *hold = job->data;
	struct clients_share share = {
		.load = hold->load,
		.share.count = hold->load->count,
		.share.processes = hold->result.processes,
		.share.index = index,
		.share.block = share_block(connections_per_process()),
	};

	if (hold->load->target.proto == IPPROTO_UDP)
		return leases_run(&share, slot, shared) ? 1 : 0;
	return clients_run(&share, slot, shared) ? 1 : 0;
}

static void add_up(struct hold *hold)
{
	struct hold_result sum = {
		.asked = hold->load->count,
		.processes = hold->result.processes,
		.broken = crew_broken(hold->crew),
		.stuck = hold->result.stuck,
		.outcome.stopped_by = hold->result.outcome.stopped_by,
		.outcome.cut_short = hold->result.outcome.cut_short,
	};
	uint64_t last_opened_ns = hold->orders->start_ns;

	for (unsigned i = 0; i < crew_members(hold->crew); i++) {
		const struct clients_count *count = crew_slot(hold->crew, i);

		/* First, as a child writes it last: the time that belongs to it is seen, too. */
		sum.opened += __atomic_load_n(&count->opened, __ATOMIC_ACQUIRE);
		sum.tried += count->tried;
		sum.failed += count->failed;
		sum.closed_early += count->closed_early;
		sum.fed += count->fed;
		sum.chunks += count->chunks;
		sum.bytes += count->bytes;
		sum.lost += count->missed - count->belated;
		sum.duplicates += count->again;
		sum.unexpected += count->strange;
		sum.restarted += count->anew;
		sum.overruns += count->overruns;
		sum.outcome.late += count->late;
		if (count->max_late_ns > sum.outcome.max_late_ns)
			sum.outcome.max_late_ns = count->max_late_ns;
		if (count->last_opened_ns > last_opened_ns)
			last_opened_ns = count->last_opened_ns;
		tally_merge(&sum.errors, &count->errors);
	}
	sum.outcome.missing = sum.broken + sum.stuck > 0;
	sum.outstanding = sum.tried - sum.opened - sum.failed;
	sum.open_seconds = clock_between_s(hold->orders->start_ns, last_opened_ns);
	hold->result = sum;
}

static void order(uint64_t *time_ns, uint64_t value)
{
	__atomic_store_n(time_ns, value, __ATOMIC_RELAXED);
}

/* Opening takes as long as it was asked to, twice over at most, and then one more wait. */
static void start(struct hold *hold)
{
	uint64_t now_ns = clock_now_ns();
	uint64_t opening_ns =
		hold->load->count * 1000 / hold->load->rate * CLOCK_NS_PER_MS;

	progress_start(&hold->progress, hold->load->log, now_ns);
	order(&hold->orders->stop_opening_ns,
	      now_ns + 2 * opening_ns + UINT64_C(10) * CLOCK_NS_PER_S);
	order(&hold->orders->start_ns, now_ns);
}

/* Once nothing more will open, the time of holding begins. */
static void look_for_end(struct hold *hold, uint64_t now_ns)
{
	struct hold_result *result = &hold->result;
	bool too_long = now_ns > hold->orders->stop_opening_ns;
	/* A child that stands still leaves feeds outstanding for ever. */
	bool standing =
		now_ns > hold->orders->stop_opening_ns + hold->load->wait_ns + STAND_NS;
	bool nothing_held = result->tried == result->asked && result->outstanding == 0 &&
			    result->closed_early == result->opened;

	result->outcome.stopped_by = poller_signal(hold->poller);
	if (result->outcome.stopped_by || result->broken > 0 || nothing_held) {
		if (!hold->orders->end_ns || hold->orders->end_ns > now_ns)
			order(&hold->orders->end_ns, now_ns);
	} else if (!hold->orders->end_ns &&
		   (standing || (result->outstanding == 0 &&
				 (result->tried == result->asked || too_long)))) {
		result->outcome.cut_short = result->tried < result->asked;
		order(&hold->orders->end_ns, now_ns + hold->load->duration_ns);
	}
}

/* Those that run after the time to close what they held: stopped, or stuck. */
static void name_stuck(struct hold *hold)
{
	for (unsigned i = 0; i < crew_members(hold->crew); i++) {
		pid_t pid = crew_pid(hold->crew, i);

		if (pid == 0)
			continue;
		hold->result.stuck++;
		log_error(hold->load->log,
			  "process %u of %u (%d) did not end and is killed", i + 1,
			  crew_members(hold->crew), (int)pid);
	}
}

static void run(struct hold *hold)
{
	struct epoll_event events[EVENTS];
	uint64_t now_ns = clock_now_ns();
	uint64_t close_ns = END_NS + hold->load->count * CLOSE_NS;

	while (crew_running(hold->crew) > 0) {
		add_up(hold);
		look_for_end(hold, now_ns);
		progress_tell(&hold->progress, now_ns, "opened", hold->result.opened,
			      "chunks", hold->result.chunks);
		if (hold->orders->end_ns && now_ns > hold->orders->end_ns + close_ns)
			break;
		poller_wait(hold->poller, now_ns + LOOK_NS, events, EVENTS);
		now_ns = clock_now_ns();
	}
	name_stuck(hold);
	/* A signal to the whole group may have ended the children before we looked. */
	poller_wait(hold->poller, now_ns, events, EVENTS);
	hold->result.outcome.stopped_by = poller_signal(hold->poller);
}

int load_hold_run(const struct load *load, struct hold_result *out)
{
	struct hold hold = { .load = load };
	struct crew_job job = {
		.work = work,
		.data = &hold,
		.slot_bytes = sizeof(struct clients_count),
		.shared_bytes = sizeof(struct clients_orders),
	};
	/* Before the children: what they inherit is blocked signals, not signals missed. */
	int err = poller_open(&hold.poller);

	if (err)
		return err;
	hold.result.processes = (unsigned)processes(load);
	err = crew_open(&hold.crew, hold.result.processes, &job);
	if (!err) {
		hold.orders = crew_shared(hold.crew);
		start(&hold);
		run(&hold);
		add_up(&hold);
		*out = hold.result;
	}
	crew_close(hold.crew);
	poller_close(hold.poller);
	return err;
}
