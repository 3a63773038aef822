// SPDX-License-Identifier: GPL-2.0-or-later
#include "conntrack/holders.h"

#include <string.h>

#include "conntrack/host.h"
#include "lib/clock.h"

/* A new socket's holder is known after this time at the latest, if a walk is cheap ... */
static const double WALK_EVERY_S = 2;

/* ... or when walks take no more of the time than this. */
static const double WALK_COST_SHARE = 0.0005;

/*
 * So often also if no socket is new: they are handed on, and a holder may not have been found. Sooner if
 * one that was named is gone.
 */
static const double WALK_ANEW_S = 30;

/* Sockets of one service that are looked at. */
enum { GROUP_MAX = 128 };

/* The sockets of a service's row. Returns how many: none if it is not a listener's. */
static size_t sockets_of(const struct host *host, const struct attribute_row *row,
			 uint64_t inodes[GROUP_MAX])
{
	const struct attribute_key *key = &row->key;
	struct host_listener listener = { .proto = key->proto,
					  .family = key->family,
					  .any = key->family == AF_UNSPEC,
					  .port = key->port,
					  .address = key->address };
	size_t count;

	if (!row->inode)
		return 0;
	count = host_group(host, &listener, inodes, GROUP_MAX);
	return count < GROUP_MAX ? count : (size_t)GROUP_MAX;
}

static uint64_t socket_inode(const struct attribute_row *row)
{
	uint64_t inode = 0;

	if (row->key.state == HOLDER_PROCESS)
		memcpy(&inode, &row->key.address, sizeof(inode));
	return inode;
}

/* A list of inodes; what does not fit is left out. */
struct wanted {
	size_t count;
	struct process socket[HOLDERS_SOCKETS_MAX];
};

static void want(struct wanted *wanted, uint64_t inode)
{
	if (inode && wanted->count < HOLDERS_SOCKETS_MAX)
		wanted->socket[wanted->count++].inode = inode;
}

static void want_all(struct wanted *wanted, const struct host *host,
		     const struct attribute *services, const struct attribute *sockets)
{
	uint64_t inodes[GROUP_MAX];

	/* First what every flow's process is known by, then the rest of each group. */
	for (size_t i = 0; i < sockets->count; i++)
		want(wanted, socket_inode(&sockets->rows[i]));
	for (size_t i = 0; i < services->count && i < HOLDERS_SERVICES_MAX; i++) {
		size_t count = sockets_of(host, &services->rows[i], inodes);

		for (size_t n = 0; n < count; n++)
			if (inodes[n] != services->rows[i].inode)
				want(wanted, inodes[n]);
	}
}

static bool knows_all(const struct holders *holders, const struct wanted *wanted)
{
	for (size_t i = 0; i < wanted->count; i++) {
		if (!process_of(holders->socket, holders->sockets,
				wanted->socket[i].inode))
			return false;
	}
	return true;
}

/* Whether all that were named last are still there. */
static bool are_there(const struct holders *holders)
{
	for (size_t i = 0; i < holders->services; i++) {
		const struct process *named = &holders->service[i];

		if (named->pid && !process_is_there(named))
			return false;
	}
	return true;
}

static bool is_worth_it(const struct holders *holders, const struct wanted *wanted,
			uint64_t now_ns)
{
	return !clock_is_within(holders->walked_ns, now_ns, WALK_ANEW_S) ||
	       !knows_all(holders, wanted) || !are_there(holders);
}

static bool may_walk(const struct holders *holders, uint64_t now_ns)
{
	double idle_s = holders->walk_cost_s / WALK_COST_SHARE;

	return holders->walked_ns == 0 ||
	       clock_between_s(holders->walked_ns, now_ns) >=
		       (idle_s > WALK_EVERY_S ? idle_s : WALK_EVERY_S);
}

static void walk(struct holders *holders, const struct wanted *wanted, uint64_t netns,
		 uint64_t now_ns)
{
	uint64_t start_ns = clock_now_ns();

	holders->sockets = wanted->count;
	memcpy(holders->socket, wanted->socket,
	       wanted->count * sizeof(wanted->socket[0]));
	holders->barred = process_find(holders->socket, holders->sockets, netns);
	holders->walked_ns = now_ns;
	holders->walk_cost_s = clock_between_s(start_ns, clock_now_ns());
}

/* The process with the least pid of those that hold the sockets of a service. */
static struct process holder_of(const struct holders *holders, const struct host *host,
				const struct attribute_row *row)
{
	struct process holder = { 0 };
	uint64_t inodes[GROUP_MAX];
	size_t count = sockets_of(host, row, inodes);
	unsigned int processes = 0;
	pid_t last = 0;

	for (size_t i = 0; i < count; i++) {
		const struct process *process =
			process_of(holders->socket, holders->sockets, inodes[i]);

		if (!process || !process->pid)
			continue;
		if (!holder.pid || process->pid < holder.pid)
			holder = *process;
		/* The sockets of one process are neighbours more often than not. */
		processes += process->pid != last;
		last = process->pid;
	}
	holder.inode = row->inode;
	holder.count = processes;
	return holder;
}

static void add_processes(struct holders *holders, const struct attribute *sockets)
{
	struct attribute *sum = &holders->by_process;

	attribute_clear(sum);
	for (size_t i = 0; i < sockets->count; i++) {
		const struct attribute_row *row = &sockets->rows[i];
		const struct process *process =
			process_of(holders->socket, holders->sockets, socket_inode(row));
		struct attribute_key key;

		if (row->key.state != HOLDER_PROCESS)
			attribute_process(NULL, row->key.state, &key);
		else if (process && process->pid)
			attribute_process(process->name, HOLDER_PROCESS, &key);
		else
			attribute_process(NULL, HOLDER_UNKNOWN, &key);
		attribute_merge(sum, &key, row);
	}
	if (sockets->other.flows)
		attribute_merge(sum, NULL, &sockets->other);
	attribute_sort(sum);
}

void holders_update(struct holders *holders, const struct host *host,
		    const struct attribute *services, const struct attribute *sockets,
		    uint64_t netns, uint64_t now_ns)
{
	struct wanted wanted = { 0 };

	want_all(&wanted, host, services, sockets);
	if (may_walk(holders, now_ns) && is_worth_it(holders, &wanted, now_ns))
		walk(holders, &wanted, netns, now_ns);
	holders->services = 0;
	for (size_t i = 0; i < services->count && i < HOLDERS_SERVICES_MAX; i++) {
		if (services->rows[i].inode)
			holders->service[holders->services++] =
				holder_of(holders, host, &services->rows[i]);
	}
	add_processes(holders, sockets);
}
