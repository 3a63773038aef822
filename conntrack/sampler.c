// SPDX-License-Identifier: GPL-2.0-or-later
#include "conntrack/sampler.h"

#include <errno.h>
#include <math.h>
#include <stddef.h>

#include "conntrack/flow.h"
#include "conntrack/listeners.h"
#include "lib/clock.h"
#include "lib/nl.h"

/* Listeners and addresses are read so often, more seldom where it takes more than this part of the time. */
static const double HOST_EVERY_S = 2, HOST_SHARE = 0.001;

/*
 * A worst share of 50 % is within 2 points in 95 % of samples of 2,401, in 99 % of 4,000 flows,
 * which take 8 ms where a dump of 262,144 takes 0.8 s. Four fifths of that is the kernel's, putting
 * entries into messages; it may be more beside others, so not all of 10 ms is planned for.
 */
static const struct sample_size SIZE = { .enough = 2401,
					 .most = 4000,
					 .budget_s = 0.006 };

/*
 * The share of the time that sampling may take. A sample is always of the same part of the
 * table, so while nothing moves there is nothing to learn from the next one. That of a
 * nearly empty table walks all of its buckets: 10 ms and more.
 */
static const double SHARE_AT_REST = 0.001, SHARE_MOVED = 0.005, SHARE_MOVED_FAR = 0.05;

/* What a change is: a part of the entries, and more than some. Far: also a part of the limit. */
enum { MOVED_PART = 20, MOVED_LEAST = 16, FAR_PART = 1000 };

/* How often in all the kernel is asked for a sample that is not cut short. */
enum { TRIES = 3 };

static bool is_due(uint64_t last_ns, uint64_t now_ns, double every_s)
{
	return last_ns == 0 || clock_between_s(last_ns, now_ns) >= every_s;
}

void sampler_see_host(struct sampler *sampler, struct nl *diag, struct nl *route,
		      uint64_t now_ns)
{
	uint64_t before = sampler->fingerprint;

	if (!is_due(sampler->host_ns, now_ns,
		    fmax(HOST_EVERY_S, sampler->host_cost_s / HOST_SHARE)))
		return;
	sampler->host_ns = now_ns;
	/* What could be read is used. */
	(void)listeners_read(diag, route, &sampler->host);
	sampler->host_cost_s = clock_between_s(now_ns, clock_now_ns());
	sampler->fingerprint = host_fingerprint(&sampler->host);
	sampler->listeners_changed |= sampler->fingerprint != before;
}

static void on_flow(const struct flow *flow, void *data)
{
	struct sampler *sampler = data;

	breakdown_add(&sampler->breakdown, &sampler->host, flow);
	rollcall_add(&sampler->rollcall, &sampler->host, flow);
	/* Of which only the first are met again in the next. */
	if (!sampler->whole || sampler->lifetimes.flows < SIZE.most)
		lifetimes_add(&sampler->lifetimes, flow);
}

static struct sample_size size_of(const struct sampler *sampler)
{
	if (sampler->whole)
		return (struct sample_size){ .enough = UINT32_MAX, .most = UINT32_MAX };
	if (sampler->max)
		return (struct sample_size){ .enough = sampler->max,
					     .most = sampler->max };
	return SIZE;
}

/* Finding out that a table is empty takes a walk of all its buckets: 10 ms. */
static int take(struct sampler *sampler, struct nl *nl)
{
	struct sample_size size = size_of(sampler);

	if (sampler->counted == 0) {
		sampler->sample = (struct sample){ .complete = true };
		return 0;
	}
	return sample_take_sized(nl, &size, on_flow, sampler, &sampler->sample);
}

/* One that was cut short is taken again; the last may remain so. Returns whether it is not. */
static bool take_uncut(struct sampler *sampler, struct nl *nl, uint64_t now_ns)
{
	for (int i = 0; i < TRIES; i++) {
		int err;

		breakdown_clear(&sampler->breakdown);
		rollcall_begin(&sampler->rollcall);
		lifetimes_begin(&sampler->lifetimes, now_ns);
		err = take(sampler, nl);
		if (!err && !sampler->sample.cut) {
			lifetimes_end(&sampler->lifetimes);
			return true;
		}
		/*
		 * Half a sample compares with no other, and the next would take it for the one
		 * before.
		 */
		lifetimes_restart(&sampler->lifetimes);
		if (err) {
			breakdown_clear(&sampler->breakdown);
			sampler->sample = (struct sample){ 0 };
			return false;
		}
		sampler->interrupted += sampler->sample.cut == -EINTR;
		sampler->overruns += sampler->sample.cut == -ENOBUFS;
	}
	return false;
}

/* How much of the time sampling may take now. */
static double share_of_time(const struct sampler *sampler,
			    const struct table_usage *usage)
{
	uint32_t before = sampler->counted, now = usage->entries;
	uint64_t moved = (now > before ? now - before : before - now) + sampler->evicted -
			 sampler->evicted_then;
	bool another = moved > MOVED_LEAST && moved > before / MOVED_PART;

	/* What comes and goes takes two samples to see. */
	if ((another && moved > usage->limit / FAR_PART) || !sampler->lifetimes.compared)
		return SHARE_MOVED_FAR;
	return another || sampler->listeners_changed ? SHARE_MOVED : SHARE_AT_REST;
}

static bool is_time(struct sampler *sampler, const struct table_usage *usage,
		    uint64_t now_ns)
{
	double every_s =
		sampler->cost_s / (share_of_time(sampler, usage) * sampler->part);

	sampler->whole = rollcall_is_due(&sampler->rollcall, sampler->part, now_ns);
	return sampler->whole || is_due(sampler->taken_ns, now_ns, every_s);
}

static void end_rollcall(struct sampler *sampler)
{
	const struct rollcall_walk walk = {
		.begun_ns = sampler->taken_ns,
		.cost_s = sampler->took_s,
		.complete = sampler->sample.complete,
		.flows = sampler->sample.flows,
	};

	rollcall_end(&sampler->rollcall, &walk);
}

bool sampler_look(struct sampler *sampler, struct nl *nl, const struct table_usage *usage)
{
	uint64_t now_ns = clock_now_ns(), spent_ns = clock_spent_ns();
	double spent_s;
	bool uncut;

	if (!is_time(sampler, usage, now_ns))
		return false;
	sampler->counted = usage->entries;
	sampler->evicted_then = sampler->evicted;
	uncut = take_uncut(sampler, nl, now_ns);
	breakdown_sort(&sampler->breakdown);
	sampler->listeners_changed = false;
	sampler->taken_ns = now_ns;
	sampler->took_s = clock_between_s(now_ns, clock_now_ns());
	/* Waiting for a CPU costs nothing, and is no reason to wait longer. */
	spent_s = clock_between_s(spent_ns, clock_spent_ns());
	/*
	 * A walk over all has a share of the time of its own (rollcall.h): samples do not wait
	 * for it.
	 */
	sampler->cost_s = sampler->whole ? fmin(spent_s, SIZE.budget_s) : spent_s;
	/*
	 * A sample that came to the table's end has seen all, too: it counts for what was asked
	 * for.
	 */
	if (sampler->whole || sampler->sample.complete)
		end_rollcall(sampler);
	holders_update(&sampler->holders, &sampler->host, &sampler->breakdown.services,
		       &sampler->breakdown.sockets, sampler->netns, now_ns);
	return uncut;
}
