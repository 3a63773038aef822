// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "conntrack/attribute.h"
#include "conntrack/keys.h"

static const struct keys FRESH = { .interval_s = 1, .tables = 1 };

static void press_all(struct keys *keys, const char *text)
{
	for (; *text; text++)
		keys_press(keys, *text);
}

static void views_go_round(void **state)
{
	struct keys keys = FRESH;

	keys.first = 5;
	for (int i = 1; i <= 2 * VIEWS; i++) {
		assert_int_equal(keys_press(&keys, i % 2 ? 'v' : '\t'), KEYS_DRAW);
		assert_int_equal(keys.by, i % VIEWS);
		assert_int_equal(keys.first, 0);
	}
}

static void sorts_go_round_both_ways(void **state)
{
	struct keys keys = FRESH;

	keys_press(&keys, '<');
	assert_int_equal(keys.ranking.by, RANKS - 1);
	keys_press(&keys, '>');
	assert_int_equal(keys.ranking.by, RANK_ENTRIES);
	for (int i = 0; i < RANKS; i++)
		keys_press(&keys, 's');
	assert_int_equal(keys.ranking.by, RANK_ENTRIES);
	press_all(&keys, "r");
	assert_true(keys.ranking.reversed);
}

static void the_interval_goes_through_steps_and_ends(void **state)
{
	struct keys keys = FRESH;

	assert_int_equal(keys_press(&keys, '+'), KEYS_INTERVAL);
	assert_float_equal(keys.interval_s, 2, 1e-9);
	press_all(&keys, "--");
	assert_float_equal(keys.interval_s, 0.5, 1e-9);
	press_all(&keys, "----------");
	assert_float_equal(keys.interval_s, 0.1, 1e-9);
	press_all(&keys, "++++++++++++++++++++");
	assert_float_equal(keys.interval_s, 3600, 1e-9);
	keys.interval_s = 0.3;
	press_all(&keys, "+");
	assert_float_equal(keys.interval_s, 0.5, 1e-9);
}

static void an_interval_can_be_typed(void **state)
{
	struct keys keys = FRESH;

	press_all(&keys, "i25x\x7f"
			 "0ms");
	assert_string_equal(keys.input, "250ms");
	assert_int_equal(keys_press(&keys, '\n'), KEYS_INTERVAL);
	assert_float_equal(keys.interval_s, 0.25, 1e-9);
	assert_int_equal(keys.prompt, PROMPT_NONE);
	press_all(&keys, "i1us\n");
	assert_non_null(strstr(keys.complaint.text, "1us"));
	assert_float_equal(keys.interval_s, 0.25, 1e-9);
	press_all(&keys, "v");
	assert_string_equal(keys.complaint.text, "");
	press_all(&keys, "i\n");
	assert_string_equal(keys.complaint.text, "");
}

static void a_filter_is_typed_and_taken_away(void **state)
{
	struct keys keys = FRESH;

	/* Letters at the prompt are no commands. */
	press_all(&keys, "/qvs\n");
	assert_string_equal(keys.ranking.filter, "qvs");
	assert_int_equal(keys.by, VIEW_SERVICE);
	press_all(&keys, "/zzz\x1b");
	assert_string_equal(keys.ranking.filter, "qvs");
	press_all(&keys, "/zzz\x15"
			 "a\n");
	assert_string_equal(keys.ranking.filter, "a");
	press_all(&keys, "\x1b");
	assert_string_equal(keys.ranking.filter, "");
}

static void typing_is_bounded_and_printable(void **state)
{
	struct keys keys = FRESH;

	press_all(&keys, "/");
	keys_press(&keys, KEYS_UP);
	keys_press(&keys, 0x9b);
	keys_press(&keys, 1);
	keys_press(&keys, KEYS_BACKSPACE);
	assert_string_equal(keys.input, "");
	for (int i = 0; i < 1000; i++)
		keys_press(&keys, 'x');
	assert_int_equal(strlen(keys.input), KEYS_INPUT_MAX - 1);
	keys_press(&keys, '\n');
	assert_int_equal(strlen(keys.ranking.filter), RANKING_FILTER_MAX - 1);
}

