/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GUARD_POST_H
#define GUARD_POST_H

#include <stdbool.h>
#include <stddef.h>

struct chores;
struct config;
struct leases;
struct legacy;
struct lookout;
struct remedy;
struct text;
struct vetting;

/* What stands and falls with a configuration; it owns them. Zero-initialise. */
struct post {
	struct vetting *vetting;
	struct leases *leases;
	struct lookout *lookout;
};

/* The others must outlive it; legacy may be NULL. Returns 0 or -errno: nothing is open then. */
int post_open(struct post *post, const struct config *config, const struct legacy *legacy,
	      struct chores *chores, bool rehearse);

/* Without touching the rules. */
void post_close(struct post *post);

/*
 * Gives back what is out by present, the post's own configuration, and may not be by wanted, or
 * not as it is. Returns 0, or -errno with a sentence in *why.
 */
int post_hand_over(const struct post *post, const struct config *present,
		   const struct config *wanted, struct remedy *remedy, struct text *why);

#endif
