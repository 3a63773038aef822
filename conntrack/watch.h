/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CONNTRACK_WATCH_H
#define CONNTRACK_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conntrack/active.h"
#include "conntrack/outlook.h"
#include "conntrack/sample.h"
#include "conntrack/table.h"
#include "lib/process.h"

struct attribute;
struct demand;
struct rollcall;
struct rollcall_list;
struct untracked;

/* All that is known about the table of this network namespace at one time. */
struct reading {
	const char *netns; /* what the network namespace is called */
	int missing; /* 0, or the -errno for which only usage and counters are known (-EPERM: no
			CAP_NET_ADMIN) */
	struct table_usage usage;
	uint32_t buckets; /* of the kernel's hash; 0: not known */
	bool counted;     /* counters are known */
	struct table_counters counters;
	uint64_t totals
		[TABLE_COUNTERS]; /* the same, in order of TABLE_COUNTER, without the wrapping */
	struct table_counters since; /* what they gained since the reading before */
	double since_s; /* how long ago that was, or that the watch began; 0: no rates */
	enum active active;
	int probe_error; /* 0, or the -errno for which that is not known; -ENOSPC: the table is full */
	const struct demand
		*demand; /* if it left no entry: what would have; NULL: not known */
	bool predicted;  /* there is enough history for the next five */
	double slope;    /* entries per second */
	double full_s;   /* seconds until it is full; INFINITY: it will not be */
	enum outlook_verdict verdict;
	double settles_at; /* entries, those that expired but are counted too; NAN: none */
	double arrivals_per_s; /* new entries; NAN: not known */
	double live;           /* entries that have not expired, about; 0: not known */
	bool sampled; /* the following are known; they may be older than the rest: */
	double sample_age_s;
	uint64_t
		interrupted; /* dumps that were begun again: what was dumped changed (EINTR) */
	uint64_t
		overruns; /* answers that were lost for want of memory, and asked for again (ENOBUFS) */
	double sample_cost_s;    /* how long it took */
	size_t left_out;         /* listeners and addresses that there was no room for */
	uint32_t sample_counted; /* entries that the kernel counted then */
	struct sample sample;
	const struct attribute *services; /* sorted; these belong to the watch and are */
	const struct attribute *sources;  /* valid until its next call */
	const struct attribute *states;
	const struct attribute *holders; /* by process */
	const struct rollcall
		*called; /* what was asked for; NULL: nothing, or not known */
	double called_age_s;
	const struct untracked *untracked; /* NULL: not known */
	size_t barred;    /* processes that cannot be seen and may hold others */
	size_t processes; /* those that hold the sockets of the first services */
	const struct process *process;
};

/*
 * Watches the table: one forecast and what it needs to take readings. Opaque: owns its netlink
 * conversations. Nothing here changes the table, but for the active probe's own entry.
 */
struct watch;

struct watch_config {
	uint32_t sample_max; /* flows of a sample at most; 0: as many as pay */
	const struct rollcall_list *asked; /* to count exactly; borrowed; NULL: none */
	uint64_t netns; /* the namespace's number (lib/process.h); 0: not known */
};

/*
 * Watches the network namespace of the calling thread, which is in it at all calls but those of
 * watch_poll(). Returns 0 or -errno.
 */
int watch_open(struct watch **out, const struct watch_config *config);

void watch_close(struct watch *watch);

/* 0, or the -errno for which no entries can be read, as struct reading has it. */
int watch_missing(const struct watch *watch);

/* Whether all that was asked for has been counted; true if nothing was. */
bool watch_has_counted(const struct watch *watch);

/*
 * Takes the number of entries into the forecast, 1 us: every 20 ms to 1 s. May be called from any
 * namespace. Returns 0, or -errno if it takes watch_poll_inside().
 */
int watch_poll(struct watch *watch);

/* The number of entries as it was last polled or read. */
uint32_t watch_entries(const struct watch *watch);

/*
 * The same from inside the namespace, and the limit too: by netlink, or from /proc if that is all
 * there is. Returns 0 or -errno (-ENOENT: this kernel has no conntrack).
 */
int watch_poll_inside(struct watch *watch);

/*
 * Of all the time that sampling may take this watch may take that part: above 0, at most 1,
 * which it is at first. For one of several watches.
 */
void watch_set_part(struct watch *watch, double part);

/*
 * Polls and takes a reading. Between samples *out repeats the one before. How soon one follows
 * depends on what it costs and on what has changed: of the time that passes, sampling
 * takes a thousandth while nothing does, a 200th when a listener has come or gone or the
 * table is another by a 20th, and a 20th when that is a thousandth of the limit or more.
 * Of what was asked for all entries are looked at, for which it takes a hundredth.
 * Returns as watch_poll_inside().
 */
int watch_read(struct watch *watch, struct reading *out);

/* The same, but for another reader: the next watch_read() tells what came since its own last. */
int watch_glance(struct watch *watch, struct reading *out);

#endif
