// SPDX-License-Identifier: GPL-2.0-or-later
#include "guard/lease.h"

#include <errno.h>
#include <linux/netlink.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "guard/claim.h"
#include "guard/config.h"
#include "guard/traffic.h"
#include "guard/vetting.h"
#include "lib/clock.h"
#include "lib/nl.h"
#include "rules/ruleset.h"

struct lease {
	unsigned percent;      /* that is out; 0: none */
	bool held;             /* by somebody's rule: not ours to refresh or give back */
	bool fixed;            /* held without a lease: nor to take more of it out */
	bool bounded;          /* by our budget, without a lease */
	unsigned lost_percent; /* percent, before its rules were lost */
	uint64_t since_ns;
	uint64_t changed_ns;
	struct traffic traffic;
};

struct leases {
	const struct config *config;
	const struct vetting *vetting;
	bool rehearse;
	struct nl *nl;
	uint32_t seed; /* of shares; of each run, so that nobody can foresee who is in */
	struct ruleset ruleset; /* as last read: spares doing so from trigger to rule */
	uint64_t refreshed_ns;  /* when all leases that run were begun or refreshed */
	struct lease rows[POLICY_SERVICES_MAX];
};

int leases_open(struct leases **out, const struct config *config,
		const struct vetting *vetting, bool rehearse)
{
	struct leases *leases = calloc(1, sizeof(*leases));
	int err;

	if (!leases)
		return -ENOMEM;
	leases->config = config;
	leases->vetting = vetting;
	leases->rehearse = rehearse;
	/* Without it shares are as good, but for who knows the number. */
	if (getrandom(&leases->seed, sizeof(leases->seed), GRND_NONBLOCK) < 0)
		leases->seed = (uint32_t)clock_now_ns();
	err = nl_open(&leases->nl, NETLINK_NETFILTER);
	if (err) {
		free(leases);
		return err;
	}
	*out = leases;
	return 0;
}

void leases_close(struct leases *leases)
{
	if (!leases)
		return;
	nl_close(leases->nl);
	free(leases);
}

static struct terms terms_of(const struct leases *leases)
{
	return (struct terms){
		.lease_ms = (uint64_t)(leases->config->lease_s * 1000),
		.holder = { .program = CLAIM_PROGRAM, .pid = (uint32_t)getpid() },
	};
}

static const struct service *service_of(const struct leases *leases, size_t i)
{
	return &leases->config->services[i].service;
}

static void begin(struct lease *lease, unsigned percent, uint64_t now_ns)
{
	*lease = (struct lease){
		.percent = percent,
		.since_ns = lease->percent ? lease->since_ns : now_ns,
		.changed_ns = now_ns,
		.traffic = lease->traffic,
	};
	traffic_restart(&lease->traffic);
}

static void bound(struct lease *lease)
{
	*lease = (struct lease){ .bounded = true,
				 .traffic = { .packets_per_s = INFINITY } };
}

/* The service's row in the table if its elements are there. */
static const struct ruleset_service *find_active(const struct leases *leases, size_t i)
{
	const struct ruleset_service *row =
		ruleset_find(&leases->ruleset, service_of(leases, i));

	return row && row->active ? row : NULL;
}

/* Whether service number i is out by a lease that is ours from now on. */
static bool adopt(struct leases *leases, size_t i, uint64_t now_ns)
{
	const struct claim claim = claim_read(find_active(leases, i), leases->rehearse);
	struct lease *lease = &leases->rows[i];

	if (claim.percent)
		begin(lease, claim.percent, now_ns);
	else if (claim.bounded)
		bound(lease);
	lease->fixed = claim.fixed;
	lease->held = claim.held;
	return claim.percent && !claim.held;
}

static int set_terms(struct leases *leases, size_t i, const struct terms *terms,
		     struct apply_why *why)
{
	if (leases->rehearse)
		return 0;
	return apply_add_known(leases->nl, &leases->ruleset, service_of(leases, i), terms,
			       why);
}

/*
 * Makes anew what a guard of an older version left, whose rules were others. If that fails it is not taken over, and
 * ends by its lease.
 */
