// SPDX-License-Identifier: GPL-2.0-or-later
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "conntrack/labels.h"
#include "lib/clock.h"

static const uint64_t START_NS = 1000ULL * CLOCK_NS_PER_S;

static void add(struct attribute *services, uint16_t port, uint32_t address,
		uint32_t flows)
{
	struct attribute_row *row = &services->rows[services->count++];

	*row = (struct attribute_row){
		.key = { .kind = ATTRIBUTE_IN, .proto = IPPROTO_UDP, .port = port },
		.flows = flows,
	};
	if (address) {
		row->key.family = AF_INET;
		row->key.address.v4.s_addr = address;
	}
	services->total.flows += flows;
}

static uint32_t flows_of(const struct labels *labels, uint16_t port)
{
	for (size_t i = 0; i < labels->count; i++) {
		if (labels->label[i].key.port == port)
			return labels->label[i].flows;
	}
	return UINT32_MAX;
}

static uint32_t sum(const struct labels *labels)
{
	uint32_t flows = labels->other;

	for (size_t i = 0; i < labels->count; i++)
		flows += labels->label[i].flows;
	return flows;
}

static void what_once_had_a_percent_keeps_its_label(void **state)
{
	static struct attribute services, fewer;
	struct labels labels = { 0 };

	add(&services, 9000, 0, 985);
	add(&services, 53, 0, 11);
	add(&services, 80, 0, 4);
	labels_update(&labels, &services, START_NS);
	assert_int_equal(labels.count, 2);
	assert_int_equal(flows_of(&labels, 53), 11);
	assert_int_equal(labels.other, 4);
	add(&fewer, 9000, 0, 1000);
	labels_update(&labels, &fewer, START_NS + 1);
	assert_int_equal(labels.count, 2);
	assert_int_equal(flows_of(&labels, 53), 0);
	assert_int_equal(sum(&labels), 1000);
}

static void addresses_make_no_labels(void **state)
{
	static struct attribute services;
	struct labels labels = { 0 };

	for (uint32_t i = 1; i <= 20; i++)
		add(&services, 53, htonl(i), 5);
	labels_update(&labels, &services, START_NS);
	assert_int_equal(labels.count, 1);
	assert_int_equal(labels.label[0].key.family, AF_UNSPEC);
	assert_int_equal(flows_of(&labels, 53), 100);
}

static void a_flood_to_changing_ports_takes_no_label_from_who_is_there(void **state)
{
	static struct attribute services;
	struct labels labels = { 0 };
	struct label first[LABELS_MAX];

	for (uint32_t round = 0; round < 1000; round++) {
		memset(&services, 0, sizeof(services));
		add(&services, 9000, 0, 500);
		for (uint32_t i = 0; i < 10; i++)
			add(&services, (uint16_t)(10000 + round * 10 + i), 0, 50);
		labels_update(&labels, &services,
			      START_NS + (uint64_t)round * CLOCK_NS_PER_MS);
		assert_true(labels.count <= LABELS_MAX);
		assert_int_equal(sum(&labels), 1000);
		assert_int_equal(flows_of(&labels, 9000), 500);
		if (round == 10)
			memcpy(first, labels.label, sizeof(first));
	}
	for (size_t i = 0; i < LABELS_MAX; i++)
		assert_memory_equal(&labels.label[i].key, &first[i].key,
				    sizeof(first[i].key));
}

static void a_label_idle_for_long_is_given_away(void **state)
{
	static struct attribute services, other;
	struct labels labels = { 0 };

	for (uint16_t i = 0; i < LABELS_MAX; i++)
		add(&services, (uint16_t)(1000 + i), 0, 100);
	labels_update(&labels, &services, START_NS);
	add(&other, 1000, 0, 100);
	add(&other, 9000, 0, 100);
	labels_update(&labels, &other,
		      START_NS + (LABELS_IDLE_S - 1ULL) * CLOCK_NS_PER_S);
	assert_int_equal(flows_of(&labels, 9000), UINT32_MAX);
	labels_update(&labels, &other,
		      START_NS + (LABELS_IDLE_S + 0ULL) * CLOCK_NS_PER_S);
	assert_int_equal(flows_of(&labels, 9000), 100);
	assert_int_equal(flows_of(&labels, 1000), 100);
	assert_int_equal(labels.count, LABELS_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_once_had_a_percent_keeps_its_label),
		cmocka_unit_test(addresses_make_no_labels),
		cmocka_unit_test(
			a_flood_to_changing_ports_takes_no_label_from_who_is_there),
		cmocka_unit_test(a_label_idle_for_long_is_given_away),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
