/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CONNTRACK_ATLAS_H
#define CONNTRACK_ATLAS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conntrack/nametag.h"

struct args_why;
struct log;
struct netns;

/*
 * Which network namespaces there are of those that are wanted, and what is kept of each. Opaque:
 * owns what is kept.
 */
struct atlas;

enum {
	ATLAS_MAX = 256,
	ATLAS_NAME_MAX = NAMETAG_MAX,
};

/* What is kept of a network namespace, and how. A plain value; the strings are borrowed. */
struct atlas_keeper {
	/*
	 * Makes it, called name, which lives as long; takes netns over, if it succeeds. Returns 0
	 * or -errno: -EPERM or -EACCES count as barred, and -ENOSPC, -EMFILE, -ENOMEM as too many.
	 */
	int (*open)(void *data, const struct netns *netns, const char *name, void **out);
	void (*close)(void *data, void *kept);
	/* These three are for atlas_update(): who never calls it needs none. */
	/* It got a name, and was called by who lives there before. */
	void (*rename)(void *data, void *kept, const char *name);
	/* It is new since the first look; or gone, and closed next. */
	void (*come)(void *data, void *kept, const char *name);
	void (*go)(void *data, void *kept, const char *name);
	void *data;
	size_t most;      /* of them; up to ATLAS_MAX */
	const char *kept; /* what they are, for a sentence: "watched" */
};

/* Which are wanted. */
struct atlas_wanted {
	bool all;
	size_t count;            /* of those that follow; 0: the one of the caller */
	const char *const *spec; /* NAME|PATH|PID, as in place_parse(); must outlive it */
};

/*
 * Keeps what there is of those. log is borrowed. Returns 0, or -errno and one sentence in *why:
 * what open() says, -ENOENT, or -EINVAL if what is wanted is no network namespace. With "all", those that cannot
 * be entered are left out, and the log says so; but not the caller's own.
 */
int atlas_open(struct atlas **out, const struct atlas_wanted *wanted,
	       const struct atlas_keeper *keeper, const struct log *log,
	       struct args_why *why);

/* Closes what is kept, too; NULL is allowed. */
void atlas_close(struct atlas *atlas);

/*
 * Looks which there are now: closes those that are gone, opens new ones. What is kept holds its
 * namespace as long as it is, so this is to come often. Returns at once if it was called a
 * moment ago.
 */
void atlas_update(struct atlas *atlas);

/* How many are kept; their order does not change but for those that go. */
size_t atlas_count(const struct atlas *atlas);

/* One that is kept, until the next update. */
struct atlas_entry {
	const char *name; /* no other has it, nor that number */
	/*
	 * The same for metrics, without what the next one to live there will not have: the number of a
	 * process, or its own. At most as many as are kept at a time are called alike; and where very many
	 * come, some are "other" (conntrack/nametag.h).
	 */
	const char *label;
	uint64_t inode;
	void *kept;
};

struct atlas_entry atlas_entry(const struct atlas *atlas, size_t index);

/* How many more there are, as far as that is known: too many, or not to be entered. */
size_t atlas_left_out(const struct atlas *atlas);

/* The number of the namespace in which it was opened. */
uint64_t atlas_own(const struct atlas *atlas);

#endif
