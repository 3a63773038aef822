// SPDX-License-Identifier: GPL-2.0-or-later
#include "guard/limit.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* A boot is called by a UUID; what is kept is that, and two numbers of up to 10 digits. */
enum { BOOT_BYTES = 36, KEPT_BYTES = 80, KEPT_MODE = 0640 };

bool limit_settable(const char *path)
{
	/* Whether it is allowed is asked when it is opened; nothing is written. */
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

int limit_get(const char *path, uint32_t *out)
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
	int err = limit_get(path, &now);

	if (err)
		return err;
	return now == raised ? limit_set(path, before) : -ESTALE;
}

/* The kernel's name of this boot; "-" if it has none. */
static void read_boot(char boot[BOOT_BYTES + 1])
{
	FILE *file = fopen("/proc/sys/kernel/random/boot_id", "re");

	if (!file || fscanf(file, "%36s", boot) != 1)
		snprintf(boot, BOOT_BYTES + 1, "-");
	if (file)
		fclose(file);
}

/* As limit_recall() wants it, to the byte. */
static void write_change(const struct limit_change *change, const char *boot,
			 char text[KEPT_BYTES])
{
	snprintf(text, KEPT_BYTES, "%" PRIu32 " %" PRIu32 " %s\n", change->raised,
		 change->before, boot);
}

static int write_file(const char *path, const char *text)
{
	size_t length = strlen(text);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC,
		      KEPT_MODE);
	int err = 0;

	if (fd < 0)
		return -errno;
	errno = 0;
	if (write(fd, text, length) != (ssize_t)length || fsync(fd) < 0)
		err = errno ? -errno : -EIO;
	close(fd);
	return err;
}

int limit_keep(const char *path, const struct limit_change *change)
{
	char boot[BOOT_BYTES + 1], text[KEPT_BYTES], next[PATH_MAX];
	int err;

	if (!change->raised)
		return unlink(path) < 0 && errno != ENOENT ? -errno : 0;
	if ((size_t)snprintf(next, sizeof(next), "%s.next", path) >= sizeof(next))
		return -ENAMETOOLONG;
	read_boot(boot);
	write_change(change, boot, text);
	err = write_file(next, text);
	/* Who reads meanwhile sees what was there or what comes, and no part of it. */
	if (!err && rename(next, path) < 0)
		err = -errno;
	if (err)
		unlink(next);
	return err;
}

/* As much as text holds: what is longer is not what limit_keep() wrote. */
static int read_file(const char *path, char text[KEPT_BYTES])
{
	/* The file may be anything by now: a FIFO is not waited for. */
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	ssize_t length;
	int err = 0;

	if (fd < 0)
		return -errno;
	length = read(fd, text, KEPT_BYTES - 1);
	if (length < 0)
		err = -errno;
	text[length < 0 ? 0 : length] = '\0';
	close(fd);
	return err;
}

int limit_recall(const char *path, struct limit_change *out)
{
	char boot[BOOT_BYTES + 1], kept[BOOT_BYTES + 1];
	char text[KEPT_BYTES], whole[KEPT_BYTES];
	struct limit_change change;
	int err = read_file(path, text);

	if (err)
		return err;
	if (sscanf(text, "%10" SCNu32 " %10" SCNu32 " %36s", &change.raised,
		   &change.before, kept) != 3)
		return -EBADMSG;
	/* Nothing else may be there. */
	write_change(&change, kept, whole);
	if (strcmp(text, whole) != 0 || !change.raised || !change.before)
		return -EBADMSG;
	read_boot(boot);
	if (strcmp(boot, kept) != 0)
		return -ESTALE;
	*out = change;
	return 0;
}
