// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "guard/post.c"

/* In place of what a post is made of: three services, and what is known of their rules. */
struct vetting {
	int open;
};
struct leases {
	int open;
	bool engaged[3], bounded[3], held[3];
};
struct lookout {
	int open;
	int err; /* of the next to be opened */
	struct policy_view view;
};

static struct vetting VETTING;
static struct leases LEASES;
static struct lookout LOOKOUT;
static struct config PRESENT, WANTED;
static char given_back[64];
static int giving_back_err;

int vetting_open(struct vetting **out, const struct config *config,
		 const struct legacy *legacy)
{
	VETTING.open++;
	*out = &VETTING;
	return 0;
}

void vetting_close(struct vetting *vetting)
{
	if (vetting)
		vetting->open--;
}

int leases_open(struct leases **out, const struct config *config,
		const struct vetting *vetting, bool rehearse)
{
	LEASES.open++;
	*out = &LEASES;
	return 0;
}

void leases_close(struct leases *leases)
{
	if (leases)
		leases->open--;
}

bool leases_engaged(const struct leases *leases, size_t i)
{
	return leases->engaged[i];
}

bool leases_bounded(const struct leases *leases, size_t i)
{
	return leases->bounded[i];
}

bool leases_held(const struct leases *leases, size_t i)
{
	return leases->held[i];
}

int lookout_open(struct lookout **out, const struct config *config,
		 const struct leases *leases, struct chores *chores, bool rehearse)
{
	if (LOOKOUT.err)
		return LOOKOUT.err;
	LOOKOUT.open++;
	*out = &LOOKOUT;
	return 0;
}

void lookout_close(struct lookout *lookout)
{
	if (lookout)
		lookout->open--;
}

const struct policy_view *lookout_view(const struct lookout *lookout)
{
	return &lookout->view;
}

int remedy_give_back(struct remedy *remedy, size_t i, const char *cause,
		     struct apply_why *why)
{
	size_t length = strlen(given_back);

	snprintf(why->text, sizeof(why->text), "the kernel was against it");
	if (giving_back_err)
		return giving_back_err;
	snprintf(given_back + length, sizeof(given_back) - length, "%s ",
		 LOOKOUT.view.services[i].name);
	assert_string_equal(cause, "because it is no longer allowed");
	return 0;
}

static void add(struct config *config, const char *spec)
{
	struct text why = { 0 };

	assert_int_equal(config_add_service(config, spec, &why), 0);
	text_free(&why);
}

/* udp/1, udp/2 and tcp/3 are configured, and nothing of them is out. */
static int begin(void **state)
{
	static const char *const NAMES[] = { "udp/1", "udp/2", "tcp/3" };

	VETTING = (struct vetting){ 0 };
	LEASES = (struct leases){ 0 };
	LOOKOUT = (struct lookout){ 0 };
	given_back[0] = '\0';
	giving_back_err = 0;
	config_init(&PRESENT);
	config_init(&WANTED);
	for (size_t i = 0; i < 3; i++) {
		add(&PRESENT, NAMES[i]);
		LOOKOUT.view.services[i].name = NAMES[i];
	}
	return 0;
}

static int hand_over(struct text *why)
{
	const struct post post = { &VETTING, &LEASES, &LOOKOUT };

	return post_hand_over(&post, &PRESENT, &WANTED, NULL, why);
}

static void what_is_still_allowed_stays_out_wherever_it_stands(void **state)
{
	struct text why = { 0 };

	LEASES.engaged[0] = LEASES.engaged[2] = true;
	add(&WANTED, "tcp/3");
	add(&WANTED, "udp/1");
	assert_int_equal(hand_over(&why), 0);
	assert_string_equal(given_back, "");
}

static void what_is_not_allowed_any_more_goes_back_if_it_is_out(void **state)
{
	struct text why = { 0 };

	LEASES.engaged[0] = LEASES.engaged[2] = true;
	/* A part of the range that is out is not what is out. */
	add(&WANTED, "tcp/3-4");
	assert_int_equal(hand_over(&why), 0);
	assert_string_equal(given_back, "udp/1 tcp/3 ");
}

static void a_budget_stays_as_long_as_one_is_wanted(void **state)
{
	struct text why = { 0 };

	LEASES.bounded[0] = LEASES.bounded[1] = true;
	add(&WANTED, "udp/1");
	add(&WANTED, "udp/2");
	WANTED.services[1].budget_per_s = 10;
	assert_int_equal(hand_over(&why), 0);
	assert_string_equal(given_back, "udp/1 ");
}

static void what_others_hold_is_left_to_them(void **state)
{
	struct text why = { 0 };

	LEASES.engaged[0] = LEASES.held[0] = true;
	assert_int_equal(hand_over(&why), 0);
	assert_string_equal(given_back, "");
}

static void what_cannot_go_back_is_told_with_its_name(void **state)
{
	struct text why = { 0 };

	LEASES.engaged[1] = true;
	giving_back_err = -EPERM;
	assert_int_equal(hand_over(&why), -EPERM);
	assert_string_equal(text_str(&why),
			    "could not give udp/2 back: the kernel was against it");
	text_free(&why);
}

static void a_post_is_opened_as_a_whole_or_not_at_all(void **state)
{
	struct post post = { 0 };

	LOOKOUT.err = -EPERM;
	assert_int_equal(post_open(&post, &PRESENT, NULL, NULL, false), -EPERM);
	assert_null(post.vetting);
	assert_int_equal(VETTING.open, 0);
	assert_int_equal(LEASES.open, 0);
	LOOKOUT.err = 0;
	assert_int_equal(post_open(&post, &PRESENT, NULL, NULL, false), 0);
	assert_int_equal(VETTING.open + LEASES.open + LOOKOUT.open, 3);
	post_close(&post);
	assert_int_equal(VETTING.open + LEASES.open + LOOKOUT.open, 0);
	/* Again is allowed. */
	post_close(&post);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(what_is_still_allowed_stays_out_wherever_it_stands,
				       begin),
		cmocka_unit_test_setup(
			what_is_not_allowed_any_more_goes_back_if_it_is_out, begin),
		cmocka_unit_test_setup(a_budget_stays_as_long_as_one_is_wanted, begin),
		cmocka_unit_test_setup(what_others_hold_is_left_to_them, begin),
		cmocka_unit_test_setup(what_cannot_go_back_is_told_with_its_name, begin),
		cmocka_unit_test_setup(a_post_is_opened_as_a_whole_or_not_at_all, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
