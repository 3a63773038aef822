// SPDX-License-Identifier: GPL-2.0-or-later
#include "guard/ward.h"

#include <errno.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conntrack/active.h"
#include "conntrack/home.h"
#include "guard/chores.h"
#include "guard/config.h"
#include "guard/headroom.h"
#include "guard/lease.h"
#include "guard/lock.h"
#include "guard/lookout.h"
#include "guard/notes.h"
#include "guard/outcome.h"
#include "guard/refit.h"
#include "guard/startup.h"
#include "lib/clock.h"
#include "lib/nl.h"
#include "lib/text.h"

static int enter(const struct ward *ward)
{
	return ward->home ? home_leave(ward->home, &ward->netns) : 0;
}

static void leave(const struct ward *ward)
{
	if (ward->home)
		home_return(ward->home, &ward->netns);
}

/* Tells the others of the leases and the lookout that there are now. */
static void introduce(struct ward *ward)
{
	ward->remedy.config = ward->orders.config = ward->config;
	ward->remedy.lookout = ward->orders.lookout = ward->post.lookout;
	ward->remedy.leases = ward->orders.leases = ward->post.leases;
	ward->orders.vetting = ward->post.vetting;
	headroom_adopt(&ward->remedy);
	ward->rounds.lookout = ward->post.lookout;
	ward->rounds.leases = ward->post.leases;
	ward->rounds.warrant = (struct warrant){
		.vetting = ward->post.vetting,
		.lookout = ward->post.lookout,
		.leases = ward->post.leases,
		.remedy = &ward->remedy,
		.journal = ward->journal,
		.trouble = &ward->trouble,
		.guarded = ward->guarded,
	};
}

static void wire(struct ward *ward)
{
	ward->remedy.log = ward->rounds.log = ward->trouble.log = &ward->log;
	ward->remedy.journal = ward->orders.journal = ward->rounds.journal =
		ward->journal;
	ward->remedy.trouble = ward->rounds.trouble = &ward->trouble;
	ward->remedy.nl = ward->nl;
	ward->remedy.custody = &ward->rounds.custody;
	ward->remedy.chores = ward->chores;
	ward->remedy.rehearse = ward->rehearse;
	ward->orders.remedy = ward->rounds.remedy = &ward->remedy;
	ward->rounds.home = ward->home;
	ward->rounds.netns = &ward->netns;
	introduce(ward);
}

/* What is taken over must still be safe, too. */
static int adopt(struct ward *ward, struct text *why)
{
	struct apply_why reason;
	int err = leases_adopt(ward->post.leases, clock_now_ns(), &reason);

	if (err > 0)
		err = leases_refresh(ward->post.leases, &reason);
	if (err >= 0) {
		warrant_review(&ward->rounds.warrant);
		err = leases_arm(ward->post.leases, &reason);
	}
	if (err < 0)
		text_add(why, "%s", reason.text);
	return err < 0 ? err : 0;
}

static int open_kernel(struct ward *ward)
{
	struct stat here;
	int err;

	/* Without /proc nobody can register here. */
	if (stat("/proc/thread-self/ns/net", &here) == 0)
		ward->inode = here.st_ino;
	ward->config = refit_config(ward, ward->base);
	if (!ward->config)
		return -ENOMEM;
	/* A rehearsal is in nobody's way. */
	if (!ward->rehearse) {
		ward->lock_fd = lock_take();
		if (ward->lock_fd < 0)
			return ward->lock_fd;
	}
	err = chores_open(&ward->chores);
	if (!err)
		err = post_open(&ward->post, ward->config, ward->legacy, ward->chores,
				ward->rehearse);
	if (!err)
		err = nl_open(&ward->nl, NETLINK_NETFILTER);
	if (!err)
		wire(ward);
	return err;
}

static int open_all(struct ward *ward, struct text *why)
{
	int err = open_kernel(ward);

	if (err)
		startup_explain(err, why);
	else
		err = adopt(ward, why);
	if (!err)
		remedy_finish(&ward->remedy);
	return err;
}

void ward_label(struct ward *ward, const char *label)
{
	snprintf(ward->label, sizeof(ward->label), "%s", label);
}

/* Gives it a name, which its log and its journal tell. */
static void place_ward(struct ward *ward, const struct ward_place *place)
{
	snprintf(ward->name, sizeof(ward->name), "%s", place->name);
	ward_label(ward, place->name);
	ward->netns = *place->netns;
	ward->home = place->home;
	ward->log.about = ward->name;
	ward->own_journal = (struct journal){
		.log = &ward->log,
		.json_fd = -1,
		.rehearse = ward->rehearse,
		.netns = ward->name,
		.keeper = ward->journal,
	};
	ward->journal = &ward->own_journal;
}

static int open_inside(struct ward *ward, struct text *why)
{
	int err = enter(ward);

	if (err) {
		text_add(why, "cannot enter it: %s", strerror(-err));
		return err;
	}
	if (!ward->legacy) {
		legacy_open(&ward->own_legacy);
		ward->legacy = &ward->own_legacy;
	}
	err = open_all(ward, why);
	leave(ward);
	return err;
}

int ward_open(struct ward **out, const struct ward_setup *setup,
	      const struct ward_place *place, struct text *why)
{
	struct ward *ward = calloc(1, sizeof(*ward));
	int err;

	if (!ward) {
		text_add(why, "%s", strerror(ENOMEM));
		return -ENOMEM;
	}
	ward->base = setup->config;
	ward->roll = setup->roll;
	ward->log = *setup->log;
	ward->journal = setup->journal;
	ward->legacy = setup->legacy;
	ward->rehearse = setup->rehearse;
	ward->guarded = setup->guarded;
	ward->rounds.looked = setup->looked;
	ward->rounds.data = setup->data;
	ward->lock_fd = -1;
	if (place)
		place_ward(ward, place);
	err = open_inside(ward, why);
	if (!err) {
		*out = ward;
		return 0;
	}
	/* It is the caller's still. */
	ward->home = NULL;
	ward_close(ward);
	return err;
}

