// SPDX-License-Identifier: GPL-2.0-or-later
/* What is told of the chores. The table, the thread and the journal are those of this file. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "guard/outcome.c"

/* What there is, and what was told of it. */
static struct {
	uint32_t entries; /* in the table now */
	int count_err;
	struct policy_view view;
	bool counting;
	unsigned asked;
	struct service asked_for;
	unsigned restarts, effects, shortfalls, troubles;
	struct journal_effect effect;
	char effect_of[SERVICE_TEXT_MAX];
	char shortfall[256];
	size_t connections_of;
	double connections;
} world;

int lookout_restart(struct lookout *lookout, uint32_t *entries)
{
	if (world.count_err)
		return world.count_err;
	*entries = world.entries;
	world.restarts++;
	return 0;
}

int lookout_note_purge(struct lookout *lookout, uint32_t before, uint32_t *entries)
{
	return lookout_restart(lookout, entries);
}

const struct policy_view *lookout_view(const struct lookout *lookout)
{
	return &world.view;
}

void lookout_note_connections(struct lookout *lookout, size_t i, double connections)
{
	world.connections_of = i;
	world.connections = connections;
}

bool chores_pending(struct chores *chores, enum chore_kind kind)
{
	return world.counting;
}

bool chores_ask(struct chores *chores, const struct chore *chore)
{
	assert_int_equal(chore->kind, CHORE_COUNT);
	world.asked++;
	world.asked_for = chore->service;
	return true;
}

void journal_effect(struct journal *journal, const char *service,
		    const struct journal_effect *effect)
{
	world.effects++;
	world.effect = *effect;
	snprintf(world.effect_of, sizeof(world.effect_of), "%s", service ? service : "");
}

void journal_about(struct journal *journal, const char *event, const char *service,
		   const char *text)
{
	assert_string_equal(event, "shortfall");
	assert_string_equal(service, "udp/9000");
	world.shortfalls++;
	snprintf(world.shortfall, sizeof(world.shortfall), "%s", text);
}

void trouble_note(struct trouble *trouble, const char *what, int err)
{
	world.troubles++;
}

/* udp/9000 and tcp/8080, both out. */
static struct remedy remedy_of(struct config *config)
{
	memset(&world, 0, sizeof(world));
	memset(config, 0, sizeof(*config));
	config->count = 2;
	config->services[0].service = (struct service){
		.proto = IPPROTO_UDP,
		.first_port = 9000,
		.last_port = 9000,
	};
	config->services[1].service = (struct service){
		.proto = IPPROTO_TCP,
		.first_port = 8080,
		.last_port = 8080,
	};
	world.view.count = 2;
	world.view.services[0].percent = world.view.services[1].percent = 50;
	world.view.now_ns = clock_now_ns();
	return (struct remedy){ .config = config };
}

/* 20,000 entries of udp/9000 were to go from a table of 50,000. */
static struct chore reclaimed(const struct config *config)
{
	return (struct chore){
		.kind = CHORE_RECLAIM,
		.service = config->services[0].service,
		.expected = 20000,
		.entries = 50000,
		.done = 20000,
		.begun_ns = clock_now_ns(),
	};
}

static void what_a_step_brought_is_told(void **state)
{
	static struct config config;
	struct remedy remedy = remedy_of(&config);
	struct chore chore = reclaimed(&config);

	world.entries = 31000;
	outcome_note(&remedy, &chore);
	assert_int_equal(world.effects, 1);
	assert_string_equal(world.effect_of, "udp/9000");
	assert_int_equal(world.effect.before, 50000);
	assert_int_equal(world.effect.after, 31000);
	assert_int_equal(world.effect.deleted, 20000);
	assert_float_equal(world.effect.expected, 20000, 0);
	assert_true(world.effect.seconds >= 0);
	assert_int_equal(world.shortfalls, 0);
	/* From here on the count is another table's: the forecast begins anew. */
	assert_int_equal(world.restarts, 1);
}

static void a_count_that_does_not_fall_as_projected_is_told(void **state)
{
	static struct config config;
	struct remedy remedy = remedy_of(&config);
	struct chore chore = reclaimed(&config);

	world.entries = 49000;
	chore.done = 1000;
	outcome_note(&remedy, &chore);
	assert_int_equal(world.shortfalls, 1);
	assert_non_null(strstr(world.shortfall, "20000 entries were to go, 1000 went"));
	assert_non_null(strstr(world.shortfall, "the next step follows"));
	assert_int_equal(world.effects, 1);
}

/* More came meanwhile than went; or what went was not deleted but ended by itself. */
static void half_of_it_gone_one_way_or_the_other_is_enough(void **state)
{
	static struct config config;
	struct remedy remedy = remedy_of(&config);
	struct chore chore = reclaimed(&config);

	world.entries = 60000;
	chore.done = 10000;
	outcome_note(&remedy, &chore);
	assert_int_equal(world.shortfalls, 0);
	chore.done = 9999;
	outcome_note(&remedy, &chore);
	assert_int_equal(world.shortfalls, 1);
	world.entries = 40000;
	chore.done = 0;
	outcome_note(&remedy, &chore);
	assert_int_equal(world.shortfalls, 1);
	world.entries = 40001;
	outcome_note(&remedy, &chore);
	assert_int_equal(world.shortfalls, 2);
}

