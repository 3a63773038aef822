// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include <cmocka.h>

#include "rules/damage.h"
#include "rules/plan.h"
#include "rules/ruleset.h"

enum { LEASE_MS = 30000 };

static const struct terms TERMS = { .lease_ms = LEASE_MS, .holder = { "ctguard", 7 } };

static const struct terms FOREVER = { .lease_ms = 0 };

static const struct service UDP_9000 = { .proto = IPPROTO_UDP,
					 .first_port = 9000,
					 .last_port = 9000 };
static const struct service TCP_9000 = { .proto = IPPROTO_TCP,
					 .first_port = 9000,
					 .last_port = 9000 };
static const struct service WITH_ADDRESS = { .proto = IPPROTO_UDP,
					     .family = AF_INET,
					     .addr.v4.s_addr = 0x010200c0,
					     .first_port = 53,
					     .last_port = 53 };

static size_t count_kind(const struct plan *plan, enum change_kind kind)
{
	size_t count = 0;

	for (size_t i = 0; i < plan->count; i++)
		count += plan->changes[i].kind == kind;
	return count;
}

/* Plans, commits to the model, and returns how many changes it took. */
static size_t add(struct ruleset *ruleset, const struct service *service)
{
	struct plan plan = { 0 };
	size_t count;

	assert_int_equal(plan_add(&plan, ruleset, service, &TERMS), 0);
	plan_committed(&plan, ruleset);
	count = plan.count;
	plan_free(&plan);
	return count;
}

static void the_first_service_brings_the_table_in_an_order_that_works(void **state)
{
	static const enum change_kind KINDS[] = {
		CHANGE_ADD_TABLE,   CHANGE_ADD_MAP,    CHANGE_ADD_MAP,
		CHANGE_ADD_HOOK,    CHANGE_ADD_HOOK,   CHANGE_ADD_LOOKUP,
		CHANGE_ADD_LOOKUP,  CHANGE_ADD_LOOKUP, CHANGE_ADD_CHAIN,
		CHANGE_ADD_UNTRACK, CHANGE_ADD_CHAIN,  CHANGE_ADD_UNTRACK,
		CHANGE_ADD_LEASE,   CHANGE_ADD_LEASE,
	};
	const struct ruleset none = { .generation = 1 };
	struct plan plan = { 0 };

	assert_int_equal(plan_add(&plan, &none, &UDP_9000, &TERMS), 0);
	assert_int_equal(plan.count, sizeof(KINDS) / sizeof(KINDS[0]));
	for (size_t i = 0; i < plan.count; i++)
		assert_int_equal(plan.changes[i].kind, KINDS[i]);
	assert_int_equal(plan.changes[12].lease_ms, LEASE_MS);
	assert_int_equal(plan.changes[12].map, layout_map(0, LAYOUT_IN));
	assert_int_equal(plan.changes[13].map, layout_map(0, LAYOUT_OUT));
	assert_true(holder_equal(&plan.changes[13].holder, &TERMS.holder));
	plan_free(&plan);
}

static void a_second_service_brings_only_itself(void **state)
{
	struct ruleset ruleset = { .generation = 1 };
	struct plan plan = { 0 };

	add(&ruleset, &UDP_9000);
	assert_int_equal(plan_add(&plan, &ruleset, &TCP_9000, &FOREVER), 0);
	assert_int_equal(plan.count, 6);
	assert_int_equal(count_kind(&plan, CHANGE_ADD_LEASE), 2);
	assert_int_equal(plan.changes[5].lease_ms, 0);
	plan_free(&plan);
}

static void a_service_with_an_address_brings_the_maps_of_its_family(void **state)
{
	struct ruleset ruleset = { .generation = 1 };
	struct plan plan = { 0 };

	add(&ruleset, &UDP_9000);
	assert_int_equal(plan_add(&plan, &ruleset, &WITH_ADDRESS, &TERMS), 0);
	assert_int_equal(count_kind(&plan, CHANGE_ADD_TABLE), 0);
	assert_int_equal(count_kind(&plan, CHANGE_ADD_LOOKUP), 3);
	assert_int_equal(count_kind(&plan, CHANGE_ADD_MAP), 2);
	for (size_t i = 0; i < plan.count; i++)
		if (plan.changes[i].kind == CHANGE_ADD_MAP)
			assert_int_equal(layout_map_family(plan.changes[i].map), AF_INET);
	plan_free(&plan);
}

