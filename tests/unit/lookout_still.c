// SPDX-License-Identifier: GPL-2.0-or-later
/* When a table is still. The kernel is a number of entries here, and nobody fills the table. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "guard/lookout.c"

enum { LIMIT = 100000 };

static struct {
	uint32_t entries;
	bool hidden;  /* /proc shows no count */
	size_t out;   /* services */
	bool bounded; /* one has a budget */
	double leaving;
	unsigned counted, glanced, sampled;
} kernel;

static const struct config CONFIG = {
	.policy = { .engage_at = 0.8, .release_at = 0.5, .horizon_s = 10 },
};
static const struct census NOBODY;

int headcount_open(struct headcount *out, struct nl *nl)
{
	return 0;
}

void headcount_close(struct headcount *headcount)
{
}

int headcount_read(const struct headcount *headcount, struct table_usage *out)
{
	*out = (struct table_usage){ .entries = kernel.entries, .limit = LIMIT };
	kernel.counted++;
	return 0;
}

int headcount_count(const struct headcount *headcount, uint32_t *out)
{
	*out = kernel.entries;
	kernel.glanced++;
	return kernel.hidden ? -EBADF : 0;
}

int nl_open(struct nl **out, int bus)
{
	*out = NULL;
	return 0;
}

void nl_close(struct nl *nl)
{
}

int nl_ready(struct nl *nl)
{
	return 0;
}

bool limit_settable(const char *path)
{
	return false;
}

int suspects_open(struct suspects **out, struct nl *nl, const struct config *config)
{
	*out = NULL;
	return 0;
}

void suspects_close(struct suspects *suspects)
{
}

int suspects_find(struct suspects *suspects, uint32_t entries, struct policy_view *view)
{
	view->attributed = true;
	kernel.sampled++;
	return 0;
}

int suspects_find_top(struct suspects *suspects, struct policy_view *view)
{
	return 0;
}

int suspects_keep_warm(struct suspects *suspects, uint32_t entries,
		       const struct policy_view *view)
{
	return 0;
}

int suspects_keep_baseline(struct suspects *suspects, uint32_t entries,
			   const struct policy_view *view)
{
	return 0;
}

bool suspects_recall(const struct suspects *suspects, uint32_t entries,
		     struct policy_view *view, double *unseen)
{
	return false;
}

int suspects_read_local(struct suspects *suspects)
{
	return 0;
}

void suspects_renew_baseline(struct suspects *suspects, uint64_t now_ns)
{
}

void suspects_forget(struct suspects *suspects)
{
}

const struct census *suspects_census(const struct suspects *suspects)
{
	return &NOBODY;
}

bool chores_pending(struct chores *chores, enum chore_kind kind)
{
	return false;
}

bool chores_walking(struct chores *chores)
{
	return false;
}

double chores_leaving(struct chores *chores)
{
	return kernel.leaving;
}

size_t leases_count(const struct leases *leases)
{
	return kernel.out;
}

bool leases_any(const struct leases *leases)
{
	return kernel.out > 0 || kernel.bounded;
}

void inventory_open(struct inventory *inventory, const struct config *config,
		    const struct leases *leases, bool rehearse)
{
}

void inventory_take(struct inventory *inventory, const struct census *census,
		    struct policy_view *view)
{
}

void inventory_note_connections(struct inventory *inventory, size_t i, double connections)
{
}

void inventory_note_midstream(struct inventory *inventory, size_t i,
			      struct midstream midstream)
{
}

static struct lookout *opened(bool rehearse)
{
	struct lookout *lookout;

	assert_int_equal(lookout_open(&lookout, &CONFIG, NULL, NULL, rehearse), 0);
	return lookout;
}

/* A look at a table with so many entries. */
static enum policy_action look_at(struct lookout *lookout, uint32_t entries)
{
	struct policy_decision decision;

	kernel.entries = entries;
	assert_int_equal(lookout_decide(lookout, &decision), 0);
	return decision.action;
}

static bool is_still_at(struct lookout *lookout, uint32_t entries)
{
	kernel.entries = entries;
	return lookout_is_still(lookout, 60);
}

static int at_rest(void **state)
{
	memset(&kernel, 0, sizeof(kernel));
	kernel.entries = 1000;
	*state = opened(false);
	return look_at(*state, 1000) != POLICY_REST;
}

