// SPDX-License-Identifier: GPL-2.0-or-later
#include "lib/privilege.h"

#include <cap-ng.h>
#include <ctype.h>
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "lib/args.h"

/* What it takes to find other network namespaces, to enter them and to see all that is there. */
static const unsigned ELSEWHERE[] = { CAP_SYS_ADMIN, CAP_SYS_PTRACE,
				      CAP_DAC_READ_SEARCH };
enum { COUNT = sizeof(ELSEWHERE) / sizeof(ELSEWHERE[0]) };

void privilege_lacking(char *names, size_t size)
{
	size_t length = 0;

	names[0] = '\0';
	for (int i = 0; i < COUNT && length < size; i++) {
		if (!capng_have_capability(CAPNG_EFFECTIVE, ELSEWHERE[i]))
			length +=
				(size_t)snprintf(names + length, size - length,
						 "%sCAP_%s", length ? ", " : "",
						 capng_capability_to_name(ELSEWHERE[i]));
	}
	/* libcap-ng has the names in lower case. */
	for (char *c = names; *c; c++)
		*c = (char)toupper((unsigned char)*c);
}

/* Selects those alone; what the process does not have it does not get. */
static int select_net_admin(bool everywhere)
{
	const capng_type_t sets = CAPNG_EFFECTIVE | CAPNG_PERMITTED | CAPNG_BOUNDING_SET;
	bool has[COUNT];
	int failed;

	for (int i = 0; i < COUNT; i++)
		has[i] = everywhere &&
			 capng_have_capability(CAPNG_EFFECTIVE, ELSEWHERE[i]);
	capng_clear(CAPNG_SELECT_BOTH);
	failed = capng_update(CAPNG_ADD, sets, CAP_NET_ADMIN);
	for (int i = 0; i < COUNT; i++) {
		if (has[i])
			failed |= capng_update(CAPNG_ADD, sets, ELSEWHERE[i]);
	}
	return failed ? -EPERM : 0;
}

int privilege_keep_net_admin(bool everywhere)
{
	capng_select_t what = CAPNG_SELECT_CAPS;

	if (capng_get_caps_process() < 0)
		return -EPERM;
	if (!capng_have_capability(CAPNG_EFFECTIVE, CAP_NET_ADMIN))
		return 0;
	/* The bounding set can only be cut with CAP_SETPCAP, which a service manager may have withheld. */
	if (capng_have_capability(CAPNG_EFFECTIVE, CAP_SETPCAP))
		what = CAPNG_SELECT_BOTH;
	if (select_net_admin(everywhere) < 0 || capng_apply(what) < 0)
		return -EPERM;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	return 0;
}

int privilege_find_user(const char *name, struct privilege_user *out,
			struct args_why *why)
{
	const struct passwd *entry;

	errno = 0;
	entry = getpwnam(name);
	if (!entry || entry->pw_uid == 0) {
		/*
		 * Where there is no such user errno is 0 or ENOENT, by what was asked
		 * (getpwnam(3)).
		 */
		snprintf(why->text, sizeof(why->text), "\"%.60s\": %s", name,
			 entry ? "is root, who gives up nothing"
			       : (errno && errno != ENOENT ? strerror(errno)
							   : "there is no such user"));
		return -ENOENT;
	}
	/* Whoever is that user already, as after a restart in place, stays it. */
	if (geteuid() != 0 && geteuid() != entry->pw_uid) {
		snprintf(why->text, sizeof(why->text),
			 "only root can become %.60s, and this is uid %u", name,
			 (unsigned)geteuid());
		return -EPERM;
	}
	*out = (struct privilege_user){ name, entry->pw_uid, entry->pw_gid };
	return 0;
}

int privilege_become_net_admin(const struct privilege_user *user, bool everywhere)
{
	bool may_bound;

	if (geteuid() != 0)
		return privilege_keep_net_admin(everywhere);
	if (initgroups(user->name, user->gid) < 0)
		return -errno;
	if (capng_get_caps_process() < 0)
		return -EPERM;
	may_bound = capng_have_capability(CAPNG_EFFECTIVE, CAP_SETPCAP);
	if (select_net_admin(everywhere) < 0)
		return -EPERM;
	if (may_bound && capng_apply(CAPNG_SELECT_BOUNDS) < 0)
		return -EPERM;
	if (capng_change_id((int)user->uid, (int)user->gid, CAPNG_NO_FLAG) < 0)
		return -EPERM;
	return privilege_keep_net_admin(everywhere);
}

/* The bounding set would give capabilities to a set-user-ID program that is run later. */
static int clear_capabilities(void)
{
	capng_select_t what = CAPNG_SELECT_CAPS;

	if (capng_get_caps_process() < 0)
		return -EPERM;
	if (capng_have_capability(CAPNG_EFFECTIVE, CAP_SETPCAP))
		what = CAPNG_SELECT_ALL;
	capng_clear(what);
	if (capng_apply(what) < 0)
		return -EPERM;
	return 0;
}

/* Cleared while root may still do so, but for what changing the user takes. */
static int clear_bounding_set(void)
{
	if (capng_get_caps_process() < 0)
		return -EPERM;
	if (!capng_have_capability(CAPNG_EFFECTIVE, CAP_SETPCAP))
		return 0;
	capng_clear(CAPNG_SELECT_BOUNDS);
	return capng_apply(CAPNG_SELECT_BOUNDS) < 0 ? -EPERM : 0;
}

int privilege_become_user(const struct privilege_user *user)
{
	int err = 0;

	if (geteuid() == 0) {
		err = clear_bounding_set();
		if (err)
			return err;
		if (initgroups(user->name, user->gid) < 0 ||
		    setresgid(user->gid, user->gid, user->gid) < 0 ||
		    setresuid(user->uid, user->uid, user->uid) < 0)
			return -errno;
	}
	err = clear_capabilities();
	if (err)
		return err;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	/* A way back would mean that something above did not do what it said. */
	return setresuid(0, 0, 0) == 0 ? -EPERM : 0;
}
