// SPDX-License-Identifier: GPL-2.0-or-later
#include "guard/startup.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/privilege.h"
#include "lib/text.h"

/* What the event loop opens: epoll, a pipe or an eventfd for signals, a timer. */
enum { LOOP_DESCRIPTORS = 5 };

enum { FOLDER_MODE = 0755 };

int startup_descriptors(void)
{
	int fds[LOOP_DESCRIPTORS];
	int count = 0, err = 0;

	while (count < LOOP_DESCRIPTORS) {
		fds[count] = open("/dev/null", O_RDONLY | O_CLOEXEC);
		if (fds[count] < 0) {
			err = -errno;
			break;
		}
		count++;
	}
	while (count > 0)
		close(fds[--count]);
	return err;
}

void startup_make_folder(const char *path, const struct privilege_user *user)
{
	const char *slash = strrchr(path, '/');
	char folder[PATH_MAX];

	if (!slash || slash == path || slash - path >= PATH_MAX)
		return;
	memcpy(folder, path, (size_t)(slash - path));
	folder[slash - path] = '\0';
	if (mkdir(folder, FOLDER_MODE) == 0)
		(void)!lchown(folder, user->uid, user->gid);
}

void startup_explain(int err, struct text *why)
{
	switch (err) {
	case -EPERM:
		text_add(why,
			 "no CAP_NET_ADMIN in this network namespace: cannot read the "
			 "connection-tracking table or change its rules");
		break;
	case -ENOENT:
	case -EOPNOTSUPP:
	case -EINVAL:
	case -EPROTONOSUPPORT:
		text_add(why, "this kernel has no connection tracking by netlink: %s",
			 strerror(-err));
		break;
	case -EADDRINUSE:
		text_add(why, "another ctguard runs in this network namespace (or a "
			      "program that "
			      "has its lock, the abstract Unix socket @ctkit/ctguard)");
		break;
	default: text_add(why, "cannot start: %s", strerror(-err)); break;
	}
}
