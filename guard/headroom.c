// SPDX-License-Identifier: GPL-2.0-or-later
#include "guard/headroom.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "guard/config.h"
#include "guard/journal.h"
#include "guard/limit.h"
#include "guard/lookout.h"
#include "guard/policy.h"
#include "guard/remedy.h"
#include "guard/wiring.h"
#include "lib/log.h"
#include "lib/text.h"

/* Where it is kept. */
static void find_place(const struct config *config,
		       char place[CONFIG_PLACE_MAX + sizeof(".limit")])
{
	const char *beside = config->journal[0]   ? config->journal
			     : config->control[0] ? config->control
						  : GUARD_CONTROL_PATH;

	snprintf(place, CONFIG_PLACE_MAX + sizeof(".limit"), "%s.limit", beside);
}

/* Where that fails the limit is raised all the same. */
static void keep(const struct remedy *remedy, const struct limit_change *change)
{
	char place[CONFIG_PLACE_MAX + sizeof(".limit")];
	int err;

	find_place(remedy->config, place);
	err = limit_keep(place, change);
	if (err)
		log_warn(remedy->log,
			 "cannot keep in \"%s\" what the limit was, %u: %s; a guard that "
			 "comes next will not set it back",
			 place, change->before, strerror(-err));
}

/* By it the lookout tells the guard's limit from what somebody else has set since. */
static void set(struct remedy *remedy, const struct limit_change *change)
{
	remedy->limit = *change;
	lookout_note_limit(remedy->lookout, change);
}

/* What is kept of another boot, or of a limit that somebody has set since, is of no use any more. */
static int recall(const char *place, struct limit_change *out)
{
	static const struct limit_change NONE;
	uint32_t now;
	int err = limit_recall(place, out);

	if (!err && (limit_get(LIMIT_PATH, &now) || now != out->raised))
		err = -ESTALE;
	if (err == -ESTALE)
		(void)limit_keep(place, &NONE);
	return err;
}

void headroom_adopt(struct remedy *remedy)
{
	char place[CONFIG_PLACE_MAX + sizeof(".limit")];
	struct limit_change change;

	find_place(remedy->config, place);
	/*
	 * After a reload it is known; a rehearsal touches nothing; elsewhere there is no limit
	 * to set.
	 */
	if (remedy->limit.raised || remedy->rehearse || !limit_settable(LIMIT_PATH) ||
	    recall(place, &change))
		change = remedy->limit;
	set(remedy, &change);
}

void headroom_tell(const struct remedy *remedy)
{
	struct text text = { 0 };

	if (!remedy->limit.raised)
		return;
	text_add(
		&text,
		"the limit is %u, raised by a guard, and was %u: it is set back when the "
		"table is calm, or when the guard ends by Ctrl-C",
		remedy->limit.raised, remedy->limit.before);
	journal_note(remedy->journal, "adopt", text_str(&text));
	text_free(&text);
}

void headroom_say_goodbye(const struct remedy *remedy)
{
	struct text text = { 0 };

	if (!remedy->limit.raised)
		return;
	text_add(&text,
		 "the limit stays %u, and was %u: the next guard sets it back; if none "
		 "comes, sysctl -w net.nf_conntrack_max=%u does",
		 remedy->limit.raised, remedy->limit.before, remedy->limit.before);
	journal_note(remedy->journal, "stop", text_str(&text));
	text_free(&text);
}

int headroom_raise(struct remedy *remedy)
{
	struct limit_change change = {
		.raised = remedy->config->policy.raise_to,
		.before = lookout_view(remedy->lookout)->limit,
	};
	int err;

	if (remedy->rehearse)
		return 0;
	/* One that is not as the guard left it is somebody's wish. */
	if (change.before == remedy->limit.raised)
		change.before = remedy->limit.before;
	/* First what it was: it may be the last thing that this guard does. */
	keep(remedy, &change);
	err = limit_set(LIMIT_PATH, change.raised);
	if (err)
		/* What was kept before, which may be nothing, still holds. */
		keep(remedy, &remedy->limit);
	else
		set(remedy, &change);
	return err;
}

int headroom_lower(struct remedy *remedy)
{
	static const struct limit_change NONE;
	int err;

	if (!remedy->limit.raised)
		return 0;
	err = limit_put_back(LIMIT_PATH, remedy->limit.raised, remedy->limit.before);
	if (err == -ESTALE)
		log_info(remedy->log, "left the limit alone: it is not %u any more",
			 remedy->limit.raised);
	if (err && err != -ESTALE)
		return err;
	/* Also where it is somebody else's by now: there is nothing left to set back. */
	keep(remedy, &NONE);
	set(remedy, &NONE);
	return err;
}
