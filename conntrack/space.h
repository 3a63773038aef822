/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CONNTRACK_SPACE_H
#define CONNTRACK_SPACE_H

#include <stdint.h>

#include "conntrack/atlas.h"
#include "conntrack/labels.h"
#include "conntrack/netns.h"

struct home;
struct reading;
struct watch;
struct watch_config;

/* One network namespace that is watched. */
struct space {
	char name[ATLAS_NAME_MAX];
	struct netns netns;
	struct watch *watch;
	struct labels labels;
	uint32_t entries; /* of the last reading */
};

/*
 * Enters a namespace, watches it and comes back. Takes netns over, if it succeeds; the config's
 * netns does not count. Returns 0 or -errno.
 */
int space_open(struct space **out, struct home *home, const struct netns *netns,
	       const char *name, const struct watch_config *config);

void space_close(struct space *space);

/* Polls its table, if need be from inside. Returns as watch_poll_inside(). */
int space_poll(struct space *space, struct home *home);

/* Takes a reading, from inside: with watch_read(), or watch_glance(). Returns as these. */
int space_read(struct space *space, struct home *home,
	       int (*from)(struct watch *watch, struct reading *out),
	       struct reading *out);

#endif
