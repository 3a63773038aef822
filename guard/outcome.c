// SPDX-License-Identifier: GPL-2.0-or-later
#include "guard/outcome.h"

#include <math.h>
#include <netinet/in.h>

#include "guard/chores.h"
#include "guard/config.h"
#include "guard/journal.h"
#include "guard/lookout.h"
#include "guard/policy.h"
#include "guard/remedy.h"
#include "guard/trouble.h"
#include "lib/clock.h"
#include "lib/service.h"
#include "lib/text.h"

/* The effect is real if at least this part of what was expected went; of fewer entries it is noise. */
static const double REAL_PART = 0.5;
static const double REAL_FROM = 1000;

/* Connections are counted for at most one part of so many of the time. */
static const double COUNT_REST = 50;

/* Number of a service in the configuration, which may be another than when the chore was asked for. */
static size_t find(const struct remedy *remedy, const struct service *service)
{
	size_t i = 0;

	while (i < remedy->config->count &&
	       !service_equal(service, &remedy->config->services[i].service))
		i++;
	return i;
}

/* Whether so much less is in the table as was expected, or was at least deleted. */
static bool was_real(const struct chore *chore, uint32_t after)
{
	double fallen = (double)chore->entries - after;

	return chore->expected < REAL_FROM ||
	       fmax(fallen, chore->done) >= REAL_PART * chore->expected;
}

static void tell_reclaim(struct remedy *remedy, const struct chore *chore)
{
	struct journal_effect effect = {
		.before = chore->entries,
		.after = chore->entries,
		.deleted = chore->done,
		.expected = chore->expected,
		.seconds = clock_between_s(chore->begun_ns, clock_now_ns()),
	};
	char name[SERVICE_TEXT_MAX];
	struct text text = { 0 };
	int err;

	err = lookout_restart(remedy->lookout, &effect.after);
	if (err)
		trouble_note(remedy->trouble, "count the table", err);
	/* None was thought to be left. */
	if (chore->expected <= 0 && chore->done == 0)
		return;
	service_format(&chore->service, name);
	journal_effect(remedy->journal, name, &effect);
	if (was_real(chore, effect.after))
		return;
	text_add(&text,
		 "%s did not relieve the table as projected: %.0f entries were to go, %u "
		 "went; the next step follows if it still fills",
		 name, chore->expected, chore->done);
	journal_about(remedy->journal, "shortfall", name, text_str(&text));
	text_free(&text);
}

static void tell_purge(struct remedy *remedy, const struct chore *chore)
{
	struct journal_effect effect = { .before = chore->entries };
	int err = lookout_note_purge(remedy->lookout, chore->entries, &effect.after);

	effect.seconds = clock_between_s(chore->begun_ns, clock_now_ns());
	if (err)
		trouble_note(remedy->trouble, "count the table", err);
	else
		journal_effect(remedy->journal, NULL, &effect);
}

/* Counting a million connections takes long, of a core that others want, too. */
static void note_count(struct remedy *remedy, const struct chore *chore)
{
	size_t i = find(remedy, &chore->service);

	remedy->count_every_s =
		COUNT_REST * clock_between_s(chore->begun_ns, clock_now_ns());
	if (i < remedy->config->count)
		lookout_note_connections(remedy->lookout, i,
					 chore->err ? INFINITY : chore->done);
}

void outcome_note(struct remedy *remedy, const struct chore *chore)
{
	static const char *const TASK[] = {
		[CHORE_RECLAIM] = "delete entries, which end by timeout",
		[CHORE_PURGE] = "have expired entries collected",
		[CHORE_COUNT] = "count open connections",
		[CHORE_TRANSLATED] = "look for translated connections",
	};

	if (chore->err)
		trouble_note(remedy->trouble, TASK[chore->kind], chore->err);
	switch (chore->kind) {
	case CHORE_RECLAIM: tell_reclaim(remedy, chore); break;
	case CHORE_PURGE: tell_purge(remedy, chore); break;
	case CHORE_COUNT: note_count(remedy, chore); break;
	case CHORE_TRANSLATED: break; /* the warrant's business */
	}
}

void outcome_count(struct remedy *remedy)
{
	const struct policy_view *view = lookout_view(remedy->lookout);

	if (remedy->rehearse || chores_pending(remedy->chores, CHORE_COUNT) ||
	    (remedy->counted_ns &&
	     clock_between_s(remedy->counted_ns, view->now_ns) < remedy->count_every_s))
		return;
	remedy->counted_ns = view->now_ns;
	for (size_t i = 0; i < view->count; i++) {
		const struct chore chore = {
			.kind = CHORE_COUNT,
			.service = remedy->config->services[i].service,
			/* More than the table takes do not fit, however many more there are. */
			.most = view->limit,
			.begun_ns = clock_now_ns(),
		};

		if (chore.service.proto == IPPROTO_TCP && view->services[i].percent > 0 &&
		    !view->services[i].held)
			chores_ask(remedy->chores, &chore);
	}
}
