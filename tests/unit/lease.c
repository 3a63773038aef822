// SPDX-License-Identifier: GPL-2.0-or-later
/* What the guard takes out of tracking, by the rules that the kernel then has. The audit is this file's. */
#include "tests/unit/sandbox.h"

#include <arpa/inet.h>
#include <linux/netlink.h>
#include <math.h>
#include <sys/socket.h>

#include "guard/config.h"
#include "guard/lease.h"
#include "guard/vetting.h"
#include "lib/clock.h"
#include "lib/nl.h"
#include "lib/text.h"
#include "rules/apply.h"
#include "rules/ruleset.h"

enum { UDP_9000, UDP_9001, BUDGETED };

static bool allowed;
static struct config config;
static struct leases *leases;
static struct nl *nl;
static struct apply_why why;

bool vetting_allows(const struct vetting *vetting, size_t i)
{
	return allowed;
}

bool vetting_condemns(const struct vetting *vetting, size_t i)
{
	return !vetting_allows(vetting, i);
}

static struct leases *opened(bool rehearse)
{
	struct leases *out;

	assert_int_equal(leases_open(&out, &config, NULL, rehearse), 0);
	assert_int_equal(leases_adopt(out, clock_now_ns(), &why), 0);
	return out;
}

static int begin(void **state)
{
	struct text text = { 0 };

	sandbox_setup(state);
	allowed = true;
	config_init(&config);
	config_add_service(&config, "udp/9000", &text);
	config_add_service(&config, "udp/9001", &text);
	config_add_service(&config, "udp/9002", &text);
	config.services[BUDGETED].budget_per_s = 10;
	return nl_open(&nl, NETLINK_NETFILTER);
}

static int end(void **state)
{
	leases_close(leases);
	leases = NULL;
	nl_close(nl);
	return 0;
}

/* Its row in the kernel's rules, NULL if it is not out. */
static const struct ruleset_service *there(size_t i)
{
	static struct ruleset ruleset;
	const struct ruleset_service *row;

	assert_int_equal(ruleset_read(nl, &ruleset), 0);
	row = ruleset_find(&ruleset, &config.services[i].service);
	return row && row->active ? row : NULL;
}

static void set(size_t i, unsigned percent, uint64_t now_ns)
{
	assert_int_equal(leases_set(leases, i, percent, now_ns, &why), 0);
}

/* Somebody else takes it out. */
static void others_add(size_t i, const char *program, uint64_t lease_ms, unsigned percent)
{
	struct terms terms = { .lease_ms = lease_ms, .holder = { .pid = 1 } };

	snprintf(terms.holder.program, sizeof(terms.holder.program), "%s", program);
	if (percent < 100)
		terms.extent = (struct extent){ EXTENT_SHARE, percent, 7, 0 };
	assert_int_equal(apply_add(nl, &config.services[i].service, &terms, &why), 0);
}

static void what_is_set_is_out_by_a_lease_and_what_is_released_is_not(void **state)
{
	sandbox_needed(state);
	leases = opened(false);
	set(UDP_9000, 100, 1000);
	assert_int_equal(leases_refreshed_ns(leases), 1000);
	assert_true(there(UDP_9000)->leased);
	assert_int_equal(there(UDP_9000)->lease_ms, 30000);
	assert_string_equal(there(UDP_9000)->holder.program, "ctguard");
	assert_int_equal(ruleset_extent(there(UDP_9000))->kind, EXTENT_ALL);
	assert_true(leases_engaged(leases, UDP_9000));
	assert_int_equal(leases_count(leases), 1);
	assert_null(there(UDP_9001));
	assert_int_equal(leases_release(leases, UDP_9000, &why), 0);
	assert_null(there(UDP_9000));
	assert_false(leases_engaged(leases, UDP_9000) || leases_any(leases));
}

static void a_share_grows_with_the_same_flows_and_is_out_since_it_was(void **state)
{
	uint32_t seed;

	sandbox_needed(state);
	leases = opened(false);
	set(UDP_9000, 30, 1000);
	assert_int_equal(leases_extent(leases, UDP_9000).percent, 30);
	seed = ruleset_extent(there(UDP_9000))->seed;
	set(UDP_9000, 70, 2000);
	assert_int_equal(ruleset_extent(there(UDP_9000))->percent, 70);
	assert_int_equal(ruleset_extent(there(UDP_9000))->seed, seed);
	assert_int_equal(leases_percent(leases, UDP_9000), 70);
	assert_int_equal(leases_since_ns(leases, UDP_9000), 1000);
	assert_int_equal(leases_changed_ns(leases, UDP_9000), 2000);
}