static void pages_come_and_go(void **state)
{
	struct keys keys = FRESH;

	press_all(&keys, "c");
	assert_int_equal(keys.page, PAGE_COUNTERS);
	press_all(&keys, "h");
	assert_int_equal(keys.page, PAGE_HELP);
	press_all(&keys, "p");
	assert_int_equal(keys.page, PAGE_TABLE);
	assert_false(keys.paused);
	press_all(&keys, "cc");
	assert_int_equal(keys.page, PAGE_TABLE);
	press_all(&keys, "c\x1b");
	assert_int_equal(keys.page, PAGE_TABLE);
	keys_press(&keys, KEYS_HELP);
	assert_int_equal(keys_press(&keys, 'q'), KEYS_QUIT);
}

static void pause_ends_with_a_look(void **state)
{
	struct keys keys = FRESH;

	assert_int_equal(keys_press(&keys, 'p'), KEYS_DRAW);
	assert_true(keys.paused);
	assert_int_equal(keys_press(&keys, 'p'), KEYS_READ);
	assert_false(keys.paused);
	assert_int_equal(keys_press(&keys, ' '), KEYS_READ);
	assert_int_equal(keys_press(&keys, 12), KEYS_REPAINT);
}

static void rows_scroll_within_their_number(void **state)
{
	struct keys keys = FRESH;

	keys_press(&keys, KEYS_UP);
	keys_press(&keys, KEYS_PAGE_UP);
	assert_int_equal(keys.first, 0);
	keys_press(&keys, KEYS_END);
	keys_limit(&keys, 30, 8);
	assert_int_equal(keys.first, 22);
	keys_press(&keys, KEYS_PAGE_UP);
	assert_int_equal(keys.first, 12);
	keys_press(&keys, KEYS_DOWN);
	assert_int_equal(keys.first, 13);
	keys_limit(&keys, 3, 8);
	assert_int_equal(keys.first, 0);
	keys_press(&keys, KEYS_END);
	keys_press(&keys, KEYS_HOME);
	assert_int_equal(keys.first, 0);
}

static void namespaces_go_round(void **state)
{
	struct keys keys = FRESH;

	assert_int_equal(keys_press(&keys, 'n'), KEYS_DRAW);
	keys.tables = 3;
	for (size_t i = 1; i <= 6; i++) {
		assert_int_equal(keys_press(&keys, 'n'), KEYS_READ);
		assert_int_equal(keys.table, i % 3);
	}
}

static void any_keys_at_all_keep_it_sane(void **state)
{
	unsigned seed = (unsigned)time(NULL);
	struct keys keys = FRESH;

	print_message("seed %u\n", seed);
	for (int i = 0; i < 200000; i++) {
		keys_press(&keys, rand_r(&seed) % (KEYS_OTHER + 10));
		keys_limit(&keys, (size_t)(rand_r(&seed) % 300), 8);
		assert_in_range(keys.by, 0, VIEWS - 1);
		assert_in_range(keys.ranking.by, 0, RANKS - 1);
		assert_in_range(keys.page, PAGE_TABLE, PAGE_HELP);
		assert_true(keys.interval_s >= 0.01 && keys.interval_s <= 3600);
		assert_true(keys.first <= ATTRIBUTE_ROWS);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(views_go_round),
		cmocka_unit_test(sorts_go_round_both_ways),
		cmocka_unit_test(the_interval_goes_through_steps_and_ends),
		cmocka_unit_test(an_interval_can_be_typed),
		cmocka_unit_test(a_filter_is_typed_and_taken_away),
		cmocka_unit_test(typing_is_bounded_and_printable),
		cmocka_unit_test(pages_come_and_go),
		cmocka_unit_test(pause_ends_with_a_look),
		cmocka_unit_test(rows_scroll_within_their_number),
		cmocka_unit_test(namespaces_go_round),
		cmocka_unit_test(any_keys_at_all_keep_it_sane),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
