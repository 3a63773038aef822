// SPDX-License-Identifier: GPL-2.0-or-later
#include "guard/diagnosis.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>

#include "lib/metainfo.h"
#include "lib/text.h"

static const char *const SEVERITIES[] = {
	[AILMENT_INFO] = "info",
	[AILMENT_WARNING] = "warning",
	[AILMENT_PROBLEM] = "problem",
};

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

void diagnosis_text(const struct diagnosis *diagnosis, struct text *text)
{
	size_t problems = diagnosis_count(diagnosis, AILMENT_PROBLEM);
	size_t warnings = diagnosis_count(diagnosis, AILMENT_WARNING);

	for (size_t i = 0; i < diagnosis->count; i++) {
		const struct ailment *ailment = &diagnosis->at[i];

		text_add(text, "%-8s %s (%s)\n", SEVERITIES[ailment->severity],
			 ailment->what, ailment->code);
		if (ailment->why[0])
			text_add(text, "         why: %s\n", ailment->why);
		if (ailment->fix[0])
			text_add(text, "         fix: %s\n", ailment->fix);
	}
	if (diagnosis->left_out)
		text_add(text, "and %zu findings more\n", diagnosis->left_out);
	text_add(text, "%zu problem%s, %zu warning%s\n", problems,
		 problems == 1 ? "" : "s", warnings, warnings == 1 ? "" : "s");
}