/* The leases of all are refreshed at once: one that begins says nothing of the others. */
static void what_is_out_later_is_refreshed_with_what_was_before(void **state)
{
	sandbox_needed(state);
	leases = opened(false);
	set(UDP_9000, 100, 1000);
	set(UDP_9001, 100, 2000);
	assert_int_equal(leases_refreshed_ns(leases), 1000);
	assert_int_equal(leases_refresh(leases, &why), 0);
	assert_true(leases_refreshed_ns(leases) > 2000);
}

static void what_is_gone_already_is_as_good_as_released(void **state)
{
	sandbox_needed(state);
	leases = opened(false);
	set(UDP_9000, 100, 1000);
	assert_int_equal(apply_flush(nl, &why), 0);
	assert_int_equal(leases_release(leases, UDP_9000, &why), 0);
	assert_false(leases_engaged(leases, UDP_9000));
}

/* As of an older version, whose rules were others: as much of it as was out, and nothing of anybody else's. */
static void what_a_guard_left_that_works_in_part_is_made_whole(void **state)
{
	sandbox_needed(state);
	others_add(UDP_9000, "ctguard", 30000, 40);
	others_add(UDP_9001, "ctrules", 30000, 100);
	others_add(BUDGETED, "ctguard", 0, 100);
	sandbox_do("for port in 9000 9001 9002; do nft delete element inet ctkit "
		   "out_services \"{ udp . $port }\"; done");
	assert_null(there(UDP_9000));
	assert_int_equal(leases_open(&leases, &config, NULL, false), 0);
	assert_int_equal(leases_adopt(leases, 5000, &why), 1);
	assert_int_equal(ruleset_extent(there(UDP_9000))->kind, EXTENT_SHARE);
	assert_int_equal(ruleset_extent(there(UDP_9000))->percent, 40);
	assert_int_equal(ruleset_extent(there(UDP_9000))->seed, 7);
	assert_null(there(UDP_9001));
	assert_null(there(BUDGETED));
}

static void the_next_guard_takes_over_what_one_left(void **state)
{
	sandbox_needed(state);
	leases = opened(false);
	set(UDP_9000, 40, 1000);
	leases_close(leases);
	assert_int_equal(leases_open(&leases, &config, NULL, false), 0);
	assert_int_equal(leases_adopt(leases, 5000, &why), 1);
	assert_int_equal(leases_percent(leases, UDP_9000), 40);
	assert_int_equal(leases_since_ns(leases, UDP_9000), 5000);
	assert_int_equal(leases_refreshed_ns(leases), 5000);
	assert_false(leases_held(leases, UDP_9000));
	assert_int_equal(leases_release(leases, UDP_9000, &why), 0);
	assert_null(there(UDP_9000));
}

static void what_others_took_out_is_known_and_left_as_it_is(void **state)
{
	uint64_t expires_ms;

	sandbox_needed(state);
	others_add(UDP_9000, "ctrules", 3600000, 100);
	others_add(UDP_9001, "ctrules", 0, 100);
	leases = opened(false);
	assert_true(leases_held(leases, UDP_9000) && leases_held(leases, UDP_9001));
	assert_false(leases_fixed(leases, UDP_9000));
	assert_true(leases_fixed(leases, UDP_9001));
	assert_int_equal(leases_count(leases), 2);
	assert_true(isinf(leases_packets_per_s(leases, UDP_9000)));
	expires_ms = there(UDP_9000)->expires_ms;
	assert_int_equal(leases_release(leases, UDP_9000, &why), 0);
	assert_int_equal(leases_refresh(leases, &why), 0);
	assert_true(there(UDP_9000)->expires_ms <= expires_ms);
	assert_string_equal(there(UDP_9000)->holder.program, "ctrules");
	assert_true(leases_engaged(leases, UDP_9000));
}

static size_t noted[4], note_count;
static bool was_held;

static void note_met(size_t i, void *data)
{
	noted[note_count++] = i;
}

static void note_lost(size_t i, bool held, void *data)
{
	noted[note_count++] = i;
	was_held = held;
}

static void what_others_take_out_later_is_met_once(void **state)
{
	sandbox_needed(state);
	note_count = 0;
	leases = opened(false);
	set(UDP_9000, 100, 1000);
	others_add(UDP_9001, "ctrules", 3600000, 20);
	assert_int_equal(leases_meet(leases, 2000, note_met, NULL), 0);
	assert_int_equal(note_count, 1);
	assert_int_equal(noted[0], UDP_9001);
	assert_int_equal(leases_percent(leases, UDP_9001), 20);
	others_add(UDP_9001, "ctrules", 3600000, 50);
	assert_int_equal(leases_measure(leases, 2500000000, note_lost, NULL), 0);
	assert_int_equal(leases_percent(leases, UDP_9001), 50);
	assert_int_equal(leases_measure(leases, 3500000000, note_lost, NULL), 0);
	/* What of it is tracked again is not the guard's to reckon with. */
	assert_true(isinf(leases_packets_per_s(leases, UDP_9001)));
	sandbox_do("nft add table ip other");
	assert_int_equal(leases_meet(leases, 3000, note_met, NULL), 0);
	assert_int_equal(note_count, 1);
}

