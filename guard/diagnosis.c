// SPDX-License-Identifier: GPL-2.0-or-later
#include "guard/diagnosis.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/metainfo.h"
#include "lib/text.h"

static const char *const SEVERITIES[] = {
	[AILMENT_INFO] = "info",
	[AILMENT_WARNING] = "warning",
	[AILMENT_PROBLEM] = "problem",
};

/* Names of namespaces to one finding, for people: more help nobody. */
enum { PLACES_SHOWN = 8 };

/* Names of chains and processes may be anything; JSON and a terminal want text. */
static void write_clean(char out[AILMENT_TEXT_MAX], const char *fmt, va_list args)
{
	vsnprintf(out, AILMENT_TEXT_MAX, fmt, args);
	for (char *c = out; *c; c++)
		*c = isprint((unsigned char)*c) ? *c : '?';
}

struct ailment *diagnosis_add(struct diagnosis *diagnosis, enum ailment_severity severity,
			      const char *code, const char *fmt, ...)
{
	struct ailment *ailment;
	va_list args;

	if (diagnosis->count == AILMENTS_MAX) {
		/* The caller must have where to write: the one before gives way. */
		diagnosis->left_out++;
		diagnosis->count--;
	}
	ailment = &diagnosis->at[diagnosis->count++];
	*ailment = (struct ailment){ .severity = severity, .code = code };
	va_start(args, fmt);
	write_clean(ailment->what, fmt, args);
	va_end(args);
	return ailment;
}

void ailment_why(struct ailment *ailment, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	write_clean(ailment->why, fmt, args);
	va_end(args);
}

void ailment_fix(struct ailment *ailment, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	write_clean(ailment->fix, fmt, args);
	va_end(args);
}

/* By insertion: they are few, and the order among equals stays. */
void diagnosis_sort(struct diagnosis *diagnosis)
{
	for (size_t i = 1; i < diagnosis->count; i++) {
		struct ailment moved = diagnosis->at[i];
		size_t j = i;

		for (; j > 0 && diagnosis->at[j - 1].severity < moved.severity; j--)
			diagnosis->at[j] = diagnosis->at[j - 1];
		diagnosis->at[j] = moved;
	}
}

size_t diagnosis_count(const struct diagnosis *diagnosis, enum ailment_severity severity)
{
	size_t count = 0;

	for (size_t i = 0; i < diagnosis->count; i++)
		count += diagnosis->at[i].severity == severity;
	return count;
}

static json_t *finding_json(const struct ailment *ailment)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:s}", "severity",
			 SEVERITIES[ailment->severity], "code", ailment->code, "what",
			 ailment->what, "why", ailment->why, "fix", ailment->fix);
}

json_t *diagnosis_json(const struct diagnosis *diagnosis)
{
	json_t *object = metainfo_object("ctguard");
	json_t *findings = json_array();

	for (size_t i = 0; i < diagnosis->count; i++)
		json_array_append_new(findings, finding_json(&diagnosis->at[i]));
	json_object_set_new(
		object, "problems",
		json_integer((json_int_t)diagnosis_count(diagnosis, AILMENT_PROBLEM)));
	json_object_set_new(
		object, "warnings",
		json_integer((json_int_t)diagnosis_count(diagnosis, AILMENT_WARNING)));
	json_object_set_new(object, "findings_left_out",
			    json_integer((json_int_t)diagnosis->left_out));
	json_object_set_new(object, "findings", findings);
	return object;
}

void diagnosis_place(json_t *object, const char *netns)
{
	json_t *findings = json_object_get(object, "findings"), *finding;
	size_t i;

	json_array_foreach(findings, i, finding) {
		json_object_set_new(finding, "netns", json_string(netns));
	}
}

static const char *string_of(const json_t *object, const char *key)
{
	const char *string = json_string_value(json_object_get(object, key));

	return string ? string : "";
}

