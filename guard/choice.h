/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GUARD_CHOICE_H
#define GUARD_CHOICE_H

#include <confuse.h>
#include <stdbool.h>
#include <stddef.h>

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

/* The same for a guard that runs, whom a file that must be waited for, as a named pipe, would stop. */
int choice_again(const struct order *order, const struct choice_ear *ear,
		 struct config *config, struct text *why);

/* Where a configuration is if nobody says where. */
#define CHOICE_PATH "/etc/ctkit/ctguard.conf"

/*
 * For who judges a configuration where there is one: that of the command line, or the one at
 * CHOICE_PATH. Returns whether there is one. *config is left alone if not, and has no services if
 * it is wrong: problem then says what, and where, in a line; else it is "".
 */
bool choice_examine(const struct order *order, const struct choice_ear *ear,
		    struct config *config, char *problem, size_t size);

#endif
