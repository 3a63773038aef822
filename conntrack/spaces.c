// SPDX-License-Identifier: GPL-2.0-or-later
#include "conntrack/spaces.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conntrack/atlas.h"
#include "conntrack/home.h"
#include "conntrack/space.h"
#include "conntrack/watch.h"
#include "lib/args.h"
#include "lib/clock.h"
#include "lib/log.h"

struct spaces {
	struct watch_config config;
	const struct log *log;
	struct home home;
	bool complained;  /* about what is missing in them */
	bool told_barred; /* the same of processes that cannot be seen */
	struct atlas *atlas;
};

static struct space *space_at(const struct spaces *spaces, size_t index)
{
	return atlas_entry(spaces->atlas, index).kept;
}

/* What a struct atlas_keeper asks for, from here on: data are the spaces, kept is a space. */
static int keep(void *data, const struct netns *netns, const char *name, void **out)
{
	struct spaces *spaces = data;
	struct space *space;
	int err = space_open(&space, &spaces->home, netns, name, &spaces->config);

	if (!err)
		*out = space;
	return err;
}

static void end(void *data, void *kept)
{
	space_close(kept);
}

static void call(void *data, void *kept, const char *name)
{
	struct space *space = kept;

	snprintf(space->name, sizeof(space->name), "%s", name);
}

static void tell_new(void *data, void *kept, const char *name)
{
	const struct spaces *spaces = data;

	log_info(spaces->log, "network namespace %s: watched from now on", name);
}

static void tell_gone(void *data, void *kept, const char *name)
{
	const struct spaces *spaces = data;

	log_info(spaces->log, "network namespace %s is gone", name);
}

void spaces_update(struct spaces *spaces)
{
	atlas_update(spaces->atlas);
}

int spaces_open(struct spaces **out, const struct spaces_wanted *wanted,
		const struct watch_config *config, const struct log *log,
		struct args_why *why)
{
	const struct atlas_wanted places = { wanted->all, wanted->count, wanted->spec };
	struct spaces *spaces = calloc(1, sizeof(*spaces));
	const struct atlas_keeper keeper = {
		.open = keep,
		.close = end,
		.rename = call,
		.come = tell_new,
		.go = tell_gone,
		.data = spaces,
		.most = SPACES_MAX,
		.kept = "watched",
	};
	int err;

	if (!spaces) {
		snprintf(why->text, sizeof(why->text), "out of memory");
		return -ENOMEM;
	}
	spaces->config = *config;
	spaces->log = log;
	err = home_open(&spaces->home);
	if (err) {
		snprintf(why->text, sizeof(why->text), "%s: %s", NETNS_SELF,
			 strerror(-err));
		free(spaces);
		return err;
	}
	err = atlas_open(&spaces->atlas, &places, &keeper, log, why);
	if (err) {
		spaces_close(spaces);
		return err;
	}
	*out = spaces;
	return 0;
}

void spaces_close(struct spaces *spaces)
{
	if (!spaces)
		return;
	atlas_close(spaces->atlas);
	home_close(&spaces->home);
	free(spaces);
}

size_t spaces_count(const struct spaces *spaces)
{
	return atlas_count(spaces->atlas);
}

struct spaces_entry spaces_entry(const struct spaces *spaces, size_t index)
{
	const struct space *space = space_at(spaces, index);

	return (struct spaces_entry){ space->name,
				      atlas_entry(spaces->atlas, index).label,
				      space->netns.inode, watch_entries(space->watch) };
}

size_t spaces_left_out(const struct spaces *spaces)
{
	return atlas_left_out(spaces->atlas);
}

int spaces_missing(const struct spaces *spaces)
{
	int err = 0;

	for (size_t i = 0; i < spaces_count(spaces); i++) {
		err = watch_missing(space_at(spaces, i)->watch);
		if (!err)
			break;
	}
	return err;
}

bool spaces_have_counted(const struct spaces *spaces)
{
	for (size_t i = 0; i < spaces_count(spaces); i++) {
		if (!watch_has_counted(space_at(spaces, i)->watch))
			return false;
	}
	return true;
}

void spaces_poll(struct spaces *spaces)
{
	for (size_t i = 0; i < spaces_count(spaces); i++)
		(void)space_poll(space_at(spaces, i), &spaces->home);
}

/*
 * How much of all sampling a table gets: half of it is shared alike, half by their entries. The
 * fuller a table, the more there is to know, and the less the kernel searches for entries.
 */
static double part_of(const struct spaces *spaces, const struct space *space)
{
	double count = (double)spaces_count(spaces);
	double sum = 0;

	for (size_t i = 0; i < spaces_count(spaces); i++)
		/* Of their last readings: 0 before the first, then all of it is shared alike. */
		sum += space_at(spaces, i)->entries;
	return (1 / count + (sum > 0 ? space->entries / sum : 1 / count)) / 2;
}

/* What is missing is said once. */
static void complain(struct spaces *spaces, const struct reading *reading)
{
	spaces->complained = true;
	if (reading->missing == -EPERM)
		log_warn(spaces->log,
			 "no CAP_NET_ADMIN: only %s are known, not services, sources, "
			 "what "
			 "may be evicted and whether tracking is active",
			 reading->counted ? "entries, limit and counters"
					  : "entries and limit");
	else
		log_warn(spaces->log, "no answer by netlink (%s): only %s are known",
			 strerror(-reading->missing),
			 reading->counted ? "entries, limit and counters"
					  : "entries and limit");
}

static void tell_of(struct spaces *spaces, const struct reading *reading)
{
	if (reading->missing && !spaces->complained)
		complain(spaces, reading);
	if (reading->barred && !spaces->told_barred)
		log_warn(
			spaces->log,
			"who holds some sockets is not known: looking into the processes "
			"of others needs root (CAP_SYS_PTRACE)");
	spaces->told_barred |= reading->barred > 0;
	/* Taken in this very reading, not left from the one before. */
	if (reading->sampled && reading->sample_age_s == 0)
		log_debug(spaces->log, "sampled %u entries in %.1f ms",
			  reading->sample.flows, reading->sample_cost_s * 1000);
}

static int take(struct spaces *spaces, struct space *space,
		int (*from)(struct watch *watch, struct reading *out),
		struct reading *out)
{
	int err;

	watch_set_part(space->watch, part_of(spaces, space));
	err = space_read(space, &spaces->home, from, out);
	if (!err)
		tell_of(spaces, out);
	return err;
}

int spaces_read(struct spaces *spaces, size_t index, struct reading *out)
{
	return take(spaces, space_at(spaces, index), watch_read, out);
}

int spaces_glance(struct spaces *spaces, size_t index, struct reading *out,
		  const struct labels **labels)
{
	struct space *space = space_at(spaces, index);
	int err = take(spaces, space, watch_glance, out);

	if (err)
		return err;
	if (out->sampled)
		labels_update(&space->labels, out->services, clock_now_ns());
	*labels = &space->labels;
	return 0;
}

size_t spaces_own(const struct spaces *spaces)
{
	size_t i = 0;

	while (i < spaces_count(spaces) &&
	       atlas_entry(spaces->atlas, i).inode != atlas_own(spaces->atlas))
		i++;
	return i;
}
