// SPDX-License-Identifier: GPL-2.0-or-later
#include "conntrack/inhabitant.h"

#include <ctype.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Of ids as many digits are shown as by "docker ps"; COMM_MAX is the kernel's TASK_COMM_LEN. */
enum { ID_MIN = 32, ID_SHOWN = 12, LINE_MAX_BYTES = 1024, COMM_MAX = 16 };

/* A piece of a path: not NUL-terminated. */
struct piece {
	const char *text;
	size_t length;
};

/* And goes on: a prefix alone is no name */
static bool begins(const struct piece *piece, const char *start)
{
	size_t length = strlen(start);

	return piece->length > length && memcmp(piece->text, start, length) == 0;
}

static bool equals(const struct piece *piece, const char *text)
{
	return piece->length == strlen(text) &&
	       memcmp(piece->text, text, piece->length) == 0;
}

static bool cut_end(struct piece *piece, const char *end)
{
	size_t length = strlen(end);

	if (piece->length <= length ||
	    memcmp(piece->text + piece->length - length, end, length) != 0)
		return false;
	piece->length -= length;
	return true;
}

/* Container runtimes name cgroups by an id of 32 or 64 hexadecimal digits. */
static bool ends_in_id(const struct piece *piece, size_t *digits)
{
	size_t count = 0;

	while (count < piece->length &&
	       isxdigit((unsigned char)piece->text[piece->length - 1 - count]))
		count++;
	*digits = count;
	return count >= ID_MIN &&
	       (count == piece->length || piece->text[piece->length - 1 - count] == '-');
}

/* "docker-ID.scope", "cri-containerd-ID.scope", "ID" below "docker" or anything. */
static bool take_container(const struct piece *piece, const struct piece *above,
			   char name[INHABITANT_NAME_MAX])
{
	struct piece runtime = { "container", strlen("container") };
	size_t digits;

	if (!ends_in_id(piece, &digits))
		return false;
	if (digits < piece->length)
		runtime = (struct piece){ piece->text, piece->length - digits - 1 };
	else if (equals(above, "docker"))
		runtime = *above;
	snprintf(name, INHABITANT_NAME_MAX, "%.*s-%.*s", (int)runtime.length,
		 runtime.text, ID_SHOWN, piece->text + piece->length - digits);
	return true;
}

static bool take_named(const char *kind, const struct piece *piece, size_t skip,
		       char name[INHABITANT_NAME_MAX])
{
	snprintf(name, INHABITANT_NAME_MAX, "%s-%.*s", kind, (int)(piece->length - skip),
		 piece->text + skip);
	return true;
}

/* One piece of the path, its end first. Returns whether it says what lives there. */
static bool take(struct piece piece, const struct piece *above, bool of_user,
		 char name[INHABITANT_NAME_MAX])
{
	bool scope = cut_end(&piece, ".scope");

	if (take_container(&piece, above, name))
		return true;
	if (begins(&piece, "lxc.payload."))
		return take_named("lxc", &piece, strlen("lxc.payload."), name);
	if (equals(above, "lxc"))
		return take_named("lxc", &piece, 0, name);
	if (scope && begins(&piece, "machine-"))
		return take_named("machine", &piece, strlen("machine-"), name);
	/* Below user.slice is one service for all that a user runs. */
	if (of_user || !cut_end(&piece, ".service"))
		return false;
	snprintf(name, INHABITANT_NAME_MAX, "%.*s.service", (int)piece.length,
		 piece.text);
	return true;
}

/* The piece that ends at the end of a path, which loses it. */
static struct piece last_piece(struct piece *path)
{
	struct piece piece;
	size_t start;

	while (path->length > 0 && path->text[path->length - 1] == '/')
		path->length--;
	start = path->length;
	while (start > 0 && path->text[start - 1] != '/')
		start--;
	piece = (struct piece){ path->text + start, path->length - start };
	path->length = start;
	return piece;
}

void inhabitant_of_cgroup(const char *line, char name[INHABITANT_NAME_MAX])
{
	/* "HIERARCHY:CONTROLLERS:PATH", cgroups(7); the path may have colons too. */
	const char *path = strchr(line, ':');
	struct piece left, piece, above;
	bool of_user;

	name[0] = '\0';
	path = path ? strchr(path + 1, ':') : NULL;
	if (!path)
		return;
	left = (struct piece){ path + 1, strcspn(path + 1, "\n") };
	of_user = begins(&left, "/user.slice/");
	for (piece = last_piece(&left); piece.length > 0; piece = above) {
		above = last_piece(&left);
		if (take(piece, &above, of_user, name))
			break;
	}
	inhabitant_clean(name);
}

void inhabitant_clean(char *name)
{
	for (; *name; name++) {
		if (!isgraph((unsigned char)*name))
			*name = '?';
	}
}

/* The start of a file of a process as a string; empty if it cannot be read. */
static void read_start(pid_t pid, const char *file, char *text, size_t bytes)
{
	char path[64];
	ssize_t got;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	got = fd < 0 ? -1 : read(fd, text, bytes - 1);
	if (fd >= 0)
		close(fd);
	text[got > 0 ? got : 0] = '\0';
}

static bool has_line(const char *text, const char *line)
{
	size_t length = strlen(line);

	while (*text) {
		size_t end = strcspn(text, "\n");

		if (end == length && memcmp(text, line, length) == 0)
			return true;
		text += end + (text[end] == '\n');
	}
	return false;
}

size_t inhabitant_of_process(pid_t pid, char name[INHABITANT_NAME_MAX])
{
	char text[LINE_MAX_BYTES], own[LINE_MAX_BYTES];
	char *line, *rest = text;

	read_start(pid, "cgroup", text, sizeof(text));
	read_start(getpid(), "cgroup", own, sizeof(own));
	name[0] = '\0';
	/* What it shares with us, be it of one hierarchy of several, does not set it apart. */
	while (!name[0] && (line = strsep(&rest, "\n"))) {
		if (!has_line(own, line))
			inhabitant_of_cgroup(line, name);
	}
	if (name[0])
		return strlen(name);
	read_start(pid, "comm", text, COMM_MAX);
	text[strcspn(text, "\n")] = '\0';
	snprintf(name, INHABITANT_NAME_MAX, "%.*s[%d]", COMM_MAX, text, (int)pid);
	inhabitant_clean(name);
	return strlen(text);
}
