// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/crew.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

/* One process can open this many connections before a second one is worth it. */
enum { WORTH_A_PROCESS = 1000, CACHE_LINE = 64 };

struct crew {
	const struct crew_job *job;
	unsigned size;
	unsigned running;
	unsigned broken;
	size_t slot_stride; /* slots do not share cache lines */
	size_t slots_at;
	size_t bytes;
	unsigned char *memory;
	pid_t pid[CREW_MAX]; /* 0: it has ended */
};

static size_t whole_lines(size_t bytes)
{
	return (bytes + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE;
}

uint64_t crew_size(uint64_t connections, uint64_t per_process, uint64_t cpus)
{
	uint64_t needed = (connections + per_process - 1) / per_process;
	uint64_t useful = connections / WORTH_A_PROCESS + 1;

	if (useful > cpus)
		useful = cpus;
	return needed > useful ? needed : useful;
}

static unsigned char *slot_at(const struct crew *crew, unsigned index)
{
	return crew->memory + crew->slots_at + index * crew->slot_stride;
}

static void be_child(const struct crew *crew, unsigned index, pid_t parent)
{
	/* The parent may have ended before the request to be told of it. */
	if (prctl(PR_SET_PDEATHSIG, SIGTERM) < 0 || getppid() != parent)
		_exit(EXIT_FAILURE);
	/* Not exit(): what stdio has buffered is for the parent to write. */
	_exit(crew->job->work(crew->job, index, slot_at(crew, index), crew->memory));
}

static int start_children(struct crew *crew)
{
	pid_t parent = getpid();

	for (unsigned i = 0; i < crew->size; i++) {
		pid_t pid = fork();

		if (pid < 0)
			return -errno;
		if (pid == 0)
			be_child(crew, i, parent);
		crew->pid[i] = pid;
		crew->running++;
	}
	return 0;
}

int crew_open(struct crew **out, unsigned size, const struct crew_job *job)
{
	struct crew *crew = calloc(1, sizeof(*crew));
	int err;

	assert(size > 0 && size <= CREW_MAX);
	if (!crew)
		return -ENOMEM;
	crew->job = job;
	crew->size = size;
	crew->slots_at = whole_lines(job->shared_bytes);
	crew->slot_stride = whole_lines(job->slot_bytes);
	crew->bytes = crew->slots_at + size * crew->slot_stride;
	crew->memory = mmap(NULL, crew->bytes, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (crew->memory == MAP_FAILED) {
		free(crew);
		return -ENOMEM;
	}
	err = start_children(crew);
	if (err) {
		crew_close(crew);
		return err;
	}
	*out = crew;
	return 0;
}

static void note_end(struct crew *crew, unsigned index, int status)
{
	crew->pid[index] = 0;
	crew->running--;
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		crew->broken++;
}

void crew_close(struct crew *crew)
{
	if (!crew)
		return;
	crew_signal(crew, SIGKILL);
	for (unsigned i = 0; i < crew->size; i++) {
		int status;

		if (crew->pid[i] > 0 && waitpid(crew->pid[i], &status, 0) > 0)
			note_end(crew, i, status);
	}
	munmap(crew->memory, crew->bytes);
	free(crew);
}

const void *crew_slot(const struct crew *crew, unsigned index)
{
	return slot_at(crew, index);
}

void *crew_shared(const struct crew *crew)
{
	return crew->memory;
}

unsigned crew_members(const struct crew *crew)
{
	return crew->size;
}

unsigned crew_running(struct crew *crew)
{
	for (unsigned i = 0; i < crew->size; i++) {
		int status;

		if (crew->pid[i] > 0 && waitpid(crew->pid[i], &status, WNOHANG) > 0)
			note_end(crew, i, status);
	}
	return crew->running;
}

pid_t crew_pid(const struct crew *crew, unsigned index)
{
	return crew->pid[index];
}

unsigned crew_broken(const struct crew *crew)
{
	return crew->broken;
}

void crew_signal(const struct crew *crew, int signal)
{
	for (unsigned i = 0; i < crew->size; i++) {
		if (crew->pid[i] > 0)
			kill(crew->pid[i], signal);
	}
}
