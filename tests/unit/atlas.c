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

#include "conntrack/atlas.h"
#include "conntrack/netns.h"
#include "conntrack/place.h"
#include "lib/args.h"
#include "lib/clock.h"
#include "lib/log.h"

/* In place of the host: its namespaces, by number, and the time. One has a name, or a process. */
static struct space {
	uint64_t inode;
	const char *name; /* in /run/netns; NULL: it is called by its process */
	const char *process;
} spaces[8];

static size_t space_count;
static uint64_t now_ns, spent_ns;
static unsigned surveys, warnings;
static char warning[256]; /* the last */

uint64_t clock_now_ns(void)
{
	return now_ns;
}

uint64_t clock_spent_ns(void)
{
	return spent_ns;
}

double clock_between_s(uint64_t from_ns, uint64_t to_ns)
{
	return ((double)to_ns - (double)from_ns) / 1e9;
}

void log_warn(const struct log *log, const char *fmt, ...)
{
	va_list args;

	warnings++;
	va_start(args, fmt);
	vsnprintf(warning, sizeof(warning), fmt, args);
	va_end(args);
}

void survey_take(struct survey *survey)
{
	surveys += !survey->taken;
	survey->taken = true;
	survey->count = space_count;
	for (size_t i = 0; i < space_count; i++) {
		struct survey_space *space = &survey->space[i];

		*space = (struct survey_space){ .inode = spaces[i].inode,
						.pid = (pid_t)spaces[i].inode };
		if (!spaces[i].name)
			continue;
		space->directory = NETNS_NAMES;
		snprintf(space->name, sizeof(space->name), "%s", spaces[i].name);
	}
}

void survey_forget(struct survey *survey)
{
	survey->taken = false;
}

const struct survey_space *survey_find(const struct survey *survey, uint64_t inode)
{
	for (size_t i = 0; i < survey->count; i++)
		if (survey->space[i].inode == inode)
			return &survey->space[i];
	return NULL;
}

size_t survey_label(struct survey *survey, uint64_t inode, char label[SURVEY_LABEL_MAX])
{
	label[0] = '\0';
	survey_take(survey);
	for (size_t i = 0; i < space_count; i++)
		if (spaces[i].inode == inode)
			snprintf(label, SURVEY_LABEL_MAX, "%s",
				 spaces[i].name ? spaces[i].name : spaces[i].process);
	/* A process's number is not for ever. */
	return strcspn(label, "[");
}

int netns_open(const char *path, struct netns *out)
{
	for (size_t i = 0; i < space_count; i++) {
		char named[64], of_process[64];

		snprintf(named, sizeof(named), NETNS_NAMES "/%s",
			 spaces[i].name ? spaces[i].name : "?");
		snprintf(of_process, sizeof(of_process), "/proc/%d/ns/net",
			 (int)spaces[i].inode);
		if (strcmp(path, named) != 0 && strcmp(path, of_process) != 0 &&
		    (i > 0 || strcmp(path, NETNS_SELF) != 0))
			continue;
		*out = (struct netns){ .fd = 7, .inode = spaces[i].inode };
		return 0;
	}
	return -ENOENT;
}

void netns_close(struct netns *netns)
{
}

/* What happened, in words; and what the keeper says to the next that it is to open. */
static char told[1024];
static uint64_t barred;
static uint64_t kept[8];

static void tell(const char *what, const char *name)
{
	size_t length = strlen(told);

	snprintf(told + length, sizeof(told) - length, "%s %s; ", what, name);
}

static int keep(void *data, const struct netns *netns, const char *name, void **out)
{
	if (netns->inode == barred)
		return -EPERM;
	kept[netns->inode % 8] = netns->inode;
	*out = &kept[netns->inode % 8];
	tell("open", name);
	return 0;
}

static void let_go(void *data, void *one)
{
	*(uint64_t *)one = 0;
	tell("close", "it");
}

static void on_rename(void *data, void *one, const char *name)
{
	tell("rename", name);
}

static void on_come(void *data, void *one, const char *name)
{
	tell("come", name);
}

static void on_go(void *data, void *one, const char *name)
{
	tell("go", name);
}

