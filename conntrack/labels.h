/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CONNTRACK_LABELS_H
#define CONNTRACK_LABELS_H

#include <stddef.h>
#include <stdint.h>

#include "conntrack/attribute.h"

/*
 * Which services have metrics of their own. A database of metrics keeps each label that it ever
 * saw: so only what has a share of LABELS_SHARE once gets one, without its address; at
 * most LABELS_MAX have one at a time, and they keep it for LABELS_IDLE_S after they were last
 * seen. A flood to ever changing ports thus makes LABELS_MAX labels each LABELS_IDLE_S at most.
 * Pure. Zero-initialise before use.
 */
enum { LABELS_MAX = 32, LABELS_IDLE_S = 600 };

/* Of a sample of 1/LABELS_SHARE flows and more. */
enum { LABELS_SHARE = 100 };

struct label {
	struct attribute_key key; /* IN, OUT or FORWARD; no address */
	uint64_t seen_ns;
	uint32_t flows; /* of the sample */
};

struct labels {
	size_t count;
	struct label label[LABELS_MAX];
	uint32_t other; /* flows of the sample that have no label */
};

/* Counts a sorted sample, taken at now_ns. */
void labels_update(struct labels *labels, const struct attribute *services,
		   uint64_t now_ns);

#endif
