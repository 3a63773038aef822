/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef LIB_LOG_H
#define LIB_LOG_H

#include <stdbool.h>

/* The numbers are syslog's, which is what the journal reads in "<N>" prefixes. */
enum log_level {
	LOG_LEVEL_NONE = 0, /* as the level of a log: nothing is written */
	LOG_LEVEL_ERROR = 3,
	LOG_LEVEL_WARN = 4,
	LOG_LEVEL_INFO = 6,
	LOG_LEVEL_DEBUG = 7,
};

/*
 * Where and how much a program logs. A value: main() owns it, modules borrow it. A line
 * that stderr does not take at once is dropped and counted: nobody who does not read it
 * can stop the program. The next line that is taken is preceded by how many were lost.
 */
struct log {
	const char *program;  /* put in front of each line */
	const char *about;    /* and this before the text; NULL: nothing */
	enum log_level level; /* the least urgent level that is still written */
	bool journal;         /* stderr is the systemd journal: "<N>" instead of a name */
	const char *path;     /* of the file that stands in for stderr; NULL: none does */
	unsigned long *
		lost; /* lines dropped since the last that was taken; NULL: not counted */
};

/*
 * Logs for program at LOG_LEVEL_INFO; finds out by JOURNAL_STREAM whether stderr
 * is the journal (systemd.exec(5)). program and lost, which is set to 0, must outlive
 * the log; lost may be NULL.
 */
void log_init(struct log *log, const char *program, unsigned long *lost);

/*
 * Puts the end of a file, made if need be, in the place of stderr: each line then begins
 * with the time (UTC) and the process. path must outlive the log. Never waits for a pipe.
 * Returns 0, or -errno and the log goes where it went.
 */
int log_open(struct log *log, const char *path);

/*
 * Stderr is the log already, as in a process that was one before: lines look as after
 * log_open(), and log_reopen() opens path, which must outlive the log.
 */
void log_adopt(struct log *log, const char *path);

/* Opens log->path anew, as a file that was moved away. Returns as log_open() does. */
int log_reopen(const struct log *log);

/* One line to stderr, in one write, without a newline in the text. */
void log_error(const struct log *log, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void log_warn(const struct log *log, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void log_info(const struct log *log, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void log_debug(const struct log *log, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#endif
