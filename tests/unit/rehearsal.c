// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/rehearsal.c"

#include "tests/unit/sandbox.h"

#include "lib/text.h"
#include "rules/audit.h"
#include "rules/judge.h"
#include "rules/model.h"

static const struct model_rule rules[2];
static struct audit audit;
static struct rehearsal rehearsal;

static void find(const char *code, const struct model_rule *rule,
		 enum finding_weight weight)
{
	audit.finding[audit.count++] = (struct finding){
		.code = code, .rule = rule, .weight = weight, .severity = FINDING_BLOCKER
	};
}

/* An audit that could not judge two rules, and a rehearsal in which nothing differed. */
static int begin(void **state)
{
	memset(&audit, 0, sizeof(audit));
	audit.verdict = AUDIT_UNKNOWN;
	find("opaque", &rules[0], FINDING_UNJUDGED);
	find("opaque", &rules[1], FINDING_UNJUDGED);
	rehearsal = (struct rehearsal){ .done = true,
					.flows = 9,
					.heard = true,
					.watch = { 2, { &rules[0], &rules[1] } },
					.reached = 3 };
	return 0;
}

static void what_packets_met_is_settled(void **state)
{
	rehearsal_judge(&rehearsal, &audit);
	assert_int_equal(audit.verdict, AUDIT_SAFE);
	for (size_t i = 0; i < audit.count; i++)
		assert_int_equal(audit.finding[i].weight, FINDING_HARMLESS);
}

static void one_rule_that_no_packet_met_is_enough_for_unknown(void **state)
{
	rehearsal.reached = 2;
	rehearsal_judge(&rehearsal, &audit);
	assert_int_equal(audit.verdict, AUDIT_UNKNOWN);
	assert_int_equal(audit.finding[0].weight, FINDING_UNJUDGED);
	assert_ptr_equal(audit.finding[0].rule, &rules[0]);
}

static void only_what_differs_each_time_is_a_difference(void **state)
{
	static const char *seen[] = { "palways", "pat first" }, *late[] = { "palways" };
	struct trial trials[2] = { 0 };

	for (int i = 0; i < 2; i++)
		trials[i].side[0] = (struct performance){ .fact = i ? late : seen,
							  .facts = i ? 1 : 2 };
	compare(trials, 1, &rehearsal);
	assert_int_equal(rehearsal.differences, 2);
	assert_string_equal(rehearsal.line[1], "only tracked: at first");
	compare(trials, 2, &rehearsal);
	assert_int_equal(rehearsal.differences, 1);
	assert_string_equal(rehearsal.line[0], "only tracked: always");
	/* Nor what is on both sides in one of them. */
	trials[1].side[1] = trials[1].side[0];
	compare(trials, 2, &rehearsal);
	assert_int_equal(rehearsal.differences, 0);
}

static void nothing_is_settled_in_a_copy_that_lacks_something(void **state)
{
	copy_miss(&rehearsal.missing, "an interface");
	rehearsal_judge(&rehearsal, &audit);
	assert_int_equal(audit.verdict, AUDIT_UNKNOWN);
}

static void nothing_is_settled_where_nothing_came_through(void **state)
{
	rehearsal.heard = false;
	rehearsal_judge(&rehearsal, &audit);
	assert_int_equal(audit.verdict, AUDIT_UNKNOWN);
}

static void what_no_copy_can_tell_stays_unknown(void **state)
{
	static const char *const CODES[] = { "legacy", "live-nat", "bridge",
					     "too-large" };

	for (size_t i = 0; i < sizeof(CODES) / sizeof(CODES[0]); i++) {
		begin(state);
		find(CODES[i], NULL, FINDING_UNJUDGED);
		rehearsal_judge(&rehearsal, &audit);
		assert_int_equal(audit.verdict, AUDIT_UNKNOWN);
	}
	begin(state);
	audit.truncated = true;
	rehearsal_judge(&rehearsal, &audit);
	assert_int_equal(audit.verdict, AUDIT_UNKNOWN);
}

static void a_zone_is_settled_by_what_came_through(void **state)
{
	find("zone", NULL, FINDING_UNJUDGED);
	rehearsal_judge(&rehearsal, &audit);
	assert_int_equal(audit.verdict, AUDIT_SAFE);
}

