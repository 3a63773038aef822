// SPDX-License-Identifier: GPL-2.0-or-later
#include "conntrack/spaces.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conntrack/inhabitant.h"
#include "conntrack/netns.h"
#include "conntrack/place.h"
#include "conntrack/survey.h"
#include "conntrack/watch.h"
#include "lib/args.h"
#include "lib/clock.h"
#include "lib/log.h"

/* Looking for namespaces: at most that often, and as a share of the time. */
static const double UPDATE_EVERY_S = 1, UPDATE_COST_SHARE = 0.005;

static const char SELF_PATH[] = "/proc/self/ns/net";

struct space {
	char name[SURVEY_LABEL_MAX + sizeof(":18446744073709551615")];
	struct netns netns;
	struct watch *watch;
	uint32_t entries; /* of the last reading */
	bool seen;        /* by the look that is going on */
};

struct spaces {
	bool all;
	size_t places;
	struct place *place[SPACES_MAX];
	uint32_t sample_max;
	const struct log *log;
	struct netns self;
	bool away;           /* there was no way back to self */
	size_t left_out;     /* this and the next: of the last look; no room for them */
	size_t barred;       /* not to be entered */
	size_t told;         /* the sum of both that the log has been told of */
	uint64_t updated_ns; /* CLOCK_MONOTONIC; 0: never */
	double update_cost_s;
	struct survey survey;
	size_t count;
	struct space *space[SPACES_MAX];
};

static int enter(const struct spaces *spaces, const struct space *space)
{
	if (space->netns.inode == spaces->self.inode && !spaces->away)
		return 0;
	return netns_enter(&space->netns);
}

static void leave(struct spaces *spaces, const struct space *space)
{
	if (space->netns.inode != spaces->self.inode || spaces->away)
		spaces->away = netns_enter(&spaces->self) < 0;
}

static void close_space(struct space *space)
{
	watch_close(space->watch);
	netns_close(&space->netns);
	free(space);
}

/* Two may be called the same: a metric needs labels that tell them apart. */
static void name_space(const struct spaces *spaces, struct space *space, const char *name)
{
	snprintf(space->name, sizeof(space->name), "%s", name);
	for (size_t i = 0; i < spaces->count; i++) {
		if (strcmp(spaces->space[i]->name, name) == 0)
			snprintf(space->name, sizeof(space->name), "%s:%llu", name,
				 (unsigned long long)space->netns.inode);
	}
}

/* Takes netns over, if it succeeds. Returns 0 or -errno. */
static int add(struct spaces *spaces, const struct netns *netns, const char *name)
{
	struct watch_config config = { .sample_max = spaces->sample_max,
				       .netns = netns->inode };
	struct space *space = calloc(1, sizeof(*space));
	int err;

	if (!space)
		return -ENOMEM;
	space->netns = *netns;
	space->seen = true;
	name_space(spaces, space, name);
	err = enter(spaces, space);
	if (!err) {
		err = watch_open(&space->watch, &config);
		leave(spaces, space);
	}
	if (err) {
		free(space);
		return err;
	}
	spaces->space[spaces->count++] = space;
	if (spaces->updated_ns)
		log_info(spaces->log, "network namespace %s: watched from now on",
			 space->name);
	return 0;
}

static struct space *find(const struct spaces *spaces, uint64_t inode)
{
	for (size_t i = 0; i < spaces->count; i++) {
		if (spaces->space[i]->netns.inode == inode)
			return spaces->space[i];
	}
	return NULL;
}

/*
 * Watches what is at a path, if it is not watched yet; name NULL: it is called by who lives
 * there. Returns 0 or -errno.
 */
