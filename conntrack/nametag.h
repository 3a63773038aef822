/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CONNTRACK_NAMETAG_H
#define CONNTRACK_NAMETAG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conntrack/survey.h"

/* With a number that tells it from another, the largest there is. */
enum { NAMETAG_MAX = SURVEY_LABEL_MAX + sizeof(":18446744073709551615") };

/* What a network namespace is called: for people, and in metrics. */
struct nametag {
	char name[NAMETAG_MAX];
	char label[NAMETAG_MAX];
};

/*
 * Which labels there have been. A database of metrics keeps each that it ever saw, and containers and
 * pods that are made anew have a new id in their name each time. So a label that is new takes one of
 * NAMETAG_AT_ONCE, of which there is one more each NAMETAG_ONE_EACH_S; without one the namespace is
 * "other". Those of before, of which so many are remembered, are free. Zero-initialise.
 */
enum { NAMETAG_AT_ONCE = 128, NAMETAG_ONE_EACH_S = 300, NAMETAG_REMEMBERED = 256 };

struct nametag_past {
	double given;   /* lately */
	uint64_t at_ns; /* when that was reckoned */
	size_t count, next;
	char label[NAMETAG_REMEMBERED][SURVEY_LABEL_MAX];
};

/* What one is called, and how much of that the next to live there will be called, too. */
struct nametag_call {
	char text[SURVEY_LABEL_MAX];
	size_t lasting;
	bool asked; /* by that name, so it is its label whatever there was */
};

/* The others, from which it is to be told. */
struct nametag_others {
	size_t count;
	const struct nametag *const *tag;
};

/* Makes the tag of namespace inode, at now_ns (CLOCK_MONOTONIC). Pure. */
void nametag_make(struct nametag_past *past, const struct nametag_others *others,
		  uint64_t inode, const struct nametag_call *call, uint64_t now_ns,
		  struct nametag *out);

#endif
