/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RULES_REPORT_H
#define RULES_REPORT_H

#include <jansson.h>
#include <stdbool.h>

struct audit;
struct packet;
struct quote;
struct record;
struct text;

/* An audit, for people and for programs. Pure. */

/* The verdict, and what was found. */
void report_text(const struct audit *audit, struct text *text);

/* The verdict and the gravest reason for it, for a sentence: "unsafe: ... (and 2 findings more)". */
void report_reason(const struct audit *audit, struct text *text);

/* The gravest reason alone, as one sentence. False if there is none. */
bool report_why(const struct audit *audit, struct text *text);

/* The first warning of one that is safe all the same, as one sentence. False if there is none. */
bool report_warning(const struct audit *audit, struct text *text);

/* Adds "service", "verdict" and "findings" to object; sets of them fail as jansson does. */
void report_json(const struct audit *audit, json_t *object);

/*
 * A walk of --explain: each rule that matters, and whether it matches the packet tracked and
 * untracked. quote has its words; NULL: no words.
 */
void report_walk_text(const struct packet *packet, const struct record *record,
		      const struct quote *quote, struct text *text);

/* The same as an object; NULL when memory ran out. */
json_t *report_walk_json(const struct packet *packet, const struct record *record,
			 const struct quote *quote);

#endif