static void renew(struct leases *leases, size_t i)
{
	const struct ruleset_service *row =
		ruleset_find(&leases->ruleset, service_of(leases, i));
	struct terms terms = terms_of(leases);
	struct apply_why why;

	if (!row || row->damage != RULESET_IN_PART || !row->leased ||
	    strcmp(row->holder.program, CLAIM_PROGRAM) != 0)
		return;
	terms.extent = *ruleset_extent(row);
	set_terms(leases, i, &terms, &why);
}

int leases_adopt(struct leases *leases, uint64_t now_ns, struct apply_why *why)
{
	int adopted = 0;
	int err = ruleset_read(leases->nl, &leases->ruleset);

	if (err) {
		snprintf(why->text, sizeof(why->text), "cannot read the nft ruleset: %s",
			 strerror(-err));
		return err;
	}
	if (leases->ruleset.present && !leases->ruleset.ours) {
		snprintf(why->text, sizeof(why->text),
			 "table inet " RULESET_TABLE " exists and is not ours");
		return -EEXIST;
	}
	for (size_t i = 0; i < leases->config->count; i++) {
		renew(leases, i);
		adopted += adopt(leases, i, now_ns);
	}
	leases->refreshed_ns = now_ns;
	return adopted;
}

static bool is_known(const struct lease *lease)
{
	return lease->percent || lease->bounded;
}

int leases_meet(struct leases *leases, uint64_t now_ns, leases_met_cb *met, void *data)
{
	uint32_t generation;
	int err = ruleset_generation(leases->nl, &generation);

	if (leases->rehearse || err || generation == leases->ruleset.generation)
		return err;
	err = ruleset_read(leases->nl, &leases->ruleset);
	for (size_t i = 0; !err && i < leases->config->count; i++) {
		if (is_known(&leases->rows[i]))
			continue;
		adopt(leases, i, now_ns);
		if (is_known(&leases->rows[i]))
			met(i, data);
	}
	return err;
}

int leases_set(struct leases *leases, size_t i, unsigned percent, uint64_t now_ns,
	       struct apply_why *why)
{
	struct terms terms = terms_of(leases);
	int err;

	if (percent < POLICY_WHOLE)
		terms.extent = (struct extent){ .kind = EXTENT_SHARE,
						.percent = percent,
						.seed = leases->seed };
	if (leases_count(leases) == 0)
		leases->refreshed_ns = now_ns;
	err = set_terms(leases, i, &terms, why);
	if (!err)
		begin(&leases->rows[i], percent, now_ns);
	return err;
}

int leases_release(struct leases *leases, size_t i, struct apply_why *why)
{
	int err = 0;

	if (leases->rows[i].held)
		return 0;
	if (!leases->rehearse)
		err = apply_delete(leases->nl, service_of(leases, i), why);
	/* Gone already, by another hand or at the end of its lease, is as good. */
	if (err == -ENOENT)
		err = 0;
	if (!err)
		leases->rows[i] = (struct lease){ 0 };
	return err;
}

/* Sets the budget of service number i, or takes away one that is not wanted any more. */
static int arm(struct leases *leases, size_t i, struct apply_why *why)
{
	uint32_t rate = leases->config->services[i].budget_per_s;
	struct lease *lease = &leases->rows[i];
	const struct terms terms = {
		.extent = { .kind = EXTENT_BUDGET, .packets_per_s = rate },
		.holder = terms_of(leases).holder,
	};
	int err;

	if (lease->held || leases->rehearse)
		return 0;
	if (lease->bounded && (!rate || vetting_condemns(leases->vetting, i)))
		return leases_release(leases, i, why);
	if (!rate || !vetting_allows(leases->vetting, i))
		return 0;
	err = set_terms(leases, i, &terms, why);
	if (!err)
		bound(lease);
	return err;
}

int leases_arm(struct leases *leases, struct apply_why *why)
{
	int err = 0;

	for (size_t i = 0; !err && i < leases->config->count; i++)
		err = arm(leases, i, why);
	return err;
}

