/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CONNTRACK_INHABITANT_H
#define CONNTRACK_INHABITANT_H

#include <stddef.h>
#include <sys/types.h>

/* What lives in a network namespace that nobody gave a name. */
enum { INHABITANT_NAME_MAX = 64 };

/*
 * The container, virtual machine or system service that a line of /proc/PID/cgroup tells of:
 * "docker-0123456789ab", "lxc-web", "nginx.service"; empty for what is neither, such as a
 * login session. Pure; the line may be anything and need not end in a newline.
 */
void inhabitant_of_cgroup(const char *line, char name[INHABITANT_NAME_MAX]);

/*
 * The same of a process, or else, as where the calling process lives there too, its own name
 * and number, "nginx[1234]". Only plain characters, whatever the process calls itself. Returns
 * how many of them come before that number: the next one to live there has these, too.
 */
size_t inhabitant_of_process(pid_t pid, char name[INHABITANT_NAME_MAX]);

/* Replaces what is not a plain character by "?": names are not ours, and go to terminals. */
void inhabitant_clean(char *name);

#endif