static void a_lease_that_is_there_is_added_deleted_and_added(void **state)
{
	static const enum change_kind KINDS[] = {
		CHANGE_ADD_LEASE, CHANGE_DELETE_LEASE, CHANGE_ADD_LEASE,
		CHANGE_ADD_LEASE, CHANGE_DELETE_LEASE, CHANGE_ADD_LEASE,
	};
	struct ruleset ruleset = { .generation = 1 };
	struct plan plan = { 0 };

	add(&ruleset, &UDP_9000);
	assert_int_equal(plan_add(&plan, &ruleset, &UDP_9000, &TERMS), 0);
	assert_int_equal(plan.count, 6);
	for (size_t i = 0; i < plan.count; i++)
		assert_int_equal(plan.changes[i].kind, KINDS[i]);
	plan_free(&plan);
	assert_int_equal(plan_refresh(&plan, &ruleset, &UDP_9000, 1, &TERMS), 0);
	assert_int_equal(plan.count, 6);
	for (size_t i = 0; i < plan.count; i++)
		assert_int_equal(plan.changes[i].kind, KINDS[i]);
	plan_free(&plan);
}

static void a_lapsed_service_keeps_its_chains(void **state)
{
	struct ruleset ruleset = { .generation = 1 };

	add(&ruleset, &UDP_9000);
	ruleset.services[0].sides[LAYOUT_IN].lease = false;
	ruleset.services[0].sides[LAYOUT_OUT].lease = false;
	ruleset.services[0].sides[LAYOUT_IN].packets = 7;
	assert_false(ruleset_untracks(&ruleset, &ruleset.services[0]));
	assert_int_equal(add(&ruleset, &UDP_9000), 2);
	assert_true(ruleset.services[0].active);
	assert_int_equal(ruleset.services[0].sides[LAYOUT_IN].packets, 7);
}

static void a_chain_with_a_strange_rule_is_written_anew(void **state)
{
	struct ruleset ruleset = { .generation = 1 };
	struct plan plan = { 0 };

	add(&ruleset, &UDP_9000);
	ruleset.services[0].sides[LAYOUT_OUT].rules++;
	assert_int_equal(plan_add(&plan, &ruleset, &UDP_9000, &TERMS), 0);
	assert_int_equal(plan.changes[0].kind, CHANGE_ADD_CHAIN);
	assert_int_equal(plan.changes[1].kind, CHANGE_FLUSH_CHAIN);
	assert_int_equal(plan.changes[1].side, LAYOUT_OUT);
	assert_int_equal(plan.changes[2].kind, CHANGE_ADD_UNTRACK);
	assert_int_equal(plan.count, 9);
	plan_free(&plan);
}

static struct terms share_of(unsigned percent, uint32_t seed)
{
	return (struct terms){
		.lease_ms = LEASE_MS,
		.extent = { EXTENT_SHARE, .percent = percent, .seed = seed },
	};
}

static void other_terms_rewrite_the_chains_and_keep_seed_and_counters(void **state)
{
	const struct terms first = share_of(30, 1), second = share_of(60, 2);
	struct ruleset ruleset = { .generation = 1 };
	struct plan plan = { 0 };

	assert_int_equal(plan_add(&plan, &ruleset, &UDP_9000, &first), 0);
	plan_committed(&plan, &ruleset);
	plan_free(&plan);
	assert_true(ruleset.services[0].active);
	assert_int_equal(ruleset.services[0].sides[LAYOUT_OUT].rules, 2);
	ruleset.services[0].sides[LAYOUT_OUT].packets = 7;
	assert_int_equal(plan_add(&plan, &ruleset, &UDP_9000, &second), 0);
	assert_int_equal(count_kind(&plan, CHANGE_FLUSH_CHAIN), 2);
	assert_int_equal(count_kind(&plan, CHANGE_ADD_UNTRACK), 4);
	plan_committed(&plan, &ruleset);
	assert_int_equal(ruleset_extent(&ruleset.services[0])->percent, 60);
	assert_int_equal(ruleset_extent(&ruleset.services[0])->seed, 1);
	assert_int_equal(ruleset.services[0].sides[LAYOUT_OUT].packets, 7);
	assert_true(ruleset.services[0].active);
	plan_free(&plan);
	assert_int_equal(add(&ruleset, &UDP_9000), 12);
	assert_int_equal(ruleset_extent(&ruleset.services[0])->kind, EXTENT_ALL);
	assert_int_equal(ruleset.services[0].sides[LAYOUT_OUT].packets, 7);
	assert_true(ruleset.services[0].active);
}

