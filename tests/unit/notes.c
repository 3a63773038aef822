// SPDX-License-Identifier: GPL-2.0-or-later
/* The sentences. What is out, and the journal, are of this file. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "guard/config.h"
#include "guard/enrolment.h"
#include "guard/journal.h"
#include "guard/lease.h"
#include "guard/notes.h"
#include "guard/policy.h"
#include "guard/turnstile.h"
#include "lib/text.h"

struct leases {
	bool engaged[3], held[3];
};

static struct leases leases;
static const struct policy_view VIEW = {
	.count = 3,
	.services = { { .name = "udp/1" }, { .name = "udp/2" }, { .name = "udp/3" } }
};
static struct journal journal;
static char told[4][600]; /* "event: sentence" */
static unsigned count;

bool leases_engaged(const struct leases *l, size_t i)
{
	return l->engaged[i];
}

unsigned leases_percent(const struct leases *l, size_t i)
{
	return 40;
}

bool leases_held(const struct leases *l, size_t i)
{
	return l->held[i];
}

void journal_note(struct journal *j, const char *event, const char *text)
{
	assert_ptr_equal(j, &journal);
	snprintf(told[count++], sizeof(told[0]), "%s: %s", event, text);
}

void journal_about(struct journal *j, const char *event, const char *service,
		   const char *text)
{
	assert_ptr_equal(j, &journal);
	snprintf(told[count++], sizeof(told[0]), "%s of %s: %s", event, service, text);
}

void journal_out(struct journal *j, const char *event, const char *service,
		 unsigned percent, const char *text)
{
	assert_int_equal(percent, 40);
	journal_about(j, event, service, text);
}

/* Whether what was told begins so. */
static void begins(const char *sentence, const char *words)
{
	if (strncmp(sentence, words, strlen(words)) != 0)
		fail_msg("\"%s\" does not begin with \"%s\"", sentence, words);
}

static int begin(void **state)
{
	leases = (struct leases){ 0 };
	journal = (struct journal){ 0 };
	count = 0;
	return 0;
}

static struct config configured(void)
{
	struct text why = { 0 };
	struct config config;

	config_init(&config);
	assert_int_equal(config_add_service(&config, "udp/1", &why), 0);
	assert_int_equal(config_add_service(&config, "tcp/[2001:db8::1]:2", &why), 0);
	return config;
}

static void the_start_tells_what_is_guarded_and_by_which_marks(void **state)
{
	struct config config = configured();

	notes_hello(&journal, "start", &config, 1);
	assert_string_equal(told[0],
			    "start: guarding: udp/1, tcp/[2001:db8::1]:2; engage at 80% "
			    "or 10s before full, release at 50%, lease 30s");
	assert_int_equal(count, 1);
}

static void the_start_tells_of_a_rehearsal_of_registration_and_of_namespaces(void **state)
{
	struct config config = configured();
	struct text why = { 0 };

	assert_int_equal(config_add_admission(&config, "udp/100-200", &why), 0);
	snprintf(config.netns, sizeof(config.netns), "all");
	journal.rehearse = true;
	notes_hello(&journal, "start", &config, 2);
	begins(told[0], "start: guarding (dry run: nothing is changed): udp/1, "
			"tcp/[2001:db8::1]:2 and what programs register in 2 network "
			"namespaces; ");
	config.count = 0;
	notes_hello(&journal, "start", &config, 1);
	assert_non_null(
		strstr(told[1], ": what programs register in 1 network namespace; "));
}

static void what_was_taken_over_and_what_is_held_are_told_apart(void **state)
{
	notes_adopted(&journal, &leases, &VIEW);
	assert_int_equal(count, 0);
	leases.engaged[0] = leases.engaged[1] = leases.engaged[2] = true;
	leases.held[1] = true;
	notes_adopted(&journal, &leases, &VIEW);
	assert_int_equal(count, 3);
	assert_string_equal(told[0], "adopt of udp/1: took over the lease of udp/1, "
				     "which was left running");
	begins(told[1], "adopt of udp/3: ");
	assert_string_equal(told[2],
			    "adopt: out of tracking already, not by a lease of a guard "
			    "before, and left so: udp/2");
	/* What is held but not out is neither. */
	count = 0;
	leases = (struct leases){ .held = { true } };
	notes_adopted(&journal, &leases, &VIEW);
	assert_int_equal(count, 0);
}

