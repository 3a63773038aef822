// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/inquiry.h"

#include "rules/quote.h"
#include "rules/report.h"

static void on_walk(const struct packet *packet, const struct record *record, void *data)
{
	struct inquiry *inquiry = data;

	report_walk_text(packet, record, inquiry->quote, &inquiry->text);
	json_array_append_new(inquiry->walks,
			      report_walk_json(packet, record, inquiry->quote));
}

int inquiry_make(struct inquiry *inquiry, struct nl *nl, const struct service *service,
		 bool explain, bool rehearse)
{
	const struct audit_listener listener = { .record = &inquiry->record,
						 .walked = on_walk,
						 .data = inquiry };
	int err;

	*inquiry = (struct inquiry){ 0 };
	if (explain) {
		inquiry->walks = json_array();
		/* Without words there are still handles. */
		if (quote_open(&inquiry->quote))
			inquiry->quote = NULL;
	}
	err = evidence_read(nl, &inquiry->evidence);
	if (!err)
		err = judge_service(nl, &inquiry->evidence, service,
				    explain ? &listener : NULL, &inquiry->audit);
	if (err) {
		inquiry_end(inquiry);
		return err;
	}
	judge_quote(&inquiry->audit);
	if (rehearse) {
		inquiry->rehearsed = true;
		rehearsal_run(service, &inquiry->rehearsal);
		rehearsal_judge(&inquiry->rehearsal, &inquiry->audit);
	}
	return 0;
}

void inquiry_end(struct inquiry *inquiry)
{
	evidence_clear(&inquiry->evidence);
	quote_close(inquiry->quote);
	text_free(&inquiry->text);
	json_decref(inquiry->walks);
	*inquiry = (struct inquiry){ 0 };
}

void inquiry_text(const struct inquiry *inquiry, struct text *text)
{
	report_text(&inquiry->audit, text);
	if (inquiry->walks)
		text_add(text, "%s", text_str(&inquiry->text));
	if (inquiry->rehearsed)
		rehearsal_text(&inquiry->rehearsal, text);
}

void inquiry_json(const struct inquiry *inquiry, json_t *object)
{
	report_json(&inquiry->audit, object);
	if (inquiry->walks)
		json_object_set(object, "walks", inquiry->walks);
	if (inquiry->rehearsed)
		json_object_set_new(object, "rehearsal",
				    rehearsal_json(&inquiry->rehearsal));
}
