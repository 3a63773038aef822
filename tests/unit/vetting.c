// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "conntrack/table.h"
#include "guard/config.h"
#include "guard/vetting.h"
#include "lib/clock.h"
#include "lib/nl.h"
#include "lib/text.h"
#include "rules/audit.h"
#include "rules/judge.h"
#include "rules/legacy.h"
#include "rules/ruleset.h"
#include "rules/translated.h"

/* In place of the kernel and of the audit: what they say, and how often they were asked. */
static struct {
	uint64_t now_ns, spent_ns;
	uint64_t until_ns; /* that the last evidence might be read */
	double audit_s;    /* what one takes */
	uint32_t generation;
	uint32_t entries;
	unsigned legacy;
	int read_err;
	enum audit_verdict verdict[3];
	unsigned translated[3];
	int translated_err;
	unsigned audits, walks;
} world;

static struct config config;
static struct vetting *vetting;

uint64_t clock_now_ns(void)
{
	return world.now_ns;
}

uint64_t clock_spent_ns(void)
{
	return world.spent_ns;
}

double clock_between_s(uint64_t from_ns, uint64_t to_ns)
{
	return ((double)to_ns - (double)from_ns) / 1e9;
}

int nl_open(struct nl **out, int bus)
{
	*out = NULL;
	return 0;
}

void nl_close(struct nl *nl)
{
}

int table_usage_get(struct nl *nl, struct table_usage *out)
{
	*out = (struct table_usage){ .entries = world.entries };
	return 0;
}

int ruleset_generation(struct nl *nl, uint32_t *out)
{
	*out = world.generation;
	return world.read_err;
}

unsigned legacy_look(const struct legacy *legacy)
{
	return world.legacy;
}

int evidence_read(struct nl *nl, struct evidence *out)
{
	out->model.generation = world.generation;
	world.until_ns = out->until_ns;
	return world.read_err;
}

void evidence_clear(struct evidence *evidence)
{
}

int midstream_judge(const struct model *model, const struct surroundings *host,
		    const struct service *service, struct midstream *out)
{
	*out = (struct midstream){ 0 };
	return 0;
}

int judge_by_evidence(const struct evidence *evidence, const struct service *service,
		      const struct audit_listener *listener, struct audit *out)
{
	enum audit_verdict verdict = world.verdict[service->first_port - 1];

	*out = (struct audit){ .verdict = verdict };
	world.audits++;
	world.spent_ns += (uint64_t)(world.audit_s * 1e9);
	if (verdict == AUDIT_SAFE)
		return 0;
	out->count = 1;
	out->finding[0].code = "state";
	snprintf(out->finding[0].why, sizeof(out->finding[0].why), "because");
	return 0;
}

int translated_count(struct nl *nl, const struct surroundings *host,
		     const struct service *services, size_t count, unsigned *out)
{
	world.walks++;
	memcpy(out, world.translated, count * sizeof(*out));
	return world.translated_err;
}

void judge_translated(unsigned count, int err, struct audit *audit)
{
	struct finding *finding = &audit->finding[0];

	if (!err && !count)
		return;
	audit->count = 1;
	audit->verdict = count ? AUDIT_UNSAFE : AUDIT_UNKNOWN;
	*finding = (struct finding){
		.weight = count ? FINDING_DIFFERENCE : FINDING_UNJUDGED,
		.code = "live-nat",
	};
}

/* udp/1, udp/2, and udp/3 that is forced; a table with entries, and rules that nobody has read. */
static int begin(void **state)
{
	struct text why = { 0 };

	memset(&world, 0, sizeof(world));
	world.now_ns = 1000000000;
	world.generation = 7;
	world.entries = 100;
	config_init(&config);
	config_add_service(&config, "udp/1", &why);
	config_add_service(&config, "udp/2", &why);
	config_add_service(&config, "udp/3", &why);
	config.services[2].force = true;
	return vetting_open(&vetting, &config, NULL);
}

static int end(void **state)
{
	vetting_close(vetting);
	return 0;
}

static void change_rules(void)
{
	world.generation++;
}