static int look_at(struct spaces *spaces, const char *path, const char *name)
{
	char label[SURVEY_LABEL_MAX];
	struct space *known;
	struct netns netns;
	int err = netns_open(path, &netns);

	if (err)
		return err;
	known = find(spaces, netns.inode);
	if (known) {
		known->seen = true;
	} else if (spaces->count == SPACES_MAX) {
		err = -ENOSPC;
	} else {
		if (name)
			snprintf(label, sizeof(label), "%s", name);
		else
			survey_label(&spaces->survey, netns.inode, label);
		inhabitant_clean(label);
		err = add(spaces, &netns, label);
	}
	if (err || known)
		netns_close(&netns);
	return err;
}

/* One that the survey found. */
static void look_at_found(struct spaces *spaces, const struct survey_space *found)
{
	char path[NETNS_PATH_MAX];
	int err;

	if (found->inode == spaces->self.inode)
		snprintf(path, sizeof(path), "%s", SELF_PATH);
	else if (found->directory)
		snprintf(path, sizeof(path), "%s/%s", found->directory, found->name);
	else
		snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)found->pid);
	err = look_at(spaces, path, NULL);
	/* What has gone meanwhile is nothing to tell of. */
	spaces->left_out += err == -ENOSPC || err == -EMFILE || err == -ENOMEM;
	spaces->barred += err == -EPERM || err == -EACCES;
}

static void tell_left_out(const struct spaces *spaces)
{
	if (spaces->barred)
		log_warn(spaces->log,
			 "%zu network namespaces are left out: entering them needs "
			 "CAP_SYS_ADMIN",
			 spaces->barred);
	if (spaces->survey.unreadable)
		log_warn(spaces->log,
			 "the network namespaces of %zu processes cannot be seen: that "
			 "needs root (CAP_SYS_PTRACE)",
			 spaces->survey.unreadable);
	if (spaces->left_out)
		log_warn(spaces->log,
			 "%zu%s network namespaces are left out: %d are watched at most",
			 spaces->left_out, spaces->survey.left_out ? " or more" : "",
			 SPACES_MAX);
}

static void look_at_all(struct spaces *spaces)
{
	bool more;

	spaces->left_out = spaces->barred = 0;
	for (size_t i = 0; i < spaces->survey.count; i++)
		look_at_found(spaces, &spaces->survey.space[i]);
	more = spaces->left_out + spaces->barred > spaces->told ||
	       (spaces->survey.unreadable && !spaces->updated_ns);
	if (!more)
		return;
	spaces->told = spaces->left_out + spaces->barred;
	tell_left_out(spaces);
}

/* Forgets those that the look did not see. */
static void drop_unseen(struct spaces *spaces)
{
	size_t kept = 0;

	for (size_t i = 0; i < spaces->count; i++) {
		struct space *space = spaces->space[i];

		if (space->seen) {
			spaces->space[kept++] = space;
			continue;
		}
		log_info(spaces->log, "network namespace %s is gone", space->name);
		close_space(space);
	}
	spaces->count = kept;
}

static bool is_due(const struct spaces *spaces, uint64_t now_ns)
{
	double passed_s = clock_between_s(spaces->updated_ns, now_ns);

	return passed_s >= UPDATE_EVERY_S &&
	       passed_s >= spaces->update_cost_s / UPDATE_COST_SHARE;
}

void spaces_update(struct spaces *spaces)
{
	uint64_t now_ns = clock_now_ns();

	/* One's own does not go. */
	if ((!spaces->all && !spaces->places) || !is_due(spaces, now_ns))
		return;
	spaces->updated_ns = now_ns;
	survey_take(&spaces->survey);
	for (size_t i = 0; i < spaces->count; i++)
		spaces->space[i]->seen = false;
	/* First the old ones: their room is needed. */
	for (size_t i = 0; i < spaces->places; i++)
		(void)look_at(spaces, spaces->place[i]->path,
			      place_name(spaces->place[i]));
	if (spaces->all)
		look_at_all(spaces);
	drop_unseen(spaces);
	spaces->update_cost_s = clock_between_s(now_ns, clock_now_ns());
}

