/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GUARD_CHOICE_H
#define GUARD_CHOICE_H

#include <confuse.h>

struct complaint;
struct config;
struct order;
struct text;

/* What a command line chooses: the file that it names first, then itself over it. */

/* Where the first of libConfuse's errors goes, whose function has no argument of ours. */
struct choice_ear {
	cfg_errfunc_t report;
	struct complaint *complaint; /* that report writes */
};

/* Writes *config. Returns 0, or -errno with the reason, where in the file too, added to *why. */
int choice_read(const struct order *order, const struct choice_ear *ear,
		struct config *config, struct text *why);

/* The same, and whether it makes sense together: enough to guard by. */
int choice_check(const struct order *order, const struct choice_ear *ear,
		 struct config *config, struct text *why);

#endif
