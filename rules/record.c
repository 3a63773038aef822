// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/record.h"

#include "rules/run.h"

static struct record_line *find(struct record *record, const struct model_rule *rule,
				const struct model_chain *base)
{
	size_t i = 0;

	while (i < record->count &&
	       (record->line[i].rule != rule || record->line[i].base != base))
		i++;
	if (i == RECORD_LINES_MAX) {
		record->truncated = true;
		return NULL;
	}
	if (i == record->count)
		record->line[record->count++] =
			(struct record_line){ .rule = rule, .base = base };
	return &record->line[i];
}

void record_rule(struct record *record, const struct run *run,
		 const struct model_rule *rule, bool matched)
{
	struct record_line *line = record ? find(record, rule, run->now.base) : NULL;

	if (!line)
		return;
	if (run->untrack)
		line->seen |= matched ? RECORD_UNTRACKED_MATCH : RECORD_UNTRACKED_PASS;
	else
		line->seen |= matched ? RECORD_TRACKED_MATCH : RECORD_TRACKED_PASS;
}
