// SPDX-License-Identifier: GPL-2.0-or-later
/* Against samples that are made up: what there is of them is in sample_take_sized() below. */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <linux/netfilter/nf_conntrack_common.h>

#include "conntrack/flow.h"
#include "conntrack/sampler.h"
#include "lib/clock.h"

enum { TRIES_MAX = 8 };

/* In place of a conversation: a table of UDP flows, and how each dump of it ends. */
struct nl {
	uint32_t flows;
	int err[TRIES_MAX];
	int cut[TRIES_MAX];
	int dumps;
	bool waits;              /* 0.2 s, each */
	struct sample_size size; /* that was asked for, of the last */
};

int sample_take_sized(struct nl *nl, const struct sample_size *size, sample_cb *cb,
		      void *data, struct sample *out)
{
	int nth = nl->dumps++;
	uint32_t count = nl->flows < size->enough ? nl->flows : size->enough;

	assert_true(nth < TRIES_MAX);
	if (nl->waits)
		poll(NULL, 0, 200);
	nl->size = *size;
	for (uint32_t i = 0; i < count; i++) {
		const struct flow flow = {
			.family = AF_INET,
			.proto = IPPROTO_UDP,
			.orig = { .src.v4.s_addr = htonl(0x0a000000 + i),
				  .dst.v4.s_addr = htonl(INADDR_LOOPBACK),
				  .src_port = 40000,
				  .dst_port = 9000 },
			.reply = { .src.v4.s_addr = htonl(INADDR_LOOPBACK),
				   .dst.v4.s_addr = htonl(0x0a000000 + i),
				   .src_port = 9000,
				   .dst_port = 40000 },
			.id = i + 1,
			.timeout_s = 30,
			.status = IPS_CONFIRMED,
		};

		cb(&flow, data);
	}
	if (nl->err[nth])
		return nl->err[nth];
	*out = (struct sample){ .flows = count,
				.cut = nl->cut[nth],
				.complete = !nl->cut[nth] && count == nl->flows };
	return 0;
}

/* A sampler and a table; it is large, so the tests share one. */
struct situation {
	struct nl nl;
	struct sampler sampler;
	struct table_usage usage;
};

static int make(void **state)
{
	struct situation *s = calloc(1, sizeof(*s));

	*state = s;
	return s ? 0 : -1;
}

static int end(void **state)
{
	free(*state);
	return 0;
}

static struct situation *set(void **state, uint32_t flows)
{
	struct situation *s = *state;

	memset(s, 0, sizeof(*s));
	s->nl.flows = flows;
	s->sampler.part = 1;
	s->usage = (struct table_usage){ .entries = flows, .limit = 1000000 };
	return s;
}

static bool look(struct situation *s)
{
	return sampler_look(&s->sampler, &s->nl, &s->usage);
}

static void a_sample_is_added_up_and_told_of(void **state)
{
	struct situation *s = set(state, 300);

	assert_true(look(s));
	assert_int_equal(s->nl.dumps, 1);
	assert_int_equal(s->sampler.sample.flows, 300);
	assert_true(s->sampler.sample.complete);
	assert_int_equal(s->sampler.counted, 300);
	assert_int_equal(s->sampler.breakdown.services.total.flows, 300);
	assert_int_equal(s->sampler.lifetimes.flows, 300);
	assert_true(s->sampler.taken_ns != 0);
}

static void it_asks_for_as_much_as_pays_or_as_it_was_told(void **state)
{
	struct situation *s = set(state, 100000);

	assert_true(look(s));
	assert_in_range(s->nl.size.enough, 2000, 3000);
	assert_true(s->nl.size.most > s->nl.size.enough && s->nl.size.budget_s < 0.01);
	assert_false(s->sampler.sample.complete);
	s = set(state, 100000);
	s->sampler.max = 10;
	assert_true(look(s));
	assert_int_equal(s->nl.size.most, 10);
	assert_int_equal(s->sampler.breakdown.services.total.flows, 10);
}

static void an_empty_table_is_not_walked(void **state)
{
	struct situation *s = set(state, 0);

	assert_true(look(s));
	assert_int_equal(s->nl.dumps, 0);
	assert_true(s->sampler.sample.complete);
	assert_int_equal(s->sampler.sample.flows, 0);
}

static void a_sample_that_is_cut_short_is_taken_again_and_counted(void **state)
{
	struct situation *s = set(state, 50);

	s->nl.cut[0] = -EINTR;
	s->nl.cut[1] = -ENOBUFS;
	assert_true(look(s));
	assert_int_equal(s->nl.dumps, 3);
	assert_int_equal(s->sampler.interrupted, 1);
	assert_int_equal(s->sampler.overruns, 1);
	/* What was added up before does not count. */
	assert_int_equal(s->sampler.breakdown.services.total.flows, 50);
	assert_int_equal(s->sampler.lifetimes.flows, 50);
}

static void one_that_stays_cut_short_is_shown_but_tells_of_no_lifetimes(void **state)
{
	struct situation *s = set(state, 50);

	for (int i = 0; i < TRIES_MAX; i++)
		s->nl.cut[i] = -EINTR;
	assert_false(look(s));
	assert_int_equal(s->nl.dumps, 3);
	assert_int_equal(s->sampler.interrupted, 3);
	assert_int_equal(s->sampler.sample.flows, 50);
	assert_false(s->sampler.sample.complete);
	assert_int_equal(s->sampler.lifetimes.taken_ns, 0);
}

