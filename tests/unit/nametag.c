// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "conntrack/nametag.h"
#include "lib/clock.h"

static struct nametag_past past;

static int forget(void **state)
{
	past = (struct nametag_past){ 0 };
	return 0;
}

/* The tag of namespace 7, called so, of which all but what is after a "[" lasts. */
static struct nametag tag_of(const char *text, const struct nametag_others *others,
			     uint64_t now_s)
{
	struct nametag_call call = { .lasting = strcspn(text, "[") };
	struct nametag tag;

	snprintf(call.text, sizeof(call.text), "%s", text);
	nametag_make(&past, others, 7, &call, now_s * CLOCK_NS_PER_S, &tag);
	return tag;
}

static const struct nametag_others NONE;

static const char *label_of(const char *text, uint64_t now_s)
{
	static struct nametag tag;

	tag = tag_of(text, &NONE, now_s);
	assert_string_equal(tag.name, text);
	return tag.label;
}

static void names_have_the_number_of_the_space_and_labels_the_least(void **state)
{
	const struct nametag web = { "web", "web" }, two = { "web:5", "web:2" };
	const struct nametag *const tags[] = { &web, &two };
	const struct nametag_others others = { 2, tags };
	struct nametag tag = tag_of("web", &others, 1);

	assert_string_equal(tag.name, "web:7");
	assert_string_equal(tag.label, "web:3");
	tag = tag_of("web[77]", &others, 1);
	assert_string_equal(tag.name, "web[77]");
	assert_string_equal(tag.label, "web:3");
	assert_string_equal(tag_of("new", &others, 1).label, "new");
}

static void containers_without_end_make_few_labels(void **state)
{
	size_t others = 0, day_s = 24 * 60 * 60;

	/* One each second, for a day. */
	for (size_t s = 1; s <= day_s; s++) {
		char text[32];

		snprintf(text, sizeof(text), "docker-%012zx", s);
		others += strcmp(label_of(text, s), "other") == 0;
	}
	assert_in_range(day_s - others, NAMETAG_AT_ONCE,
			NAMETAG_AT_ONCE + day_s / NAMETAG_ONE_EACH_S);
	/* Several at a time are told apart. */
	{
		const struct nametag one = { "docker-1", "other" };
		const struct nametag *const tags[] = { &one };
		const struct nametag_others beside = { 1, tags };

		assert_string_equal(tag_of("docker-2", &beside, day_s).label, "other:2");
	}
}

static void what_had_a_label_has_it_again(void **state)
{
	char text[32];

	assert_string_equal(label_of("lxc-web", 1), "lxc-web");
	for (int i = 1; i < NAMETAG_AT_ONCE; i++) {
		snprintf(text, sizeof(text), "docker-%012x", i);
		assert_string_equal(label_of(text, 1), text);
	}
	assert_string_equal(label_of("docker-new", 1), "other");
	assert_string_equal(label_of("lxc-web", 2), "lxc-web");
	assert_string_equal(label_of("docker-000000000001", 2), "docker-000000000001");
	/* The least that it takes for one more. */
	assert_string_equal(label_of("docker-new", NAMETAG_ONE_EACH_S - 10), "other");
	assert_string_equal(label_of("docker-new", NAMETAG_ONE_EACH_S + 10),
			    "docker-new");
	assert_string_equal(label_of("docker-newer", NAMETAG_ONE_EACH_S + 10), "other");
}

static void what_was_asked_for_has_its_name_whatever_there_was(void **state)
{
	struct nametag_call call = { .text = "web", .lasting = 3, .asked = true };
	struct nametag tag;

	past.given = 1e9;
	nametag_make(&past, &NONE, 7, &call, 0, &tag);
	assert_string_equal(tag.label, "web");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(
			names_have_the_number_of_the_space_and_labels_the_least, forget),
		cmocka_unit_test_setup(containers_without_end_make_few_labels, forget),
		cmocka_unit_test_setup(what_had_a_label_has_it_again, forget),
		cmocka_unit_test_setup(what_was_asked_for_has_its_name_whatever_there_was,
				       forget),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
