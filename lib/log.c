// SPDX-License-Identifier: GPL-2.0-or-later
#include "lib/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LINE_BYTES = 2048 };

static bool stderr_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long device, inode;
	struct stat st;

	if (!stream || sscanf(stream, "%llu:%llu", &device, &inode) != 2)
		return false;
	if (fstat(STDERR_FILENO, &st) < 0)
		return false;
	return st.st_dev == device && st.st_ino == inode;
}

void log_init(struct log *log, const char *program)
{
	log->program = program;
	log->level = LOG_LEVEL_INFO;
	log->journal = stderr_is_journal();
}

/* One write a line: the lines of several worker processes must not mix. */
static void write_line(const struct log *log, enum log_level level, const char *fmt,
		       va_list args)
{
	char line[LINE_BYTES];
	int head, body;

	if (level > log->level)
		return;
	if (log->journal)
		head = snprintf(line, sizeof(line), "<%d>", (int)level);
	else
		head = snprintf(line, sizeof(line), "%s: ", log->program);
	if (head < 0 || head >= LINE_BYTES - 1)
		return;
	body = vsnprintf(line + head, sizeof(line) - (size_t)head, fmt, args);
	if (body < 0)
		return;
	if (head + body > LINE_BYTES - 2)
		body = LINE_BYTES - 2 - head;
	line[head + body] = '\n';
	/* Nothing can be done about a stderr that does not take the line. */
	if (write(STDERR_FILENO, line, (size_t)(head + body) + 1) < 0)
		return;
}

void log_error(const struct log *log, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	write_line(log, LOG_LEVEL_ERROR, fmt, args);
	va_end(args);
}

void log_warn(const struct log *log, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	write_line(log, LOG_LEVEL_WARN, fmt, args);
	va_end(args);
}

void log_info(const struct log *log, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	write_line(log, LOG_LEVEL_INFO, fmt, args);
	va_end(args);
}

void log_debug(const struct log *log, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	write_line(log, LOG_LEVEL_DEBUG, fmt, args);
	va_end(args);
}
