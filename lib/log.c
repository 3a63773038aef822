// SPDX-License-Identifier: GPL-2.0-or-later
#include "lib/log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* Less than PIPE_BUF: a pipe that is writable at all takes a whole line. */
enum { LINE_BYTES = 2048, STAMP_BYTES = 40, FILE_MODE = 0640 };

static bool stderr_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long device, inode;
	struct stat st;

	if (!stream || sscanf(stream, "%llu:%llu", &device, &inode) != 2)
		return false;
	if (fstat(STDERR_FILENO, &st) < 0)
		return false;
	/* The variable may be inherited from who had another stderr. */
	return st.st_dev == device && st.st_ino == inode;
}

void log_init(struct log *log, const char *program, unsigned long *lost)
{
	log->program = program;
	log->about = NULL;
	log->level = LOG_LEVEL_INFO;
	log->journal = stderr_is_journal();
	log->lost = lost;
	if (lost)
		*lost = 0;
	log->path = NULL;
}

/* O_NONBLOCK: a pipe without a reader is an error, and one that is full loses lines. */
static int open_file(const char *path)
{
	int fd = open(path,
		      O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK,
		      FILE_MODE);
	int err = 0;

	if (fd < 0)
		return -errno;
	/* What libraries say on stderr goes there too. */
	if (dup2(fd, STDERR_FILENO) < 0)
		err = -errno;
	close(fd);
	return err;
}

void log_adopt(struct log *log, const char *path)
{
	log->path = path;
	log->journal = false;
}

int log_open(struct log *log, const char *path)
{
	int err = open_file(path);

	if (err)
		return err;
	log_adopt(log, path);
	return 0;
}

int log_reopen(const struct log *log)
{
	return log->path ? open_file(log->path) : 0;
}

/* What a line begins with, whoever it is about. */
static int write_source(const struct log *log, enum log_level level, char *line,
			size_t bytes)
{
	char stamp[STAMP_BYTES];
	struct tm tm;
	time_t now;

	if (log->journal)
		return snprintf(line, bytes, "<%d>", (int)level);
	if (!log->path)
		return snprintf(line, bytes, "%s: ", log->program);
	now = time(NULL);
	gmtime_r(&now, &tm);
	strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%SZ", &tm);
	return snprintf(line, bytes, "%s %s[%d]: ", stamp, log->program, (int)getpid());
}

static int write_head(const struct log *log, enum log_level level, char *line,
		      size_t bytes)
{
	int source = write_source(log, level, line, bytes), about;

	if (!log->about || source < 0 || (size_t)source >= bytes)
		return source;
	about = snprintf(line + source, bytes - (size_t)source, "%s: ", log->about);
	return about < 0 ? about : source + about;
}

/* Writes text as one line into line, cut if need be. Returns its length; 0: there is none. */
static size_t format_line(const struct log *log, enum log_level level,
			  char line[LINE_BYTES], const char *fmt, va_list args)
{
	int head, body;

	head = write_head(log, level, line, LINE_BYTES);
	if (head < 0 || head >= LINE_BYTES - 1)
		return 0;
	body = vsnprintf(line + head, LINE_BYTES - (size_t)head, fmt, args);
	if (body < 0)
		return 0;
	/* Room for the newline, and for the end that vsnprintf() writes. */
	if (head + body > LINE_BYTES - 2)
		body = LINE_BYTES - 2 - head;
	line[head + body] = '\n';
	return (size_t)(head + body) + 1;
}

/*
 * One write a line: the lines of several worker processes must not mix. Whether it can be
 * done without waiting is asked each time: O_NONBLOCK would also be set for everybody else
 * who has this stderr. A pipe without a reader (POLLERR) is left alone for its SIGPIPE.
 */
static bool take_line(const char *line, size_t bytes)
{
	struct pollfd stderr_poll = { .fd = STDERR_FILENO, .events = POLLOUT };

	return poll(&stderr_poll, 1, 0) == 1 && stderr_poll.revents == POLLOUT &&
	       write(STDERR_FILENO, line, bytes) == (ssize_t)bytes;
}

static bool __attribute__((format(printf, 3, 4)))
put(const struct log *log, enum log_level level, const char *fmt, ...)
{
	char line[LINE_BYTES];
	va_list args;
	size_t bytes;

	va_start(args, fmt);
	bytes = format_line(log, level, line, fmt, args);
	va_end(args);
	return take_line(line, bytes);
}

/* Says how many lines were lost, if any. Returns false if not even that can be said. */
static bool own_up(const struct log *log, enum log_level level)
{
	if (!log->lost || *log->lost == 0)
		return true;
	if (!put(log, level, "(%lu %s lost)", *log->lost,
		 *log->lost == 1 ? "line before this was" : "lines before this were"))
		return false;
	*log->lost = 0;
	return true;
}

static void write_line(const struct log *log, enum log_level level, const char *fmt,
		       va_list args)
{
	char line[LINE_BYTES];

	if (level > log->level)
		return;
	if (own_up(log, level) &&
	    take_line(line, format_line(log, level, line, fmt, args)))
		return;
	if (log->lost)
		++*log->lost;
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
