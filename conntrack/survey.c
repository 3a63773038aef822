// SPDX-License-Identifier: GPL-2.0-or-later
#include "conntrack/survey.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conntrack/inhabitant.h"
#include "conntrack/netns.h"
#include "lib/process.h"

/* The first is the one that people name spaces in. */
static const char *const DIRECTORIES[] = { NETNS_NAMES, "/run/docker/netns" };

enum { DIRECTORY_COUNT = sizeof(DIRECTORIES) / sizeof(DIRECTORIES[0]) };

/* Names of one directory that are looked at: stale ones do not go away by themselves. */
enum { NAMES_MAX = 4096 };

enum { DOCKER_ID_SHOWN = 12 };

/* The space of that number, added if it is new; NULL if there is no room. */
static struct survey_space *get(struct survey *survey, uint64_t inode)
{
	struct survey_space *space;

	for (size_t i = 0; i < survey->count; i++) {
		if (survey->space[i].inode == inode)
			return &survey->space[i];
	}
	if (survey->count == SURVEY_MAX) {
		survey->left_out = true;
		return NULL;
	}
	space = &survey->space[survey->count++];
	*space = (struct survey_space){ .inode = inode };
	return space;
}

static void add_process(struct survey *survey, pid_t pid)
{
	uint64_t inode = process_netns(pid);
	struct survey_space *space;

	if (inode == 0) {
		/* Others have ended meanwhile. */
		survey->unreadable += errno == EACCES;
		return;
	}
	space = get(survey, inode);
	if (space && space->pid == 0)
		space->pid = pid;
}

static void add_name(struct survey *survey, const char *directory, const char *name)
{
	char path[NETNS_PATH_MAX];
	struct survey_space *space;
	struct netns netns;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	if (strlen(name) >= SURVEY_NAME_MAX || netns_open(path, &netns) < 0)
		return;
	netns_close(&netns);
	space = get(survey, netns.inode);
	/* Of several names the first in the alphabet: readdir() has no order of its own. */
	if (!space || (space->directory &&
		       (space->directory != directory || strcmp(space->name, name) <= 0)))
		return;
	space->directory = directory;
	snprintf(space->name, sizeof(space->name), "%s", name);
}

static void add_names(struct survey *survey, const char *directory)
{
	DIR *names = opendir(directory);
	const struct dirent *entry;

	for (int i = 0; names && i < NAMES_MAX && (entry = readdir(names)); i++) {
		if (entry->d_name[0] != '.')
			add_name(survey, directory, entry->d_name);
	}
	if (names)
		closedir(names);
}

const struct survey_space *survey_find(const struct survey *survey, uint64_t inode)
{
	for (size_t i = 0; i < survey->count; i++) {
		if (survey->space[i].inode == inode)
			return &survey->space[i];
	}
	return NULL;
}

/* Our own, unless people gave it a name: the host's has none. */
static uint64_t unnamed_home(const struct survey *survey)
{
	uint64_t inode = process_netns(getpid());
	const struct survey_space *space = survey_find(survey, inode);

	/* The pointer tells: no directory is named but by these. */
	return space && space->directory == DIRECTORIES[0] ? 0 : inode;
}

void survey_take(struct survey *survey)
{
	const struct dirent *entry;
	DIR *proc;

	if (survey->taken)
		return;
	survey->taken = true;
	survey->count = survey->unreadable = 0;
	survey->left_out = false;
	survey->host = process_netns(1);
	/* These two first: whatever else there is, there is room for them. */
	add_process(survey, getpid());
	add_process(survey, 1);
	for (size_t i = 0; i < DIRECTORY_COUNT; i++)
		add_names(survey, DIRECTORIES[i]);
	/* Without CAP_SYS_PTRACE another user's process 1 does not tell. */
	if (survey->host == 0)
		survey->host = unnamed_home(survey);
	proc = opendir("/proc");
	while (proc && (entry = readdir(proc))) {
		if (isdigit((unsigned char)entry->d_name[0]))
			add_process(survey, (pid_t)strtol(entry->d_name, NULL, 10));
	}
	if (proc)
		closedir(proc);
}

void survey_forget(struct survey *survey)
{
	survey->taken = false;
}

size_t survey_label(struct survey *survey, uint64_t inode, char label[SURVEY_LABEL_MAX])
{
	const struct survey_space *space;
	size_t lasting = 0;

	survey_take(survey);
	space = survey_find(survey, inode);
	if (inode == survey->host)
		snprintf(label, SURVEY_LABEL_MAX, "host");
	else if (space && space->directory == DIRECTORIES[0])
		snprintf(label, SURVEY_LABEL_MAX, "%.*s", INHABITANT_NAME_MAX,
			 space->name);
	else if (space && space->pid)
		lasting = inhabitant_of_process(space->pid, label);
	else if (space && space->directory)
		snprintf(label, SURVEY_LABEL_MAX, "docker-%.*s", DOCKER_ID_SHOWN,
			 space->name);
	else {
		snprintf(label, SURVEY_LABEL_MAX, "net:%llu", (unsigned long long)inode);
		lasting = strlen("net");
	}
	inhabitant_clean(label);
	return lasting ? lasting : strlen(label);
}
