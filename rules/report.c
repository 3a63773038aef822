// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/report.h"

#include <ctype.h>
#include <string.h>

#include "lib/text.h"
#include "rules/audit.h"
#include "rules/model.h"
#include "rules/quote.h"
#include "rules/record.h"

/* Names and comments are what somebody put into the kernel: any bytes. */
static void clean(const char *from, char *to, size_t bytes)
{
	size_t i = 0;

	for (; from[i] && i + 1 < bytes; i++)
		to[i] = isprint((unsigned char)from[i]) ? from[i] : '?';
	to[i] = '\0';
}

static const char *const SUMMARIES[] = {
	[AUDIT_SAFE] = "untracked, its packets fare as they do now",
	[AUDIT_UNSAFE] = "untracked, some of its packets fare differently",
	[AUDIT_UNKNOWN] = "whether its packets fare the same untracked cannot be said",
};

static void finding_text(const struct finding *finding, struct text *text)
{
	char clean_text[FINDING_TEXT_MAX];

	text_add(text, "\n%s: %s", finding_severity_name(finding->severity),
		 finding->code);
	if (finding->chain) {
		clean(finding->chain->table->name, clean_text, sizeof(clean_text));
		text_add(text, " in %s %s ",
			 model_family_name(finding->chain->table->family), clean_text);
		clean(finding->chain->name, clean_text, sizeof(clean_text));
		text_add(text, "%s", clean_text);
		text_add(text, " (%s)", finding_direction(finding));
	}
	text_add(text, "\n");
	if (finding->rule) {
		clean(finding->rule_text, clean_text, sizeof(clean_text));
		text_add(text, "  rule: %s # handle %llu\n", clean_text,
			 (unsigned long long)finding->rule->handle);
	}
	clean(finding->why, clean_text, sizeof(clean_text));
	text_add(text, "  why:  %s\n", clean_text);
	if (finding->fix[0]) {
		clean(finding->fix, clean_text, sizeof(clean_text));
		text_add(text, "  fix:  %s\n", clean_text);
	}
}

/* Of one that is safe; NULL: there is none. */
static const struct finding *warning_of(const struct audit *audit)
{
	for (size_t i = 0; audit->verdict == AUDIT_SAFE && i < audit->count; i++)
		if (audit->finding[i].severity == FINDING_WARNING)
			return &audit->finding[i];
	return NULL;
}

void report_text(const struct audit *audit, struct text *text)
{
	char name[SERVICE_TEXT_MAX];

	service_format(&audit->service, name);
	text_add(text, "%s: %s: %s%s\n", name, audit_verdict_name(audit->verdict),
		 SUMMARIES[audit->verdict],
		 warning_of(audit) ? "; mind the warnings" : "");
	for (size_t i = 0; i < audit->count; i++)
		finding_text(&audit->finding[i], text);
	if (audit->truncated)
		text_add(text, "\nThere is more than these %zu.\n", audit->count);
}

bool report_why(const struct audit *audit, struct text *text)
{
	char why[FINDING_TEXT_MAX];

	/* The gravest come first. */
	if (!audit->count || audit->finding[0].weight == FINDING_HARMLESS)
		return false;
	clean(audit->finding[0].why, why, sizeof(why));
	text_add(text, "%s", why);
	return true;
}

bool report_warning(const struct audit *audit, struct text *text)
{
	const struct finding *warning = warning_of(audit);

	if (warning)
		text_add(text, "%s", warning->why);
	return warning;
}

void report_reason(const struct audit *audit, struct text *text)
{
	struct text why = { 0 };

	text_add(text, "%s", audit_verdict_name(audit->verdict));
	if (!report_why(audit, &why))
		return;
	text_add(text, ": %s", text_str(&why));
	text_free(&why);
	if (audit->count > 1)
		text_add(text, " (and %zu %s more)", audit->count - 1,
			 audit->count == 2 ? "finding" : "findings");
}

/* jansson takes nothing that is not UTF-8 */
static json_t *string(const char *from)
{
	char text[FINDING_TEXT_MAX];

	clean(from, text, sizeof(text));
	return json_string(text);
}

