// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "guard/diagnosis.h"
#include "guard/doctor.h"
#include "guard/symptoms.h"
#include "lib/text.h"

/* A host on which all is well. */
static struct symptoms healthy(void)
{
	struct symptoms symptoms = {
		.usage = { 1000, 262144 },
		.buckets = 262144,
		.memory_bytes = 8ULL << 30,
		.active = ACTIVE_YES,
		.trackers = { 1, { "ct in table inet filter, chain input" } },
		.first_netns = true,
		.module = true,
		.kept_limit = { true, 262144, "/etc/sysctl.d/x.conf" },
		.kept_module = { true, 1, "/etc/modules" },
	};

	return symptoms;
}

static struct diagnosis diagnosis;

static const struct ailment *find(const struct symptoms *symptoms, const char *code)
{
	diagnosis = (struct diagnosis){ 0 };
	doctor_judge(symptoms, &diagnosis);
	for (size_t i = 0; i < diagnosis.count; i++) {
		if (strcmp(diagnosis.at[i].code, code) == 0)
			return &diagnosis.at[i];
	}
	return NULL;
}

static void expect(const struct symptoms *symptoms, const char *code,
		   enum ailment_severity severity, const char *words)
{
	const struct ailment *ailment = find(symptoms, code);

	assert_non_null(ailment);
	assert_int_equal(ailment->severity, severity);
	assert_non_null(strstr(ailment->what, words));
	if (severity > AILMENT_INFO)
		assert_true(ailment->why[0] != '\0');
}

static void a_healthy_host_has_nothing_wrong(void **state)
{
	struct symptoms symptoms = healthy();

	expect(&symptoms, "active", AILMENT_INFO, "ct in table inet filter, chain input");
	assert_int_equal(diagnosis_count(&diagnosis, AILMENT_PROBLEM), 0);
	assert_int_equal(diagnosis_count(&diagnosis, AILMENT_WARNING), 0);
}

static void whether_anything_is_tracked_is_told_with_the_cause(void **state)
{
	struct symptoms symptoms = healthy();

	symptoms.trackers.count = 0;
	expect(&symptoms, "active", AILMENT_INFO, "by no rule");
	symptoms.active = ACTIVE_NO;
	expect(&symptoms, "inactive", AILMENT_WARNING, "not tracked");
	/* Loopback may be exempt: rules that need tracking say more than the probe. */
	symptoms.trackers.count = SYMPTOMS_PLACES_MAX + 3;
	assert_null(find(&symptoms, "inactive"));
	expect(&symptoms, "active", AILMENT_INFO, "and 3 more");
}

static void a_table_that_is_nearly_full_is_a_problem(void **state)
{
	struct symptoms symptoms = healthy();

	symptoms.usage.entries = 140000;
	expect(&symptoms, "fill", AILMENT_WARNING, "53.4 %");
	symptoms.usage.entries = 220000;
	expect(&symptoms, "fill", AILMENT_PROBLEM, "83.9 %");
	/* The gravest comes first. */
	assert_string_equal(diagnosis.at[0].code, "fill");
}

static void a_limit_must_fit_buckets_and_memory(void **state)
{
	struct symptoms symptoms = healthy();

	symptoms.buckets = 65535;
	expect(&symptoms, "buckets", AILMENT_WARNING, "262144 entries may share 65535");
	symptoms.buckets = 65536;
	assert_null(find(&symptoms, "buckets"));
	symptoms.memory_bytes = 256ULL << 20;
	expect(&symptoms, "memory", AILMENT_WARNING, "of 256 MiB");
	symptoms = healthy();
	symptoms.usage.limit = symptoms.buckets = 7680;
	expect(&symptoms, "limit-low", AILMENT_WARNING, "7680");
	assert_non_null(strstr(find(&symptoms, "limit-low")->why, "96 MiB"));
}

static void a_limit_that_a_boot_would_lose_is_told(void **state)
{
	struct symptoms symptoms = healthy();

	symptoms.kept_limit.found = false;
	assert_null(find(&symptoms, "limit-lost"));
	symptoms.usage.limit = 524288;
	expect(&symptoms, "limit-lost", AILMENT_WARNING, "524288");
	symptoms.kept_limit.found = true;
	expect(&symptoms, "limit-differs", AILMENT_WARNING,
	       "/etc/sysctl.d/x.conf sets 262144");
	symptoms = healthy();
	symptoms.kept_module.found = false;
	expect(&symptoms, "sysctl-early", AILMENT_WARNING,
	       "before nf_conntrack is loaded");
	symptoms.module = false;
	assert_null(find(&symptoms, "sysctl-early"));
	symptoms = healthy();
	symptoms.kept_limit.found = symptoms.first_netns = false;
	symptoms.usage.limit = 524288;
	assert_null(find(&symptoms, "limit-lost"));
}

