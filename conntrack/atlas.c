// SPDX-License-Identifier: GPL-2.0-or-later
#include "conntrack/atlas.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conntrack/inhabitant.h"
#include "conntrack/netns.h"
#include "conntrack/place.h"
#include "lib/args.h"
#include "lib/clock.h"
#include "lib/log.h"

/* Looking for namespaces: at most that often, and as a share of the CPU time of a core. */
static const double UPDATE_EVERY_S = 1, UPDATE_COST_SHARE = 0.005;

struct region {
	struct nametag tag;
	uint64_t inode;
	void *kept;
	bool seen;
	bool guessed; /* it is called by who lives there */
};

struct atlas {
	struct atlas_keeper keeper;
	const struct log *log;
	bool all;
	size_t places;
	struct place *place[ATLAS_MAX];
	uint64_t own;
	size_t left_out;      /* this and the next: of the last look; no room for them */
	size_t barred;        /* not to be entered */
	size_t told;          /* the sum of both that the log has been told of */
	uint64_t updated_ns;  /* CLOCK_MONOTONIC; 0: never */
	double update_cost_s; /* of looking alone */
	double opened_s;      /* what it took to open new ones, in the last look */
	struct survey survey;
	struct nametag_past past;
	size_t count;
	struct region region[ATLAS_MAX];
};

/* Of the regions that there are; one that is among them has no tag meanwhile. */
static void tag_region(struct atlas *atlas, struct region *region,
		       const struct nametag_call *call)
{
	const struct nametag *tags[ATLAS_MAX];
	const struct nametag_others others = { .count = atlas->count, .tag = tags };

	region->tag = (struct nametag){ 0 };
	for (size_t i = 0; i < atlas->count; i++)
		tags[i] = &atlas->region[i].tag;
	nametag_make(&atlas->past, &others, region->inode, call, clock_now_ns(),
		     &region->tag);
}

/* Takes netns over, if it succeeds. Returns 0 or -errno. */
static int add(struct atlas *atlas, const struct netns *netns,
	       const struct nametag_call *call)
{
	const struct atlas_keeper *keeper = &atlas->keeper;
	struct region *region = &atlas->region[atlas->count];
	uint64_t begun_ns = clock_spent_ns();
	int err;

	*region = (struct region){ .inode = netns->inode, .seen = true };
	tag_region(atlas, region, call);
	err = keeper->open(keeper->data, netns, region->tag.name, &region->kept);
	if (!err) {
		atlas->count++;
		if (atlas->updated_ns)
			keeper->come(keeper->data, region->kept, region->tag.name);
	}
	atlas->opened_s += clock_between_s(begun_ns, clock_spent_ns());
	return err;
}

static struct region *find(struct atlas *atlas, uint64_t inode)
{
	for (size_t i = 0; i < atlas->count; i++) {
		if (atlas->region[i].inode == inode)
			return &atlas->region[i];
	}
	return NULL;
}

static bool is_guessed(const struct atlas *atlas, uint64_t inode)
{
	const struct survey_space *found = survey_find(&atlas->survey, inode);

	return !found || !found->directory;
}

/* name NULL: by who lives there. */
static void call_it(struct atlas *atlas, uint64_t inode, const char *name,
		    struct nametag_call *call)
{
	call->asked = name;
	if (!name) {
		call->lasting = survey_label(&atlas->survey, inode, call->text);
		return;
	}
	snprintf(call->text, sizeof(call->text), "%s", name);
	inhabitant_clean(call->text);
	call->lasting = strlen(call->text);
}

/* A name comes a moment after the namespace: until then it was the process that makes it. */
static void rename_region(struct atlas *atlas, struct region *region)
{
	struct nametag_call call;

	if (!region->guessed || is_guessed(atlas, region->inode))
		return;
	region->guessed = false;
	call_it(atlas, region->inode, NULL, &call);
	if (strcmp(call.text, region->tag.name) == 0)
		return;
	tag_region(atlas, region, &call);
	atlas->keeper.rename(atlas->keeper.data, region->kept, region->tag.name);
}

/*
 * Keeps what is at a path, if it is not kept yet; name NULL: it is called by who lives there.
 * Returns 0 or -errno.
 */
