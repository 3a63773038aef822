// SPDX-License-Identifier: GPL-2.0-or-later
#include "conntrack/counters.h"

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "conntrack/table.h"

static const char PATH[] = "/proc/net/stat/nf_conntrack";

/* Kernels have 17 columns, and CPUs at most NR_CPUS, 8192. */
enum { COLUMNS_MAX = 32, LINE_BYTES_MAX = 1024, CPUS_MAX = 8192 };

/* What the columns are called there: as ever (ct_cpu_seq_show() in nf_conntrack_standalone.c). */
static const struct column {
	const char *name;
	size_t offset;
} COLUMNS[] = {
	{ "clashres", offsetof(struct table_counters, clash_resolve) },
	{ "found", offsetof(struct table_counters, found) },
	{ "invalid", offsetof(struct table_counters, invalid) },
	{ "chainlength", offsetof(struct table_counters, chain_toolong) },
	{ "insert", offsetof(struct table_counters, insert) },
	{ "insert_failed", offsetof(struct table_counters, insert_failed) },
	{ "drop", offsetof(struct table_counters, drop) },
	{ "early_drop", offsetof(struct table_counters, early_drop) },
	{ "icmp_error", offsetof(struct table_counters, error) },
	{ "search_restart", offsetof(struct table_counters, search_restart) },
};

/* Which column is which. */
struct heading {
	size_t count;
	const struct column *column[COLUMNS_MAX]; /* NULL: one that is not needed */
};

static const struct column *column_called(const char *name)
{
	for (size_t i = 0; i < sizeof(COLUMNS) / sizeof(COLUMNS[0]); i++) {
		if (strcmp(COLUMNS[i].name, name) == 0)
			return &COLUMNS[i];
	}
	return NULL;
}

static int read_heading(char *line, struct heading *out)
{
	struct heading heading = { 0 };
	size_t known = 0;
	char *rest;

	for (char *word = strtok_r(line, " \n", &rest); word;
	     word = strtok_r(NULL, " \n", &rest)) {
		if (heading.count == COLUMNS_MAX)
			return -EBADMSG;
		heading.column[heading.count] = column_called(word);
		known += heading.column[heading.count++] != NULL;
	}
	if (known == 0)
		return -EBADMSG;
	*out = heading;
	return 0;
}

static int add_row(char *line, const struct heading *heading, struct table_counters *sum)
{
	size_t i = 0;
	char *rest;

	for (char *word = strtok_r(line, " \n", &rest); word;
	     word = strtok_r(NULL, " \n", &rest), i++) {
		char *end;
		/* Eight digits, hexadecimal, of 32 bits: the sum wraps as they do. */
		unsigned long value = strtoul(word, &end, 16);

		if (*end || i == heading->count)
			return -EBADMSG;
		if (heading->column[i])
			*(uint32_t *)((char *)sum + heading->column[i]->offset) +=
				(uint32_t)value;
	}
	return i == heading->count ? 0 : -EBADMSG;
}

int counters_parse(FILE *file, struct table_counters *out)
{
	struct table_counters sum = { 0 };
	char line[LINE_BYTES_MAX];
	struct heading heading;
	/* A row for each CPU; the first of its columns, the number of entries, is the same in all. */
	int rows = 0, err;

	if (!fgets(line, sizeof(line), file))
		return -EBADMSG;
	err = read_heading(line, &heading);
	while (!err && fgets(line, sizeof(line), file))
		err = rows++ < CPUS_MAX ? add_row(line, &heading, &sum) : -EBADMSG;
	if (!err && rows == 0)
		err = -EBADMSG;
	if (!err)
		*out = sum;
	return err;
}

int counters_read(struct table_counters *out)
{
	FILE *file = fopen(PATH, "re");
	int err;

	if (!file)
		return -errno;
	err = counters_parse(file, out);
	fclose(file);
	return err;
}
