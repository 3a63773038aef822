/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RULES_LISTING_H
#define RULES_LISTING_H

#include <jansson.h>

struct ruleset;
struct text;

/* The services that are out of tracking, for people and for programs. Pure. */

/* A line of headings and an aligned line for each service. */
void listing_text(const struct ruleset *ruleset, struct text *text);

/* An array with an object for each service; NULL when memory ran out. The caller releases it. */
json_t *listing_json(const struct ruleset *ruleset);

#endif
