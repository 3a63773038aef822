// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/inquiry.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "rules/apply.h"
#include "rules/quote.h"
#include "rules/refusal.h"
#include "rules/report.h"

/* How often it is audited anew what changed before it was rehearsed, as leases do that are refreshed. */
enum { REHEARSE_TRIES = 3 };

static void on_walk(const struct packet *packet, const struct record *record, void *data)
{
	struct inquiry *inquiry = data;
	char name[120];

	if (record->count) {
		report_walk_text(packet, record, inquiry->quote, &inquiry->text);
	} else {
		audit_packet_name(packet, name, sizeof(name));
		text_add(&inquiry->idle, "%s%s", text_str(&inquiry->idle)[0] ? "; " : "",
			 name);
	}
	json_array_append_new(inquiry->walks,
			      report_walk_json(packet, record, inquiry->quote));
}

void inquiry_end(struct inquiry *inquiry)
{
	sweep_end(&inquiry->sweep);
	evidence_clear(&inquiry->evidence);
	quote_close(inquiry->quote);
	text_free(&inquiry->text);
	text_free(&inquiry->idle);
	json_decref(inquiry->walks);
	*inquiry = (struct inquiry){ 0 };
}

static int make_one(struct inquiry *inquiry, struct nl *nl, const struct service *service,
		    bool explain, struct apply_why *why)
{
	const struct audit_listener listener = { .record = &inquiry->record,
						 .walked = on_walk,
						 .data = inquiry };
	int err, unquoted = 0;

	if (explain) {
		inquiry->walks = json_array();
		/*
		 * Before the audit: each walk is written down, with words, as it is made.
		 */
		unquoted = quote_open(&inquiry->quote);
	}
	err = evidence_read(nl, &inquiry->evidence);
	if (!err)
		err = judge_service(nl, &inquiry->evidence, service,
				    explain ? &listener : NULL, &inquiry->audit);
	if (err) {
		refusal_of_reading(err, why);
		inquiry_end(inquiry);
		return err;
	}
	inquiry->audit.unquoted = unquoted;
	if (!explain)
		judge_quote(&inquiry->audit);
	else if (inquiry->quote)
		judge_word(inquiry->quote, &inquiry->audit);
	return 0;
}

static int make_all(struct inquiry *inquiry, struct nl *nl, struct apply_why *why)
{
	int err;

	inquiry->all = true;
	err = tenants_read(&inquiry->sweep.tenants);
	if (err) {
		snprintf(why->text, sizeof(why->text),
			 "cannot list who listens here: %s%s", strerror(-err),
			 err == -ENOENT ? " (the kernel has no inet_diag)" : "");
		return err;
	}
	err = evidence_read(nl, &inquiry->evidence);
	if (!err)
		err = sweep_make(&inquiry->sweep, nl, &inquiry->evidence,
				 &inquiry->progress);
	if (err) {
		refusal_of_reading(err, why);
		inquiry_end(inquiry);
	}
	return err;
}

int inquiry_make(struct inquiry *inquiry, struct nl *nl, const struct service *service,
		 bool explain, bool rehearse, struct apply_why *why)
{
	int err;

	*inquiry = (struct inquiry){ .progress = inquiry->progress };
	if (!service)
		return make_all(inquiry, nl, why);
	for (int tries = 1;; tries++) {
		err = make_one(inquiry, nl, service, explain, why);
		if (err || !rehearse)
			return err;
		rehearsal_run(&inquiry->audit, &inquiry->evidence, &inquiry->rehearsal);
		if (!inquiry->rehearsal.outdated || tries == REHEARSE_TRIES)
			break;
		inquiry_end(inquiry);
	}
	inquiry->rehearsed = true;
	rehearsal_judge(&inquiry->rehearsal, &inquiry->audit);
	return 0;
}

enum audit_verdict inquiry_verdict(const struct inquiry *inquiry)
{
	return inquiry->all ? sweep_verdict(&inquiry->sweep) : inquiry->audit.verdict;
}

void inquiry_complain(const struct inquiry *inquiry, struct text *text)
{
	int err = inquiry->all ? inquiry->sweep.unquoted : inquiry->audit.unquoted;

	if (err)
		text_add(text, "rules are named by their handles alone: %s",
			 quote_why(err));
}

/* The walks; one sentence for all that come to nothing. */
static void explain_text(const struct inquiry *inquiry, struct text *text)
{
	const char *walks = text_str(&inquiry->text), *idle = text_str(&inquiry->idle);

	if (!walks[0])
		text_add(text, "\nNo rule matters to any of its packets.\n");
	else if (idle[0])
		text_add(text, "%s\nNo rule matters to these: %s.\n", walks, idle);
	else
		text_add(text, "%s", walks);
}

void inquiry_text(const struct inquiry *inquiry, struct text *text)
{
	if (inquiry->all) {
		sweep_text(&inquiry->sweep, text);
		return;
	}
	report_text(&inquiry->audit, text);
	if (inquiry->walks)
		explain_text(inquiry, text);
	if (inquiry->rehearsed)
		rehearsal_text(&inquiry->rehearsal, text);
}

void inquiry_json(const struct inquiry *inquiry, json_t *object)
{
	if (inquiry->all) {
		sweep_json(&inquiry->sweep, object);
		return;
	}
	report_json(&inquiry->audit, object);
	if (inquiry->walks)
		json_object_set(object, "walks", inquiry->walks);
	if (inquiry->rehearsed)
		json_object_set_new(object, "rehearsal",
				    rehearsal_json(&inquiry->rehearsal));
}
