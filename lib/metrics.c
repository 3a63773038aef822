// SPDX-License-Identifier: GPL-2.0-or-later
#include "lib/metrics.h"

#include <dirent.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "lib/text.h"

enum { NAME_BYTES = 128, LE_BYTES = 40, STAT_BYTES = 1024 };

static const char *const TYPE_NAMES[] = {
	[METRICS_COUNTER] = "counter",
	[METRICS_GAUGE] = "gauge",
	[METRICS_HISTOGRAM] = "histogram",
};

/* A quotation mark is escaped in values of labels only. */
static void add_escaped(struct text *text, const char *value, const char *special)
{
	while (*value) {
		size_t plain = strcspn(value, special);

		text_add(text, "%.*s", (int)plain, value);
		value += plain;
		if (*value)
			text_add(text, "\\%c", *value == '\n' ? 'n' : *value);
		value += *value != '\0';
	}
}

void metrics_family(struct text *text, const char *name, enum metrics_type type,
		    const char *help)
{
	text_add(text, "# HELP %s ", name);
	add_escaped(text, help, "\\\n");
	text_add(text, "\n# TYPE %s %s\n", name, TYPE_NAMES[type]);
}

static void add_label(struct text *text, const char *before, const char *name,
		      const char *value)
{
	text_add(text, "%s%s=\"", before, name);
	add_escaped(text, value, "\\\n\"");
	text_add(text, "\"");
}

/* The name and labels of a sample; le NULL: not a bucket. */
static void begin_sample(struct text *text, const char *name, const char *suffix,
			 const struct metrics_label *labels, const char *le)
{
	const char *before = "{";

	text_add(text, "%s%s", name, suffix);
	for (; labels && labels->name; labels++) {
		add_label(text, before, labels->name, labels->value);
		before = ",";
	}
	if (le) {
		add_label(text, before, "le", le);
		before = ",";
	}
	text_add(text, "%s", *before == ',' ? "} " : " ");
}

/* The shortest of two notations that reads back as the same number. */
static void format_number(double value, char text[LE_BYTES])
{
	double back;

	if (isnan(value)) {
		snprintf(text, LE_BYTES, "NaN");
	} else if (isinf(value)) {
		snprintf(text, LE_BYTES, "%cInf", value < 0 ? '-' : '+');
	} else {
		snprintf(text, LE_BYTES, "%.15g", value);
		if (sscanf(text, "%lf", &back) != 1 || back != value)
			snprintf(text, LE_BYTES, "%.17g", value);
	}
}

void metrics_integer(struct text *text, const char *name,
		     const struct metrics_label *labels, uint64_t value)
{
	begin_sample(text, name, "", labels, NULL);
	text_add(text, "%llu\n", (unsigned long long)value);
}

static void add_number(struct text *text, const char *name, const char *suffix,
		       const struct metrics_label *labels, double value)
{
	char number[LE_BYTES];

	format_number(value, number);
	begin_sample(text, name, suffix, labels, NULL);
	text_add(text, "%s\n", number);
}

void metrics_number(struct text *text, const char *name,
		    const struct metrics_label *labels, double value)
{
	add_number(text, name, "", labels, value);
}

void metrics_counter(struct text *text, const char *name, const char *help,
		     uint64_t value)
{
	metrics_family(text, name, METRICS_COUNTER, help);
	metrics_integer(text, name, NULL, value);
}

void metrics_gauge(struct text *text, const char *name, const char *help, double value)
{
	metrics_family(text, name, METRICS_GAUGE, help);
	metrics_number(text, name, NULL, value);
}

void metrics_histogram(struct text *text, const char *name,
		       const struct metrics_label *labels, const double *bounds,
		       const uint64_t *counts, size_t bound_count, double sum)
{
	uint64_t seen = 0;

	for (size_t i = 0; i <= bound_count; i++) {
		char le[LE_BYTES];

		format_number(i < bound_count ? bounds[i] : INFINITY, le);
		seen += counts[i];
		begin_sample(text, name, "_bucket", labels, le);
		text_add(text, "%llu\n", (unsigned long long)seen);
	}
	add_number(text, name, "_sum", labels, sum);
	begin_sample(text, name, "_count", labels, NULL);
	text_add(text, "%llu\n", (unsigned long long)seen);
}

void metrics_build_info(struct text *text, const char *program)
{
	const struct metrics_label labels[] = {
		{ "program", program },
		{ "version", CTKIT_VERSION },
		{ NULL, NULL },
	};

	metrics_family(text, "ctkit_build_info", METRICS_GAUGE,
		       "Always 1; says what is running.");
	metrics_integer(text, "ctkit_build_info", labels, 1);
}

/* What /proc/self/stat says, in its units: clock ticks, bytes, pages. */
struct process {
	unsigned long user, system, bytes;
	unsigned long long started; /* since the boot */
	long pages;
};

/* proc(5): fields 14, 15, 22, 23 and 24, counted from behind the name, which may hold anything. */
static bool read_process(struct process *process)
{
	FILE *file = fopen("/proc/self/stat", "re");
	char line[STAT_BYTES] = "";
	const char *rest;

	if (!file)
		return false;
	rest = fgets(line, sizeof(line), file) ? strrchr(line, ')') : NULL;
	fclose(file);
	return rest && sscanf(rest + 1,
			      " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu %*d "
			      "%*d %*d %*d %*d %*d %llu %lu %ld",
			      &process->user, &process->system, &process->started,
			      &process->bytes, &process->pages) == 5;
}

static double seconds_of(clockid_t id)
{
	struct timespec now;

	clock_gettime(id, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void add_process(struct text *text)
{
	double ticks = (double)sysconf(_SC_CLK_TCK);
	struct process process;
	double age_s;

	if (!read_process(&process))
		return;
	/*
	 * The kernel counts starts by this clock, which goes on in suspend (do_task_stat() in
	 * fs/proc/array.c).
	 */
	age_s = seconds_of(CLOCK_BOOTTIME) - (double)process.started / ticks;
	metrics_family(text, "process_cpu_seconds_total", METRICS_COUNTER,
		       "User and system time of this process.");
	metrics_number(text, "process_cpu_seconds_total", NULL,
		       (double)(process.user + process.system) / ticks);
	metrics_gauge(text, "process_virtual_memory_bytes", "Virtual memory.",
		      (double)process.bytes);
	metrics_gauge(text, "process_resident_memory_bytes", "Resident memory.",
		      (double)process.pages * (double)sysconf(_SC_PAGESIZE));
	metrics_gauge(text, "process_start_time_seconds",
		      "When this process was started, since the epoch.",
		      floor((seconds_of(CLOCK_REALTIME) - age_s) * 10) / 10);
}

static void add_descriptors(struct text *text)
{
	DIR *dir = opendir("/proc/self/fd");
	struct rlimit limit;
	unsigned open = 0;

	while (dir && readdir(dir))
		open++;
	if (dir)
		closedir(dir);
	/* Not ".", ".." and the directory itself. */
	if (open > 3)
		metrics_gauge(text, "process_open_fds", "Open descriptors.", open - 3);
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
		metrics_gauge(text, "process_max_fds", "Limit of open descriptors.",
			      (double)limit.rlim_cur);
}

void metrics_process(struct text *text)
{
	add_process(text);
	add_descriptors(text);
}
