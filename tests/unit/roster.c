// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/clock.h"
#include "server/presence.h"
#include "server/roster.h"

enum { ENTRIES = 3000 };

static struct presence *presence;
static struct roster *roster;
static struct roster_entry entries[ENTRIES];

static int open_roster(void **state)
{
	memset(entries, 0, sizeof(entries));
	assert_int_equal(presence_open(&presence, 2), 0);
	assert_int_equal(roster_open(&roster, presence, 1), 0);
	return 0;
}

static int close_roster(void **state)
{
	roster_close(roster);
	presence_close(presence);
	return 0;
}

static unsigned found(uint32_t hash)
{
	unsigned count = 0;

	for (roster_scan(roster, hash); roster_next(roster);)
		count++;
	return count;
}

static unsigned found_in_all(void)
{
	unsigned count = 0;

	for (roster_scan_all(roster); roster_next(roster);)
		count++;
	return count;
}

static void entries_are_found_by_their_hash_while_they_are_in(void **state)
{
	roster_add(roster, &entries[0], 0x12345678);
	roster_add(roster, &entries[1], 0x12345678);
	roster_add(roster, &entries[2], 0x12345679);
	assert_int_equal(found(0x12345678), 2);
	assert_int_equal(found(0x12345679), 1);
	assert_int_equal(found(0), 0);
	assert_int_equal(found_in_all(), 3);
	roster_remove(roster, &entries[0]);
	roster_remove(roster, &entries[0]);
	assert_int_equal(found(0x12345678), 1);
	assert_int_equal(roster_count(roster), 2);
}

/* Two hashes that share a slot, one that does not. */
static void presence_lasts_until_the_last_of_a_slot_has_gone(void **state)
{
	roster_add(roster, &entries[0], 0x12345678);
	roster_add(roster, &entries[1], 0x12345001);
	assert_true(presence_may(presence, 1, 0x12345678));
	assert_false(presence_may(presence, 0, 0x12345678));
	assert_false(presence_may(presence, 1, 0x12346678));
	roster_remove(roster, &entries[0]);
	assert_true(presence_may(presence, 1, 0x12345678));
	roster_remove(roster, &entries[1]);
	assert_false(presence_may(presence, 1, 0x12345678));
}

static void a_new_worker_has_nobody(void **state)
{
	struct roster *next;

	roster_add(roster, &entries[0], 0x12345678);
	assert_int_equal(roster_open(&next, presence, 1), 0);
	assert_false(presence_may(presence, 1, 0x12345678));
	roster_close(next);
}

static void a_scan_survives_whoever_goes(void **state)
{
	unsigned seen = 0;

	for (unsigned i = 0; i < 100; i++)
		roster_add(roster, &entries[i], i % 2 ? 7 : i << 26);
	/* the one that comes next, each time, and the one that is there */
	for (roster_scan_all(roster);;) {
		struct roster_entry *entry = roster_next(roster);

		if (!entry)
			break;
		seen++;
		if (entry->next)
			roster_remove(roster, entry->next);
		roster_remove(roster, entry);
	}
	assert_in_range(seen, 50, 99);
	assert_int_equal(roster_count(roster), 0);
}

static void whoever_stays_is_visited_once_whoever_comes(void **state)
{
	unsigned seen[100] = { 0 }, added = 100;

	for (unsigned i = 0; i < 100; i++)
		roster_add(roster, &entries[i], i * 0x02345678);
	for (roster_scan_all(roster);;) {
		const struct roster_entry *entry = roster_next(roster);

		if (!entry)
			break;
		if (entry - entries < 100)
			seen[entry - entries]++;
		if (added < ENTRIES)
			roster_add(roster, &entries[added], added * 0x01234567);
		added++;
	}
	for (unsigned i = 0; i < 100; i++)
		assert_int_equal(seen[i], 1);
}

/* Against an array that says the same the slow way. */
static void any_history_leaves_what_it_should(void **state)
{
	static uint32_t hashes[ENTRIES];
	static bool in[ENTRIES];
	unsigned seed = (unsigned)clock_now_ns();

	print_message("seed %u\n", seed);
	srandom(seed);
	for (int i = 0; i < 20000; i++) {
		unsigned n = (unsigned)random() % ENTRIES;

		if (in[n]) {
			roster_remove(roster, &entries[n]);
		} else {
			/* many that share a slot or a hash */
			hashes[n] =
				(uint32_t)random() % 64 << 26 | (uint32_t)random() % 8192;
			roster_add(roster, &entries[n], hashes[n]);
		}
		in[n] = !in[n];
	}
	for (unsigned n = 0; n < ENTRIES; n++) {
		bool slot = false;
		unsigned same = 0;

		for (unsigned m = 0; m < ENTRIES; m++) {
			same += in[m] && hashes[m] == hashes[n];
			slot |= in[m] &&
				presence_slot(hashes[m]) == presence_slot(hashes[n]);
		}
		assert_int_equal(found(hashes[n]), same);
		assert_int_equal(presence_may(presence, 1, hashes[n]), slot);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			entries_are_found_by_their_hash_while_they_are_in, open_roster,
			close_roster),
		cmocka_unit_test_setup_teardown(
			presence_lasts_until_the_last_of_a_slot_has_gone, open_roster,
			close_roster),
		cmocka_unit_test_setup_teardown(a_new_worker_has_nobody, open_roster,
						close_roster),
		cmocka_unit_test_setup_teardown(a_scan_survives_whoever_goes, open_roster,
						close_roster),
		cmocka_unit_test_setup_teardown(
			whoever_stays_is_visited_once_whoever_comes, open_roster,
			close_roster),
		cmocka_unit_test_setup_teardown(any_history_leaves_what_it_should,
						open_roster, close_roster),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
