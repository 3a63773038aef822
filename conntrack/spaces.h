/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CONNTRACK_SPACES_H
#define CONNTRACK_SPACES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct args_why;
struct labels;
struct log;
struct reading;

/* As many tables as are watched at most. */
enum { SPACES_MAX = 64 };

/* Which network namespaces are to be watched. */
struct spaces_wanted {
	bool all;
	size_t count; /* of those that follow; 0: the one that ctwatch is in */
	const char *spec
		[SPACES_MAX]; /* NAME|PATH|PID, as in place_parse(); they must outlive it */
};

/*
 * The network namespaces that are watched, one watch each. Opaque: owns the watches. The calling
 * thread makes all calls; it leaves its namespace during them, and only then.
 */
struct spaces;
struct watch_config;

/*
 * Opens them, each as config says but for its netns. log is borrowed. Returns 0, or
 * -errno and one sentence in *why: -EPERM without CAP_SYS_ADMIN, -ENOENT, or -EINVAL if what is
 * wanted is no network namespace. With "all", those that cannot be entered are left out, and the
 * log says so.
 */
int spaces_open(struct spaces **out, const struct spaces_wanted *wanted,
		const struct watch_config *config, const struct log *log,
		struct args_why *why);

/* NULL is allowed. */
void spaces_close(struct spaces *spaces);

/*
 * Looks which there are now: drops those that are gone, watches new ones, and logs it. A
 * namespace that is watched stays as long as it is, so this is to come often. Returns at once if
 * it was called a moment ago.
 */
void spaces_update(struct spaces *spaces);

/* How many are watched; their order does not change but for those that go. */
size_t spaces_count(const struct spaces *spaces);

/* One that is watched, without asking the kernel. */
struct spaces_entry {
	const char *name;  /* this and the next are valid until the next update */
	const char *label; /* what metrics call it (struct atlas_entry) */
	uint64_t netns;    /* its number (lib/process.h): no other has it meanwhile */
	uint32_t entries;  /* as last polled or read */
};

struct spaces_entry spaces_entry(const struct spaces *spaces, size_t index);

/* How many more there are, as far as that is known: too many, or not to be entered. */
size_t spaces_left_out(const struct spaces *spaces);

/* 0 if entries of one of them can be read at least, else why not (watch_missing()). */
int spaces_missing(const struct spaces *spaces);

/* Whether watch_has_counted() of all of them. */
bool spaces_have_counted(const struct spaces *spaces);

/* Polls every table (watch_poll()): what fails is told by the next reading. */
void spaces_poll(struct spaces *spaces);

/*
 * Takes a reading of one (watch_read()). What *out points to is valid until the next call for
 * the same one. Returns 0 or -errno (-ENOENT: this kernel has no conntrack).
 */
int spaces_read(struct spaces *spaces, size_t index, struct reading *out);

/*
 * The same for metrics (watch_glance()); *labels are those of its services, which belong to it
 * like the rest.
 */
int spaces_glance(struct spaces *spaces, size_t index, struct reading *out,
		  const struct labels **labels);

/* Which is that of the calling thread; spaces_count() if it is not watched. */
size_t spaces_own(const struct spaces *spaces);

#endif