void ward_rename(struct ward *ward, const char *name)
{
	char before[sizeof(ward->name)];

	memcpy(before, ward->name, sizeof(before));
	snprintf(ward->name, sizeof(ward->name), "%s", name);
	notes_renamed(ward->journal, before);
}

static void on_chore(const struct chore *chore, void *data)
{
	struct ward *ward = data;
	int err = enter(ward);

	if (err) {
		trouble_note(&ward->trouble, "enter the network namespace", err);
		return;
	}
	outcome_note(&ward->remedy, chore);
	if (chore->kind == CHORE_TRANSLATED)
		warrant_note_look(&ward->rounds.warrant, chore);
	leave(ward);
}

void ward_start(struct ward *ward, struct ev_loop *loop)
{
	if (!ward->rounds.loop)
		chores_start(ward->chores, loop, on_chore, ward);
	ward->rounds.loop = loop;
	rounds_start(&ward->rounds, ward->config->lease_s);
}

void ward_stop(struct ward *ward)
{
	if (ward->rounds.loop)
		rounds_stop(&ward->rounds);
}

int ward_hand_over(struct ward *ward, const struct config *wanted, struct text *why)
{
	int err = enter(ward);

	if (err) {
		text_add(why, "%s", strerror(-err));
		return err;
	}
	free(ward->wanted);
	ward->wanted = refit_config(ward, wanted);
	err = ward->wanted ? post_hand_over(&ward->post, ward->config, ward->wanted,
					    &ward->remedy, why)
			   : -ENOMEM;
	leave(ward);
	return err;
}

int ward_prepare(struct ward *ward, struct text *why)
{
	int err = enter(ward);

	if (!err) {
		err = post_open(&ward->next, ward->wanted, ward->legacy, ward->chores,
				ward->rehearse);
		leave(ward);
	}
	if (err)
		text_add(why, "%s", strerror(-err));
	return err;
}

void ward_forget(struct ward *ward)
{
	post_close(&ward->next);
	free(ward->wanted);
	ward->wanted = NULL;
}

int ward_swap(struct ward *ward, struct text *why)
{
	int err = enter(ward);

	post_close(&ward->post);
	free(ward->config);
	ward->post = ward->next;
	ward->config = ward->wanted;
	ward->next = (struct post){ 0 };
	ward->wanted = NULL;
	introduce(ward);
	if (err) {
		text_add(why, "%s", strerror(-err));
		return err;
	}
	err = adopt(ward, why);
	leave(ward);
	return err;
}

json_t *ward_answer(struct ward *ward, const json_t *request)
{
	json_t *answer;
	int err = enter(ward);

	if (err)
		return json_pack("{s:b, s:s}", "ok", 0, "error", strerror(-err));
	answer = orders_answer(&ward->orders, request);
	leave(ward);
	return answer;
}

int ward_withdraw(struct ward *ward)
{
	int err = enter(ward);

	if (err) {
		log_error(&ward->log, "could not enter the network namespace: %s",
			  strerror(-err));
		return err;
	}
	err = remedy_withdraw(&ward->remedy);
	leave(ward);
	return err;
}

void ward_tell_adopted(const struct ward *ward)
{
	notes_adopted(ward->journal, ward->post.leases, lookout_view(ward->post.lookout));
	headroom_tell(&ward->remedy);
}

void ward_say_goodbye(const struct ward *ward)
{
	notes_goodbye(ward->journal, ward->config, ward->post.leases,
		      lookout_view(ward->post.lookout), ward->trouble.count);
	headroom_say_goodbye(&ward->remedy);
}

void ward_say_if_inactive(const struct ward *ward)
{
	enum active active = ACTIVE_UNKNOWN;

	if (lookout_view(ward->post.lookout)->entries == 0 &&
	    active_probe(ward->nl, &active) == 0 && active == ACTIVE_NO)
		log_warn(&ward->log,
			 "connections are not tracked in this network namespace now: "
			 "there is nothing to guard until a rule needs tracking");
}

void ward_read_totals(struct ward *ward)
{
	struct table_counters now;
	int err = enter(ward);

	if (err)
		return;
	err = table_counters_get(ward->nl, &now);
	leave(ward);
	if (!err)
		table_counters_advance(&ward->counters, &now, ward->totals);
	ward->counted |= !err;
}

struct status_table ward_status(const struct ward *ward)
{
	return (struct status_table){
		.netns = ward->home ? ward->name : NULL,
		.label = ward->home ? ward->label : NULL,
		.config = ward->config,
		.state = remedy_state(&ward->remedy),
		.errors = ward->trouble.count,
		.leases = ward->post.leases,
		.vetting = ward->post.vetting,
		.view = lookout_view(ward->post.lookout),
		.deeds = &ward->remedy.deeds,
		.totals = ward->counted ? ward->totals : NULL,
	};
}

void ward_close(struct ward *ward)
{
	if (!ward)
		return;
	ward_stop(ward);
	chores_close(ward->chores);
	post_close(&ward->post);
	ward_forget(ward);
	free(ward->config);
	nl_close(ward->nl);
	if (ward->lock_fd >= 0)
		close(ward->lock_fd);
	if (ward->legacy == &ward->own_legacy)
		legacy_close(&ward->own_legacy);
	if (ward->home)
		netns_close(&ward->netns);
	free(ward);
}
