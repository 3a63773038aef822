// SPDX-License-Identifier: GPL-2.0-or-later
#include "conntrack/spaces.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conntrack/inhabitant.h"
#include "conntrack/netns.h"
#include "conntrack/place.h"
#include "conntrack/space.h"
#include "conntrack/survey.h"
#include "conntrack/watch.h"
#include "lib/args.h"
#include "lib/clock.h"
#include "lib/log.h"

/* Looking for namespaces: at most that often, and as a share of the time. */
static const double UPDATE_EVERY_S = 1, UPDATE_COST_SHARE = 0.005;

static const char SELF_PATH[] = "/proc/self/ns/net";

struct spaces {
	bool all;
	size_t places;
	struct place *place[SPACES_MAX];
	uint32_t sample_max;
	const struct log *log;
	struct home home;
	size_t left_out;     /* this and the next: of the last look; no room for them */
	size_t barred;       /* not to be entered */
	bool complained;     /* about what is missing in them */
	size_t told;         /* the sum of both that the log has been told of */
	uint64_t updated_ns; /* CLOCK_MONOTONIC; 0: never */
	double update_cost_s;
	struct survey survey;
	size_t count;
	struct space *space[SPACES_MAX];
};

/* Two may be called the same: a metric needs labels that tell them apart. */
static void name_space(const struct spaces *spaces, const struct netns *netns,
		       const char *label, char name[SPACE_NAME_MAX])
{
	snprintf(name, SPACE_NAME_MAX, "%s", label);
	for (size_t i = 0; i < spaces->count; i++) {
		if (strcmp(spaces->space[i]->name, label) == 0)
			snprintf(name, SPACE_NAME_MAX, "%s:%llu", label,
				 (unsigned long long)netns->inode);
	}
}

/* Takes netns over, if it succeeds. Returns 0 or -errno. */
static int add(struct spaces *spaces, const struct netns *netns, const char *label)
{
	char name[SPACE_NAME_MAX];
	struct space *space;
	int err;

	name_space(spaces, netns, label, name);
	err = space_open(&space, &spaces->home, netns, name, spaces->sample_max);
	if (err)
		return err;
	space->seen = true;
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

	if (found->inode == spaces->home.netns.inode)
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

	/* A walk through all processes: only for those who need it. */
	survey_take(&spaces->survey);
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
		space_close(space);
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
	survey_forget(&spaces->survey);
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
	int err = netns_open(SELF_PATH, &spaces->home.netns);

	if (err) {
		spaces->home.netns.fd = -1;
		snprintf(why->text, sizeof(why->text), "%s: %s", SELF_PATH,
			 strerror(-err));
		return err;
	}
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
		space_close(spaces->space[i]);
	for (size_t i = 0; i < spaces->places; i++) {
		place_release(spaces->place[i]);
		free(spaces->place[i]);
	}
	if (spaces->home.netns.fd >= 0)
		netns_close(&spaces->home.netns);
	free(spaces);
}

size_t spaces_count(const struct spaces *spaces)
{
	return spaces->count;
}

struct spaces_entry spaces_entry(const struct spaces *spaces, size_t index)
{
	const struct space *space = spaces->space[index];

	return (struct spaces_entry){ space->name, space->netns.inode,
				      watch_entries(space->watch) };
}

size_t spaces_left_out(const struct spaces *spaces)
{
	return spaces->left_out + spaces->barred;
}

void spaces_poll(struct spaces *spaces)
{
	for (size_t i = 0; i < spaces->count; i++)
		(void)space_poll(spaces->space[i], &spaces->home);
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

/* What is missing is said once. */
static void complain(struct spaces *spaces, int missing)
{
	spaces->complained = true;
	if (missing == -EPERM)
		log_warn(spaces->log, "no CAP_NET_ADMIN: only entries and limit are "
				      "known, not counters, services and sources");
	else
		log_warn(spaces->log,
			 "the kernel does not answer by netlink (%s): only "
			 "entries and limit are known",
			 strerror(-missing));
}

static void tell_of(struct spaces *spaces, const struct reading *reading)
{
	if (reading->missing && !spaces->complained)
		complain(spaces, reading->missing);
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
	return take(spaces, spaces->space[index], watch_read, out);
}

int spaces_glance(struct spaces *spaces, size_t index, struct reading *out,
		  const struct labels **labels)
{
	struct space *space = spaces->space[index];
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

	while (i < spaces->count &&
	       spaces->space[i]->netns.inode != spaces->home.netns.inode)
		i++;
	return i;
}
