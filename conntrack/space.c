// SPDX-License-Identifier: GPL-2.0-or-later
#include "conntrack/space.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "conntrack/home.h"
#include "conntrack/watch.h"

int space_open(struct space **out, struct home *home, const struct netns *netns,
	       const char *name, const struct watch_config *config)
{
	struct watch_config own = *config;
	struct space *space = calloc(1, sizeof(*space));
	int err;

	if (!space)
		return -ENOMEM;
	own.netns = netns->inode;
	space->netns = *netns;
	snprintf(space->name, sizeof(space->name), "%s", name);
	/* A socket stays of the namespace in which it is opened (__sock_create() in net/socket.c). */
	err = home_leave(home, &space->netns);
	if (!err) {
		err = watch_open(&space->watch, &own);
		home_return(home, &space->netns);
	}
	if (err) {
		free(space);
		return err;
	}
	*out = space;
	return 0;
}

void space_close(struct space *space)
{
	watch_close(space->watch);
	netns_close(&space->netns);
	free(space);
}

int space_poll(struct space *space, struct home *home)
{
	int err = watch_poll(space->watch);

	/* Ten times a second, so it enters only where the file that is kept open does not do. */
	if (!err)
		return 0;
	err = home_leave(home, &space->netns);
	if (err)
		return err;
	err = watch_poll_inside(space->watch);
	home_return(home, &space->netns);
	return err;
}

int space_read(struct space *space, struct home *home,
	       int (*from)(struct watch *watch, struct reading *out), struct reading *out)
{
	int err = home_leave(home, &space->netns);

	if (err)
		return err;
	err = from(space->watch, out);
	home_return(home, &space->netns);
	if (err)
		return err;
	out->netns = space->name;
	space->entries = out->usage.entries;
	return 0;
}