static void the_end_tells_what_stays_out_and_for_how_long(void **state)
{
	struct config config = configured();

	config.lease_s = 2.5;
	notes_goodbye(&journal, &config, &leases, &VIEW, 0);
	assert_string_equal(told[0], "stop: ends; nothing of its is out of tracking");
	leases.engaged[0] = leases.engaged[1] = true;
	leases.held[0] = true;
	notes_goodbye(&journal, &config, &leases, &VIEW, 0);
	assert_string_equal(told[1],
			    "stop: ends; udp/2: leases run out within 2.5s, unless a "
			    "guard takes them over");
	journal.rehearse = true;
	notes_goodbye(&journal, &config, &leases, &VIEW, 0);
	assert_string_equal(told[2], "stop: ends; udp/2 would be out of tracking");
}

static void the_end_tells_what_went_wrong(void **state)
{
	struct config config = configured();
	struct journal keeper = { .lost = 7 };

	journal.lost = 3;
	notes_goodbye(&journal, &config, &leases, &VIEW, 12);
	assert_string_equal(told[0], "stop: ends; nothing of its is out of tracking; 12 "
				     "looks or readings failed; 3 events could not be "
				     "written");
	/* Whoever keeps its events lost them. */
	journal.keeper = &keeper;
	notes_goodbye(&journal, &config, &leases, &VIEW, 0);
	assert_string_equal(told[1], "stop: ends; nothing of its is out of tracking; 7 "
				     "events could not be written");
}

static void programs_are_told_of_by_name_number_and_what_they_serve(void **state)
{
	static struct enrolment enrolment = { .program = "ctserve", .count = 2 };

	enrolment.services[0] = (struct service){ .proto = IPPROTO_UDP,
						  .first_port = 53,
						  .last_port = 53 };
	enrolment.services[1] = (struct service){ .proto = IPPROTO_UDP,
						  .first_port = 100,
						  .last_port = 200 };
	notes_program(&journal, "register", 77, &enrolment);
	assert_string_equal(told[0], "register: ctserve, pid 77, registered udp/53, "
				     "udp/100-200");
	notes_program(&journal, "leave", 77, &enrolment);
	assert_string_equal(told[1], "leave: ctserve, pid 77, serves no more udp/53, "
				     "udp/100-200");
	notes_refused(&journal, &enrolment, 77, 5000000000);
	assert_memory_equal(
		told[2],
		"refused: ctserve, pid 77, could not send 5000000000 times: ", 59);
}

static void namespaces_are_told_of(void **state)
{
	struct turnstile turnstile = { .came = 40, .went = 39 };

	notes_renamed(&journal, "red");
	assert_string_equal(told[0],
			    "rename: this network namespace was called red before");
	notes_churn(&journal, "network namespaces", &turnstile);
	assert_string_equal(told[1],
			    "churn: network namespaces come and go often: 40 came and 39 "
			    "went that are not told of one by one");
	notes_quiet(&journal, 9);
	assert_string_equal(told[2], "stop: ends; in 9 network namespaces nothing of its "
				     "is out of tracking");
}

static void what_comes_back_at_the_end_is_told_as_done_or_as_a_rehearsal(void **state)
{
	notes_withdrawn(&journal, "udp/1");
	assert_string_equal(told[0],
			    "withdraw of udp/1: gave udp/1 back because the guard ends");
	journal.rehearse = true;
	notes_withdrawn(&journal, "udp/1");
	assert_string_equal(
		told[1],
		"withdraw of udp/1: would give udp/1 back because the guard ends");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define NOTES_TEST(name) cmocka_unit_test_setup(name, begin)
		NOTES_TEST(the_start_tells_what_is_guarded_and_by_which_marks),
		NOTES_TEST(
			the_start_tells_of_a_rehearsal_of_registration_and_of_namespaces),
		NOTES_TEST(what_was_taken_over_and_what_is_held_are_told_apart),
		NOTES_TEST(the_end_tells_what_stays_out_and_for_how_long),
		NOTES_TEST(the_end_tells_what_went_wrong),
		NOTES_TEST(programs_are_told_of_by_name_number_and_what_they_serve),
		NOTES_TEST(namespaces_are_told_of),
		NOTES_TEST(what_comes_back_at_the_end_is_told_as_done_or_as_a_rehearsal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