static int look_at(struct atlas *atlas, const char *path, const char *name)
{
	struct region *known;
	struct nametag_call call;
	struct netns netns;
	int err = netns_open(path, &netns);

	if (err)
		return err;
	known = find(atlas, netns.inode);
	if (known) {
		known->seen = true;
		rename_region(atlas, known);
	} else if (atlas->count == atlas->keeper.most) {
		err = -ENOSPC;
	} else {
		call_it(atlas, netns.inode, name, &call);
		err = add(atlas, &netns, &call);
		if (!err)
			atlas->region[atlas->count - 1].guessed =
				!name && is_guessed(atlas, netns.inode);
	}
	if (err || known)
		netns_close(&netns);
	return err;
}

/* One that the survey found. */
static void look_at_found(struct atlas *atlas, const struct survey_space *found)
{
	struct region *known = find(atlas, found->inode);
	char path[NETNS_PATH_MAX];
	int err;

	/* Who keeps it holds it: no other has that number. */
	if (known) {
		rename_region(atlas, known);
		return;
	}
	if (found->inode == atlas->own)
		snprintf(path, sizeof(path), "%s", NETNS_SELF);
	else if (found->directory)
		snprintf(path, sizeof(path), "%s/%s", found->directory, found->name);
	else
		snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)found->pid);
	err = look_at(atlas, path, NULL);
	/* What has gone meanwhile is nothing to tell of. */
	atlas->left_out += err == -ENOSPC || err == -EMFILE || err == -ENOMEM;
	atlas->barred += err == -EPERM || err == -EACCES;
}

static void tell_left_out(const struct atlas *atlas)
{
	if (atlas->barred)
		log_warn(atlas->log,
			 "%zu network namespace%s left out: entering %s needs "
			 "CAP_SYS_ADMIN",
			 atlas->barred, atlas->barred == 1 ? " is" : "s are",
			 atlas->barred == 1 ? "it" : "them");
	if (atlas->survey.unreadable)
		log_warn(atlas->log,
			 "the network namespaces of %zu process%s cannot be seen: that "
			 "needs root (CAP_SYS_PTRACE)",
			 atlas->survey.unreadable,
			 atlas->survey.unreadable == 1 ? "" : "es");
	if (atlas->left_out)
		log_warn(atlas->log,
			 "%zu%s network namespace%s left out: %zu are %s at most",
			 atlas->left_out, atlas->survey.left_out ? " or more" : "",
			 atlas->left_out == 1 && !atlas->survey.left_out ? " is"
									 : "s are",
			 atlas->keeper.most, atlas->keeper.kept);
}

/* Forgets those that the look did not see. */
static void drop_unseen(struct atlas *atlas)
{
	const struct atlas_keeper *keeper = &atlas->keeper;
	size_t kept = 0;

	for (size_t i = 0; i < atlas->count; i++) {
		struct region *region = &atlas->region[i];

		if (region->seen)
			continue;
		keeper->go(keeper->data, region->kept, region->tag.name);
		keeper->close(keeper->data, region->kept);
	}
	for (size_t i = 0; i < atlas->count; i++) {
		if (atlas->region[i].seen)
			atlas->region[kept++] = atlas->region[i];
	}
	atlas->count = kept;
}

/* Their names and their room are for those that come. */
static void drop_gone(struct atlas *atlas)
{
	for (size_t i = 0; i < atlas->survey.count; i++) {
		struct region *known = find(atlas, atlas->survey.space[i].inode);

		if (known)
			known->seen = true;
	}
	drop_unseen(atlas);
}

static void look_at_all(struct atlas *atlas)
{
	bool more;

	/* A walk through all processes: only for those who need it. */
	survey_take(&atlas->survey);
	atlas->left_out = atlas->barred = 0;
	drop_gone(atlas);
	for (size_t i = 0; i < atlas->survey.count; i++)
		look_at_found(atlas, &atlas->survey.space[i]);
	more = atlas->left_out + atlas->barred > atlas->told ||
	       (atlas->survey.unreadable && !atlas->updated_ns);
	if (!more)
		return;
	atlas->told = atlas->left_out + atlas->barred;
	tell_left_out(atlas);
}