static void others_who_meddle_are_named(void **state)
{
	struct symptoms symptoms = healthy();

	assert_null(find(&symptoms, "untracked-by-others"));
	symptoms.untrackers = (struct symptoms_places){
		1, { "notrack in table ip raw, chain prerouting" }
	};
	expect(&symptoms, "untracked-by-others", AILMENT_WARNING, "table ip raw");
	symptoms.legacy = symptoms.conntrackd = true;
	expect(&symptoms, "legacy", AILMENT_WARNING, "iptables-legacy");
	expect(&symptoms, "conntrackd", AILMENT_WARNING, "conntrackd");
}

static void only_timeouts_that_are_far_off_are_told(void **state)
{
	struct symptoms symptoms = healthy();

	symptoms.timeouts[0] =
		(struct symptoms_timeout){ "nf_conntrack_udp_timeout", 30, 119 };
	assert_null(find(&symptoms, "timeout-long"));
	symptoms.timeouts[0].now_s = 120;
	expect(&symptoms, "timeout-long", AILMENT_WARNING, "udp_timeout is 120 s");
	symptoms.timeouts[0].now_s = 7;
	expect(&symptoms, "timeout-short", AILMENT_INFO, "is 7 s");
	symptoms.timeouts[0].now_s = UINT32_MAX;
	expect(&symptoms, "timeout-long", AILMENT_WARNING, "udp_timeout");
}

static void a_service_that_would_break_is_a_problem_if_it_may_be_taken_out(void **state)
{
	struct symptoms symptoms = healthy();

	symptoms.service_count = 1;
	symptoms.services[0] =
		(struct symptoms_service){ "udp/9000", true, SYMPTOMS_UNSAFE,
					   "unsafe: dnat" };
	expect(&symptoms, "service-unsafe", AILMENT_PROBLEM, "udp/9000 may be taken out");
	symptoms.services[0].configured = false;
	expect(&symptoms, "service-unsafe", AILMENT_INFO, "udp/9000 listens");
	symptoms.services[0].verdict = SYMPTOMS_SAFE;
	expect(&symptoms, "service-safe", AILMENT_INFO, "safely");
}

static void a_bad_configuration_is_a_problem(void **state)
{
	struct symptoms symptoms = healthy();

	symptoms.config_asked = true;
	expect(&symptoms, "config", AILMENT_INFO, "good");
	snprintf(symptoms.config_problem, sizeof(symptoms.config_problem), "x:1: bad");
	expect(&symptoms, "config", AILMENT_PROBLEM, "x:1: bad");
}

static void names_from_outside_do_no_harm(void **state)
{
	struct text text = { 0 };
	struct symptoms symptoms = healthy();
	json_t *object;

	snprintf(symptoms.trackers.text[0], SYMPTOMS_TEXT_MAX, "ct in \033[2J\xff\n");
	find(&symptoms, "active");
	object = diagnosis_json(&diagnosis);
	diagnosis_text(object, &text);
	json_decref(object);
	assert_null(strchr(text_str(&text), '\033'));
	assert_non_null(strstr(text_str(&text), "ct in ?[2J??"));
	text_free(&text);
}

/* A part of a join, of the network namespace that has the name. */
static void add_part(json_t *parts, const struct symptoms *symptoms, const char *name)
{
	json_t *object;

	diagnosis = (struct diagnosis){ 0 };
	doctor_judge(symptoms, &diagnosis);
	object = diagnosis_json(&diagnosis);
	diagnosis_place(object, name);
	json_array_append_new(parts, object);
}

static const char *first(const json_t *object, const char *key)
{
	const json_t *finding = json_array_get(json_object_get(object, "findings"), 0);

	return json_string_value(json_object_get(finding, key));
}

static void
of_many_namespaces_the_gravest_is_first_and_the_same_is_told_once(void **state)
{
	struct symptoms symptoms = healthy();
	json_t *parts = json_array(), *object;
	struct text text = { 0 };

	add_part(parts, &symptoms, "red");
	add_part(parts, &symptoms, "blue");
	symptoms.usage.entries = 220000;
	add_part(parts, &symptoms, "full");
	object = diagnosis_join(parts, 2);
	assert_string_equal(first(object, "code"), "fill");
	assert_string_equal(first(object, "netns"), "full");
	assert_int_equal(json_integer_value(json_object_get(object, "problems")), 1);
	assert_int_equal(json_integer_value(json_object_get(object, "namespaces")), 3);
	assert_int_equal(
		json_integer_value(json_object_get(object, "namespaces_left_out")), 2);
	diagnosis_text(object, &text);
	assert_non_null(strstr(text_str(&text), "         in:  full\n"));
	assert_non_null(strstr(text_str(&text),
			       "info     1000 of 262144 entries (0.4 %) (fill)\n"
			       "         in:  red, blue\n"));
	assert_non_null(strstr(text_str(&text),
			       "\n1 problem, 0 warnings in 3 network namespaces\n"));
	text_free(&text);
	json_decref(object);
	json_decref(parts);
}