static int add_place(struct spaces *spaces, const char *spec, struct args_why *why)
{
	struct place *place = calloc(1, sizeof(*place));
	int err = place ? place_parse(spec, place, why) : -ENOMEM;

	if (err) {
		free(place);
		return err;
	}
	err = place_hold(place);
	if (!err)
		err = look_at(spaces, place->path, place_name(place));
	if (err) {
		place_refusal(spec, err, why);
		place_release(place);
		free(place);
		return err;
	}
	spaces->place[spaces->places++] = place;
	return 0;
}

/* Opens all that is wanted. Returns 0 or -errno with the reason in *why. */
static int open_wanted(struct spaces *spaces, const struct spaces_wanted *wanted,
		       struct args_why *why)
{
	int err = netns_open(SELF_PATH, &spaces->self);

	if (err) {
		spaces->self.fd = -1;
		snprintf(why->text, sizeof(why->text), "%s: %s", SELF_PATH,
			 strerror(-err));
		return err;
	}
	survey_take(&spaces->survey);
	for (size_t i = 0; !err && i < wanted->count; i++)
		err = add_place(spaces, wanted->spec[i], why);
	if (err || wanted->count)
		return err;
	err = look_at(spaces, SELF_PATH, NULL);
	if (err)
		snprintf(why->text, sizeof(why->text), "%s", strerror(-err));
	else if (wanted->all)
		look_at_all(spaces);
	return err;
}

int spaces_open(struct spaces **out, const struct spaces_wanted *wanted,
		uint32_t sample_max, const struct log *log, struct args_why *why)
{
	struct spaces *spaces = calloc(1, sizeof(*spaces));
	int err;

	if (!spaces) {
		snprintf(why->text, sizeof(why->text), "out of memory");
		return -ENOMEM;
	}
	spaces->all = wanted->all;
	spaces->sample_max = sample_max;
	spaces->log = log;
	err = open_wanted(spaces, wanted, why);
	if (err) {
		spaces_close(spaces);
		return err;
	}
	spaces->updated_ns = clock_now_ns();
	*out = spaces;
	return 0;
}

void spaces_close(struct spaces *spaces)
{
	if (!spaces)
		return;
	for (size_t i = 0; i < spaces->count; i++)
		close_space(spaces->space[i]);
	for (size_t i = 0; i < spaces->places; i++) {
		place_release(spaces->place[i]);
		free(spaces->place[i]);
	}
	if (spaces->self.fd >= 0)
		netns_close(&spaces->self);
	free(spaces);
}

size_t spaces_count(const struct spaces *spaces)
{
	return spaces->count;
}

size_t spaces_left_out(const struct spaces *spaces)
{
	return spaces->left_out + spaces->barred;
}

void spaces_poll(struct spaces *spaces)
{
	for (size_t i = 0; i < spaces->count; i++) {
		if (enter(spaces, spaces->space[i]) < 0)
			continue;
		(void)watch_poll(spaces->space[i]->watch);
		leave(spaces, spaces->space[i]);
	}
}

/*
 * How much of all sampling a table gets: half of it is shared alike, half by their entries. The
 * fuller a table, the more there is to know, and the less the kernel searches for entries.
 */
static double part_of(const struct spaces *spaces, const struct space *space)
{
	double sum = 0;

	for (size_t i = 0; i < spaces->count; i++)
		sum += spaces->space[i]->entries;
	return (1 / (double)spaces->count +
		(sum > 0 ? space->entries / sum : 1 / (double)spaces->count)) /
	       2;
}

int spaces_read(struct spaces *spaces, size_t index, struct reading *out)
{
	struct space *space = spaces->space[index];
	int err = enter(spaces, space);

	if (err)
		return err;
	watch_set_part(space->watch, part_of(spaces, space));
	err = watch_read(space->watch, out);
	leave(spaces, space);
	if (err)
		return err;
	out->netns = space->name;
	space->entries = out->usage.entries;
	return 0;
}
