// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/sweep.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/nl.h"
#include "rules/judge.h"
#include "rules/quote.h"
#include "rules/report.h"
#include "rules/translated.h"

/* A pid is at most 2^22 (PID_MAX_LIMIT); the longest verdict is "unknown" */
enum { PID_DIGITS = 7, VERDICT_WIDTH = 7 };

static const char HEADING[] = "SERVICE";

/* What judging them takes. */
struct work {
	struct audit audit;
	unsigned translated[TENANTS_MAX];
	int translated_err;
	struct quote *quote; /* NULL: without words there are still handles */
	int name_width;
};

static int name_width(const struct tenants *tenants)
{
	size_t width = strlen(HEADING);

	for (size_t i = 0; i < tenants->count; i++) {
		char name[SERVICE_TEXT_MAX];

		service_format(&tenants->service[i], name);
		width = strlen(name) > width ? strlen(name) : width;
	}
	return (int)width;
}

static void add_line(const struct work *work, const char *service, const char *process,
		     const char *pid, const char *verdict, struct text *table)
{
	text_add(table, "%-*s  %-*s  %*s  %-*s  ", work->name_width, service,
		 PROCESS_NAME_MAX - 1, process, PID_DIGITS, pid, VERDICT_WIDTH, verdict);
}

static void add_row(struct work *work, const struct process *process, struct text *table)
{
	char name[SERVICE_TEXT_MAX], pid[PID_DIGITS + 1] = "-";
	const struct audit *audit = &work->audit;

	service_format(&audit->service, name);
	if (process->pid)
		snprintf(pid, sizeof(pid), "%d", (int)process->pid);
	add_line(work, name, process->pid ? process->name : "-", pid,
		 audit_verdict_name(audit->verdict), table);
	if (!report_why(audit, table))
		text_add(table, "-");
	text_add(table, "\n");
}

static json_t *row_json(const struct audit *audit, const struct process *process)
{
	json_t *row = json_object();
	char name[SERVICE_TEXT_MAX];

	service_format(&audit->service, name);
	json_object_set_new(row, "service", json_string(name));
	json_object_set_new(row, "process",
			    process->pid ? json_string(process->name) : json_null());
	json_object_set_new(row, "pid",
			    process->pid ? json_integer(process->pid) : json_null());
	report_json(audit, row);
	return row;
}

static int judge(struct sweep *sweep, const struct evidence *evidence, struct work *work,
		 size_t i)
{
	const struct process *process = &sweep->tenants.process[i];
	struct audit *audit = &work->audit;
	int err = judge_by_evidence(evidence, &sweep->tenants.service[i], NULL, audit);

	if (err)
		return err;
	judge_translated(work->translated[i], work->translated_err, audit);
	if (work->quote)
		judge_word(work->quote, audit);
	sweep->unsafe |= audit->verdict == AUDIT_UNSAFE;
	sweep->unsure |= audit->verdict == AUDIT_UNKNOWN;
	add_row(work, process, &sweep->table);
	if (json_array_append_new(sweep->services, row_json(audit, process)))
		return -ENOMEM;
	return text_ok(&sweep->table) ? 0 : -ENOMEM;
}

static void tell(const struct sweep_progress *progress, size_t done, size_t all)
{
	if (progress->tell)
		progress->tell(done, all, progress->data);
}

int sweep_make(struct sweep *sweep, struct nl *nl, const struct evidence *evidence,
	       const struct sweep_progress *progress)
{
	const struct tenants *tenants = &sweep->tenants;
	struct work *work = calloc(1, sizeof(*work));
	int err = 0;

	sweep->services = json_array();
	if (!work || !sweep->services) {
		free(work);
		return -ENOMEM;
	}
	work->translated_err = translated_count(nl, &evidence->host, tenants->service,
						tenants->count, work->translated);
	sweep->unquoted = quote_open(&work->quote);
	work->name_width = name_width(tenants);
	add_line(work, HEADING, "PROCESS", "PID", "VERDICT", &sweep->table);
	text_add(&sweep->table, "WHY\n");
	for (size_t i = 0; i < tenants->count && !err; i++) {
		tell(progress, i, tenants->count);
		err = judge(sweep, evidence, work, i);
	}
	tell(progress, tenants->count, tenants->count);
	quote_close(work->quote);
	free(work);
	return err;
}

void sweep_end(struct sweep *sweep)
{
	text_free(&sweep->table);
	json_decref(sweep->services);
	sweep->services = NULL;
}

enum audit_verdict sweep_verdict(const struct sweep *sweep)
{
	if (sweep->unsafe)
		return AUDIT_UNSAFE;
	return sweep->unsure || sweep->tenants.left_out ? AUDIT_UNKNOWN : AUDIT_SAFE;
}

void sweep_text(const struct sweep *sweep, struct text *text)
{
	if (sweep->tenants.count)
		text_add(text, "%s", text_str(&sweep->table));
	else
		text_add(text, "Nobody listens here.\n");
	if (sweep->tenants.left_out)
		text_add(text, "There are %zu more, which were not looked at.\n",
			 sweep->tenants.left_out);
}

void sweep_json(const struct sweep *sweep, json_t *object)
{
	json_object_set(object, "services", sweep->services);
	json_object_set_new(object, "left_out",
			    json_integer((json_int_t)sweep->tenants.left_out));
	if (sweep->unquoted)
		json_object_set_new(object, "unquoted",
				    json_string(quote_why(sweep->unquoted)));
}
