/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef LIB_PROCESS_H
#define LIB_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { PROCESS_NAME_MAX = 16 }; /* TASK_COMM_LEN of the kernel, with its NUL */

/* Who holds a socket. */
struct process {
	uint64_t inode; /* of the socket; 0: none is wanted */
	pid_t pid;      /* 0: not found */
	unsigned int
		count; /* for the users of this: how many hold the service's sockets */
	char name[PROCESS_NAME_MAX];
};

/*
 * Fills in pid and name of each inode for which a process can be seen to hold it: those of other
 * users only by root. Looks at the processes of the network namespace of that number
 * (process_netns) first: the numbers of sockets may come again elsewhere. Then at all others,
 * as a socket may be handed on. Of several holders the first counts, process 1 last: it may hold a
 * socket only to hand it on (systemd). Left after PROCESS_LINKS_MAX descriptors: the rest
 * is "not found". Sorts the array by inode. Returns how many processes may hold what was not found, but
 * are not to be looked into: others' need CAP_SYS_PTRACE.
 */
size_t process_find(struct process *processes, size_t count, uint64_t netns);

/* Whether the one that was found is still there, and still called so: 10 us. */
bool process_is_there(const struct process *process);

/* Where an inode is in an array so sorted, NULL: it is not. */
const struct process *process_of(const struct process *processes, size_t count,
				 uint64_t inode);

/* The number of the network namespace that a process is in; 0 and errno if it cannot be seen. */
uint64_t process_netns(pid_t pid);

enum { PROCESS_LINKS_MAX = 50000 };

#endif
