// SPDX-License-Identifier: GPL-2.0-or-later
#include "guard/ward.h"

#include <errno.h>
#include <linux/netlink.h>
#include <stdlib.h>
#include <unistd.h>

#include "conntrack/active.h"
#include "guard/chores.h"
#include "guard/config.h"
#include "guard/lease.h"
#include "guard/lock.h"
#include "guard/lookout.h"
#include "guard/outcome.h"
#include "guard/policy.h"
#include "lib/clock.h"
#include "lib/log.h"
#include "lib/nl.h"
#include "lib/text.h"

/* Tells the others of the leases and the lookout that there are now. */
static void introduce(struct ward *ward)
{
	ward->remedy.config = ward->orders.config = ward->config;
	ward->remedy.lookout = ward->orders.lookout = ward->post.lookout;
	ward->remedy.leases = ward->orders.leases = ward->post.leases;
	ward->rounds.lookout = ward->post.lookout;
	ward->rounds.leases = ward->post.leases;
	ward->rounds.warrant = (struct warrant){
		.vetting = ward->post.vetting,
		.lookout = ward->post.lookout,
		.leases = ward->post.leases,
		.remedy = &ward->remedy,
		.journal = ward->journal,
		.trouble = &ward->trouble,
	};
}

static void wire(struct ward *ward)
{
	ward->remedy.log = ward->rounds.log = ward->trouble.log = ward->log;
	ward->remedy.journal = ward->orders.journal = ward->rounds.journal =
		ward->journal;
	ward->remedy.trouble = ward->rounds.trouble = &ward->trouble;
	ward->remedy.nl = ward->nl;
	ward->remedy.custody = &ward->rounds.custody;
	ward->remedy.chores = ward->chores;
	ward->remedy.rehearse = ward->rehearse;
	ward->orders.remedy = ward->rounds.remedy = &ward->remedy;
	introduce(ward);
}

static int open_all(struct ward *ward)
{
	int err;

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

int ward_open(struct ward **out, const struct ward_setup *setup)
{
	struct ward *ward = calloc(1, sizeof(*ward));
	int err;

	if (!ward)
		return -ENOMEM;
	ward->config = setup->config;
	ward->log = setup->log;
	ward->journal = setup->journal;
	ward->legacy = setup->legacy;
	ward->rehearse = setup->rehearse;
	ward->rounds.looked = setup->looked;
	ward->rounds.data = setup->data;
	ward->lock_fd = -1;
	err = open_all(ward);
	if (err)
		ward_close(ward);
	else
		*out = ward;
	return err;
}

/* What is taken over must still be safe, too. */
int ward_adopt(struct ward *ward, struct text *why)
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

static void on_chore(const struct chore *chore, void *data)
{
	struct ward *ward = data;

	outcome_note(&ward->remedy, chore);
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

int ward_prepare(struct ward *ward)
{
	return post_open(&ward->next, ward->config, ward->legacy, ward->chores,
			 ward->rehearse);
}

void ward_forget(struct ward *ward)
{
	post_close(&ward->next);
}

void ward_swap(struct ward *ward)
{
	post_close(&ward->post);
	ward->post = ward->next;
	ward->next = (struct post){ 0 };
	introduce(ward);
}

void ward_say_if_inactive(const struct ward *ward)
{
	enum active active = ACTIVE_UNKNOWN;

	if (lookout_view(ward->post.lookout)->entries == 0 &&
	    active_probe(ward->nl, &active) == 0 && active == ACTIVE_NO)
		log_warn(ward->log,
			 "connections are not tracked in this network namespace now: "
			 "there is nothing to guard until a rule needs tracking");
}

void ward_read_totals(struct ward *ward)
{
	struct table_counters now, gained;

	if (table_counters_get(ward->nl, &now))
		return;
	gained = table_counters_delta(&ward->counters, &now);
	for (size_t i = 0; i < TABLE_COUNTERS; i++)
		ward->totals[i] += table_counter_value(&gained, &TABLE_COUNTER[i]);
	ward->counters = now;
	ward->counted = true;
}

static enum status_state state_of(const struct ward *ward)
{
	if (ward->remedy.standing_down)
		return STATUS_STANDING_DOWN;
	if (ward->remedy.paused)
		return STATUS_PAUSED;
	if (ward->remedy.helpless)
		return STATUS_HELPLESS;
	return leases_count(ward->post.leases) > 0 ? STATUS_ENGAGED : STATUS_WATCHING;
}

struct status_table ward_status(const struct ward *ward)
{
	return (struct status_table){
		.state = state_of(ward),
		.errors = ward->trouble.count,
		.leases = ward->post.leases,
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
	post_close(&ward->next);
	nl_close(ward->nl);
	if (ward->lock_fd >= 0)
		close(ward->lock_fd);
	free(ward);
}
