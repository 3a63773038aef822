/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SERVER_CREW_H
#define SERVER_CREW_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * Child processes that share a job: each has a slot of shared memory for its results, which the
 * parent may read at any time, and all share one block for what the parent tells them.
 * They end with their parent. Opaque: owns the memory and the processes.
 */
struct crew;

enum { CREW_MAX = 1024 };

/* What a child does: returns its exit status. Slots and the shared block start zeroed. */
struct crew_job {
	int (*work)(const struct crew_job *job, unsigned index, void *slot, void *shared);
	const void *data;
	size_t slot_bytes;
	size_t shared_bytes;
};

/*
 * How many processes connections need that hold per_process each; as many as there are
 * CPUs when there is work for them. More than CREW_MAX: too many.
 */
uint64_t crew_size(uint64_t connections, uint64_t per_process, uint64_t cpus);

/*
 * Starts the children; job is borrowed until crew_close(). Open no descriptors before that
 * they must not have. Returns 0 or -errno, then none is left.
 */
int crew_open(struct crew **out, unsigned size, const struct crew_job *job);

/* Kills children that still run, waits for all and frees; NULL is allowed. */
void crew_close(struct crew *crew);

/* The results of child number index, which it may be writing. */
const void *crew_slot(const struct crew *crew, unsigned index);

/* The block that all children see. */
void *crew_shared(const struct crew *crew);

unsigned crew_members(const struct crew *crew);

/* How many children have not ended yet. Never waits. */
unsigned crew_running(struct crew *crew);

/* The process of child number index; 0 if it has ended, by what crew_running() last saw. */
pid_t crew_pid(const struct crew *crew, unsigned index);

/* How many have ended by a signal or with a status other than 0. */
unsigned crew_broken(const struct crew *crew);

/* Sends a signal to all that still run. */
void crew_signal(const struct crew *crew, int signal);

#endif
