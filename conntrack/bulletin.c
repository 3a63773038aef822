// SPDX-License-Identifier: GPL-2.0-or-later
#include "conntrack/bulletin.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <jansson.h>

#include "conntrack/export.h"
#include "conntrack/report.h"
#include "conntrack/request.h"
#include "conntrack/spaces.h"
#include "conntrack/view.h"
#include "conntrack/watch.h"
#include "lib/clock.h"
#include "lib/metainfo.h"
#include "lib/text.h"

/* Of a column; a longer name moves what follows. */
enum { NAME_WIDTH = 16, NAME_WIDTH_MOST = 40 };

/* Wall-clock time for the reader; no duration is taken from it. */
static void add_time(struct text *text)
{
	struct timespec now;
	struct tm local;
	char clock[16];

	clock_gettime(CLOCK_REALTIME, &now);
	localtime_r(&now.tv_sec, &local);
	strftime(clock, sizeof(clock), "%H:%M:%S", &local);
	text_add(text, "%s.%03ld", clock, now.tv_nsec / (CLOCK_NS_PER_MS));
}

/* Takes the tables over. */
static void add_json(json_t *tables, struct text *text)
{
	json_t *object = metainfo_object("ctwatch");
	char now[CLOCK_TEXT_MAX];
	char *line;

	clock_wall_text(now);
	json_object_set_new(object, "time", json_string(now));
	json_object_set_new(object, "tables", tables);
	/* With jansson's own 17 digits 0.1 would be 0.10000000000000001. */
	line = json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(15));
	json_decref(object);
	if (line)
		text_add(text, "%s\n", line);
	else
		text->failed = true;
	free(line);
}

/* Reports that follow each other have a blank line between them. */
static void add_report(const struct watch_request *request, const struct reading *reading,
		       struct text *text)
{
	if (text->length)
		text_add(text, "\n");
	if (request->batch) {
		text_add(text, "time:      ");
		add_time(text);
		text_add(text, "\n");
	}
	if (request->outlets.several)
		text_add(text, "namespace: %s\n", reading->netns);
	report_add(&request->view, reading, text);
}

/* Of the column of names: containers' have more characters than people's. */
static int name_width(const struct spaces *spaces)
{
	size_t width = NAME_WIDTH;

	for (size_t i = 0; i < spaces_count(spaces); i++) {
		size_t length = strlen(spaces_entry(spaces, i).name);

		if (length > width)
			width = length;
	}
	return width < NAME_WIDTH_MOST ? (int)width : NAME_WIDTH_MOST;
}

/* What is said of one table; of several, with its name, also if there is but one now. */
static void add_table(const struct watch_request *request, const struct reading *reading,
		      int width, struct text *text)
{
	if (request->once || request->batch) {
		add_report(request, reading, text);
		return;
	}
	add_time(text);
	text_add(text, " ");
	if (request->outlets.several)
		text_add(text, "%-*s  ", width, reading->netns);
	view_line(&request->view, reading, text);
	text_add(text, "\n");
}

int bulletin_add(const struct watch_request *request, struct spaces *spaces,
		 struct text *text)
{
	json_t *tables = request->json ? json_array() : NULL;
	int failed = -ESRCH;
	bool any = false;

	for (size_t i = 0; i < spaces_count(spaces); i++) {
		struct reading reading;
		int err = spaces_read(spaces, i, &reading);

		if (err) {
			failed = err;
			continue;
		}
		any = true;
		if (tables)
			json_array_append_new(tables,
					      export_reading(&request->view, &reading));
		else
			add_table(request, &reading, name_width(spaces), text);
	}
	if (any && request->json)
		add_json(tables, text);
	else
		json_decref(tables);
	if (any && request->batch)
		text_add(text, "\n");
	return any ? 0 : failed;
}
