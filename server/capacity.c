// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/capacity.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>

#include "lib/args.h"

/*
 * Hashing n connections over workers fills each like a Poisson variable: at six
 * standard deviations none of thousands of workers overflows.
 */
static const double SPREAD_DEVIATIONS = 6;

/* Connections that one worker has room for. */
static uint64_t room(const struct capacity *capacity)
{
	uint64_t taken = CAPACITY_RESERVE + capacity->sockets;

	return capacity->descriptors > taken ? capacity->descriptors - taken : 0;
}

/* Connections that workers can be given so that none overflows. */
static double fits(const struct capacity *capacity, unsigned workers)
{
	double most = (double)room(capacity);
	double root;

	if (workers == 1)
		return most;
	/* mean + 6 sqrt(mean) = most, solved for the mean */
	root = (sqrt(SPREAD_DEVIATIONS * SPREAD_DEVIATIONS + 4 * most) -
		SPREAD_DEVIATIONS) /
	       2;
	return root * root * workers;
}

/* Most workers whose sockets the supervisor can hold: it opens those of all. */
static unsigned most_workers(const struct capacity *capacity)
{
	uint64_t most = 0;

	if (capacity->descriptors > CAPACITY_RESERVE && capacity->sockets > 0)
		most = (capacity->descriptors - CAPACITY_RESERVE) / capacity->sockets;
	return most < CAPACITY_WORKERS_MAX ? (unsigned)most : CAPACITY_WORKERS_MAX;
}

static int too_few_descriptors(const struct capacity *capacity, unsigned workers,
			       struct args_why *why)
{
	snprintf(why->text, sizeof(why->text),
		 "%u worker%s with %u sockets each need %llu descriptors, the limit is "
		 "%llu "
		 "(ulimit -n)",
		 workers, workers == 1 ? "" : "s", capacity->sockets,
		 (unsigned long long)workers * capacity->sockets + CAPACITY_RESERVE,
		 (unsigned long long)capacity->descriptors);
	return -ERANGE;
}

static int too_many_connections(const struct capacity *capacity, unsigned workers,
				struct args_why *why)
{
	snprintf(why->text, sizeof(why->text),
		 "%llu connections do not fit: %u worker%s with %llu descriptors each "
		 "(ulimit -n) have room for %.0f",
		 (unsigned long long)capacity->connections, workers,
		 workers == 1 ? "" : "s", (unsigned long long)capacity->descriptors,
		 floor(fits(capacity, workers)));
	return -ERANGE;
}

int capacity_workers(const struct capacity *capacity, unsigned *out, struct args_why *why)
{
	unsigned workers = capacity->workers ? capacity->workers : capacity->cpus;
	unsigned most = most_workers(capacity);
	double wanted = (double)capacity->connections;

	if (workers > most || room(capacity) == 0)
		return too_few_descriptors(capacity, workers, why);
	while (!capacity->workers && workers < most && fits(capacity, workers) < wanted)
		workers++;
	if (fits(capacity, workers) < wanted)
		return too_many_connections(capacity, workers, why);
	*out = workers;
	return 0;
}