static int close_it(void **state)
{
	lookout_close(*state);
	return 0;
}

/* The room to the mark is 79,000: a thousandth of it is 79. */
static void a_table_is_still_while_it_has_hardly_moved_since_a_look(void **state)
{
	assert_true(is_still_at(*state, 1000));
	assert_true(is_still_at(*state, 1070));
	assert_true(is_still_at(*state, 930));
	assert_false(is_still_at(*state, 1090));
	assert_false(is_still_at(*state, 910));
	assert_int_equal(look_at(*state, 1090), POLICY_REST);
	assert_true(is_still_at(*state, 1090));
}

static void what_moves_by_little_again_and_again_is_not_still(void **state)
{
	for (uint32_t entries = 1000; entries <= 1070; entries += 10)
		assert_true(is_still_at(*state, entries));
	assert_false(is_still_at(*state, 1080));
}

static void less_may_come_where_there_is_less_room(void **state)
{
	assert_int_equal(look_at(*state, 79000), POLICY_REST);
	assert_true(is_still_at(*state, 79001));
	assert_false(is_still_at(*state, 79002));
}

static void stillness_is_not_taken_for_granted_for_long(void **state)
{
	assert_false(lookout_is_still(*state, 0));
	assert_int_equal(kernel.glanced, 0);
	assert_true(lookout_is_still(*state, 60));
}

static void a_count_of_a_still_table_is_known_to_whoever_asks(void **state)
{
	const struct policy_view *view = lookout_view(*state);
	unsigned counted = kernel.counted;

	assert_true(is_still_at(*state, 1050));
	assert_int_equal(view->entries, 1050);
	assert_int_equal(kernel.counted, counted);
	/* The climb is from that count on. */
	look_at(*state, 1050);
	assert_true(view->climb == 0);
}

static void while_something_is_under_way_nothing_is_still(void **state)
{
	kernel.out = 1;
	look_at(*state, 1000);
	assert_false(is_still_at(*state, 1000));
	kernel.out = 0;
	kernel.bounded = true;
	look_at(*state, 1000);
	assert_false(is_still_at(*state, 1000));
	kernel.bounded = false;
	kernel.leaving = 10;
	look_at(*state, 1000);
	assert_false(is_still_at(*state, 1000));
	kernel.leaving = 0;
	look_at(*state, 1000);
	assert_true(is_still_at(*state, 1000));
}

static void a_table_at_the_mark_is_not_still(void **state)
{
	assert_int_not_equal(look_at(*state, 90000), POLICY_REST);
	assert_false(is_still_at(*state, 90000));
	/* Nor once it is known that nothing helps. */
	look_at(*state, 90000);
	look_at(*state, 90000);
	assert_false(is_still_at(*state, 90000));
}

/* The thread that deletes may have to share a processor with looks that come before all. */
static void
who_it_is_is_not_asked_at_each_look_while_what_was_done_takes_effect(void **state)
{
	kernel.leaving = 5000;
	for (int i = 0; i < 50; i++)
		assert_int_equal(look_at(*state, 90000), POLICY_REST);
	assert_in_range(kernel.sampled, 1, 10);
	kernel.sampled = 0;
	look_at(*state, 91500);
	assert_int_equal(kernel.sampled, 1);
}

static void a_table_whose_count_is_hidden_is_not_still(void **state)
{
	kernel.hidden = true;
	assert_false(is_still_at(*state, 1000));
}

static void a_rehearsal_looks_each_time(void **state)
{
	struct lookout *lookout = opened(true);

	assert_int_equal(look_at(lookout, 1000), POLICY_REST);
	assert_false(is_still_at(lookout, 1000));
	lookout_close(lookout);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, at_rest, close_it)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_table_is_still_while_it_has_hardly_moved_since_a_look),
		TEST(what_moves_by_little_again_and_again_is_not_still),
		TEST(less_may_come_where_there_is_less_room),
		TEST(stillness_is_not_taken_for_granted_for_long),
		TEST(a_count_of_a_still_table_is_known_to_whoever_asks),
		TEST(while_something_is_under_way_nothing_is_still),
		TEST(a_table_at_the_mark_is_not_still),
		TEST(who_it_is_is_not_asked_at_each_look_while_what_was_done_takes_effect),
		TEST(a_table_whose_count_is_hidden_is_not_still),
		TEST(a_rehearsal_looks_each_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
