// SPDX-License-Identifier: GPL-2.0-or-later
#include "guard/leftovers.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "guard/claim.h"
#include "guard/config.h"
#include "guard/journal.h"
#include "guard/trouble.h"
#include "lib/text.h"
#include "rules/apply.h"
#include "rules/ruleset.h"

/* A lease ends by itself; what has no maker's name may be somebody's. */
static bool is_left(const struct ruleset_service *row, const struct config *config)
{
	if (row->leased || strcmp(row->holder.program, CLAIM_PROGRAM) != 0)
		return false;
	for (size_t i = 0; i < config->count; i++)
		if (service_equal(&row->service, &config->services[i].service))
			return false;
	return true;
}

static int clear(struct nl *nl, const struct service *service, struct journal *journal)
{
	char name[SERVICE_TEXT_MAX];
	struct text text = { 0 };
	struct apply_why why;
	int err = apply_delete(nl, service, &why);

	if (err)
		return err;
	service_format(service, name);
	text_add(&text,
		 "took the budget of %s away, which an earlier guard has left: the "
		 "service "
		 "is not configured any more",
		 name);
	journal_about(journal, "release", name, text_str(&text));
	text_free(&text);
	return 0;
}

void leftovers_clear(struct nl *nl, const struct config *config, struct journal *journal,
		     struct trouble *trouble)
{
	struct ruleset *ruleset = malloc(sizeof(*ruleset));
	int err = ruleset ? ruleset_read(nl, ruleset) : -ENOMEM;

	for (size_t i = 0; !err && ruleset->ours && i < ruleset->count; i++)
		if (!journal->rehearse && is_left(&ruleset->services[i], config))
			err = clear(nl, &ruleset->services[i].service, journal);
	if (err)
		trouble_note(trouble, "take away what an earlier guard left", err);
	free(ruleset);
}
