/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RULES_BATCH_H
#define RULES_BATCH_H

struct copy;
struct copy_missing;
struct watch;

/*
 * Makes the ruleset of a copy, but for our table, in the network namespace of the calling thread, which has none,
 * in batches of a bounded size. What the kernel refuses is left out and named in *missing. Returns
 * 0; -E2BIG if it refuses so much that what is left would not be the same ruleset any more; or
 * another -errno.
 */
int batch_make(const struct copy *copy, const struct watch *watch,
	       struct copy_missing *missing);

#endif
