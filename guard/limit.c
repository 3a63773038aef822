// SPDX-License-Identifier: GPL-2.0-or-later
#include "guard/limit.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

bool limit_settable(const char *path)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

int limit_set(const char *path, uint32_t entries)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	char text[16];
	int length = snprintf(text, sizeof(text), "%u\n", entries);
	int err = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, (size_t)length) != length)
		err = errno ? -errno : -EIO;
	close(fd);
	return err;
}

static int read_limit(const char *path, uint32_t *out)
{
	FILE *file = fopen(path, "re");
	int err = 0;

	if (!file)
		return -errno;
	if (fscanf(file, "%" SCNu32, out) != 1)
		err = -EBADMSG;
	fclose(file);
	return err;
}

int limit_put_back(const char *path, uint32_t raised, uint32_t before)
{
	uint32_t now;
	int err = read_limit(path, &now);

	if (err)
		return err;
	return now == raised ? limit_set(path, before) : -ESTALE;
}
