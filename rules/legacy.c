// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/legacy.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/* There as soon as the kernel's module is; mode 0440, root. */
static const struct {
	const char *path;
	unsigned seen;
} LISTS[LEGACY_FAMILIES] = {
	{ "/proc/thread-self/net/ip_tables_names", LEGACY_IP4 },
	{ "/proc/thread-self/net/ip6_tables_names", LEGACY_IP6 },
};

static int open_list(size_t i)
{
	return open(LISTS[i].path, O_RDONLY | O_CLOEXEC);
}

void legacy_open(struct legacy *out)
{
	for (size_t i = 0; i < LEGACY_FAMILIES; i++)
		out->list_fd[i] = open_list(i);
}

void legacy_close(struct legacy *legacy)
{
	for (size_t i = 0; i < LEGACY_FAMILIES; i++)
		if (legacy->list_fd[i] >= 0)
			close(legacy->list_fd[i]);
}

/* The kernel makes the list anew for whoever reads it from its beginning. */
static unsigned read_list(int fd, unsigned seen)
{
	char byte;
	ssize_t bytes = pread(fd, &byte, 1, 0);

	if (bytes < 0)
		return LEGACY_HIDDEN;
	return bytes > 0 ? seen : 0;
}

static unsigned look_now(size_t i)
{
	int fd = open_list(i);
	unsigned seen;

	if (fd < 0)
		return errno == ENOENT || errno == ENOTDIR ? 0 : LEGACY_HIDDEN;
	seen = read_list(fd, LISTS[i].seen);
	close(fd);
	return seen;
}

unsigned legacy_look(const struct legacy *legacy)
{
	unsigned seen = 0;

	for (size_t i = 0; i < LEGACY_FAMILIES; i++)
		seen |= legacy && legacy->list_fd[i] >= 0
				? read_list(legacy->list_fd[i], LISTS[i].seen)
				: look_now(i);
	return seen;
}
