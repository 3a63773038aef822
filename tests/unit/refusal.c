// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/args.h"
#include "rules/apply.h"
#include "rules/plan.h"
#include "rules/refusal.h"
#include "rules/ruleset.h"

static struct service parse(const char *text)
{
	struct service service;
	struct args_why why;

	assert_int_equal(service_parse(text, &service, &why), 0);
	return service;
}

static void a_refusal_quotes_the_statement_and_the_reason(void **state)
{
	const struct change change = { .kind = CHANGE_DELETE_CHAIN,
				       .service = parse("udp/9000") };
	struct apply_why why;

	refusal_of_kernel(-EBUSY, &change, &why);
	assert_string_equal(why.text,
			    "the kernel refused \"delete chain inet ctkit in_udp_9000\": "
			    "Device or resource busy; nothing was changed");
	refusal_of_kernel(-EPERM, NULL, &why);
	assert_non_null(strstr(why.text, "CAP_NET_ADMIN"));
	refusal_of_kernel(-ENOBUFS, NULL, &why);
	assert_non_null(strstr(why.text, "answer was lost"));
	refusal_of_kernel(-EMSGSIZE, NULL, &why);
	assert_string_equal(why.text, "the kernel refused the batch: Message too long; "
				      "nothing was changed");
}

static void every_error_of_a_plan_is_one_sentence(void **state)
{
	const struct ruleset none = { 0 }, foreign = { .present = true },
			     owned = { .present = true, .ours = true, .owned = true };
	const struct service service = parse("udp/9000"),
			     nowhere = parse("out:udp/0.0.0.0:53");
	struct apply_why why;

	refusal_of_plan(-EEXIST, &foreign, &service, &why);
	assert_non_null(strstr(why.text, "exists and is not ours"));
	refusal_of_plan(-EEXIST, &owned, NULL, &why);
	assert_non_null(strstr(why.text, "owned by another process"));
	refusal_of_plan(-ENOENT, &none, &service, &why);
	assert_string_equal(
		why.text,
		"udp/9000 is not out of tracking: there is no table inet ctkit");
	refusal_of_plan(-ENOENT, &none, NULL, &why);
	assert_string_equal(why.text, "there is no table inet ctkit");
	refusal_of_plan(-EOPNOTSUPP, &none, &nowhere, &why);
	assert_string_equal(why.text, "service \"out:udp/0.0.0.0:53\": 0.0.0.0 is in no "
				      "packet: for every address leave it out");
	refusal_of_plan(-EPROTONOSUPPORT, &none, NULL, &why);
	assert_string_equal(why.text, "the kernel has no nf_tables");
	refusal_of_plan(-ENOMEM, &none, NULL, &why);
	assert_string_equal(why.text, "cannot read the ruleset: Cannot allocate memory");
}

static void what_is_wrong_with_all_rules_is_not_said_of_our_table(void **state)
{
	const struct ruleset none = { 0 };
	struct apply_why why;

	refusal_of_reading(-E2BIG, &why);
	assert_string_equal(why.text, "the ruleset is larger than ctrules can judge");
	refusal_of_reading(-EBADMSG, &why);
	assert_null(strstr(why.text, "ctkit"));
	refusal_of_plan(-E2BIG, &none, NULL, &why);
	assert_string_equal(why.text,
			    "table inet ctkit holds more services than ctkit makes");
	refusal_of_plan(-EBADMSG, &none, NULL, &why);
	assert_non_null(strstr(why.text, "table inet ctkit holds something"));
}

static void the_other_of_two_that_overlap_is_named(void **state)
{
	struct ruleset ruleset = { .present = true, .ours = true, .count = 1 };
	const struct service service = parse("udp/192.0.2.1:9000");
	struct apply_why why;

	ruleset.services[0].service = parse("udp/8000-9999");
	ruleset.services[0].sides[LAYOUT_IN].lease = true;
	refusal_of_plan(-ENOTUNIQ, &ruleset, &service, &why);
	assert_string_equal(why.text, "udp/192.0.2.1:9000 overlaps udp/8000-9999, which "
				      "is out of tracking: delete that first");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_refusal_quotes_the_statement_and_the_reason),
		cmocka_unit_test(the_other_of_two_that_overlap_is_named),
		cmocka_unit_test(every_error_of_a_plan_is_one_sentence),
		cmocka_unit_test(what_is_wrong_with_all_rules_is_not_said_of_our_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
