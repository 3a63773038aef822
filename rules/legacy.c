// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/legacy.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "rules/policies.h"

/* There are five tables, of short names. */
enum { NAMES_BYTES = 256 };

/* There as soon as the kernel's module is; mode 0440, root. */
static const struct {
	const char *path;
	uint8_t family;
	unsigned seen;
} LISTS[LEGACY_FAMILIES] = {
	{ "/proc/thread-self/net/ip_tables_names", AF_INET, LEGACY_IP4 },
	{ "/proc/thread-self/net/ip6_tables_names", AF_INET6, LEGACY_IP6 },
};

static int open_list(size_t i)
{
	return open(LISTS[i].path, O_RDONLY | O_CLOEXEC);
}

static int open_socket(size_t i)
{
	return socket(LISTS[i].family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
}

void legacy_open(struct legacy *out)
{
	for (size_t i = 0; i < LEGACY_FAMILIES; i++) {
		/* -1 of what is not there yet: legacy_look() tries to open it then. */
		out->list_fd[i] = open_list(i);
		out->socket[i] = open_socket(i);
	}
}

static void close_fd(int fd)
{
	if (fd >= 0)
		close(fd);
}

void legacy_close(struct legacy *legacy)
{
	for (size_t i = 0; i < LEGACY_FAMILIES; i++) {
		close_fd(legacy->list_fd[i]);
		close_fd(legacy->socket[i]);
	}
}

/* The kernel makes the list anew for whoever reads it from its beginning. */
static unsigned read_list(size_t i, int fd, int socket)
{
	char names[NAMES_BYTES], *rest = names;
	ssize_t bytes = pread(fd, names, sizeof(names) - 1, 0);

	if (bytes < 0)
		return LEGACY_HIDDEN;
	names[bytes] = '\0';
	for (char *end = strchr(rest, '\n'); end; end = strchr(rest, '\n')) {
		*end = '\0';
		if (!policies_accept(socket, LISTS[i].family, rest))
			return LISTS[i].seen;
		rest = end + 1;
	}
	/* A name that is cut off is of a table that was not looked at. */
	return rest < names + bytes ? LISTS[i].seen : 0;
}

static unsigned look_now(size_t i)
{
	int fd = open_list(i), socket;
	unsigned seen;

	if (fd < 0)
		/* No module, no tables; else there may be some that only root may see. */
		return errno == ENOENT || errno == ENOTDIR ? 0 : LEGACY_HIDDEN;
	socket = open_socket(i);
	seen = read_list(i, fd, socket);
	close_fd(socket);
	close(fd);
	return seen;
}

unsigned legacy_look(const struct legacy *legacy)
{
	unsigned seen = 0;

	for (size_t i = 0; i < LEGACY_FAMILIES; i++)
		seen |= legacy && legacy->list_fd[i] >= 0
				? read_list(i, legacy->list_fd[i], legacy->socket[i])
				: look_now(i);
	return seen;
}