static void a_budget_untracks_every_reply(void **state)
{
	const struct terms terms = { .extent = { EXTENT_BUDGET, .packets_per_s = 2000 } };
	struct ruleset ruleset = { .generation = 1 };
	struct plan plan = { 0 };

	assert_int_equal(plan_add(&plan, &ruleset, &UDP_9000, &terms), 0);
	for (size_t i = 0; i < plan.count; i++) {
		const struct change *change = &plan.changes[i];

		if (change->kind == CHANGE_ADD_UNTRACK)
			assert_int_equal(change->untrack.extent.kind,
					 change->side == LAYOUT_IN ? EXTENT_BUDGET
								   : EXTENT_ALL);
	}
	plan_committed(&plan, &ruleset);
	assert_true(ruleset.services[0].active);
	plan_free(&plan);
}

static void services_that_share_packets_exclude_each_other(void **state)
{
	struct service range = UDP_9000, outbound = UDP_9000;
	struct ruleset ruleset = { .generation = 1 };
	struct plan plan = { 0 };

	range.last_port = 9999;
	outbound.outbound = true;
	add(&ruleset, &UDP_9000);
	assert_int_equal(plan_add(&plan, &ruleset, &range, &TERMS), -ENOTUNIQ);
	assert_ptr_equal(plan_rival(&ruleset, &range), &ruleset.services[0].service);
	assert_null(plan_rival(&ruleset, &outbound));
	assert_null(plan_rival(&ruleset, &TCP_9000));
	add(&ruleset, &outbound);
	ruleset.services[0].sides[LAYOUT_IN].lease = false;
	assert_non_null(plan_rival(&ruleset, &range));
	ruleset.services[0].sides[LAYOUT_OUT].lease = false;
	assert_null(plan_rival(&ruleset, &range));
	add(&ruleset, &range);
	assert_true(ruleset_find(&ruleset, &range)->active);
	assert_int_equal(plan_add(&plan, &ruleset, &UDP_9000, &TERMS), -ENOTUNIQ);
}

static void collecting_touches_the_maps_and_changes_nothing(void **state)
{
	struct ruleset ruleset = { .generation = 1 }, before;
	struct plan plan = { 0 };

	add(&ruleset, &UDP_9000);
	assert_int_equal(plan_collect(&plan, &ruleset, &UDP_9000), 0);
	assert_int_equal(plan.count, 0);
	plan_free(&plan);
	ruleset.services[0].sides[LAYOUT_OUT].lease = false;
	before = ruleset;
	assert_int_equal(plan_collect(&plan, &ruleset, &UDP_9000), 0);
	assert_int_equal(plan.count, 2);
	assert_int_equal(plan.changes[0].kind, CHANGE_ADD_LEASE);
	assert_int_equal(plan.changes[1].kind, CHANGE_DELETE_LEASE);
	assert_int_equal(plan.changes[1].map, layout_map(0, LAYOUT_OUT));
	plan_committed(&plan, &ruleset);
	assert_memory_equal(ruleset.services[0].sides, before.services[0].sides,
			    sizeof(before.services[0].sides));
	plan_free(&plan);
	assert_int_equal(plan_collect(&plan, &ruleset, &TCP_9000), -ENOENT);
}

static void a_dormant_table_is_woken(void **state)
{
	struct ruleset ruleset = { .generation = 1 };
	struct plan plan = { 0 };

	add(&ruleset, &UDP_9000);
	ruleset.dormant = true;
	assert_false(ruleset_untracks(&ruleset, &ruleset.services[0]));
	assert_int_equal(plan_add(&plan, &ruleset, &UDP_9000, &TERMS), 0);
	assert_int_equal(plan.changes[0].kind, CHANGE_ADD_TABLE);
	plan_committed(&plan, &ruleset);
	assert_true(ruleset.services[0].active);
	plan_free(&plan);
}