static void an_error_leaves_an_empty_sample(void **state)
{
	struct situation *s = set(state, 50);

	assert_true(look(s));
	s->sampler.taken_ns = 0;
	s->nl.err[1] = -EPERM;
	assert_false(look(s));
	assert_int_equal(s->nl.dumps, 2);
	assert_int_equal(s->sampler.sample.flows, 0);
	assert_int_equal(s->sampler.breakdown.services.total.flows, 0);
	assert_int_equal(s->sampler.lifetimes.taken_ns, 0);
}

/* Whether one is due that long after the last, if that took 0.1 s. */
static bool is_due(struct situation *s, uint64_t after_s)
{
	int before = s->nl.dumps = 0;

	s->sampler.cost_s = 0.1;
	s->sampler.counted = 100000;
	s->sampler.taken_ns = clock_now_ns() - after_s * CLOCK_NS_PER_S;
	look(s);
	return s->nl.dumps > before;
}

static void how_soon_one_follows_depends_on_what_it_costs_and_what_changed(void **state)
{
	struct situation *s = set(state, 100000);

	assert_true(look(s));
	/* Until two were compared: a 20th of the time. */
	s->sampler.lifetimes.compared = false;
	assert_true(is_due(s, 10));
	/* At rest a thousandth. */
	s->sampler.lifetimes.compared = true;
	assert_false(is_due(s, 50));
	assert_true(is_due(s, 500));
	/* Other listeners: a 200th. */
	s->sampler.listeners_changed = true;
	assert_false(is_due(s, 10));
	s->sampler.listeners_changed = true;
	assert_true(is_due(s, 50));
	/* Other entries: a 20th, or a 200th where that is little of the limit. */
	s->usage.entries = 110000;
	assert_true(is_due(s, 10));
	s->usage.entries = 90000;
	assert_true(is_due(s, 10));
	s->usage.limit = UINT32_MAX;
	assert_false(is_due(s, 10));
	assert_true(is_due(s, 50));
	s->usage.entries = 104000;
	assert_false(is_due(s, 50));
}

static void a_full_table_that_evicts_moves_though_its_number_stands(void **state)
{
	struct situation *s = set(state, 100000);

	assert_true(look(s));
	s->sampler.lifetimes.compared = true;
	s->sampler.evicted = s->sampler.evicted_then + 1000;
	assert_false(is_due(s, 10));
	s->sampler.evicted = s->sampler.evicted_then + 6000;
	assert_true(is_due(s, 10));
	/* Of before the last sample, it says nothing of what came since. */
	assert_false(is_due(s, 50));
}

static void the_cost_of_a_sample_is_not_how_long_it_waited(void **state)
{
	struct situation *s = set(state, 100000);

	s->nl.waits = true;
	assert_true(look(s));
	assert_true(s->sampler.took_s >= 0.2);
	assert_true(s->sampler.cost_s < 0.1);
}

static void a_part_of_the_time_makes_it_as_much_rarer(void **state)
{
	struct situation *s = set(state, 100000);

	assert_true(look(s));
	s->sampler.lifetimes.compared = true;
	s->sampler.part = 0.1;
	assert_false(is_due(s, 500));
	assert_true(is_due(s, 5000));
}

static void what_was_asked_for_is_counted_in_the_whole_table(void **state)
{
	const struct rollcall_list asked = {
		.count = 2,
		.service = { { .proto = IPPROTO_UDP,
			       .first_port = 9000,
			       .last_port = 9000 },
			     { .proto = IPPROTO_TCP,
			       .first_port = 22,
			       .last_port = 22 } },
	};
	struct situation *s = set(state, 20000);

	s->sampler.rollcall.asked = &asked;
	assert_true(look(s));
	assert_int_equal(s->nl.size.enough, UINT32_MAX);
	assert_true(s->sampler.sample.complete);
	assert_int_equal(s->sampler.rollcall.row[0].flows, 20000);
	assert_int_equal(s->sampler.rollcall.row[1].flows, 0);
	assert_int_equal(s->sampler.rollcall.flows, 20000);
	assert_int_equal(s->sampler.rollcall.taken_ns, s->sampler.taken_ns);
	/* Of which no more than a sample's are met again. */
	assert_in_range(s->sampler.lifetimes.flows, 2500, 5000);
	/* One of all is not the measure of what a sample costs. */
	assert_true(s->sampler.cost_s < 0.01);
	/* Cut short, it is no count. */
	s = set(state, 20000);
	s->sampler.rollcall.asked = &asked;
	for (int i = 0; i < TRIES_MAX; i++)
		s->nl.cut[i] = -ENOBUFS;
	assert_false(look(s));
	assert_int_equal(s->sampler.rollcall.taken_ns, 0);
	assert_true(s->sampler.rollcall.tried_ns != 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_sample_is_added_up_and_told_of),
		cmocka_unit_test(it_asks_for_as_much_as_pays_or_as_it_was_told),
		cmocka_unit_test(an_empty_table_is_not_walked),
		cmocka_unit_test(a_sample_that_is_cut_short_is_taken_again_and_counted),
		cmocka_unit_test(
			one_that_stays_cut_short_is_shown_but_tells_of_no_lifetimes),
		cmocka_unit_test(an_error_leaves_an_empty_sample),
		cmocka_unit_test(
			how_soon_one_follows_depends_on_what_it_costs_and_what_changed),
		cmocka_unit_test(a_full_table_that_evicts_moves_though_its_number_stands),
		cmocka_unit_test(the_cost_of_a_sample_is_not_how_long_it_waited),
		cmocka_unit_test(a_part_of_the_time_makes_it_as_much_rarer),
		cmocka_unit_test(what_was_asked_for_is_counted_in_the_whole_table),
	};

	return cmocka_run_group_tests(tests, make, end);
}
