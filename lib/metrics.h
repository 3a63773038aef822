/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef LIB_METRICS_H
#define LIB_METRICS_H

#include <stddef.h>
#include <stdint.h>

struct text;

/*
 * Writes the Prometheus text format 0.0.4. Names and label names are the caller's, and
 * must be valid; label values and help may be anything and are escaped. The samples of a
 * family follow it at once.
 */
enum metrics_type {
	METRICS_COUNTER, /* its name ends in _total */
	METRICS_GAUGE,
	METRICS_HISTOGRAM,
};

/* The media type of the format. */
#define METRICS_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

struct metrics_label {
	const char *name; /* NULL ends a list */
	const char *value;
};

/* Begins a family: its HELP and TYPE lines. */
void metrics_family(struct text *text, const char *name, enum metrics_type type,
		    const char *help);

/* A sample of a family; labels may be NULL. Counters beyond 2^53 stay exact. */
void metrics_integer(struct text *text, const char *name,
		     const struct metrics_label *labels, uint64_t value);
void metrics_number(struct text *text, const char *name,
		    const struct metrics_label *labels, double value);

/* A family of one sample without labels. */
void metrics_counter(struct text *text, const char *name, const char *help,
		     uint64_t value);
void metrics_gauge(struct text *text, const char *name, const char *help, double value);

/*
 * The samples of a histogram: counts[i] observations are above bounds[i - 1] and at most
 * bounds[i]; counts[bound_count] are above them all. sum is that of the observations.
 */
void metrics_histogram(struct text *text, const char *name,
		       const struct metrics_label *labels, const double *bounds,
		       const uint64_t *counts, size_t bound_count, double sum);

/* ctkit_build_info of a program. */
void metrics_build_info(struct text *text, const char *program);

/* The process_* families of the calling process, as far as /proc tells. */
void metrics_process(struct text *text);

#endif
