/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CONNTRACK_VIEW_H
#define CONNTRACK_VIEW_H

#include <stddef.h>

#include "conntrack/attribute.h"
#include "conntrack/attribute_name.h"
#include "conntrack/demand.h"

struct process;
struct reading;
struct text;
struct untracked_service;

/* What ctwatch shows of a reading. Pure: a reading in, text out. */
enum view_by { VIEW_SERVICE, VIEW_SOURCE, VIEW_STATE, VIEW_PROCESS, VIEWS };

/* "service" */
const char *view_by_name(enum view_by by);

struct view {
	enum view_by by;
	size_t top; /* rows to show; the rest is added to "other" */
};

/* One line of the stream, without time and newline. */
void view_line(const struct view *view, const struct reading *reading, struct text *text);

/* The words that the report and the screen share. */
enum { VIEW_COUNT_MAX = 32, VIEW_NAME_MAX = ATTRIBUTE_NAME_MAX + 16 };

/* "1,234,567"; returns text. */
const char *view_count(char text[VIEW_COUNT_MAX], double value);

/* What a row is called. */
void view_name(const struct attribute_key *key, char name[VIEW_NAME_MAX]);

/* "tcp/22 3": what was asked for and counted, one after the other; nothing if nothing was. */
void view_called(const struct reading *reading, const char *before, struct text *text);

/* "lease 28 s" or "for ever" */
void view_lease(const struct untracked_service *service, struct text *text);

/* "full in 12 s" */
void view_forecast(const struct reading *reading, struct text *text);

/* A number of rows with all that did not make it into them, for text and JSON alike. */
struct view_rows {
	size_t count;
	const struct attribute_row *rows;
	struct attribute_row other;
};

struct view_rows view_top(const struct attribute *attribute, size_t top);

/* What the rows of view add up by. */
const struct attribute *view_rows_of(const struct view *view,
				     const struct reading *reading);

/* The name of the process that holds the row's socket, NULL if it is not known. */
const char *view_process(const struct reading *reading, const struct attribute_row *row);

/* The same with its pid and how many processes share the service. */
const struct process *view_holder(const struct reading *reading,
				  const struct attribute_row *row);

/* Whether connections are tracked here, all evidence together. */
enum view_tracking { TRACKING_UNKNOWN, TRACKING_OFF, TRACKING_ON };

enum view_tracking view_tracking(const struct reading *reading);

/* Why that is TRACKING_UNKNOWN; NULL: it is not. The text may be in doubt[]. */
const char *view_tracking_doubt(const struct reading *reading,
				char doubt[DEMAND_DOUBT_MAX]);

/*
 * The share of entries that the kernel may evict when the table is full, those not assured; and the
 * share of new flows that it would drop then, because it looks for one to evict in 8 buckets only
 * (net/netfilter/nf_conntrack_core.c, early_drop). NAN if nothing is known of the entries.
 */
double view_evictable(const struct reading *reading);
double view_overflow_drops(const struct reading *reading);

#endif
