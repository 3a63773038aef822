// SPDX-License-Identifier: GPL-2.0-or-later
#include "conntrack/home.h"

int home_open(struct home *home)
{
	*home = (struct home){ 0 };
	return netns_open(NETNS_SELF, &home->netns);
}

void home_close(struct home *home)
{
	netns_close(&home->netns);
}

/* A process without CAP_SYS_ADMIN may not even enter the namespace that it is in. */
static bool is_home(const struct home *home, const struct netns *netns)
{
	return netns->inode == home->netns.inode && !home->away;
}

int home_leave(const struct home *home, const struct netns *netns)
{
	return is_home(home, netns) ? 0 : netns_enter(netns);
}

void home_return(struct home *home, const struct netns *netns)
{
	if (!is_home(home, netns))
		/* If that fails once, what is asked next must not be asked of the wrong namespace. */
		home->away = netns_enter(&home->netns) < 0;
}
