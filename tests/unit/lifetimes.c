// SPDX-License-Identifier: GPL-2.0-or-later
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_conntrack_tcp.h>
#include <math.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "conntrack/flow.h"
#include "conntrack/lifetimes.h"

static uint64_t at(double seconds)
{
	return (uint64_t)((1000 + seconds) * 1e9);
}

static void add(struct lifetimes *l, uint32_t id, uint32_t timeout_s)
{
	const struct flow flow = { .proto = IPPROTO_UDP,
				   .id = id,
				   .timeout_s = timeout_s };

	lifetimes_add(l, &flow);
}

static void add_tcp(struct lifetimes *l, uint32_t id, uint8_t state, uint32_t timeout_s)
{
	const struct flow flow = { .proto = IPPROTO_TCP,
				   .id = id,
				   .tcp_state = state,
				   .status = IPS_ASSURED | IPS_SEEN_REPLY,
				   .timeout_s = timeout_s };

	lifetimes_add(l, &flow);
}

static double expiring_in_all(const struct lifetimes *l)
{
	double sum = 0;

	for (size_t i = 0; i < LIFETIMES_LONGEST_S; i++)
		sum += l->expiring[i];
	return sum;
}

static void one_sample_says_when_entries_expire(void **state)
{
	static struct lifetimes l;

	lifetimes_restart(&l);
	lifetimes_begin(&l, at(0));
	add(&l, 1, 29);
	add(&l, 2, 29);
	add(&l, 3, 0);
	add_tcp(&l, 4, TCP_CONNTRACK_ESTABLISHED, 432000);
	add_tcp(&l, 5, 250, 77); /* a state that no kernel has */
	lifetimes_end(&l);
	assert_int_equal(l.flows, 5);
	assert_true(l.expiring[29] == 2);
	assert_true(l.expiring[0] == 1);
	assert_true(l.expiring[77] == 1);
	assert_true(expiring_in_all(&l) == 4);
	assert_false(l.compared);
}

/* Half of the slice came within the two seconds. */
static void who_was_not_there_before_has_come(void **state)
{
	static struct lifetimes l;

	lifetimes_restart(&l);
	lifetimes_begin(&l, at(0));
	for (uint32_t i = 0; i < 100; i++)
		add(&l, 7000 - i, 20);
	lifetimes_end(&l);
	lifetimes_begin(&l, at(2));
	for (uint32_t i = 0; i < 100; i++) {
		add(&l, 9000 + i, 29);
		add(&l, 7000 - i, 18);
	}
	/* Behind the last that is known the sample may only reach farther than before. */
	for (uint32_t i = 0; i < 100; i++)
		add(&l, 100 + i, 29);
	lifetimes_end(&l);
	assert_true(l.compared);
	assert_true(fabs(l.elapsed_s - 2) < 1e-6);
	assert_true(fabs(l.arrived - 0.5) < 0.01);
	assert_true(fabs(l.came - 0.25) < 0.01);
	assert_true(expiring_in_all(&l) == 300);
}

static void who_is_refreshed_does_not_expire_in_time(void **state)
{
	static struct lifetimes l;

	lifetimes_restart(&l);
	for (int t = 0; t < 5; t++) {
		lifetimes_begin(&l, at(t));
		add(&l, 1, 29);                 /* refreshed all the time */
		add(&l, 2, (uint32_t)(29 - t)); /* left alone */
		lifetimes_end(&l);
	}
	assert_true(expiring_in_all(&l) == 1);
	assert_true(l.expiring[25] == 1);
	assert_true(l.kind[0].stayed < 0); /* one less of those that will leave in time */
	/* Half of its time without a packet: the first will expire too. */
	for (int t = 5; t < 22; t++) {
		lifetimes_begin(&l, at(t));
		add(&l, 1, (uint32_t)(29 + 4 - t));
		add(&l, 2, (uint32_t)(29 - t));
		lifetimes_end(&l);
	}
	assert_true(expiring_in_all(&l) == 2);
}