static json_int_t number_of(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

static void join_number(json_t *into, const json_t *from, const char *key)
{
	json_object_set_new(into, key,
			    json_integer(number_of(into, key) + number_of(from, key)));
}

/* Those of one severity, of one network namespace. */
static void join_findings(json_t *into, const json_t *from, const char *severity)
{
	json_t *findings = json_object_get(into, "findings"), *finding;
	size_t i;

	json_array_foreach(json_object_get(from, "findings"), i, finding) {
		if (strcmp(string_of(finding, "severity"), severity) == 0)
			json_array_append(findings, finding);
	}
}

json_t *diagnosis_join(const json_t *parts, size_t left_out)
{
	static const struct diagnosis NOTHING;
	json_t *object = diagnosis_json(&NOTHING);
	const json_t *part;
	size_t i;

	json_array_foreach(parts, i, part) {
		join_number(object, part, "problems");
		join_number(object, part, "warnings");
		join_number(object, part, "findings_left_out");
	}
	/* Each part is sorted already: this keeps its order, and that of the namespaces. */
	for (int severity = AILMENT_PROBLEM; severity >= AILMENT_INFO; severity--) {
		json_array_foreach(parts, i, part) {
			join_findings(object, part, SEVERITIES[severity]);
		}
	}
	json_object_set_new(object, "namespaces",
			    json_integer((json_int_t)json_array_size(parts)));
	json_object_set_new(object, "namespaces_left_out",
			    json_integer((json_int_t)left_out));
	return object;
}

static void tell_finding(const json_t *finding, struct text *text)
{
	const char *why = string_of(finding, "why"), *fix = string_of(finding, "fix");

	text_add(text, "%-8s %s (%s)\n", string_of(finding, "severity"),
		 string_of(finding, "what"), string_of(finding, "code"));
	if (*why)
		text_add(text, "         why: %s\n", why);
	if (*fix)
		text_add(text, "         fix: %s\n", fix);
}

/* What is told of several network namespaces is told once: the sentences, and where that is so. */
static json_t *sort_sentences(const json_t *object)
{
	json_t *sentences = json_object();
	const json_t *finding;
	size_t i;

	json_array_foreach(json_object_get(object, "findings"), i, finding) {
		struct text text = { 0 };
		json_t *places;

		tell_finding(finding, &text);
		/*
		 * jansson (2.8) keeps keys in the order in which they come: the gravest stay
		 * first.
		 */
		places = json_object_get(sentences, text_str(&text));
		if (!places) {
			places = json_array();
			json_object_set_new(sentences, text_str(&text), places);
		}
		/*
		 * NULL, which is not appended, where one namespace was looked at: then no place
		 * is told.
		 */
		json_array_append(places, json_object_get(finding, "netns"));
		text_free(&text);
	}
	return sentences;
}

static void tell_places(const json_t *places, struct text *text)
{
	size_t count = json_array_size(places);

	if (count == 0)
		return;
	text_add(text, "         in:  ");
	for (size_t i = 0; i < count && i < PLACES_SHOWN; i++)
		text_add(text, "%s%s", i ? ", " : "",
			 json_string_value(json_array_get(places, i)));
	if (count > PLACES_SHOWN)
		text_add(text, " and %zu more", count - PLACES_SHOWN);
	text_add(text, "\n");
}

static void tell_number(json_int_t count, const char *what, struct text *text)
{
	text_add(text, "%" JSON_INTEGER_FORMAT " %s%s", count, what,
		 count == 1 ? "" : "s");
}

void diagnosis_text(const json_t *object, struct text *text)
{
	json_t *sentences = sort_sentences(object);
	json_int_t left_out = number_of(object, "findings_left_out");
	json_int_t namespaces = number_of(object, "namespaces");
	const char *sentence;
	const json_t *places;

	json_object_foreach(sentences, sentence, places)
	{
		text_add(text, "%s", sentence);
		tell_places(places, text);
	}
	json_decref(sentences);
	if (left_out)
		text_add(text, "and %" JSON_INTEGER_FORMAT " findings more\n", left_out);
	tell_number(number_of(object, "problems"), "problem", text);
	text_add(text, ", ");
	tell_number(number_of(object, "warnings"), "warning", text);
	if (namespaces) {
		text_add(text, " in ");
		tell_number(namespaces, "network namespace", text);
	}
	text_add(text, "\n");
}
