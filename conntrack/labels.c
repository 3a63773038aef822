// SPDX-License-Identifier: GPL-2.0-or-later
#include "conntrack/labels.h"

#include <string.h>

#include "lib/clock.h"

/* The key of a label: listeners at several addresses of one port are one service. */
static struct attribute_key key_of(const struct attribute_row *row)
{
	return (struct attribute_key){ .kind = row->key.kind,
				       .proto = row->key.proto,
				       .port = row->key.port };
}

static struct label *find(struct labels *labels, const struct attribute_key *key)
{
	for (size_t i = 0; i < labels->count; i++) {
		if (memcmp(&labels->label[i].key, key, sizeof(*key)) == 0)
			return &labels->label[i];
	}
	return NULL;
}

/* A free label, or that of the service which was not seen for longest; NULL if none is to be had. */
static struct label *take(struct labels *labels, uint64_t now_ns)
{
	struct label *oldest = &labels->label[0];

	if (labels->count < LABELS_MAX)
		return &labels->label[labels->count++];
	for (size_t i = 1; i < labels->count; i++) {
		if (labels->label[i].seen_ns < oldest->seen_ns)
			oldest = &labels->label[i];
	}
	return clock_between_s(oldest->seen_ns, now_ns) >= LABELS_IDLE_S ? oldest : NULL;
}

static void add(struct labels *labels, const struct attribute_row *row, uint32_t least,
		uint64_t now_ns)
{
	struct attribute_key key = key_of(row);
	struct label *label = find(labels, &key);

	if (!label && row->flows >= least) {
		label = take(labels, now_ns);
		if (label)
			*label = (struct label){ .key = key };
	}
	if (!label) {
		labels->other += row->flows;
		return;
	}
	label->flows += row->flows;
	label->seen_ns = now_ns;
}

void labels_update(struct labels *labels, const struct attribute *services,
		   uint64_t now_ns)
{
	/* One flow at least, however small the sample. */
	uint32_t least = services->total.flows / LABELS_SHARE + 1;

	for (size_t i = 0; i < labels->count; i++)
		labels->label[i].flows = 0;
	labels->other = services->other.flows;
	/* The largest come first, and so have the first choice. */
	for (size_t i = 0; i < services->count; i++)
		add(labels, &services->rows[i], least, now_ns);
}