static json_t *finding_json(const struct finding *finding)
{
	const struct model_chain *chain = finding->chain;
	json_t *object = json_object();

	json_object_set_new(object, "severity",
			    json_string(finding_severity_name(finding->severity)));
	json_object_set_new(object, "code", json_string(finding->code));
	json_object_set_new(object, "family",
			    chain ? json_string(model_family_name(chain->table->family))
				  : json_null());
	json_object_set_new(object, "table",
			    chain ? string(chain->table->name) : json_null());
	json_object_set_new(object, "chain", chain ? string(chain->name) : json_null());
	json_object_set_new(object, "handle",
			    finding->rule
				    ? json_integer((json_int_t)finding->rule->handle)
				    : json_null());
	json_object_set_new(object, "rule", string(finding->rule_text));
	json_object_set_new(object, "direction",
			    chain ? json_string(finding_direction(finding))
				  : json_null());
	json_object_set_new(object, "why", string(finding->why));
	json_object_set_new(object, "fix", string(finding->fix));
	return object;
}

void report_json(const struct audit *audit, json_t *object)
{
	json_t *findings = json_array();
	char name[SERVICE_TEXT_MAX];

	service_format(&audit->service, name);
	for (size_t i = 0; i < audit->count; i++)
		json_array_append_new(findings, finding_json(&audit->finding[i]));
	json_object_set_new(object, "service", json_string(name));
	json_object_set_new(object, "verdict",
			    json_string(audit_verdict_name(audit->verdict)));
	json_object_set_new(object, "findings", findings);
	if (audit->truncated)
		json_object_set_new(object, "truncated", json_true());
	if (audit->unquoted)
		json_object_set_new(object, "unquoted",
				    json_string(quote_why(audit->unquoted)));
}

/* Over all cases that were looked at. */
static const char *answer(unsigned seen, unsigned match, unsigned pass)
{
	if (seen & match)
		return seen & pass ? "maybe" : "yes";
	return seen & pass ? "no" : "-";
}

static const char *answer_tracked(unsigned seen)
{
	return answer(seen, RECORD_TRACKED_MATCH, RECORD_TRACKED_PASS);
}

static const char *answer_untracked(unsigned seen)
{
	return answer(seen, RECORD_UNTRACKED_MATCH, RECORD_UNTRACKED_PASS);
}

/* The words of a rule, or "". */
static void words(const struct record_line *line, const struct quote *quote, char *text,
		  size_t bytes)
{
	char raw[FINDING_TEXT_MAX] = "";

	if (quote)
		quote_rule(quote, line->rule, raw, sizeof(raw));
	clean(raw, text, bytes);
}

static void base_text(const struct model_chain *base, struct text *text)
{
	char name[FINDING_TEXT_MAX];

	clean(base->table->name, name, sizeof(name));
	text_add(text, "  %s %s", model_family_name(base->table->family), name);
	clean(base->name, name, sizeof(name));
	text_add(text, " %s, policy %s\n", name, base->drops ? "drop" : "accept");
}

void report_walk_text(const struct packet *packet, const struct record *record,
		      const struct quote *quote, struct text *text)
{
	const struct model_chain *base = NULL;
	char name[FINDING_TEXT_MAX];

	audit_packet_name(packet, name, sizeof(name));
	text_add(text, "\n%s\n", name);
	for (size_t i = 0; i < record->count; i++) {
		const struct record_line *line = &record->line[i];

		if (line->base != base)
			base_text(line->base, text);
		base = line->base;
		words(line, quote, name, sizeof(name));
		text_add(text, "    tracked %-5s untracked %-5s  %s # handle %llu\n",
			 answer_tracked(line->seen), answer_untracked(line->seen), name,
			 (unsigned long long)line->rule->handle);
	}
	if (record->truncated)
		text_add(text, "    and more\n");
}

static json_t *line_json(const struct record_line *line, const struct quote *quote)
{
	const struct model_chain *chain = line->rule->chain;
	char text[FINDING_TEXT_MAX];

	words(line, quote, text, sizeof(text));
	return json_pack("{s:s, s:o, s:o, s:o, s:I, s:s, s:s, s:s}", "family",
			 model_family_name(chain->table->family), "table",
			 string(chain->table->name), "base", string(line->base->name),
			 "chain", string(chain->name), "handle",
			 (json_int_t)line->rule->handle, "rule", text, "tracked",
			 answer_tracked(line->seen), "untracked",
			 answer_untracked(line->seen));
}

json_t *report_walk_json(const struct packet *packet, const struct record *record,
			 const struct quote *quote)
{
	json_t *rules = json_array(), *walk;
	char name[FINDING_TEXT_MAX];

	audit_packet_name(packet, name, sizeof(name));
	for (size_t i = 0; i < record->count; i++)
		json_array_append_new(rules, line_json(&record->line[i], quote));
	walk = json_pack("{s:s, s:o}", "packets", name, "rules", rules);
	if (record->truncated)
		json_object_set_new(walk, "truncated", json_true());
	return walk;
}