static void before_it_has_looked_it_knows_nothing(void **state)
{
	assert_int_equal(vetting_verdict(vetting, 0), VETTING_PENDING);
	assert_false(vetting_allows(vetting, 0));
	assert_false(vetting_condemns(vetting, 0));
	assert_true(vetting_allows(vetting, 2));
	assert_int_equal(vetting_verdict(vetting, 2), VETTING_FORCED);
	assert_false(vetting_is_current(vetting));
}

static void it_judges_once_for_each_ruleset_and_tells_once(void **state)
{
	world.verdict[1] = AUDIT_UNSAFE;
	assert_int_equal(vetting_update(vetting), 0);
	assert_int_equal(world.audits, 2);
	assert_true(vetting_allows(vetting, 0));
	assert_false(vetting_allows(vetting, 1));
	assert_string_equal(vetting_why(vetting, 1), "state: because");
	assert_true(vetting_take_news(vetting, 1));
	assert_false(vetting_take_news(vetting, 1));
	assert_int_equal(vetting_update(vetting), 0);
	assert_int_equal(world.audits, 2);
	change_rules();
	assert_int_equal(vetting_update(vetting), 0);
	assert_int_equal(world.audits, 4);
	/* Nothing is new. */
	assert_false(vetting_take_news(vetting, 1));
}

static void rules_that_take_long_are_judged_by_and_by(void **state)
{
	world.audit_s = 0.6;
	assert_int_equal(vetting_update(vetting), 0);
	assert_int_equal(world.audits, 1);
	assert_true(vetting_allows(vetting, 0));
	assert_int_equal(vetting_verdict(vetting, 1), VETTING_PENDING);
	assert_false(vetting_is_current(vetting));
	vetting_update(vetting);
	assert_int_equal(world.audits, 2);
	assert_true(vetting_allows(vetting, 1));
	/* The third, which is forced, for its open connections alone. */
	vetting_update(vetting);
	assert_true(vetting_is_current(vetting));
	/* Though they change all the time, each has its turn; until then it stands as it did. */
	world.verdict[0] = world.verdict[1] = AUDIT_UNSAFE;
	change_rules();
	vetting_update(vetting);
	change_rules();
	assert_true(vetting_condemns(vetting, 0) != vetting_condemns(vetting, 1));
	vetting_update(vetting);
	assert_true(vetting_condemns(vetting, 0) && vetting_condemns(vetting, 1));
	assert_int_equal(world.audits, 4);
}

static void what_is_to_go_is_judged_alone(void **state)
{
	vetting_update(vetting);
	change_rules();
	world.audit_s = 0.6;
	world.verdict[1] = AUDIT_UNSAFE;
	assert_int_equal(vetting_update_one(vetting, 1), 0);
	assert_int_equal(world.audits, 3);
	assert_true(vetting_condemns(vetting, 1));
	assert_false(vetting_is_current(vetting));
	assert_int_equal(vetting_update_one(vetting, 1), 0);
	assert_int_equal(world.audits, 3);
	vetting_update(vetting);
	assert_int_equal(world.audits, 4);
	assert_true(vetting_is_current(vetting));
}

static void what_nobody_was_told_stays_news(void **state)
{
	world.verdict[1] = AUDIT_UNSAFE;
	vetting_update(vetting);
	change_rules();
	vetting_update(vetting);
	assert_true(vetting_take_news(vetting, 1));
}

static void where_all_is_forced_nothing_is_read(void **state)
{
	config.force = true;
	world.read_err = -EPERM;
	assert_int_equal(vetting_update(vetting), 0);
	assert_int_equal(world.audits, 0);
}

static void tables_of_iptables_legacy_that_come_count_as_a_change(void **state)
{
	vetting_update(vetting);
	assert_true(vetting_is_current(vetting));
	world.legacy = LEGACY_IP4;
	assert_false(vetting_is_current(vetting));
	vetting_update(vetting);
	assert_int_equal(world.audits, 4);
}