static const struct atlas_keeper KEEPER = {
	.open = keep,
	.close = let_go,
	.rename = on_rename,
	.come = on_come,
	.go = on_go,
	.most = 4,
	.kept = "kept",
};

static struct atlas *atlas;

/* The host's own, number 1, and one that is called red. */
static int begin(void **state)
{
	spaces[0] = (struct space){ 1, NULL, "host" };
	spaces[1] = (struct space){ 2, "red", NULL };
	space_count = 2;
	now_ns = 5000000000;
	surveys = warnings = 0;
	told[0] = '\0';
	barred = 0;
	return 0;
}

static int end(void **state)
{
	atlas_close(atlas);
	atlas = NULL;
	return 0;
}

static void open_all(void)
{
	const struct atlas_wanted all = { .all = true };
	struct args_why why;

	assert_int_equal(atlas_open(&atlas, &all, &KEEPER, NULL, &why), 0);
}

/* Looks again, two seconds later. */
static void look(void)
{
	told[0] = '\0';
	now_ns += 2000000000;
	atlas_update(atlas);
}

static void those_that_there_are_are_kept_and_are_no_news(void **state)
{
	open_all();
	assert_string_equal(told, "open host; open red; ");
	assert_int_equal(atlas_count(atlas), 2);
	assert_string_equal(atlas_entry(atlas, 1).name, "red");
	assert_int_equal(atlas_entry(atlas, 1).inode, 2);
	assert_int_equal(atlas_own(atlas), 1);
	look();
	assert_string_equal(told, "");
}

static void one_that_comes_is_news_and_one_that_goes_is_closed(void **state)
{
	open_all();
	spaces[2] = (struct space){ 3, "blue", NULL };
	space_count = 3;
	look();
	assert_string_equal(told, "open blue; come blue; ");
	spaces[1] = spaces[2];
	space_count = 2;
	look();
	assert_string_equal(told, "go red; close it; ");
	assert_int_equal(atlas_count(atlas), 2);
	assert_string_equal(atlas_entry(atlas, 1).name, "blue");
}

static void what_has_the_name_next_is_another(void **state)
{
	open_all();
	spaces[1].inode = 3;
	look();
	assert_string_equal(told, "go red; close it; open red; come red; ");
}

static void two_of_a_name_are_told_apart(void **state)
{
	spaces[2] = (struct space){ 3, NULL, "red" };
	space_count = 3;
	open_all();
	assert_string_equal(atlas_entry(atlas, 2).name, "red:3");
}

static void who_gets_a_name_is_called_by_it_from_then_on(void **state)
{
	spaces[1] = (struct space){ 2, NULL, "red[77]" };
	open_all();
	assert_string_equal(atlas_entry(atlas, 1).name, "red[77]");
	spaces[1] = (struct space){ 2, "red", NULL };
	look();
	assert_string_equal(told, "rename red; ");
	/* The one that has its label is itself. */
	assert_string_equal(atlas_entry(atlas, 1).label, "red");
	/* One that had a name keeps it. */
	spaces[1].name = "green";
	look();
	assert_string_equal(told, "");
}

static void names_that_were_asked_for_are_plain(void **state)
{
	static const char *const SPECS[] = { "r\033d" };
	const struct atlas_wanted wanted = { .count = 1, .spec = SPECS };
	struct args_why why;

	spaces[1].name = SPECS[0];
	assert_int_equal(atlas_open(&atlas, &wanted, &KEEPER, NULL, &why), 0);
	assert_string_equal(atlas_entry(atlas, 0).name, "r?d");
}

static void labels_have_the_least_number_that_is_free(void **state)
{
	spaces[1] = (struct space){ 2, NULL, "nginx[77]" };
	spaces[2] = (struct space){ 3, NULL, "nginx[78]" };
	space_count = 3;
	open_all();
	assert_string_equal(atlas_entry(atlas, 1).name, "nginx[77]");
	assert_string_equal(atlas_entry(atlas, 1).label, "nginx");
	assert_string_equal(atlas_entry(atlas, 2).label, "nginx:2");
	/* The first goes, and what comes next is called as it was. */
	spaces[1] = spaces[2];
	space_count = 2;
	look();
	spaces[2] = (struct space){ 4, NULL, "nginx[79]" };
	space_count = 3;
	look();
	assert_string_equal(atlas_entry(atlas, 1).label, "nginx:2");
	assert_string_equal(atlas_entry(atlas, 2).label, "nginx");
}