static void many_names_are_cut_short_for_people(void **state)
{
	const struct symptoms symptoms = healthy();
	json_t *parts = json_array(), *object;
	struct text text = { 0 };
	char name[8];

	for (int i = 0; i < 20; i++) {
		snprintf(name, sizeof(name), "n%d", i);
		add_part(parts, &symptoms, name);
	}
	object = diagnosis_join(parts, 0);
	diagnosis_text(object, &text);
	assert_non_null(strstr(text_str(&text),
			       "in:  n0, n1, n2, n3, n4, n5, n6, n7 and 12 more\n"));
	text_free(&text);
	json_decref(object);
	json_decref(parts);
}

static void of_many_namespaces_some_are_idle_and_some_cannot_do_without(void **state)
{
	struct symptoms symptoms = healthy();

	symptoms.everywhere = symptoms.elsewhere = true;
	symptoms.trackers.count = 0;
	symptoms.active = ACTIVE_NO;
	expect(&symptoms, "inactive", AILMENT_INFO, "not tracked");
	symptoms.service_count = 1;
	symptoms.services[0] =
		(struct symptoms_service){ "udp/9000", true, SYMPTOMS_UNSAFE,
					   "unsafe: dnat" };
	expect(&symptoms, "service-unsafe", AILMENT_WARNING, "udp/9000 may be taken out");
}

static void a_guard_of_all_is_told_what_it_keeps_and_lacks(void **state)
{
	struct symptoms symptoms = healthy();

	assert_null(find(&symptoms, "capabilities"));
	symptoms.everywhere = true;
	expect(&symptoms, "capabilities", AILMENT_INFO, "keeps CAP_SYS_ADMIN");
	snprintf(symptoms.lacking, sizeof(symptoms.lacking), "CAP_SYS_PTRACE");
	expect(&symptoms, "capabilities", AILMENT_WARNING, "there is no CAP_SYS_PTRACE");
	/* Once is enough. */
	symptoms.elsewhere = true;
	assert_null(find(&symptoms, "capabilities"));
}

static void more_findings_than_fit_are_counted(void **state)
{
	diagnosis = (struct diagnosis){ 0 };
	for (int i = 0; i < AILMENTS_MAX + 5; i++)
		diagnosis_add(&diagnosis, AILMENT_INFO, "x", "%d", i);
	assert_int_equal(diagnosis.count, AILMENTS_MAX);
	assert_int_equal(diagnosis.left_out, 5);
}

static void budgets_beyond_the_limit_are_told(void **state)
{
	struct symptoms symptoms = healthy();

	symptoms.budget = (struct budget_reach){
		.count = 1, .per_s = 8000, .timeout_s = 30, .limit = 262144
	};
	assert_null(find(&symptoms, "budget-large"));
	symptoms.budget.per_s = 10000;
	expect(&symptoms, "budget-large", AILMENT_WARNING,
	       "310000 can be there at once, and the limit is 262144");
	assert_string_equal(find(&symptoms, "budget-large")->fix,
			    "budgets of no more than 8456 packets/s in all");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_healthy_host_has_nothing_wrong),
		cmocka_unit_test(whether_anything_is_tracked_is_told_with_the_cause),
		cmocka_unit_test(a_table_that_is_nearly_full_is_a_problem),
		cmocka_unit_test(a_limit_must_fit_buckets_and_memory),
		cmocka_unit_test(a_limit_that_a_boot_would_lose_is_told),
		cmocka_unit_test(others_who_meddle_are_named),
		cmocka_unit_test(only_timeouts_that_are_far_off_are_told),
		cmocka_unit_test(
			a_service_that_would_break_is_a_problem_if_it_may_be_taken_out),
		cmocka_unit_test(a_bad_configuration_is_a_problem),
		cmocka_unit_test(names_from_outside_do_no_harm),
		cmocka_unit_test(
			of_many_namespaces_the_gravest_is_first_and_the_same_is_told_once),
		cmocka_unit_test(many_names_are_cut_short_for_people),
		cmocka_unit_test(
			of_many_namespaces_some_are_idle_and_some_cannot_do_without),
		cmocka_unit_test(a_guard_of_all_is_told_what_it_keeps_and_lacks),
		cmocka_unit_test(more_findings_than_fit_are_counted),
		cmocka_unit_test(budgets_beyond_the_limit_are_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
