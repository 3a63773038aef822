/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GUARD_DIAGNOSIS_H
#define GUARD_DIAGNOSIS_H

#include <jansson.h>
#include <stddef.h>

struct text;

/* What "ctguard doctor" found, as data and as sentences. Pure. */

enum ailment_severity {
	AILMENT_INFO,
	AILMENT_WARNING, /* will or may go wrong one day */
	AILMENT_PROBLEM, /* is wrong now */
};

enum { AILMENTS_MAX = 96, AILMENT_TEXT_MAX = 512 };

struct ailment {
	enum ailment_severity severity;
	const char *code;            /* static */
	char what[AILMENT_TEXT_MAX]; /* is so */
	char why[AILMENT_TEXT_MAX];  /* that matters; "" if it is plain */
	char fix[AILMENT_TEXT_MAX]; /* to paste, or what to do; "": nothing is to be done */
};

/* Zero-initialise before use. */
struct diagnosis {
	size_t count;
	size_t left_out; /* there was no room for so many */
	struct ailment at[AILMENTS_MAX];
};

/*
 * A new finding, the sentence of what is so being made as printf does; the caller may write why and
 * fix, with ailment_why() and ailment_fix(). Never NULL: what does not fit is counted.
 */
struct ailment *diagnosis_add(struct diagnosis *diagnosis, enum ailment_severity severity,
			      const char *code, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
void ailment_why(struct ailment *ailment, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void ailment_fix(struct ailment *ailment, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* The gravest first; those of one severity as they were added. */
void diagnosis_sort(struct diagnosis *diagnosis);

/* How many are of that severity. */
size_t diagnosis_count(const struct diagnosis *diagnosis, enum ailment_severity severity);

/* A new object with metainfo, findings and the numbers of problems and warnings. */
json_t *diagnosis_json(const struct diagnosis *diagnosis);

/* Tells of each finding of such an object in which network namespace it is so. */
void diagnosis_place(json_t *object, const char *netns);

/*
 * A new object of several, one of each network namespace: all their findings, the gravest first, and how many namespaces
 * there are; left_out could not be looked at.
 */
json_t *diagnosis_join(const json_t *parts, size_t left_out);

/*
 * The same for people; nothing in it that a terminal would obey. What is so in several network namespaces
 * is told once.
 */
void diagnosis_text(const json_t *object, struct text *text);

#endif