static void a_change_of_its_own_needs_no_audit_unless_others_came_before(void **state)
{
	bool current;

	vetting_update(vetting);
	current = vetting_is_current(vetting);
	change_rules();
	vetting_keep(vetting, current);
	assert_true(vetting_is_current(vetting));
	change_rules();
	current = vetting_is_current(vetting);
	change_rules();
	vetting_keep(vetting, current);
	assert_false(vetting_is_current(vetting));
}

static void what_cannot_be_read_for_long_is_not_known_any_more(void **state)
{
	vetting_update(vetting);
	vetting_take_news(vetting, 0);
	change_rules();
	world.read_err = -ENOBUFS;
	assert_int_equal(vetting_update(vetting), -ENOBUFS);
	assert_true(vetting_allows(vetting, 0));
	world.now_ns += 4900000000;
	vetting_update(vetting);
	assert_true(vetting_allows(vetting, 0));
	world.now_ns += 100000000;
	vetting_update(vetting);
	assert_int_equal(vetting_verdict(vetting, 0), VETTING_UNKNOWN);
	assert_true(vetting_take_news(vetting, 0));
	/* Forced is forced. */
	assert_true(vetting_allows(vetting, 2));
	world.read_err = 0;
	vetting_update(vetting);
	assert_int_equal(vetting_verdict(vetting, 0), VETTING_UNKNOWN);
	/* But for live entries, which take another look. */
	assert_true(vetting_wants_look(vetting, 0));
	vetting_note_look(vetting, &config.services[0].service, 0, 0);
	assert_true(vetting_allows(vetting, 0));
}

static void what_could_never_be_read_is_not_known(void **state)
{
	world.read_err = -EPERM;
	assert_int_equal(vetting_update(vetting), -EPERM);
	assert_int_equal(vetting_verdict(vetting, 0), VETTING_UNKNOWN);
	assert_string_equal(vetting_why(vetting, 0), "Operation not permitted");
}

static void where_rules_may_be_anybodys_they_are_read_only_so_long(void **state)
{
	vetting_update(vetting);
	assert_int_equal(world.until_ns, 0);
	snprintf(config.netns, sizeof(config.netns), "all");
	world.spent_ns = 500;
	world.read_err = -ETIME;
	change_rules();
	vetting_update(vetting);
	assert_int_equal(world.until_ns, 2 * (uint64_t)CLOCK_NS_PER_S + 500);
	world.now_ns += 5 * (uint64_t)CLOCK_NS_PER_S;
	vetting_update(vetting);
	assert_int_equal(vetting_verdict(vetting, 0), VETTING_UNKNOWN);
	assert_string_equal(vetting_why(vetting, 0), "to read the rules takes too long");
}

static void the_first_time_it_looks_for_live_entries_itself(void **state)
{
	world.translated[1] = 3;
	vetting_update(vetting);
	assert_int_equal(world.walks, 1);
	assert_true(vetting_allows(vetting, 0));
	assert_int_equal(vetting_verdict(vetting, 1), VETTING_UNSAFE);
	assert_false(vetting_wants_look(vetting, 0));
}

static void an_empty_table_is_not_searched(void **state)
{
	world.entries = 0;
	vetting_update(vetting);
	assert_int_equal(world.walks, 0);
	assert_true(vetting_allows(vetting, 0));
}

static void a_table_that_was_half_read_says_nothing(void **state)
{
	world.translated_err = -EINTR;
	assert_int_equal(vetting_update(vetting), -EAGAIN);
	assert_false(vetting_allows(vetting, 0));
	assert_false(vetting_is_current(vetting));
}

static void until_somebody_has_looked_it_stands_as_it_did(void **state)
{
	const struct service *service = &config.services[0].service;

	vetting_update(vetting);
	change_rules();
	vetting_update(vetting);
	assert_int_equal(world.walks, 1);
	assert_true(vetting_allows(vetting, 0));
	assert_true(vetting_wants_look(vetting, 0));
	assert_false(vetting_wants_look(vetting, 0));
	vetting_note_look(vetting, service, 5, 0);
	assert_int_equal(vetting_verdict(vetting, 0), VETTING_UNSAFE);
}