static void of_few_entries_nothing_can_be_told(void **state)
{
	static struct config config;
	struct remedy remedy = remedy_of(&config);
	struct chore chore = reclaimed(&config);

	world.entries = 50000;
	chore.done = 0;
	chore.expected = 999;
	outcome_note(&remedy, &chore);
	assert_int_equal(world.shortfalls, 0);
	chore.expected = 1000;
	outcome_note(&remedy, &chore);
	assert_int_equal(world.shortfalls, 1);
}

/* What is known is told all the same. */
static void errors_are_told_and_change_nothing_else(void **state)
{
	static struct config config;
	struct remedy remedy = remedy_of(&config);
	struct chore chore = reclaimed(&config);

	world.count_err = -EPERM;
	outcome_note(&remedy, &chore);
	assert_int_equal(world.troubles, 1);
	assert_int_equal(world.effects, 1);
	assert_int_equal(world.effect.after, 50000);
	assert_int_equal(world.shortfalls, 0);
	world.count_err = 0;
	world.entries = 48000;
	chore.err = -EPERM;
	chore.done = 2000;
	outcome_note(&remedy, &chore);
	assert_int_equal(world.troubles, 2);
	assert_int_equal(world.effects, 2);
	assert_int_equal(world.shortfalls, 1);
}

static void what_a_collection_brought_is_told_if_the_table_can_be_counted(void **state)
{
	static struct config config;
	struct remedy remedy = remedy_of(&config);
	struct chore chore = {
		.kind = CHORE_PURGE,
		.entries = 5000,
		.begun_ns = clock_now_ns(),
	};

	world.entries = 3000;
	outcome_note(&remedy, &chore);
	assert_int_equal(world.effects, 1);
	assert_string_equal(world.effect_of, "");
	assert_int_equal(world.effect.before, 5000);
	assert_int_equal(world.effect.after, 3000);
	world.count_err = -EPERM;
	outcome_note(&remedy, &chore);
	assert_int_equal(world.effects, 1);
	assert_int_equal(world.troubles, 1);
}

static void connections_are_noted_for_the_service_wherever_it_is_by_now(void **state)
{
	static struct config config;
	struct remedy remedy = remedy_of(&config);
	struct chore chore = {
		.kind = CHORE_COUNT,
		.service = config.services[1].service,
		.done = 77,
		.begun_ns = clock_now_ns(),
	};

	outcome_note(&remedy, &chore);
	assert_int_equal(world.connections_of, 1);
	assert_float_equal(world.connections, 77, 0);
	/* Another configuration, in which it is the first. */
	config.services[0] = config.services[1];
	config.count = 1;
	outcome_note(&remedy, &chore);
	assert_int_equal(world.connections_of, 0);
	chore.err = -EPERM;
	outcome_note(&remedy, &chore);
	assert_true(isinf(world.connections));
	/* And one in which it is not. */
	config.count = 0;
	world.connections = 5;
	outcome_note(&remedy, &chore);
	assert_float_equal(world.connections, 5, 0);
}

static void only_of_tcp_services_that_are_out_are_connections_counted(void **state)
{
	static struct config config;
	struct remedy remedy = remedy_of(&config);

	outcome_count(&remedy);
	assert_int_equal(world.asked, 1);
	assert_true(service_equal(&world.asked_for, &config.services[1].service));
	remedy = remedy_of(&config);
	world.view.services[1].held = true;
	outcome_count(&remedy);
	assert_int_equal(world.asked, 0);
	remedy = remedy_of(&config);
	world.view.services[1].percent = 0;
	outcome_count(&remedy);
	assert_int_equal(world.asked, 0);
	remedy = remedy_of(&config);
	remedy.rehearse = true;
	outcome_count(&remedy);
	assert_int_equal(world.asked, 0);
	remedy = remedy_of(&config);
	world.counting = true;
	outcome_count(&remedy);
	assert_int_equal(world.asked, 0);
}

/* To count took 0.1 s: for 5 s it is not done again. */
static void counting_that_takes_long_is_done_seldom(void **state)
{
	static struct config config;
	struct remedy remedy = remedy_of(&config);
	struct chore chore = {
		.kind = CHORE_COUNT,
		.service = config.services[1].service,
	};

	outcome_count(&remedy);
	assert_int_equal(world.asked, 1);
	chore.begun_ns = clock_now_ns() - 100000000;
	outcome_note(&remedy, &chore);
	assert_true(remedy.count_every_s >= 5);
	world.view.now_ns += 4900000000;
	outcome_count(&remedy);
	assert_int_equal(world.asked, 1);
	world.view.now_ns += (uint64_t)(remedy.count_every_s * 1e9);
	outcome_count(&remedy);
	assert_int_equal(world.asked, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_a_step_brought_is_told),
		cmocka_unit_test(a_count_that_does_not_fall_as_projected_is_told),
		cmocka_unit_test(half_of_it_gone_one_way_or_the_other_is_enough),
		cmocka_unit_test(of_few_entries_nothing_can_be_told),
		cmocka_unit_test(errors_are_told_and_change_nothing_else),
		cmocka_unit_test(
			what_a_collection_brought_is_told_if_the_table_can_be_counted),
		cmocka_unit_test(
			connections_are_noted_for_the_service_wherever_it_is_by_now),
		cmocka_unit_test(
			only_of_tcp_services_that_are_out_are_connections_counted),
		cmocka_unit_test(counting_that_takes_long_is_done_seldom),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
