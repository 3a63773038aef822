// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/refusal.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "lib/service.h"
#include "lib/text.h"
#include "rules/apply.h"
#include "rules/layout.h"
#include "rules/plan.h"
#include "rules/ruleset.h"
#include "rules/script.h"

/* A quoted statement is cut here, so that the cause behind it is still read. */
enum { STATEMENT_MAX = 150 };

/* Errors that need no more words than these. */
struct phrase {
	int err;
	const char *text;
};

static const struct phrase PHRASES[] = {
	{ EPERM, "not allowed to talk to nf_tables here: CAP_NET_ADMIN is needed" },
	{ EPROTONOSUPPORT, "the kernel has no nf_tables" },
	{ EAGAIN, "the ruleset kept changing while it was read" },
	{ ERESTART, "another program kept changing the ruleset; nothing was changed" },
};

/* Of our table, and of all rules. */
static const struct phrase OF_TABLE[] = {
	{ E2BIG, "table inet " RULESET_TABLE " holds more services than ctkit makes" },
	{ EBADMSG,
	  "table inet " RULESET_TABLE " holds something that libnftnl cannot read" },
};
static const struct phrase OF_RULES[] = {
	{ E2BIG, "the ruleset is larger than ctrules can judge" },
	{ EBADMSG, "the ruleset holds something that is not as the kernel writes it" },
};

static bool say_one_of(const struct phrase *phrases, size_t count, int err,
		       struct apply_why *why)
{
	for (size_t i = 0; i < count; i++) {
		if (phrases[i].err != -err)
			continue;
		snprintf(why->text, sizeof(why->text), "%s", phrases[i].text);
		return true;
	}
	return false;
}

static bool say_phrase(int err, struct apply_why *why)
{
	return say_one_of(PHRASES, sizeof(PHRASES) / sizeof(PHRASES[0]), err, why);
}

static void say_foreign(const struct ruleset *ruleset, struct apply_why *why)
{
	if (!ruleset->ours)
		snprintf(why->text, sizeof(why->text),
			 "table inet %s exists and is not ours (it lacks the comment "
			 "\"%s\"); it was left alone",
			 RULESET_TABLE, LAYOUT_TAG);
	else
		snprintf(why->text, sizeof(why->text),
			 "table inet %s is owned by another process, which alone may "
			 "change it",
			 RULESET_TABLE);
}

static void say_rival(const char *name, const struct service *rival,
		      struct apply_why *why)
{
	char other[SERVICE_TEXT_MAX];

	service_format(rival, other);
	snprintf(why->text, sizeof(why->text),
		 "%s overlaps %s, which is out of tracking: delete that first", name,
		 other);
}

void refusal_of_reading(int err, struct apply_why *why)
{
	if (!say_phrase(err, why) &&
	    !say_one_of(OF_RULES, sizeof(OF_RULES) / sizeof(OF_RULES[0]), err, why))
		snprintf(why->text, sizeof(why->text), "cannot read the ruleset: %s",
			 strerror(-err));
}

void refusal_of_plan(int err, const struct ruleset *ruleset,
		     const struct service *service, struct apply_why *why)
{
	char name[SERVICE_TEXT_MAX] = "";
	const char *unfit = service ? layout_unfit(service) : NULL;

	if (service)
		service_format(service, name);
	if (err == -EEXIST)
		say_foreign(ruleset, why);
	else if (err == -EOPNOTSUPP)
		snprintf(why->text, sizeof(why->text), "service \"%s\": %s", name,
			 unfit ? unfit : "the layout has no place for it");
	else if (err == -ENOTUNIQ)
		say_rival(name, plan_rival(ruleset, service), why);
	else if (err == -ENOSPC)
		snprintf(why->text, sizeof(why->text),
			 "%s: table inet %s already holds %d services", name,
			 RULESET_TABLE, RULESET_SERVICES_MAX);
	else if (err == -EBUSY)
		snprintf(why->text, sizeof(why->text),
			 "%s: its lease ran out, but the kernel has not collected it "
			 "yet; try again in a second",
			 name);
	else if (err == -ENOENT && !ruleset->present)
		snprintf(why->text, sizeof(why->text), "%s%sthere is no table inet %s",
			 name, service ? " is not out of tracking: " : "", RULESET_TABLE);
	else if (err == -ENOENT)
		snprintf(why->text, sizeof(why->text), "%s is not out of tracking", name);
	else if (!say_one_of(OF_TABLE, sizeof(OF_TABLE) / sizeof(OF_TABLE[0]), err, why))
		refusal_of_reading(err, why);
}

void refusal_of_kernel(int err, const struct change *change, struct apply_why *why)
{
	struct text statement = { 0 };

	if (err == -ENOBUFS || err == -ETIMEDOUT) {
		snprintf(
			why->text, sizeof(why->text),
			"the kernel's answer was lost: what was done must be read again");
		return;
	}
	/* A change that is not permitted, in a batch that is: the table got an owner. */
	if (!change || err == -ERESTART) {
		if (!say_phrase(err, why))
			snprintf(why->text, sizeof(why->text),
				 "the kernel refused the batch: %s; nothing was changed",
				 strerror(-err));
		return;
	}
	script_statement(change, &statement);
	snprintf(why->text, sizeof(why->text),
		 "the kernel refused \"%.*s\": %s; nothing was changed", STATEMENT_MAX,
		 text_str(&statement),
		 err == -ENFILE ? "the map is full" : strerror(-err));
	text_free(&statement);
}

void refusal_of_loss(struct apply_why *why)
{
	snprintf(why->text, sizeof(why->text),
		 "the kernel's answer was lost, and the ruleset read after it is not as "
		 "it was to be");
}
