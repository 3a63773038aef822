// SPDX-License-Identifier: GPL-2.0-or-later
/* Who is in a table of the kernel's. */
#include "tests/unit/sandbox.h"

#include <linux/netlink.h>
#include <math.h>

#include "conntrack/addresses.h"
#include "conntrack/routes.h"
#include "guard/census.h"
#include "guard/config.h"
#include "lib/nl.h"
#include "lib/text.h"

static struct config config;
static struct addresses local;
static struct nl *nl;
static struct census census;

static int begin(void **state)
{
	struct text why = { 0 };
	struct nl *route;
	int err;

	sandbox_setup(state);
	config_init(&config);
	config_add_service(&config, "udp/9000", &why);
	config_add_service(&config, "tcp/9001", &why);
	config_add_service(&config, "udp/10.77.0.1:9002", &why);
	err = nl_open(&route, NETLINK_ROUTE);
	if (!err)
		err = routes_read_local(route, &local);
	nl_close(route);
	return err ? err : nl_open(&nl, NETLINK_NETFILTER);
}

static int end(void **state)
{
	nl_close(nl);
	return 0;
}

static void take(uint32_t entries)
{
	assert_int_equal(census_take(nl, &config, &local, 77, entries, &census), 0);
}

static void of_a_table_that_fits_each_is_counted(void **state)
{
	sandbox_needed(state);
	sandbox_do("ctfill -P 9000 -d 10.77.0.1 60");
	sandbox_do("ctfill -P 9000 -s 2001:db8::1 -d ::1 15");
	sandbox_do("ctfill -p tcp -P 9001 -d 127.0.0.5 30");
	sandbox_do("ctfill -P 9002 -d 10.77.0.1 10");
	/* Of none: another protocol, another address, another host's. */
	sandbox_do("ctfill -p tcp -P 9000 -d 10.77.0.1 4");
	sandbox_do("ctfill -P 9002 -d 127.0.0.1 5");
	sandbox_do("ctfill -P 9000 -d 10.200.0.1 6");
	take(130);
	assert_true(census.stock[0] == 75);
	assert_true(census.stock[1] == 30);
	assert_true(census.stock[2] == 10);
	assert_true(census.sample.complete);
	assert_int_equal(census.sample.flows, 130);
	assert_int_equal(census.sample.taken_ns, 77);
	assert_int_equal(census.sample.entries, 130);
}

/* Entries that have expired are counted and not met: of them nobody has any. */
static void
of_a_table_that_fits_what_is_there_counts_and_not_what_is_counted(void **state)
{
	sandbox_needed(state);
	sandbox_do("ctfill -P 9000 -d 10.77.0.1 60");
	take(5000);
	assert_true(census.stock[0] == 60);
}

static void of_a_large_table_a_sample_tells(void **state)
{
	const double entries = 20000, part = 0.6;
	/* The table's order is the kernel's secret. Six standard deviations are never met. */
	double most = 6 * entries * sqrt(part * (1 - part) / GROWTH_FLOWS);

	sandbox_needed(state);
	sandbox_do("ctfill -P 9000 -d 10.77.0.1 12000");
	sandbox_do("ctfill -p tcp -P 9001 -d 10.77.0.1 6000");
	sandbox_do("ctfill -P 7000 -d 10.77.0.1 2000");
	take((uint32_t)entries);
	assert_false(census.sample.complete);
	assert_int_equal(census.sample.flows, GROWTH_FLOWS);
	assert_true(fabs(census.stock[0] - part * entries) < most);
	assert_true(fabs(census.stock[1] - 0.3 * entries) < most);
	assert_true(census.stock[2] == 0);
}

static void each_flow_is_kept_with_whose_it_is(void **state)
{
	unsigned flows[POLICY_SERVICES_MAX + 1] = { 0 };

	sandbox_needed(state);
	sandbox_do("ctfill -P 9000 -d 10.77.0.1 3");
	sandbox_do("ctfill -p tcp -P 9001 -d 10.77.0.1 2");
	sandbox_do("ctfill -P 7000 -d 10.77.0.1 4");
	take(9);
	for (uint32_t i = 0; i < census.sample.flows; i++) {
		flows[census.sample.flow[i].service]++;
		assert_int_not_equal(census.sample.flow[i].id, 0);
	}
	assert_int_equal(flows[0], 3);
	assert_int_equal(flows[1], 2);
	assert_int_equal(flows[POLICY_SERVICES_MAX], 4);
}

static void an_empty_table_is_not_searched(void **state)
{
	/* There is no conversation by which it could be. */
	assert_int_equal(census_take(NULL, &config, &local, 77, 0, &census), 0);
	assert_true(census.sample.complete);
	assert_true(census.stock[0] == 0);
	assert_int_equal(census.sample.taken_ns, 77);
}

static void what_cannot_be_read_leaves_what_was_known(void **state)
{
	struct census_top top = { .name = "before" };
	struct nl *wrong;

	sandbox_needed(state);
	census.sample.taken_ns = 5;
	assert_int_equal(nl_open(&wrong, NETLINK_ROUTE), 0);
	assert_true(census_take(wrong, &config, &local, 77, 10, &census) < 0);
	assert_int_equal(census.sample.taken_ns, 5);
	assert_true(census_find_top(wrong, &top) < 0);
	assert_string_equal(top.name, "before");
	nl_close(wrong);
}

static void the_policy_is_told_the_stock(void **state)
{
	static const struct census KNOWN = { .stock = { 5, 6, 7 } };
	static struct policy_view view = { .count = 2, .services = { [2].stock = 1 } };

	census_apply(&KNOWN, &view);
	assert_true(view.attributed);
	assert_true(view.services[0].stock == 5);
	assert_true(view.services[1].stock == 6);
	assert_true(view.services[2].stock == 1);
}

static const char *name_top(void)
{
	static struct census_top top;

	assert_int_equal(census_find_top(nl, &top), 0);
	return top.name;
}

static void who_has_most_is_named_whoever_it_is(void **state)
{
	struct census_top top;

	sandbox_needed(state);
	assert_string_equal(name_top(), "");
	/* Who has most is seldom met first. */
	sandbox_do(
		"for port in $(seq 7001 7020); do ctfill -P $port -d 10.77.0.1 4; done");
	sandbox_do("ctfill -P 9000 -d 10.77.0.1 20");
	assert_int_equal(census_find_top(nl, &top), 0);
	assert_string_equal(top.name, "udp/9000");
	assert_float_equal(top.share, 0.2, 1e-9);
	/* This host asks others; others have it forward. */
	sandbox_do("ctfill -P 53 -s 10.77.0.1 -d 192.0.2.53 30");
	assert_string_equal(name_top(), "out:udp/53");
	sandbox_do("ctfill -P 443 -s 192.0.2.1 -d 198.51.100.1 40");
	assert_string_equal(name_top(), "forwarded udp/443");
	sandbox_do("conntrack -F");
	assert_string_equal(name_top(), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define CENSUS_TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
		CENSUS_TEST(of_a_table_that_fits_each_is_counted),
		CENSUS_TEST(
			of_a_table_that_fits_what_is_there_counts_and_not_what_is_counted),
		CENSUS_TEST(of_a_large_table_a_sample_tells),
		CENSUS_TEST(each_flow_is_kept_with_whose_it_is),
		CENSUS_TEST(an_empty_table_is_not_searched),
		CENSUS_TEST(what_cannot_be_read_leaves_what_was_known),
		CENSUS_TEST(the_policy_is_told_the_stock),
		CENSUS_TEST(who_has_most_is_named_whoever_it_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
