// SPDX-License-Identifier: GPL-2.0-or-later
#include "lib/process.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* It hands on the sockets that it holds: another holder is meant. */
enum { FIRST_PID = 1 };

/*
 * First all processes are asked for so many of their descriptors: what a server listens at it has
 * opened first, and its clients' connections, of which it may have more than the bound, after that.
 */
enum { FIRST_LINKS = 256 };

/* One walk: what is looked for and how much of the bound is left. */
struct walk {
	struct process *processes;
	size_t count;
	size_t missing;
	unsigned int links_left;
	bool first;    /* the first descriptors of each process, or the others */
	size_t barred; /* processes that are not to be looked into */
};

static void read_name(int dir, char name[PROCESS_NAME_MAX])
{
	int fd = openat(dir, "comm", O_RDONLY | O_CLOEXEC);
	ssize_t bytes = fd < 0 ? -1 : read(fd, name, PROCESS_NAME_MAX - 1);

	if (fd >= 0)
		close(fd);
	name[bytes > 0 ? bytes : 0] = '\0';
	name[strcspn(name, "\n")] = '\0';
	/* A process names itself: nothing of it may reach a terminal but plain text. */
	for (char *c = name; *c; c++) {
		if (!isprint((unsigned char)*c))
			*c = '?';
	}
}

static int compare_inodes(const void *left, const void *right)
{
	const struct process *a = left, *b = right;

	return a->inode < b->inode ? -1 : a->inode > b->inode;
}

const struct process *process_of(const struct process *processes, size_t count,
				 uint64_t inode)
{
	const struct process key = { .inode = inode };

	return bsearch(&key, processes, count, sizeof(key), compare_inodes);
}

static void found(struct walk *walk, uint64_t inode, pid_t pid, int dir)
{
	const struct process *known = process_of(walk->processes, walk->count, inode);
	struct process *process;

	if (!known || (known->pid != 0 && known->pid != FIRST_PID))
		return;
	process = &walk->processes[known - walk->processes];
	process->pid = pid;
	read_name(dir, process->name);
	walk->missing -= pid != FIRST_PID;
}

/* Descriptors are listed by number. */
static bool is_over(const struct walk *walk, unsigned int seen)
{
	return walk->missing == 0 || walk->links_left == 0 ||
	       (walk->first && seen >= FIRST_LINKS);
}

/* The links of one process's descriptors. */
static void walk_links(struct walk *walk, pid_t pid, int dir, DIR *links)
{
	const struct dirent *entry;
	unsigned int seen = 0;

	while (!is_over(walk, seen) && (entry = readdir(links))) {
		unsigned long long inode;
		char target[64];
		ssize_t bytes;

		if (entry->d_name[0] == '.' || (++seen <= FIRST_LINKS && !walk->first))
			continue;
		walk->links_left--;
		bytes = readlinkat(dirfd(links), entry->d_name, target,
				   sizeof(target) - 1);
		if (bytes <= 0)
			continue;
		target[bytes] = '\0';
		if (sscanf(target, "socket:[%llu]", &inode) == 1)
			found(walk, inode, pid, dir);
	}
}

static void walk_process(struct walk *walk, int proc, const char *pid)
{
	int dir = openat(proc, pid, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int fd;
	DIR *links;

	if (dir < 0)
		return;
	fd = openat(dir, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	walk->barred += fd < 0 && errno == EACCES && walk->first;
	links = fd < 0 ? NULL : fdopendir(fd);
	if (links) {
		walk_links(walk, (pid_t)strtol(pid, NULL, 10), dir, links);
		closedir(links);
	} else if (fd >= 0) {
		close(fd);
	}
	close(dir);
}

bool process_is_there(const struct process *process)
{
	char path[32], name[PROCESS_NAME_MAX];
	int dir;

	snprintf(path, sizeof(path), "/proc/%d", (int)process->pid);
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return false;
	read_name(dir, name);
	close(dir);
	return strcmp(name, process->name) == 0;
}

uint64_t process_netns(pid_t pid)
{
	char path[32], target[32];
	unsigned long long inode;
	ssize_t bytes;

	snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)pid);
	bytes = readlink(path, target, sizeof(target) - 1);
	if (bytes <= 0)
		return 0;
	target[bytes] = '\0';
	return sscanf(target, "net:[%llu]", &inode) == 1 ? inode : 0;
}

/* The processes that are in that namespace, or those that are not. */
static void walk_processes(struct walk *walk, uint64_t netns, bool inside)
{
	DIR *proc = walk->missing > 0 ? opendir("/proc") : NULL;
	const struct dirent *entry;

	while (proc && walk->missing > 0 && walk->links_left > 0 &&
	       (entry = readdir(proc))) {
		pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);

		if (pid > 0 && (process_netns(pid) == netns) == inside)
			walk_process(walk, dirfd(proc), entry->d_name);
	}
	if (proc)
		closedir(proc);
}

size_t process_find(struct process *processes, size_t count, uint64_t netns)
{
	struct walk walk = { .processes = processes,
			     .count = count,
			     .links_left = PROCESS_LINKS_MAX };

	qsort(processes, count, sizeof(processes[0]), compare_inodes);
	for (size_t i = 0; i < count; i++) {
		processes[i].pid = 0;
		processes[i].name[0] = '\0';
		/* Of those that are twice in the list one is found. */
		walk.missing += processes[i].inode != 0 &&
				(i == 0 || processes[i].inode != processes[i - 1].inode);
	}
	for (int i = 0; i < 2; i++) {
		walk.first = i == 0;
		/*
		 * Who holds a socket mostly lives in the same namespace: often the others need
		 * not be asked.
		 */
		walk_processes(&walk, netns, true);
		walk_processes(&walk, netns, false);
	}
	return walk.missing ? walk.barred : 0;
}