static void it_looks_no_more_than_each_second(void **state)
{
	open_all();
	now_ns += 900000000;
	atlas_update(atlas);
	assert_int_equal(surveys, 1);
	now_ns += 200000000;
	atlas_update(atlas);
	atlas_update(atlas);
	assert_int_equal(surveys, 2);
}

static void more_than_there_is_room_for_are_left_out_and_told_once(void **state)
{
	for (size_t i = 2; i < 6; i++)
		spaces[i] = (struct space){ i + 1, NULL, "x" };
	space_count = 6;
	open_all();
	assert_int_equal(atlas_count(atlas), 4);
	assert_int_equal(atlas_left_out(atlas), 2);
	assert_int_equal(warnings, 1);
	assert_string_equal(warning,
			    "2 network namespaces are left out: 4 are kept at most");
	look();
	assert_int_equal(warnings, 1);
	/* There is room for one of them now. */
	spaces[1] = spaces[5];
	space_count = 5;
	look();
	assert_int_equal(atlas_count(atlas), 4);
	assert_int_equal(atlas_left_out(atlas), 1);
}

static void one_that_may_not_be_entered_is_left_out(void **state)
{
	barred = 2;
	open_all();
	assert_int_equal(atlas_count(atlas), 1);
	assert_int_equal(atlas_left_out(atlas), 1);
	assert_int_equal(warnings, 1);
	assert_string_equal(warning, "1 network namespace is left out: entering it needs "
				     "CAP_SYS_ADMIN");
}

static void not_its_own(void **state)
{
	const struct atlas_wanted all = { .all = true };
	struct args_why why;

	barred = 1;
	assert_int_equal(atlas_open(&atlas, &all, &KEEPER, NULL, &why), -EPERM);
	assert_null(atlas);
}

static void one_that_is_asked_for_must_be_there(void **state)
{
	static const char *const SPECS[] = { "red", "blue" };
	struct atlas_wanted wanted = { .count = 2, .spec = SPECS };
	struct args_why why;

	assert_int_equal(atlas_open(&atlas, &wanted, &KEEPER, NULL, &why), -ENOENT);
	assert_non_null(strstr(why.text, "\"blue\""));
	/* What was opened before is closed. */
	assert_string_equal(told, "open red; close it; ");
	wanted.count = 1;
	assert_int_equal(atlas_open(&atlas, &wanted, &KEEPER, NULL, &why), 0);
	assert_int_equal(atlas_count(atlas), 1);
	assert_int_equal(surveys, 0);
	space_count = 1;
	look();
	assert_string_equal(told, "go red; close it; ");
}

static void without_a_word_it_is_ones_own_and_stays(void **state)
{
	const struct atlas_wanted own = { 0 };
	struct args_why why;

	assert_int_equal(atlas_open(&atlas, &own, &KEEPER, NULL, &why), 0);
	assert_string_equal(told, "open host; ");
	look();
	assert_int_equal(atlas_count(atlas), 1);
	assert_string_equal(told, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define ATLAS_TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
		ATLAS_TEST(those_that_there_are_are_kept_and_are_no_news),
		ATLAS_TEST(one_that_comes_is_news_and_one_that_goes_is_closed),
		ATLAS_TEST(what_has_the_name_next_is_another),
		ATLAS_TEST(two_of_a_name_are_told_apart),
		ATLAS_TEST(who_gets_a_name_is_called_by_it_from_then_on),
		ATLAS_TEST(names_that_were_asked_for_are_plain),
		ATLAS_TEST(labels_have_the_least_number_that_is_free),
		ATLAS_TEST(it_looks_no_more_than_each_second),
		ATLAS_TEST(more_than_there_is_room_for_are_left_out_and_told_once),
		ATLAS_TEST(one_that_may_not_be_entered_is_left_out),
		ATLAS_TEST(not_its_own),
		ATLAS_TEST(one_that_is_asked_for_must_be_there),
		ATLAS_TEST(without_a_word_it_is_ones_own_and_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
