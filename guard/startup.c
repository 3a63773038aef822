// SPDX-License-Identifier: GPL-2.0-or-later
#include "guard/startup.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conntrack/netns.h"
#include "conntrack/place.h"
#include "guard/config.h"
#include "guard/wiring.h"
#include "lib/args.h"
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

/* A ward takes a dozen of them. */
static void raise_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	/* If not, fewer namespaces are guarded, and the log says so. */
	(void)!setrlimit(RLIMIT_NOFILE, &limit);
}

/* For good: nothing keeps the namespace where the thread was. */
static int enter(const struct place *place)
{
	struct netns netns;
	int err = netns_open(place->path, &netns);

	if (err)
		return err;
	err = netns_enter(&netns);
	netns_close(&netns);
	return err;
}

int startup_enter(const char *name, struct text *why)
{
	struct args_why reason;
	struct place place;
	int err;

	if (strcmp(name, "all") == 0)
		raise_descriptors();
	if (!name[0] || strcmp(name, "all") == 0)
		return 0;
	err = place_parse(name, &place, &reason);
	if (!err) {
		err = place_hold(&place);
		if (!err)
			err = enter(&place);
		place_release(&place);
		if (err)
			place_refusal(name, err, &reason);
	}
	if (err)
		text_add(why, "netns: %s", reason.text);
	return err;
}

/*
 * Makes the directory that path is in, one level, for that user, if it is not there: before
 * this process becomes the user, which may make none there. What is wrong is seen later.
 */
static void make_folder(const char *path, const struct privilege_user *user)
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

int startup_become(const char *name, const struct config *config, struct text *why)
{
	struct privilege_user user;
	struct args_why reason;
	int err = privilege_find_user(name, &user, &reason);

	if (err) {
		text_add(why, "--user %s", reason.text);
		return err;
	}
	make_folder(config->control[0] ? config->control : GUARD_CONTROL_PATH, &user);
	make_folder(config->journal, &user);
	err = privilege_become_net_admin(&user, config_is_everywhere(config));
	if (!err)
		return 0;
	text_add(why, "cannot become %s: %s", name, strerror(-err));
	/* Only a user that is not there is an error of whoever named it. */
	return err == -ENOENT ? -EPERM : err;
}

bool startup_was_unreachable(int err)
{
	/*
	 * Without the modules: no such netlink family (EPROTONOSUPPORT), or no such part of
	 * nfnetlink (EINVAL, nfnetlink_rcv_msg()).
	 */
	return err == -EPERM || err == -ENOENT || err == -EOPNOTSUPP || err == -EINVAL ||
	       err == -EPROTONOSUPPORT;
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