static void a_table_that_is_not_ours_is_refused(void **state)
{
	sandbox_needed(state);
	sandbox_do("nft add table inet ctkit");
	assert_int_equal(leases_open(&leases, &config, NULL, false), 0);
	assert_int_equal(leases_adopt(leases, 1000, &why), -EEXIST);
	assert_string_equal(why.text, "table inet ctkit exists and is not ours");
}

static void send_datagrams(int count)
{
	const struct sockaddr_in to = { .sin_family = AF_INET,
					.sin_port = htons(9000),
					.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	/* That nobody listens there is told by the next. */
	for (int i = 0; i < count; i++)
		(void)!sendto(fd, "x", 1, 0, (const struct sockaddr *)&to, sizeof(to));
	close(fd);
}

static void untracked_packets_are_counted_and_a_rate_takes_two_counts(void **state)
{
	uint64_t before;

	sandbox_needed(state);
	note_count = 0;
	leases = opened(false);
	set(UDP_9000, 100, 1000);
	assert_int_equal(leases_measure(leases, 1000000000, note_lost, NULL), 0);
	assert_true(isinf(leases_packets_per_s(leases, UDP_9000)));
	before = leases_packets(leases, UDP_9000);
	send_datagrams(20);
	assert_int_equal(leases_measure(leases, 3000000000, note_lost, NULL), 0);
	assert_in_range(leases_packets(leases, UDP_9000) - before, 10, 40);
	assert_float_equal(leases_packets_per_s(leases, UDP_9000),
			   (double)(leases_packets(leases, UDP_9000) - before) / 2, 1e-6);
	/* What was a rate of one share says nothing of another. */
	set(UDP_9000, 50, 4000000000);
	assert_true(isinf(leases_packets_per_s(leases, UDP_9000)));
	assert_int_equal(note_count, 0);
}

static void what_is_lost_is_told_with_how_much_of_it_was_out(void **state)
{
	sandbox_needed(state);
	note_count = 0;
	others_add(UDP_9001, "ctrules", 3600000, 100);
	leases = opened(false);
	set(UDP_9000, 60, 1000);
	assert_int_equal(leases_measure(leases, 2000, note_lost, NULL), 0);
	assert_int_equal(note_count, 0);
	assert_true(leases_table_present(leases));
	assert_int_equal(apply_delete(nl, &config.services[UDP_9001].service, &why), 0);
	assert_int_equal(leases_measure(leases, 3000, note_lost, NULL), 0);
	assert_int_equal(note_count, 1);
	assert_true(was_held);
	sandbox_do("nft flush ruleset");
	assert_int_equal(leases_measure(leases, 4000, note_lost, NULL), 0);
	assert_int_equal(note_count, 2);
	assert_int_equal(noted[1], UDP_9000);
	assert_false(was_held || leases_table_present(leases));
	assert_int_equal(leases_lost_percent(leases, UDP_9000), 60);
	assert_false(leases_engaged(leases, UDP_9000));
	/* And not again. */
	assert_int_equal(leases_measure(leases, 5000, note_lost, NULL), 0);
	assert_int_equal(note_count, 2);
}

static void a_lease_that_ended_is_lost_though_its_chains_are_there(void **state)
{
	sandbox_needed(state);
	note_count = 0;
	config.lease_s = 0.1;
	leases = opened(false);
	set(UDP_9000, 100, 1000);
	while (there(UDP_9000))
		;
	assert_int_equal(leases_measure(leases, 2000, note_lost, NULL), 0);
	assert_int_equal(note_count, 1);
	assert_true(leases_table_present(leases));
	assert_false(leases_engaged(leases, UDP_9000));
}

static void a_refresh_begins_leases_anew_and_brings_back_none(void **state)
{
	uint64_t before_ns, left_ms;

	sandbox_needed(state);
	leases = opened(false);
	set(UDP_9000, 100, clock_now_ns());
	before_ns = leases_refreshed_ns(leases);
	do
		left_ms = there(UDP_9000)->expires_ms;
	while (left_ms > 29900);
	assert_int_equal(leases_refresh(leases, &why), 0);
	assert_true(there(UDP_9000)->expires_ms > left_ms);
	assert_true(leases_refreshed_ns(leases) > before_ns);
	before_ns = leases_refreshed_ns(leases);
	sandbox_do("nft flush ruleset");
	assert_int_equal(leases_refresh(leases, &why), -ENOENT);
	assert_int_equal(leases_refreshed_ns(leases), before_ns);
	assert_null(there(UDP_9000));
}

static void a_budget_is_there_without_a_lease_while_the_audit_allows_it(void **state)
{
	sandbox_needed(state);
	leases = opened(false);
	allowed = false;
	assert_int_equal(leases_arm(leases, &why), 0);
	assert_false(leases_bounded(leases, BUDGETED) || leases_any(leases));
	allowed = true;
	assert_int_equal(leases_arm(leases, &why), 0);
	assert_true(leases_bounded(leases, BUDGETED) && leases_any(leases));
	assert_false(leases_engaged(leases, BUDGETED));
	assert_false(there(BUDGETED)->leased);
	assert_int_equal(ruleset_extent(there(BUDGETED))->packets_per_s, 10);
	assert_null(there(UDP_9000));
	/* The next guard knows it. */
	leases_close(leases);
	leases = opened(false);
	assert_true(leases_bounded(leases, BUDGETED));
	allowed = false;
	assert_int_equal(leases_arm(leases, &why), 0);
	assert_null(there(BUDGETED));
	assert_false(leases_bounded(leases, BUDGETED));
}

static void a_budget_changes_and_goes_with_the_configuration(void **state)
{
	sandbox_needed(state);
	leases = opened(false);
	assert_int_equal(leases_arm(leases, &why), 0);
	config.services[BUDGETED].budget_per_s = 20;
	assert_int_equal(leases_arm(leases, &why), 0);
	assert_int_equal(ruleset_extent(there(BUDGETED))->packets_per_s, 20);
	assert_true(leases_bounded(leases, BUDGETED));
	config.services[BUDGETED].budget_per_s = 0;
	assert_int_equal(leases_arm(leases, &why), 0);
	assert_null(there(BUDGETED));
	assert_false(leases_bounded(leases, BUDGETED));
}

static void a_budget_does_not_replace_what_others_made(void **state)
{
	sandbox_needed(state);
	others_add(BUDGETED, "ctrules", 3600000, 100);
	leases = opened(false);
	assert_int_equal(leases_arm(leases, &why), 0);
	assert_string_equal(there(BUDGETED)->holder.program, "ctrules");
	assert_true(leases_held(leases, BUDGETED));
}

static void a_rehearsal_pretends_and_changes_nothing(void **state)
{
	sandbox_needed(state);
	leases = opened(true);
	set(UDP_9000, 70, 1000);
	assert_int_equal(leases_percent(leases, UDP_9000), 70);
	assert_int_equal(leases_arm(leases, &why), 0);
	assert_int_equal(leases_refresh(leases, &why), 0);
	assert_false(sandbox_run("nft list table inet ctkit"));
	note_count = 0;
	assert_int_equal(leases_measure(leases, 2000, note_lost, NULL), 0);
	assert_int_equal(note_count, 0);
	others_add(UDP_9000, "ctguard", 3600000, 100);
	assert_int_equal(leases_release(leases, UDP_9000, &why), 0);
	assert_int_equal(leases_count(leases), 0);
	assert_non_null(there(UDP_9000));
	/* What others do meanwhile is no part of what it pretends. */
	others_add(UDP_9001, "ctrules", 3600000, 20);
	assert_int_equal(leases_meet(leases, 3000, note_met, NULL), 0);
	assert_int_equal(note_count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define LEASE_TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
		LEASE_TEST(what_is_set_is_out_by_a_lease_and_what_is_released_is_not),
		LEASE_TEST(a_share_grows_with_the_same_flows_and_is_out_since_it_was),
		LEASE_TEST(what_is_out_later_is_refreshed_with_what_was_before),
		LEASE_TEST(what_is_gone_already_is_as_good_as_released),
		LEASE_TEST(what_a_guard_left_that_works_in_part_is_made_whole),
		LEASE_TEST(the_next_guard_takes_over_what_one_left),
		LEASE_TEST(what_others_took_out_is_known_and_left_as_it_is),
		LEASE_TEST(what_others_take_out_later_is_met_once),
		LEASE_TEST(a_table_that_is_not_ours_is_refused),
		LEASE_TEST(untracked_packets_are_counted_and_a_rate_takes_two_counts),
		LEASE_TEST(what_is_lost_is_told_with_how_much_of_it_was_out),
		LEASE_TEST(a_lease_that_ended_is_lost_though_its_chains_are_there),
		LEASE_TEST(a_refresh_begins_leases_anew_and_brings_back_none),
		LEASE_TEST(a_budget_is_there_without_a_lease_while_the_audit_allows_it),
		LEASE_TEST(a_budget_changes_and_goes_with_the_configuration),
		LEASE_TEST(a_budget_does_not_replace_what_others_made),
		LEASE_TEST(a_rehearsal_pretends_and_changes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
