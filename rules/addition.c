// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/addition.h"

#include <errno.h>

#include "lib/text.h"
#include "rules/finding.h"
#include "rules/refusal.h"
#include "rules/report.h"

/* How often a service is judged anew because the rules changed meanwhile. */
enum { JUDGE_TRIES = 20 };

enum { MS_PER_S = 1000 };

static int judge(struct addition *addition, struct nl *nl)
{
	int err;

	addition->judged = false;
	evidence_clear(&addition->evidence);
	err = evidence_read(nl, &addition->evidence);
	if (!err)
		err = judge_service(nl, &addition->evidence, &addition->service, NULL,
				    &addition->audit);
	addition->judged = !err;
	if (err)
		refusal_of_reading(err, &addition->why);
	return err;
}

static int read_ruleset(struct addition *addition, struct nl *nl)
{
	int err = ruleset_read(nl, &addition->ruleset);

	if (err)
		refusal_of_plan(err, &addition->ruleset, &addition->service,
				&addition->why);
	return err;
}

/* -ERESTART: what was judged is not what is there. */
static int try_once(struct addition *addition, struct nl *nl)
{
	int err = judge(addition, nl);

	if (err)
		return err;
	if (addition->audit.verdict != AUDIT_SAFE)
		return -EACCES;
	err = read_ruleset(addition, nl);
	if (err)
		return err;
	if (addition->ruleset.generation != addition->audit.generation)
		return -ERESTART;
	if (addition->plan)
		return 0;
	return apply_add_judged(nl, &addition->ruleset, &addition->service,
				&addition->terms, &addition->why);
}

static int make_by_force(struct addition *addition, struct nl *nl)
{
	/* What it would have said is told, if it can be. */
	judge(addition, nl);
	if (addition->plan)
		return read_ruleset(addition, nl);
	/* As if never read: apply_add_known() reads it then. */
	addition->ruleset.generation = 0;
	return apply_add_known(nl, &addition->ruleset, &addition->service,
			       &addition->terms, &addition->why);
}

int addition_make(struct addition *addition, struct nl *nl)
{
	int err = -ERESTART;

	if (addition->force)
		return make_by_force(addition, nl);
	for (int tries = 0; err == -ERESTART && tries < JUDGE_TRIES; tries++)
		err = try_once(addition, nl);
	if (err != -ERESTART)
		return err;
	refusal_of_kernel(err, NULL, &addition->why);
	return -EAGAIN;
}

void addition_clear(struct addition *addition)
{
	evidence_clear(&addition->evidence);
}

/* What is to be said of a service that is added. */
static void describe_added(const struct addition *addition, const char *name,
			   struct text *text)
{
	struct text warning = { 0 };

	if (addition->judged && report_warning(&addition->audit, &warning))
		text_add(text, "%s: %s (see ctrules audit %s)", name, text_str(&warning),
			 name);
	text_free(&warning);
	if (!addition->force ||
	    (addition->judged && addition->audit.verdict == AUDIT_SAFE))
		return;
	text_add(text, "--force overrides the audit of %s: ", name);
	if (addition->judged)
		report_reason(&addition->audit, text);
	else
		text_add(text, "it could not be made");
}

void addition_describe(const struct addition *addition, int err, struct text *text)
{
	char name[SERVICE_TEXT_MAX];

	service_format(&addition->service, name);
	if (!err) {
		describe_added(addition, name, text);
	} else if (err == -EACCES) {
		text_add(text, "%s is not added: the audit says ", name);
		report_reason(&addition->audit, text);
		text_add(text, " (see ctrules audit %s); --force overrides it", name);
	} else {
		text_add(text, "%s", addition->why.text);
	}
}

void addition_tell(const struct addition *addition, struct text *text)
{
	const struct audit *audit = &addition->audit;
	char name[SERVICE_TEXT_MAX], extent[EXTENT_TEXT_MAX];

	service_format(&addition->service, name);
	extent_format(&addition->terms.extent, extent);
	text_add(text, "add: ");
	if (addition->judged)
		text_add(text, "the audit says %s", audit_verdict_name(audit->verdict));
	else
		text_add(text, "there was no audit");
	for (size_t i = 0; addition->judged && i < audit->count; i++)
		text_add(text, "%s%s: %s", i ? ", " : " (",
			 finding_severity_name(audit->finding[i].severity),
			 audit->finding[i].code);
	text_add(text, "%s; the kernel has acknowledged that %s is out of tracking (%s) ",
		 addition->judged && audit->count ? ")" : "", name, extent);
	if (addition->terms.lease_ms)
		text_add(text, "for %gs", (double)addition->terms.lease_ms / MS_PER_S);
	else
		text_add(text, "for ever");
}
