// SPDX-License-Identifier: GPL-2.0-or-later
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "conntrack/ranking.h"
#include "conntrack/watch.h"

/* Ports, in the order in which the sample has them. */
static const struct {
	uint16_t port;
	uint32_t flows, unreplied, assured;
	uint64_t inode;
} ROWS[] = {
	{ 9000, 500, 10, 400, 1 },
	{ 53, 300, 300, 0, 2 },
	{ 123, 300, 20, 5, 0 },
	{ 80, 100, 0, 100, 2 },
};

enum { COUNT = sizeof(ROWS) / sizeof(ROWS[0]) };

static struct attribute services;
static struct process processes[] = {
	{ .inode = 1, .pid = 1, .name = "Zeta" },
	{ .inode = 2, .pid = 2, .name = "alpha" },
};

static void set(struct reading *reading)
{
	services = (struct attribute){ .count = COUNT };
	for (size_t i = 0; i < COUNT; i++)
		services.rows[i] = (struct attribute_row){
			.key = { .kind = ATTRIBUTE_IN,
				 .proto = IPPROTO_UDP,
				 .port = ROWS[i].port },
			.flows = ROWS[i].flows,
			.unreplied = ROWS[i].unreplied,
			.assured = ROWS[i].assured,
			.inode = ROWS[i].inode,
		};
	*reading = (struct reading){ .services = &services,
				     .process = processes,
				     .processes = 2 };
}

static void assert_order(const struct ranking *ranking, const uint16_t *ports,
			 size_t count)
{
	uint16_t order[ATTRIBUTE_ROWS];
	struct reading reading;

	set(&reading);
	assert_int_equal(ranking_order(ranking, &reading, &services, order), count);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(services.rows[order[i]].key.port, ports[i]);
}

static void numbers_fall_and_equals_keep_their_order(void **state)
{
	struct ranking ranking = { .by = RANK_ENTRIES };

	assert_order(&ranking, (uint16_t[]){ 9000, 53, 123, 80 }, 4);
	ranking.by = RANK_UNREPLIED;
	assert_order(&ranking, (uint16_t[]){ 53, 123, 9000, 80 }, 4);
	ranking.by = RANK_ASSURED;
	assert_order(&ranking, (uint16_t[]){ 9000, 80, 123, 53 }, 4);
	ranking.reversed = true;
	assert_order(&ranking, (uint16_t[]){ 53, 123, 80, 9000 }, 4);
}

static void names_rise_by_number(void **state)
{
	struct ranking ranking = { .by = RANK_NAME };

	assert_order(&ranking, (uint16_t[]){ 53, 80, 123, 9000 }, 4);
}

static void processes_rise_and_the_unknown_come_last(void **state)
{
	struct ranking ranking = { .by = RANK_PROCESS };

	assert_order(&ranking, (uint16_t[]){ 9000, 53, 80, 123 }, 4);
}

static void a_filter_looks_at_names_and_processes_in_any_case(void **state)
{
	struct ranking ranking = { .by = RANK_ENTRIES, .filter = "ALP" };

	assert_order(&ranking, (uint16_t[]){ 53, 80 }, 2);
	strcpy(ranking.filter, "dp/9");
	assert_order(&ranking, (uint16_t[]){ 9000 }, 1);
	strcpy(ranking.filter, "%n%s");
	assert_order(&ranking, NULL, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_fall_and_equals_keep_their_order),
		cmocka_unit_test(names_rise_by_number),
		cmocka_unit_test(processes_rise_and_the_unknown_come_last),
		cmocka_unit_test(a_filter_looks_at_names_and_processes_in_any_case),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