static void of_several_looks_the_last_counts_unless_one_finds_some(void **state)
{
	const struct service *service = &config.services[0].service;

	world.translated[0] = 1;
	vetting_update(vetting);
	for (int i = 0; i < 2; i++) {
		change_rules();
		vetting_update(vetting);
		assert_true(vetting_wants_look(vetting, 0));
	}
	/* This one may have looked before the second change. */
	vetting_note_look(vetting, service, 0, 0);
	assert_int_equal(vetting_verdict(vetting, 0), VETTING_UNSAFE);
	vetting_note_look(vetting, service, 0, 0);
	assert_int_equal(vetting_verdict(vetting, 0), VETTING_SAFE);
}

static void one_look_may_serve_several_changes(void **state)
{
	const struct service *service = &config.services[0].service;

	world.translated[0] = 1;
	vetting_update(vetting);
	for (int i = 0; i < 5; i++) {
		change_rules();
		vetting_update(vetting);
		assert_true(vetting_wants_look(vetting, 0));
		/* The first is one that was wanted before a reload. */
		vetting_share_look(vetting, 0);
		assert_int_equal(vetting_verdict(vetting, 0), VETTING_UNSAFE);
	}
	/* That one has been begun, and this change is after it. */
	change_rules();
	vetting_update(vetting);
	assert_true(vetting_wants_look(vetting, 0));
	vetting_note_look(vetting, service, 0, 0);
	assert_int_equal(vetting_verdict(vetting, 0), VETTING_UNSAFE);
	vetting_note_look(vetting, service, 0, 0);
	assert_int_equal(vetting_verdict(vetting, 0), VETTING_SAFE);
}

static void a_look_that_rules_have_overtaken_changes_nothing(void **state)
{
	const struct service *service = &config.services[0].service;

	vetting_update(vetting);
	change_rules();
	vetting_update(vetting);
	assert_true(vetting_wants_look(vetting, 0));
	change_rules();
	world.verdict[0] = AUDIT_UNSAFE;
	vetting_update(vetting);
	vetting_note_look(vetting, service, 0, 0);
	assert_int_equal(vetting_verdict(vetting, 0), VETTING_UNSAFE);
}

static void a_look_that_failed_is_asked_for_again(void **state)
{
	const struct service *service = &config.services[0].service;

	vetting_update(vetting);
	change_rules();
	vetting_update(vetting);
	assert_true(vetting_wants_look(vetting, 0));
	vetting_note_look(vetting, service, 0, -EAGAIN);
	assert_true(vetting_allows(vetting, 0));
	assert_false(vetting_is_current(vetting));
	vetting_update(vetting);
	assert_true(vetting_wants_look(vetting, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define VETTING_TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
		VETTING_TEST(before_it_has_looked_it_knows_nothing),
		VETTING_TEST(it_judges_once_for_each_ruleset_and_tells_once),
		VETTING_TEST(rules_that_take_long_are_judged_by_and_by),
		VETTING_TEST(what_is_to_go_is_judged_alone),
		VETTING_TEST(what_nobody_was_told_stays_news),
		VETTING_TEST(where_all_is_forced_nothing_is_read),
		VETTING_TEST(tables_of_iptables_legacy_that_come_count_as_a_change),
		VETTING_TEST(
			a_change_of_its_own_needs_no_audit_unless_others_came_before),
		VETTING_TEST(what_cannot_be_read_for_long_is_not_known_any_more),
		VETTING_TEST(what_could_never_be_read_is_not_known),
		VETTING_TEST(where_rules_may_be_anybodys_they_are_read_only_so_long),
		VETTING_TEST(the_first_time_it_looks_for_live_entries_itself),
		VETTING_TEST(an_empty_table_is_not_searched),
		VETTING_TEST(a_table_that_was_half_read_says_nothing),
		VETTING_TEST(until_somebody_has_looked_it_stands_as_it_did),
		VETTING_TEST(of_several_looks_the_last_counts_unless_one_finds_some),
		VETTING_TEST(one_look_may_serve_several_changes),
		VETTING_TEST(a_look_that_rules_have_overtaken_changes_nothing),
		VETTING_TEST(a_look_that_failed_is_asked_for_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
