// SPDX-License-Identifier: GPL-2.0-or-later
#include "guard/wards.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "conntrack/atlas.h"
#include "conntrack/netns.h"
#include "guard/config.h"
#include "guard/lease.h"
#include "guard/notes.h"
#include "lib/args.h"
#include "lib/clock.h"
#include "lib/log.h"
#include "lib/text.h"

/* How often it is looked for namespaces that come and go. */
static const double UPDATE_EVERY_S = 1;

/* Each is looked at every second again: why it is left out is said once. */
static bool is_news(struct wards *wards, uint64_t inode)
{
	for (size_t i = 0; i < WARDS_MAX; i++) {
		if (wards->refused[i] == inode)
			return false;
	}
	/*
	 * The oldest is forgotten, and said again if it still is refused; 0, of a free place,
	 * is no inode.
	 */
	wards->refused[wards->refusals++ % WARDS_MAX] = inode;
	return true;
}

static void forget_refusal(struct wards *wards, uint64_t inode)
{
	for (size_t i = 0; i < WARDS_MAX; i++) {
		if (wards->refused[i] == inode)
			wards->refused[i] = 0;
	}
}

/* Why there is none is said once; of its own namespace, while the guard starts, in wards->why. */
static int keep(void *data, const struct netns *netns, const char *name, void **out)
{
	struct wards *wards = data;
	const struct ward_place place = { name, netns, &wards->home };
	struct text why = { 0 };
	struct ward *ward;
	int err = ward_open(&ward, &wards->setup, &place, &why);

	if (!err) {
		forget_refusal(wards, netns->inode);
		*out = ward;
	} else if (wards->why && netns->inode == wards->home.netns.inode)
		text_add(wards->why, "%s", text_str(&why));
	/* Where it may not go at all is said by the atlas. */
	else if (err != -EPERM && is_news(wards, netns->inode))
		log_warn(wards->setup.log, "network namespace %s is not guarded: %s",
			 name, text_str(&why));
	text_free(&why);
	return err;
}

static void end(void *data, void *kept)
{
	ward_close(kept);
}

static void call(void *data, void *kept, const char *name)
{
	ward_rename(kept, name);
}

static void come(void *data, void *kept, const char *name)
{
	struct wards *wards = data;
	struct ward *ward = kept;

	if (turnstile_lets(&wards->turnstile, clock_now_ns()))
		notes_joined(ward->journal);
	else
		wards->turnstile.came++;
	ward_tell_adopted(ward);
	ward->remedy.paused = wards->paused;
	if (wards->loop)
		ward_start(ward, wards->loop);
}

/* Something is out of tracking there, or should be, or the limit is raised. */
static bool is_troubled(const struct ward *ward)
{
	return ward->remedy.helpless || ward->remedy.limit.raised ||
	       leases_count(ward->post.leases) > 0;
}

static void go(void *data, void *kept, const char *name)
{
	struct wards *wards = data;
	const struct ward *ward = kept;

	/* An incident ends with it. */
	if (is_troubled(ward) || turnstile_lets(&wards->turnstile, clock_now_ns()))
		notes_gone(ward->journal);
	else
		wards->turnstile.went++;
}

static void list(struct wards *wards)
{
	/* One that goes moves those behind it. */
	wards->count = atlas_count(wards->atlas);
	for (size_t i = 0; i < wards->count; i++) {
		struct atlas_entry entry = atlas_entry(wards->atlas, i);

		wards->list[i] = entry.kept;
		ward_label(wards->list[i], entry.label);
	}
}

static int open_atlas(struct wards *wards, struct text *why)
{
	const struct atlas_wanted wanted = { .all = true };
	const struct atlas_keeper keeper = {
		.open = keep,
		.close = end,
		.rename = call,
		.come = come,
		.go = go,
		.data = wards,
		.most = WARDS_MAX,
		.kept = "guarded",
	};
	struct args_why reason;
	int err;

	wards->why = why;
	err = atlas_open(&wards->atlas, &wanted, &keeper, wards->setup.log, &reason);
	wards->why = NULL;
	if (!err)
		list(wards);
	else if (!why->length)
		text_add(why, "%s", reason.text);
	return err;
}

/* It is called what it was called: who lives there may not be seen any more. */
static int open_one(struct wards *wards, struct text *why)
{
	const char *name = wards->setup.config->netns;
	struct args_why reason;
	struct netns netns;
	const struct ward_place place = { name, &netns, &wards->home };
	int err = place_parse(name, &wards->place, &reason);

	if (!err) {
		err = place_hold(&wards->place);
		if (err)
			place_refusal(name, err, &reason);
	}
	if (err) {
		text_add(why, "%s", reason.text);
		return err;
	}
	/* startup_enter() has moved there. */
	err = netns_open(NETNS_SELF, &netns);
	if (err) {
		text_add(why, "%s: %s", NETNS_SELF, strerror(-err));
		return err;
	}
	err = ward_open(&wards->list[0], &wards->setup, &place, why);
	if (err)
		netns_close(&netns);
	wards->count = !err;
	return err;
}