/* What a connection's end leaves behind has the new state's time to live. */
static void a_change_of_state_changes_the_lifetime(void **state)
{
	static struct lifetimes l;

	lifetimes_restart(&l);
	for (uint32_t t = 0; t < 40; t++) {
		lifetimes_begin(&l, at(t));
		for (uint32_t i = 0; i < 40; i++) {
			uint32_t age = (t + i) % 40, id = i + 1 + 1000 * ((t + i) / 40);

			if (age >= 10)
				add_tcp(&l, id, TCP_CONNTRACK_TIME_WAIT,
					119 - (age - 10));
			else
				add_tcp(&l, id, TCP_CONNTRACK_ESTABLISHED, 431999);
		}
		lifetimes_end(&l);
	}
	/* Each second one changes to TIME_WAIT and one leaves ESTABLISHED. */
	assert_true(l.kind[4 + TCP_CONNTRACK_TIME_WAIT].stayed > 0.02);
	assert_true(l.kind[4 + TCP_CONNTRACK_TIME_WAIT].timeout_s == 120);
	assert_true(fabs(l.kind[4 + TCP_CONNTRACK_ESTABLISHED].stayed) < 0.005);
}

static void more_flows_than_are_remembered_do_no_harm(void **state)
{
	static struct lifetimes l;

	lifetimes_restart(&l);
	for (int t = 0; t < 3; t++) {
		lifetimes_begin(&l, at(t));
		for (uint32_t i = 0; i < 3 * LIFETIMES_PANEL; i++)
			add(&l, i * 2654435761U, i % 7 ? (uint32_t)(29 - t) : UINT32_MAX);
		lifetimes_end(&l);
	}
	assert_int_equal(l.flows, 3 * LIFETIMES_PANEL);
	assert_int_equal(l.panel.count, LIFETIMES_PANEL);
	assert_true(l.arrived == 0);
}

/* Of 10 a second that live 5 s, whoever is met in samples of 10 s was not there before. */
static void who_came_and_went_between_two_samples_has_come(void **state)
{
	static struct lifetimes l;

	lifetimes_restart(&l);
	for (int t = 0; t <= 60; t += 10) {
		lifetimes_begin(&l, at(t));
		for (uint32_t i = 0; i < 50; i++)
			add(&l, (uint32_t)t * 1000 + i, i / 10);
		lifetimes_end(&l);
	}
	assert_true(l.compared);
	assert_true(fabs(l.came * l.flows - 10) < 0.01);
	assert_true(fabs(l.arrived * l.flows - 100) < 0.1);
}

/* Those that come in the very moment of the sample have it all. */
static void a_timeout_is_told_from_one_that_is_a_second_longer(void **state)
{
	static struct lifetimes l;
	const struct lifetimes_kind *kind = &l.kind[0];

	lifetimes_restart(&l);
	lifetimes_begin(&l, at(0));
	for (uint32_t i = 0; i < 50; i++)
		add(&l, i, i / 10);
	lifetimes_end(&l);
	assert_true(kind->timeout_s == 5);
	lifetimes_begin(&l, at(1));
	add(&l, 100, 5);
	for (uint32_t i = 0; i < 50; i++)
		add(&l, 10 + i, i / 10);
	lifetimes_end(&l);
	assert_true(kind->timeout_s == 5);
	lifetimes_begin(&l, at(2));
	for (uint32_t i = 0; i < 60; i++)
		add(&l, 200 + i, i / 10);
	lifetimes_end(&l);
	assert_true(kind->timeout_s == 6);
}

static void a_clock_that_goes_back_begins_anew(void **state)
{
	static struct lifetimes l;

	lifetimes_restart(&l);
	for (int t = 0; t < 3; t++) {
		lifetimes_begin(&l, at(10 - t));
		add(&l, 1, 29);
		lifetimes_end(&l);
		assert_false(l.compared);
		assert_true(l.elapsed_s == 0);
	}
	lifetimes_begin(&l, at(20));
	lifetimes_end(&l);
	assert_int_equal(l.flows, 0);
	assert_true(l.flows == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_sample_says_when_entries_expire),
		cmocka_unit_test(who_was_not_there_before_has_come),
		cmocka_unit_test(who_is_refreshed_does_not_expire_in_time),
		cmocka_unit_test(a_change_of_state_changes_the_lifetime),
		cmocka_unit_test(more_flows_than_are_remembered_do_no_harm),
		cmocka_unit_test(who_came_and_went_between_two_samples_has_come),
		cmocka_unit_test(a_timeout_is_told_from_one_that_is_a_second_longer),
		cmocka_unit_test(a_clock_that_goes_back_begins_anew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