static void a_difference_is_unsafe_whatever_the_walk_said(void **state)
{
	for (int verdict = AUDIT_SAFE; verdict <= AUDIT_UNKNOWN; verdict++) {
		begin(state);
		audit.verdict = (enum audit_verdict)verdict;
		rehearsal.differences = 1;
		snprintf(rehearsal.line[0], sizeof(rehearsal.line[0]),
			 "only tracked: it works");
		rehearsal_judge(&rehearsal, &audit);
		assert_int_equal(audit.verdict, AUDIT_UNSAFE);
	}
}

static void what_only_errors_do_is_a_warning(void **state)
{
	rehearsal.differences = 1;
	rehearsal.errors_only = true;
	rehearsal_judge(&rehearsal, &audit);
	assert_int_equal(audit.verdict, AUDIT_UNSAFE);
	assert_string_equal(audit.finding[0].code, "rehearsal");
	assert_int_equal(audit.finding[0].severity, FINDING_WARNING);
	assert_non_null(strstr(audit.finding[0].why, "ICMP errors fared differently"));
}

static void unsafe_stays_unsafe(void **state)
{
	audit.verdict = AUDIT_UNSAFE;
	find("state", &rules[0], FINDING_DIFFERENCE);
	rehearsal_judge(&rehearsal, &audit);
	assert_int_equal(audit.verdict, AUDIT_UNSAFE);
}

static void what_was_not_rehearsed_changes_nothing(void **state)
{
	rehearsal.done = false;
	rehearsal_judge(&rehearsal, &audit);
	assert_int_equal(audit.verdict, AUDIT_UNKNOWN);
	assert_int_equal(audit.count, 2);
}

static void more_than_has_words_is_counted(void **state)
{
	struct text text = { 0 };
	json_t *object;

	for (int i = 0; i < COPY_MISSING_MAX + 3; i++)
		copy_miss(&rehearsal.missing, "thing %d", i);
	rehearsal_text(&rehearsal, &text);
	assert_non_null(strstr(text_str(&text), "not copied: thing 15\n"));
	assert_non_null(strstr(text_str(&text), "not copied: 3 more\n"));
	text_free(&text);
	object = rehearsal_json(&rehearsal);
	assert_int_equal(json_integer_value(json_object_get(object, "not_copied_count")),
			 COPY_MISSING_MAX + 3);
	assert_int_equal(json_array_size(json_object_get(object, "not_copied")),
			 COPY_MISSING_MAX);
	json_decref(object);
}

static void what_only_differs_in_another_order_is_not_settled_by_a_copy(void **state)
{
	audit.finding[1].turned = true;
	rehearsal_judge(&rehearsal, &audit);
	assert_int_equal(audit.verdict, AUDIT_UNKNOWN);
}

static void rules_that_changed_since_the_audit_are_not_rehearsed(void **state)
{
	static struct evidence evidence;

	sandbox_needed(state);
	begin(NULL);
	audit.generation = UINT32_MAX;
	rehearsal_run(&audit, &evidence, &rehearsal);
	assert_true(rehearsal.outdated);
	assert_false(rehearsal.done);
	assert_string_equal(rehearsal.why, "rules changed since they were audited");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(what_packets_met_is_settled, begin),
		cmocka_unit_test_setup(one_rule_that_no_packet_met_is_enough_for_unknown,
				       begin),
		cmocka_unit_test_setup(only_what_differs_each_time_is_a_difference,
				       begin),
		cmocka_unit_test_setup(nothing_is_settled_in_a_copy_that_lacks_something,
				       begin),
		cmocka_unit_test_setup(nothing_is_settled_where_nothing_came_through,
				       begin),
		cmocka_unit_test_setup(what_no_copy_can_tell_stays_unknown, begin),
		cmocka_unit_test_setup(a_zone_is_settled_by_what_came_through, begin),
		cmocka_unit_test_setup(what_only_errors_do_is_a_warning, begin),
		cmocka_unit_test_setup(a_difference_is_unsafe_whatever_the_walk_said,
				       begin),
		cmocka_unit_test_setup(unsafe_stays_unsafe, begin),
		cmocka_unit_test_setup(what_was_not_rehearsed_changes_nothing, begin),
		cmocka_unit_test_setup(more_than_has_words_is_counted, begin),
		cmocka_unit_test_setup(
			what_only_differs_in_another_order_is_not_settled_by_a_copy,
			begin),
		cmocka_unit_test_setup(
			rules_that_changed_since_the_audit_are_not_rehearsed,
			sandbox_setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