int wards_open(struct wards *wards, const struct ward_setup *setup, struct text *why)
{
	int err;

	wards->setup = *setup;
	/* 0 is a descriptor; and what is released in the end may never have been held. */
	wards->place.process_fd = -1;
	if (!setup->config->netns[0]) {
		err = ward_open(&wards->list[0], setup, NULL, why);
		wards->count = !err;
		return err;
	}
	err = home_open(&wards->home);
	if (err) {
		text_add(why, "%s: %s", NETNS_SELF, strerror(-err));
		return err;
	}
	wards->named = true;
	return config_is_everywhere(setup->config) ? open_atlas(wards, why)
						   : open_one(wards, why);
}

/* Whether the one is at its place; what may not be seen any more is taken to be. */
static bool is_there(const struct wards *wards)
{
	struct netns netns;
	int err = netns_open(wards->place.path, &netns);
	bool same;

	if (err)
		return err == -EACCES;
	same = netns.inode == wards->home.netns.inode;
	netns_close(&netns);
	return same;
}

static void drop_one(struct wards *wards)
{
	notes_gone(wards->list[0]->journal);
	ward_close(wards->list[0]);
	wards->count = 0;
}

static void on_update(struct ev_loop *loop, ev_timer *timer, int revents)
{
	struct wards *wards = timer->data;

	if (wards->atlas) {
		atlas_update(wards->atlas);
		list(wards);
		notes_churn(wards->setup.journal, "network namespaces",
			    &wards->turnstile);
	} else if (!is_there(wards)) {
		drop_one(wards);
	}
	if (wards->count == 0)
		ev_break(loop, EVBREAK_ALL);
}

void wards_start(struct wards *wards, struct ev_loop *loop)
{
	wards->loop = loop;
	for (size_t i = 0; i < wards->count; i++)
		ward_start(wards->list[i], loop);
	if (!wards->named)
		return;
	ev_timer_init(&wards->update, on_update, UPDATE_EVERY_S, UPDATE_EVERY_S);
	wards->update.data = wards;
	ev_timer_start(loop, &wards->update);
}

void wards_stop(struct wards *wards)
{
	if (!wards->loop)
		return;
	for (size_t i = 0; i < wards->count; i++)
		ward_stop(wards->list[i]);
	ev_timer_stop(wards->loop, &wards->update);
}

struct ward *wards_find(const struct wards *wards, uint64_t inode)
{
	for (size_t i = 0; i < wards->count; i++) {
		if (wards->list[i]->inode == inode)
			return wards->list[i];
	}
	return NULL;
}

void wards_say_goodbye(const struct wards *wards)
{
	size_t quiet = 0;

	for (size_t i = 0; i < wards->count; i++) {
		const struct ward *ward = wards->list[i];

		/*
		 * A single one has its last word in any case; of many, those that have
		 * something to tell.
		 */
		if (!wards->atlas || is_troubled(ward) || ward->trouble.count)
			ward_say_goodbye(ward);
		else
			quiet++;
	}
	if (quiet)
		notes_quiet(wards->setup.journal, quiet);
}

int wards_hand_over(const struct wards *wards, const struct config *wanted,
		    struct text *why)
{
	int err = 0;

	for (size_t i = 0; !err && i < wards->count; i++)
		err = ward_hand_over(wards->list[i], wanted, why);
	return err;
}

int wards_prepare(const struct wards *wards, struct text *why)
{
	size_t prepared = 0;
	int err = 0;

	while (!err && prepared < wards->count)
		err = ward_prepare(wards->list[prepared++], why);
	/* With the one that failed, which holds its wanted configuration still. */
	while (err && prepared > 0)
		ward_forget(wards->list[--prepared]);
	return err;
}

int wards_swap(const struct wards *wards, struct text *why)
{
	int result = 0;

	for (size_t i = 0; i < wards->count; i++) {
		/* After the first there is no way back: the others follow it. */
		int err = ward_swap(wards->list[i], why);

		result = err ? err : result;
	}
	return result;
}

int wards_withdraw(const struct wards *wards)
{
	int result = 0;

	for (size_t i = 0; i < wards->count; i++) {
		int err = ward_withdraw(wards->list[i]);

		result = err ? err : result;
	}
	return result;
}

void wards_close(struct wards *wards)
{
	wards_stop(wards);
	if (wards->atlas)
		atlas_close(wards->atlas);
	else if (wards->count)
		ward_close(wards->list[0]);
	if (wards->named) {
		home_close(&wards->home);
		place_release(&wards->place);
	}
	*wards = (struct wards){ 0 };
}