int leases_refresh(struct leases *leases, struct apply_why *why)
{
	const struct terms terms = terms_of(leases);
	struct service engaged[POLICY_SERVICES_MAX];
	uint64_t now_ns = clock_now_ns();
	size_t count = 0;
	int err;

	for (size_t i = 0; i < leases->config->count; i++) {
		if (leases->rows[i].percent && !leases->rows[i].held)
			engaged[count++] = *service_of(leases, i);
	}
	if (count == 0 || leases->rehearse)
		return 0;
	err = apply_refresh(leases->nl, engaged, count, &terms, why);
	if (!err)
		leases->refreshed_ns = now_ns;
	return err;
}

/* After an error nobody knows how much would return. */
static void forget_rates(struct leases *leases)
{
	for (size_t i = 0; i < leases->config->count; i++)
		traffic_restart(&leases->rows[i].traffic);
}

bool leases_any(const struct leases *leases)
{
	for (size_t i = 0; i < leases->config->count; i++) {
		if (is_known(&leases->rows[i]))
			return true;
	}
	return false;
}

int leases_measure(struct leases *leases, uint64_t now_ns, leases_lost_cb *lost,
		   void *data)
{
	int err;

	if (leases->rehearse || !leases_any(leases))
		return 0;
	err = ruleset_read(leases->nl, &leases->ruleset);
	if (err) {
		forget_rates(leases);
		return err;
	}
	for (size_t i = 0; i < leases->config->count; i++) {
		const struct ruleset_service *row = find_active(leases, i);
		struct lease *lease = &leases->rows[i];
		bool held = lease->held;

		if (!is_known(lease))
			continue;
		if (row && lease->held)
			lease->percent = claim_read(row, false).percent;
		if (row) {
			traffic_measure(&lease->traffic, now_ns,
					row->sides[LAYOUT_IN].packets);
			continue;
		}
		*lease = (struct lease){ .lost_percent = lease->percent };
		lost(i, held, data);
	}
	return 0;
}

bool leases_engaged(const struct leases *leases, size_t i)
{
	return leases->rows[i].percent > 0;
}

unsigned leases_percent(const struct leases *leases, size_t i)
{
	return leases->rows[i].percent;
}

struct extent leases_extent(const struct leases *leases, size_t i)
{
	const struct ruleset_service *row =
		ruleset_find(&leases->ruleset, service_of(leases, i));

	return row ? *ruleset_extent(row) : (struct extent){ 0 };
}

unsigned leases_lost_percent(const struct leases *leases, size_t i)
{
	return leases->rows[i].lost_percent;
}

bool leases_bounded(const struct leases *leases, size_t i)
{
	return leases->rows[i].bounded;
}

bool leases_held(const struct leases *leases, size_t i)
{
	return leases->rows[i].held;
}

bool leases_fixed(const struct leases *leases, size_t i)
{
	return leases->rows[i].fixed;
}

size_t leases_count(const struct leases *leases)
{
	size_t count = 0;

	for (size_t i = 0; i < leases->config->count; i++)
		count += leases->rows[i].percent > 0;
	return count;
}

bool leases_rehearse(const struct leases *leases)
{
	return leases->rehearse;
}

bool leases_table_present(const struct leases *leases)
{
	return leases->ruleset.present;
}

uint32_t leases_generation(const struct leases *leases)
{
	return leases->ruleset.generation;
}

uint64_t leases_refreshed_ns(const struct leases *leases)
{
	return leases->refreshed_ns;
}

uint64_t leases_since_ns(const struct leases *leases, size_t i)
{
	return leases->rows[i].since_ns;
}

uint64_t leases_changed_ns(const struct leases *leases, size_t i)
{
	return leases->rows[i].changed_ns;
}

uint64_t leases_packets(const struct leases *leases, size_t i)
{
	return leases->rows[i].traffic.packets;
}

double leases_packets_per_s(const struct leases *leases, size_t i)
{
	return leases->rows[i].held ? INFINITY : leases->rows[i].traffic.packets_per_s;
}
