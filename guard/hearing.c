// SPDX-License-Identifier: GPL-2.0-or-later
#include "guard/hearing.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "conntrack/table.h"
#include "guard/config.h"
#include "lib/clock.h"
#include "rules/translated.h"

/*
 * Of CPU time: the kernel searches lists of what rules refer to, so it grows with the square of their number. nft
 * reads and prints those of a cluster of 5,000 services in 1.3 s (docs/benchmarks.md).
 */
static const uint64_t READ_NS = 2ull * CLOCK_NS_PER_S;

bool hearing_is_needed(const struct config *config)
{
	for (size_t i = 0; i < config->count; i++) {
		if (!config_forces(config, i) ||
		    config->services[i].service.proto == IPPROTO_TCP)
			return true;
	}
	return false;
}

int hearing_open(struct hearing **out, struct nl *nl, const struct config *config,
		 const struct legacy *legacy)
{
	struct hearing *hearing = calloc(1, sizeof(*hearing));
	int err;

	if (!hearing)
		return -ENOMEM;
	hearing->evidence.legacy = legacy;
	if (config_is_everywhere(config))
		hearing->evidence.until_ns = clock_spent_ns() + READ_NS;
	err = evidence_read(nl, &hearing->evidence);
	if (err)
		hearing_close(hearing);
	else
		*out = hearing;
	return err;
}

void hearing_close(struct hearing *hearing)
{
	if (!hearing)
		return;
	evidence_clear(&hearing->evidence);
	free(hearing);
}

/* One look at the table for all of them; an empty one needs none, though a dump of it costs as much. */
void hearing_search(struct hearing *hearing, struct nl *nl, const struct config *config)
{
	struct table_usage usage;

	if (table_usage_get(nl, &usage) == 0 && usage.entries == 0)
		return;
	for (size_t i = 0; i < config->count; i++)
		hearing->services[i] = config->services[i].service;
	hearing->translated_err =
		translated_count(nl, &hearing->evidence.host, hearing->services,
				 config->count, hearing->translated);
}

bool hearing_is_half_read(const struct audit *audit)
{
	return audit->verdict == AUDIT_UNKNOWN && audit->count &&
	       audit->finding[0].weight == FINDING_UNJUDGED &&
	       strcmp(audit->finding[0].code, "live-nat") == 0;
}