static bool is_due(const struct atlas *atlas, uint64_t now_ns)
{
	double passed_s = clock_between_s(atlas->updated_ns, now_ns);

	return passed_s >= UPDATE_EVERY_S &&
	       passed_s >= atlas->update_cost_s / UPDATE_COST_SHARE;
}

void atlas_update(struct atlas *atlas)
{
	uint64_t now_ns = clock_now_ns(), begun_ns = clock_spent_ns();

	/* One's own does not go. */
	if ((!atlas->all && !atlas->places) || !is_due(atlas, now_ns))
		return;
	atlas->updated_ns = now_ns;
	atlas->opened_s = 0;
	survey_forget(&atlas->survey);
	for (size_t i = 0; i < atlas->count; i++)
		atlas->region[i].seen = false;
	/* First the old ones: their room is needed. */
	for (size_t i = 0; i < atlas->places; i++)
		(void)look_at(atlas, atlas->place[i]->path, place_name(atlas->place[i]));
	if (atlas->all)
		look_at_all(atlas);
	drop_unseen(atlas);
	atlas->update_cost_s =
		clock_between_s(begun_ns, clock_spent_ns()) - atlas->opened_s;
}

static int add_place(struct atlas *atlas, const char *spec, struct args_why *why)
{
	struct place *place = calloc(1, sizeof(*place));
	int err = place ? place_parse(spec, place, why) : -ENOMEM;

	if (err) {
		free(place);
		return err;
	}
	err = place_hold(place);
	if (!err)
		err = look_at(atlas, place->path, place_name(place));
	if (err) {
		place_refusal(spec, err, why);
		place_release(place);
		free(place);
		return err;
	}
	atlas->place[atlas->places++] = place;
	return 0;
}

/* Opens all that is wanted. Returns 0 or -errno with the reason in *why. */
static int open_wanted(struct atlas *atlas, const struct atlas_wanted *wanted,
		       struct args_why *why)
{
	struct netns own;
	int err = netns_open(NETNS_SELF, &own);

	if (err) {
		snprintf(why->text, sizeof(why->text), "%s: %s", NETNS_SELF,
			 strerror(-err));
		return err;
	}
	atlas->own = own.inode;
	netns_close(&own);
	for (size_t i = 0; !err && i < wanted->count; i++)
		err = add_place(atlas, wanted->spec[i], why);
	if (err || wanted->count)
		return err;
	err = look_at(atlas, NETNS_SELF, NULL);
	if (err)
		snprintf(why->text, sizeof(why->text), "%s", strerror(-err));
	else if (wanted->all)
		look_at_all(atlas);
	return err;
}

int atlas_open(struct atlas **out, const struct atlas_wanted *wanted,
	       const struct atlas_keeper *keeper, const struct log *log,
	       struct args_why *why)
{
	struct atlas *atlas = calloc(1, sizeof(*atlas));
	int err;

	if (!atlas) {
		snprintf(why->text, sizeof(why->text), "out of memory");
		return -ENOMEM;
	}
	atlas->all = wanted->all;
	atlas->keeper = *keeper;
	atlas->log = log;
	err = open_wanted(atlas, wanted, why);
	if (err) {
		atlas_close(atlas);
		return err;
	}
	atlas->updated_ns = clock_now_ns();
	*out = atlas;
	return 0;
}

void atlas_close(struct atlas *atlas)
{
	if (!atlas)
		return;
	for (size_t i = 0; i < atlas->count; i++)
		atlas->keeper.close(atlas->keeper.data, atlas->region[i].kept);
	for (size_t i = 0; i < atlas->places; i++) {
		place_release(atlas->place[i]);
		free(atlas->place[i]);
	}
	free(atlas);
}

size_t atlas_count(const struct atlas *atlas)
{
	return atlas->count;
}

struct atlas_entry atlas_entry(const struct atlas *atlas, size_t index)
{
	const struct region *region = &atlas->region[index];

	return (struct atlas_entry){ region->tag.name, region->tag.label, region->inode,
				     region->kept };
}

size_t atlas_left_out(const struct atlas *atlas)
{
	return atlas->left_out + atlas->barred;
}

uint64_t atlas_own(const struct atlas *atlas)
{
	return atlas->own;
}
