// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <math.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "guard/census.h"
#include "guard/config.h"
#include "guard/inventory.h"
#include "guard/lease.h"

enum { UDP, TCP };

/* What is out, and how many packets come, in place of rules. */
struct leases {
	unsigned percent[2];
	double packets_per_s;
};

unsigned leases_percent(const struct leases *l, size_t i)
{
	return l->percent[i];
}

bool leases_fixed(const struct leases *l, size_t i)
{
	return false;
}

bool leases_bounded(const struct leases *l, size_t i)
{
	return false;
}

uint64_t leases_changed_ns(const struct leases *l, size_t i)
{
	return 1;
}

double leases_packets_per_s(const struct leases *l, size_t i)
{
	return l->packets_per_s;
}

/* What the kernel counts of connections. */
static struct opens kernel;
static int unreadable;

int opens_read(struct opens *opens, uint64_t now_ns)
{
	*opens = kernel;
	if (unreadable)
		memset(opens, 0, sizeof(*opens));
	return unreadable;
}

static struct config config;
static struct leases leases;
static struct inventory inventory;
static struct census census;
static struct policy_view view;

static int begin(void **state)
{
	memset(&config, 0, sizeof(config));
	memset(&view, 0, sizeof(view));
	config.count = view.count = 2;
	config.services[UDP].service.proto = IPPROTO_UDP;
	config.services[TCP].service.proto = IPPROTO_TCP;
	leases = (struct leases){ .percent = { 100, 100 }, .packets_per_s = 50 };
	kernel = (struct opens){ .read_ns = 1, .per_s = { 0, 0 } };
	unreadable = 0;
	inventory_open(&inventory, &config, &leases, false);
	return 0;
}

static const struct policy_service *look(size_t i)
{
	inventory_take(&inventory, &census, &view);
	return &view.services[i];
}

static void of_udp_each_packet_is_a_flow_of_30_seconds(void **state)
{
	assert_float_equal(look(UDP)->returning, 1500, 1e-6);
	assert_float_equal(look(UDP)->lives_s, 30, 0);
	kernel.per_s[OPENS_IN] = 1000;
	assert_float_equal(look(UDP)->returning, 1500, 1e-6);
}

static void what_was_opened_since_they_were_counted_is_open_still(void **state)
{
	assert_true(isinf(look(TCP)->returning));
	inventory_note_connections(&inventory, TCP, 400);
	assert_float_equal(look(TCP)->returning, 400, 1e-6);
	kernel.opened[OPENS_IN] = 11600;
	assert_float_equal(look(TCP)->returning, 12000, 1e-6);
	/* But nobody has counted so many. */
	assert_float_equal(look(TCP)->connections, 400, 0);
	inventory_note_connections(&inventory, TCP, 500);
	assert_float_equal(look(TCP)->returning, 500, 1e-6);
	/* Those that this host opens are for services elsewhere. */
	kernel.opened[OPENS_OUT] = 1000;
	assert_float_equal(look(TCP)->returning, 500, 1e-6);
	unreadable = -EACCES;
	assert_float_equal(look(TCP)->returning, 500, 1e-6);
}

static void what_is_opened_comes_back_as_flows(void **state)
{
	inventory_note_connections(&inventory, TCP, 10);
	kernel.per_s[OPENS_IN] = 20;
	assert_float_equal(look(TCP)->returning, 20 * 120, 1e-6);
	config.services[TCP].service.outbound = true;
	assert_float_equal(look(TCP)->returning, 10, 1e-6);
}

static void what_was_counted_of_a_service_that_has_come_back_is_forgotten(void **state)
{
	inventory_note_connections(&inventory, TCP, 10);
	assert_float_equal(look(TCP)->connections, 10, 0);
	leases.percent[TCP] = 0;
	look(TCP);
	leases.percent[TCP] = 100;
	assert_true(isinf(look(TCP)->connections) && isinf(look(TCP)->returning));
}

static void what_a_rehearsal_pretends_is_out_is_in_the_table(void **state)
{
	inventory_open(&inventory, &config, &leases, true);
	leases.percent[UDP] = 30;
	view.services[UDP].stock = 1000;
	assert_float_equal(look(UDP)->returning, 300, 1e-6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(of_udp_each_packet_is_a_flow_of_30_seconds, begin),
		cmocka_unit_test_setup(
			what_was_opened_since_they_were_counted_is_open_still, begin),
		cmocka_unit_test_setup(what_is_opened_comes_back_as_flows, begin),
		cmocka_unit_test_setup(
			what_was_counted_of_a_service_that_has_come_back_is_forgotten,
			begin),
		cmocka_unit_test_setup(what_a_rehearsal_pretends_is_out_is_in_the_table,
				       begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
