/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CONNTRACK_SURVEY_H
#define CONNTRACK_SURVEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Which network namespaces there are. Bounded: what does not fit is left out. */
enum { SURVEY_MAX = 256, SURVEY_NAME_MAX = 256 };

struct survey_space {
	uint64_t inode;
	const char *directory;      /* of its name; NULL: it has none, only a process */
	char name[SURVEY_NAME_MAX]; /* of its file there, as it is */
	pid_t pid; /* of the first process that was seen in it; 0: none was */
};

/* Zero-initialise before use. */
struct survey {
	bool taken; /* the rest is of now */
	size_t count;
	bool left_out; /* there are more */
	/* The number of process 1's; if that cannot be seen, of our own; 0 if that has a name. */
	uint64_t host;
	size_t unreadable; /* processes of which it cannot be seen where they are */
	struct survey_space space[SURVEY_MAX];
};

/*
 * Finds those of /run/netns, of docker's and podman's directories like it, and of all processes
 * in /proc, each once: first the one of the calling thread, then that of process 1, then those
 * with a name, then by process. One that is kept by an open file alone is not found. About 2 us a
 * process; nothing if it was taken already and not forgotten.
 */
void survey_take(struct survey *survey);

/* The next is to look anew. */
void survey_forget(struct survey *survey);

/* The one of that number; NULL if it was not found. */
const struct survey_space *survey_find(const struct survey *survey, uint64_t inode);

enum { SURVEY_LABEL_MAX = 96 };

/*
 * What a namespace is called by who lives there: "host" if process 1 does, else its name of
 * ip-netns(8), else a container, a service or a process of it (conntrack/inhabitant.h), else its
 * number. Plain characters. Two may have the same. Takes the survey, if need be. Returns how many
 * characters come before a number that no other will have: all, if there is none.
 */
size_t survey_label(struct survey *survey, uint64_t inode, char label[SURVEY_LABEL_MAX]);

#endif
