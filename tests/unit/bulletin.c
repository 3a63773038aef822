// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "conntrack/bulletin.c"

/* Tables as spaces would have them: some cannot be read. */
enum { TABLES_MAX = 3 };

struct spaces {
	size_t count;
	int err[TABLES_MAX];
};

size_t spaces_count(const struct spaces *spaces)
{
	return spaces->count;
}

static const char *names[TABLES_MAX] = { "host", "box", "den" };

struct spaces_entry spaces_entry(const struct spaces *spaces, size_t index)
{
	return (struct spaces_entry){ .name = names[index] };
}

int spaces_read(struct spaces *spaces, size_t index, struct reading *out)
{
	if (spaces->err[index])
		return spaces->err[index];
	*out = (struct reading){
		.netns = names[index],
		.usage = { .entries = (uint32_t)(100 * (index + 1)), .limit = 1000 },
		.active = ACTIVE_YES,
		.full_s = INFINITY,
		.settles_at = NAN,
		.arrivals_per_s = NAN,
	};
	return 0;
}

static void assert_says(const struct watch_request *request, struct spaces *spaces,
			const char *const *parts)
{
	struct text text = { 0 };
	const char *rest;

	assert_int_equal(bulletin_add(request, spaces, &text), 0);
	rest = text_str(&text);
	for (; *parts; parts++) {
		const char *found = strstr(rest, *parts);

		if (!found)
			fail_msg("no \"%s\" in:\n%s", *parts, rest);
		rest = found + strlen(*parts);
	}
	text_free(&text);
}

static size_t lines_of(const struct watch_request *request, struct spaces *spaces)
{
	struct text text = { 0 };
	size_t lines = 0;

	assert_int_equal(bulletin_add(request, spaces, &text), 0);
	for (const char *c = text_str(&text); *c; c++)
		lines += *c == '\n';
	text_free(&text);
	return lines;
}

static void a_line_has_the_time_and_of_several_the_name(void **state)
{
	struct watch_request request = { 0 };
	struct spaces spaces = { .count = 2 };

	assert_int_equal(lines_of(&request, &spaces), 2);
	assert_says(&request, &spaces,
		    (const char *[]){ ":", ":", ".", " 100/1000 10.0%", "\n",
				      " 200/1000 20.0%", NULL });
	request.outlets.several = true;
	assert_says(&request, &spaces,
		    (const char *[]){ " host              100/1000",
				      " box               200/1000", NULL });
}

static void a_table_that_cannot_be_read_is_left_out(void **state)
{
	struct watch_request request = { .outlets.several = true };
	struct spaces spaces = { .count = 3, .err = { 0, -EPERM, 0 } };

	assert_int_equal(lines_of(&request, &spaces), 2);
	assert_says(&request, &spaces, (const char *[]){ "host", "den", NULL });
}

static void where_none_can_be_read_that_is_the_error(void **state)
{
	struct watch_request request = { 0 };
	struct spaces spaces = { .count = 2, .err = { -ENOENT, -ENOENT } };
	struct text text = { 0 };

	assert_int_equal(bulletin_add(&request, &spaces, &text), -ENOENT);
	request.json = true;
	assert_int_equal(bulletin_add(&request, &spaces, &text), -ENOENT);
	spaces.count = 0;
	assert_int_equal(bulletin_add(&request, &spaces, &text), -ESRCH);
	assert_string_equal(text_str(&text), "");
	text_free(&text);
}

static void reports_have_a_blank_line_between_them(void **state)
{
	struct watch_request request = { .once = true, .outlets.several = true };
	struct spaces spaces = { .count = 2 };

	assert_says(&request, &spaces,
		    (const char *[]){ "namespace: host\nentries:   100 of 1,000",
				      "\n\nnamespace: box\nentries:   200 of 1,000",
				      NULL });
	request.once = request.outlets.several = false;
	request.batch = true;
	spaces.count = 1;
	assert_says(
		&request, &spaces,
		(const char *[]){ "time:      ", "\nentries:   100 of", "\n\n", NULL });
}

static void json_is_an_object_a_line_with_all_tables(void **state)
{
	struct watch_request request = { .json = true };
	struct spaces spaces = { .count = 3, .err = { 0, -EPERM, 0 } };
	struct text text = { 0 };
	json_t *object;

	assert_int_equal(bulletin_add(&request, &spaces, &text), 0);
	assert_ptr_equal(strchr(text_str(&text), '\n'),
			 text_str(&text) + text.length - 1);
	object = json_loads(text_str(&text), 0, NULL);
	assert_non_null(object);
	assert_string_equal(json_string_value(json_object_get(
				    json_object_get(object, "metainfo"), "program")),
			    "ctwatch");
	assert_non_null(json_object_get(object, "time"));
	assert_int_equal(json_array_size(json_object_get(object, "tables")), 2);
	json_decref(object);
	text_free(&text);
}

static void names_of_containers_leave_the_columns_as_they_are(void **state)
{
	const struct watch_request request = { .outlets.several = true };
	static const char LONG[] = "container-9a8d063d99f8:4026532320";
	char host[64], box[64];
	const char *const parts[] = { host, box, NULL };
	struct spaces spaces = { .count = 2 };

	snprintf(host, sizeof(host), " %-*s  100/1000", (int)strlen(LONG), "host");
	snprintf(box, sizeof(box), " %s  200/1000", LONG);
	names[1] = LONG;
	assert_says(&request, &spaces, parts);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_has_the_time_and_of_several_the_name),
		cmocka_unit_test(a_table_that_cannot_be_read_is_left_out),
		cmocka_unit_test(where_none_can_be_read_that_is_the_error),
		cmocka_unit_test(reports_have_a_blank_line_between_them),
		cmocka_unit_test(json_is_an_object_a_line_with_all_tables),
		cmocka_unit_test(names_of_containers_leave_the_columns_as_they_are),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