static void look_ups_that_somebody_deleted_are_made_again_for_every_service(void **state)
{
	const struct service range = { .proto = IPPROTO_UDP,
				       .first_port = 10000,
				       .last_port = 20000 };
	struct ruleset ruleset = { .generation = 1 };
	unsigned before;

	add(&ruleset, &UDP_9000);
	add(&ruleset, &TCP_9000);
	add(&ruleset, &range);
	before = ruleset.lookups;
	for (unsigned i = 0; i < LAYOUT_LOOKUPS; i++)
		if (layout_lookup(i).hook == LAYOUT_OUTPUT)
			ruleset.lookups &= ~(1U << i);
	damage_assess(&ruleset);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(ruleset.services[i].damage, RULESET_IN_PART);
	ruleset.lookups = 0;
	damage_assess(&ruleset);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(ruleset.services[i].damage, RULESET_UNDONE);
	add(&ruleset, &TCP_9000);
	assert_int_equal(ruleset.lookups, before);
	for (size_t i = 0; i < 3; i++) {
		assert_true(ruleset.services[i].active);
		assert_int_equal(ruleset.services[i].damage, RULESET_SOUND);
	}
}

static void
one_direction_that_somebody_deleted_is_damage_a_lease_that_ran_out_is_not(void **state)
{
	struct ruleset ruleset = { .generation = 1 };
	struct ruleset_service *entry = &ruleset.services[0];

	add(&ruleset, &UDP_9000);
	entry->sides[LAYOUT_OUT].lease = false;
	damage_assess(&ruleset);
	assert_false(entry->active);
	assert_int_equal(entry->damage, RULESET_IN_PART);
	entry->sides[LAYOUT_IN].rules = entry->sides[LAYOUT_IN].ours = 0;
	damage_assess(&ruleset);
	assert_int_equal(entry->damage, RULESET_UNDONE);
	entry->sides[LAYOUT_IN].lease = false;
	damage_assess(&ruleset);
	assert_int_equal(entry->damage, RULESET_SOUND);
}

static void what_is_not_ours_gets_no_plan(void **state)
{
	const struct ruleset foreign = { .generation = 1, .present = true };
	const struct ruleset owned = {
		.generation = 1, .present = true, .ours = true, .owned = true
	};
	const struct ruleset *const both[] = { &foreign, &owned };
	struct plan plan = { 0 };

	for (int i = 0; i < 2; i++) {
		assert_int_equal(plan_add(&plan, both[i], &UDP_9000, &TERMS), -EEXIST);
		assert_int_equal(plan_refresh(&plan, both[i], &UDP_9000, 1, &TERMS),
				 -EEXIST);
		assert_int_equal(plan_delete(&plan, both[i], &UDP_9000), -EEXIST);
		assert_int_equal(plan_flush(&plan, both[i]), -EEXIST);
	}
	assert_int_equal(plan.count, 0);
	assert_null(plan.changes);
}

static void what_cannot_be_is_refused(void **state)
{
	static struct ruleset full = { .generation = 1, .present = true, .ours = true };
	const struct ruleset none = { .generation = 1 };
	struct service nowhere = UDP_9000;
	const struct terms budget = { .extent = { EXTENT_BUDGET, .packets_per_s = 9 } };
	struct plan plan = { 0 };

	nowhere.family = AF_INET; /* 0.0.0.0 */
	assert_int_equal(plan_add(&plan, &none, &nowhere, &TERMS), -EOPNOTSUPP);
	assert_int_equal(plan_add(&plan, &none, &TCP_9000, &budget), -EOPNOTSUPP);
	assert_int_equal(plan_delete(&plan, &none, &UDP_9000), -ENOENT);
	assert_int_equal(plan_refresh(&plan, &none, &UDP_9000, 1, &TERMS), -ENOENT);
	for (uint16_t i = 0; i < RULESET_SERVICES_MAX; i++) {
		full.services[i].service = TCP_9000;
		full.services[i].service.first_port = (uint16_t)(i + 1);
		full.services[i].service.last_port = (uint16_t)(i + 1);
	}
	full.count = RULESET_SERVICES_MAX;
	assert_int_equal(plan_add(&plan, &full, &UDP_9000, &TERMS), -ENOSPC);
	assert_int_equal(plan_add(&plan, &full, &full.services[9].service, &TERMS), 0);
	plan_free(&plan);
	full.present = true;
	assert_int_equal(plan_refresh(&plan, &full, &nowhere, 1, &TERMS), -EOPNOTSUPP);
	assert_null(plan.changes);
}

