/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RULES_WATCH_H
#define RULES_WATCH_H

#include <stddef.h>
#include <stdint.h>

struct audit;
struct nlattr;
struct nlmsghdr;

/*
 * Rules that the walk cannot judge. In a copy of the ruleset each begins with a counter and has a
 * number in its userdata, so that it can be seen whether packets came to it.
 */
enum { WATCH_MAX = 64, WATCH_NONE = -1 };

struct watch {
	size_t count;
	const struct model_rule *rule[WATCH_MAX];
};

/* Of each finding that is not judged, its rule. */
void watch_of(const struct audit *audit, struct watch *out);

/* The number of the rule that a message of a dump shows, or WATCH_NONE. */
int watch_number(const struct watch *watch, const struct nlmsghdr *dumped);

/* Of a rule with a number: adds the attribute, and the expression to the list. */
void watch_put_number(struct nlmsghdr *to, int number);
void watch_put_counter(struct nlmsghdr *to);

/* Notes in *reached, a bit each, if the message shows a rule with a number that packets came to. */
void watch_note(const struct nlmsghdr *dumped, uint64_t *reached);

/* Asks the namespace of the calling thread for all of them. Returns 0 or -errno. */
int watch_read(const struct watch *watch, uint64_t *reached);

#endif
