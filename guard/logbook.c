// SPDX-License-Identifier: GPL-2.0-or-later
#include "guard/logbook.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_MODE = 0640, LINE_MAX_BYTES = 1 << 16 };

/* A file may be longer than it gets, for others may write into it: so much of its end is read. */
enum { READ_BYTES_MAX = 4 * LOGBOOK_BYTES_MAX };

static int older_path(const char *path, char out[PATH_MAX])
{
	int length = snprintf(out, PATH_MAX, "%s.1", path);

	return length < 0 || length >= PATH_MAX ? -ENAMETOOLONG : 0;
}

/* O_NONBLOCK: a named pipe in its place must not stop the guard. */
static int open_file(const char *path, int flags, int *out, struct stat *status)
{
	int fd = open(path, flags | O_CLOEXEC | O_NONBLOCK, FILE_MODE);
	int err = 0;

	if (fd < 0)
		return -errno;
	if (fstat(fd, status) < 0)
		err = -errno;
	else if (!S_ISREG(status->st_mode))
		err = -EINVAL;
	if (err)
		close(fd);
	else
		*out = fd;
	return err;
}

static int rotate(const char *path)
{
	char older[PATH_MAX];
	int err = older_path(path, older);

	if (!err && rename(path, older) < 0)
		err = -errno;
	return err;
}

/* Whether the last line has no end, as after a crash */
static bool ends_in_a_line(int fd, off_t size)
{
	char last;

	return size > 0 && pread(fd, &last, 1, size - 1) == 1 && last != '\n';
}

/* What was written in part is taken back. */
static int append(int fd, off_t size, const char *line, size_t length)
{
	ssize_t written;
	int err;

	if (ends_in_a_line(fd, size)) {
		if (write(fd, "\n", 1) != 1)
			return -errno;
		size++;
	}
	written = write(fd, line, length);
	if (written == (ssize_t)length)
		return 0;
	/* A file takes less than it is given where the disk gets full. */
	err = written < 0 ? -errno : -ENOSPC;
	if (ftruncate(fd, size) < 0)
		return -errno;
	return err;
}

int logbook_append(const struct logbook *logbook, const char *line, size_t length)
{
	static const int FLAGS = O_RDWR | O_CREAT | O_APPEND;
	struct stat status;
	int fd, err;

	if (!logbook->path)
		return 0;
	err = open_file(logbook->path, FLAGS, &fd, &status);
	if (err)
		return err;
	/* An empty one takes any line: to move it would help nothing. */
	if (status.st_size > 0 && status.st_size + (off_t)length > LOGBOOK_BYTES_MAX) {
		close(fd);
		err = rotate(logbook->path);
		if (!err)
			err = open_file(logbook->path, FLAGS, &fd, &status);
		if (err)
			return err;
	}
	err = append(fd, status.st_size, line, length);
	close(fd);
	return err;
}

static void take_line(json_t *events, const char *line, size_t length, uint64_t *skipped)
{
	json_error_t error;
	json_t *event = json_loadb(line, length, 0, &error);

	if (json_is_object(event) && json_array_append(events, event) == 0) {
		json_decref(event);
		return;
	}
	json_decref(event);
	++*skipped;
}

static void take_lines(json_t *events, const char *text, size_t length, uint64_t *skipped)
{
	while (length > 0) {
		const char *end_of_line = memchr(text, '\n', length);
		size_t line = end_of_line ? (size_t)(end_of_line - text) + 1 : length;

		if (line > LINE_MAX_BYTES)
			++*skipped;
		else
			take_line(events, text, line, skipped);
		text += line;
		length -= line;
	}
}

/* As much as there is. Returns how much, or -errno. */
static ssize_t read_from(int fd, off_t offset, char *out, size_t size)
{
	size_t length = 0;

	while (length < size) {
		ssize_t got =
			pread(fd, out + length, size - length, offset + (off_t)length);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (got == 0)
			break;
		length += (size_t)got;
	}
	return (ssize_t)length;
}

static int read_file(const char *path, json_t *events, uint64_t *skipped)
{
	struct stat status;
	off_t offset = 0;
	ssize_t length;
	char *text;
	int fd;
	int err = open_file(path, O_RDONLY, &fd, &status);

	if (err)
		return err;
	if (status.st_size > READ_BYTES_MAX)
		/* Within a line, as a rule, whose rest is then skipped and counted. */
		offset = status.st_size - READ_BYTES_MAX;
	text = malloc(READ_BYTES_MAX);
	length = text ? read_from(fd, offset, text, READ_BYTES_MAX) : -ENOMEM;
	if (length > 0)
		take_lines(events, text, (size_t)length, skipped);
	free(text);
	close(fd);
	return length < 0 ? (int)length : 0;
}

int logbook_read(const char *path, json_t **out, uint64_t *skipped)
{
	json_t *events = json_array();
	char older[PATH_MAX];
	int older_err = older_path(path, older);
	int err;

	*skipped = 0;
	if (!older_err)
		older_err = read_file(older, events, skipped);
	err = read_file(path, events, skipped);
	/* Between a rotation and the next event there is only the older one. */
	if (err == -ENOENT && !older_err)
		err = 0;
	if (!err && older_err && older_err != -ENOENT)
		err = older_err;
	if (err)
		json_decref(events);
	else
		*out = events;
	return err;
}