static void the_last_service_takes_the_table_with_it(void **state)
{
	struct ruleset ruleset = { .generation = 1 };
	struct plan plan = { 0 };

	add(&ruleset, &UDP_9000);
	assert_int_equal(plan_delete(&plan, &ruleset, &UDP_9000), 0);
	assert_int_equal(plan.count, 1);
	assert_int_equal(plan.changes[0].kind, CHANGE_DELETE_TABLE);
	plan_committed(&plan, &ruleset);
	assert_false(ruleset.present);
	assert_int_equal(ruleset.count, 0);
	plan_free(&plan);
	assert_int_equal(plan_flush(&plan, &ruleset), 0);
	assert_int_equal(plan.count, 0);
	plan_free(&plan);
}

static void generations_are_counted_as_the_kernel_does(void **state)
{
	struct ruleset ruleset = { .generation = UINT32_MAX };
	const struct plan nothing = { 0 };

	add(&ruleset, &UDP_9000);
	assert_int_equal(ruleset.generation, 1);
	plan_committed(&nothing, &ruleset);
	assert_int_equal(ruleset.generation, 1);
}

/* A random walk: the model says what the changes did, and nothing is planned twice. */
static void whatever_was_done_adding_again_only_renews(void **state)
{
	const struct service *const services[] = { &UDP_9000, &TCP_9000, &WITH_ADDRESS };
	struct ruleset ruleset = { .generation = 1 };
	bool there[3] = { false };
	unsigned seed = (unsigned)time(NULL);

	print_message("seed %u\n", seed);
	srand(seed);
	for (int step = 0; step < 5000; step++) {
		int which = rand() % 3;
		struct plan plan = { 0 };

		if (rand() % 2) {
			add(&ruleset, services[which]);
			assert_int_equal(add(&ruleset, services[which]), 6);
			assert_true(ruleset_find(&ruleset, services[which])->active);
			there[which] = true;
			continue;
		}
		assert_int_equal(plan_delete(&plan, &ruleset, services[which]),
				 there[which] ? 0 : -ENOENT);
		plan_committed(&plan, &ruleset);
		plan_free(&plan);
		there[which] = false;
		assert_null(ruleset_find(&ruleset, services[which]));
		assert_int_equal(ruleset.count, there[0] + there[1] + there[2]);
		assert_int_equal(ruleset.present, ruleset.count > 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			the_first_service_brings_the_table_in_an_order_that_works),
		cmocka_unit_test(a_second_service_brings_only_itself),
		cmocka_unit_test(a_service_with_an_address_brings_the_maps_of_its_family),
		cmocka_unit_test(a_lease_that_is_there_is_added_deleted_and_added),
		cmocka_unit_test(a_lapsed_service_keeps_its_chains),
		cmocka_unit_test(a_chain_with_a_strange_rule_is_written_anew),
		cmocka_unit_test(
			other_terms_rewrite_the_chains_and_keep_seed_and_counters),
		cmocka_unit_test(a_budget_untracks_every_reply),
		cmocka_unit_test(services_that_share_packets_exclude_each_other),
		cmocka_unit_test(collecting_touches_the_maps_and_changes_nothing),
		cmocka_unit_test(a_dormant_table_is_woken),
		cmocka_unit_test(
			look_ups_that_somebody_deleted_are_made_again_for_every_service),
		cmocka_unit_test(
			one_direction_that_somebody_deleted_is_damage_a_lease_that_ran_out_is_not),
		cmocka_unit_test(what_is_not_ours_gets_no_plan),
		cmocka_unit_test(what_cannot_be_is_refused),
		cmocka_unit_test(the_last_service_takes_the_table_with_it),
		cmocka_unit_test(generations_are_counted_as_the_kernel_does),
		cmocka_unit_test(whatever_was_done_adding_again_only_renews),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
