/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CONNTRACK_ATTRIBUTE_H
#define CONNTRACK_ATTRIBUTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/service.h"

struct flow;

/*
 * Who fills the table: adds up sampled flows by service. Pure: no I/O. Bounded:
 * whatever arrives, at most ATTRIBUTE_ROWS services are kept, the rest is "other".
 */
enum { ATTRIBUTE_ROWS = 256 };

struct attribute_row {
	struct service service;
	bool forwarded; /* neither end is a socket of this host */
	uint32_t flows;
	uint32_t unreplied;
	uint32_t assured;
	uint32_t nat;
};

struct attribute {
	uint32_t flows; /* all that were added */
	uint32_t other; /* those that fit no row */
	size_t count;
	struct attribute_row rows[ATTRIBUTE_ROWS];
};

/* A share of a sample and the half width of its 95 % interval. */
struct attribute_share {
	double ratio;
	double error;
};

struct attribute_share attribute_share(const struct attribute *attribute, uint32_t flows,
				       bool sample_complete);

#endif
