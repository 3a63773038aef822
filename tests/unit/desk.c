// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "guard/desk.c"

/* In place of the sockets: which are open, and what the next to be opened would say. */
struct control {
	char path[CONFIG_PLACE_MAX];
	bool open, started;
};
struct scrape {
	char address[CONFIG_PLACE_MAX];
	bool open, started;
};

static struct control socket_of_orders;
static struct scrape scrapes[2];
static int control_err, scrape_err;
static unsigned opened, warnings;

int control_open(struct control **out, const char *path, struct text *why)
{
	if (control_err) {
		text_add(why, "it is taken");
		return control_err;
	}
	snprintf(socket_of_orders.path, sizeof(socket_of_orders.path), "%s", path);
	socket_of_orders.open = true;
	*out = &socket_of_orders;
	return 0;
}

void control_start(struct control *control, struct ev_loop *loop,
		   control_answer_cb *reply, void *data)
{
	control->started = true;
}

void control_close(struct control *control)
{
	if (control)
		control->open = false;
}

int scrape_open(struct scrape **out, const char *address, struct args_why *why)
{
	struct scrape *scrape = &scrapes[opened % 2];

	if (scrape_err) {
		snprintf(why->text, sizeof(why->text), "no such address");
		return scrape_err;
	}
	opened++;
	*scrape = (struct scrape){ .open = true };
	snprintf(scrape->address, sizeof(scrape->address), "%s", address);
	*out = scrape;
	return 0;
}

void scrape_start(struct scrape *scrape, struct ev_loop *loop,
		  const struct dispatch *dispatch)
{
	scrape->started = true;
}

void scrape_close(struct scrape *scrape)
{
	if (scrape)
		scrape->open = false;
}

json_t *dispatch_answer(struct dispatch *dispatch, const json_t *request,
			struct control_peer *peer)
{
	return NULL;
}

void log_warn(const struct log *log, const char *fmt, ...)
{
	warnings++;
}

static struct config config;
static struct desk desk;
static struct text why;

static int begin(void **state)
{
	config_init(&config);
	desk = (struct desk){ 0 };
	memset(scrapes, 0, sizeof(scrapes));
	socket_of_orders = (struct control){ 0 };
	control_err = scrape_err = 0;
	opened = warnings = 0;
	return 0;
}

static int end(void **state)
{
	desk_close(&desk);
	text_free(&why);
	return 0;
}

static void without_a_word_it_listens_at_the_usual_place(void **state)
{
	assert_int_equal(desk_open(&desk, &config, false, NULL, &why), 0);
	assert_string_equal(socket_of_orders.path, GUARD_CONTROL_PATH);
	assert_int_equal(opened, 0);
}

static void the_usual_place_is_no_condition(void **state)
{
	control_err = -EACCES;
	assert_int_equal(desk_open(&desk, &config, false, NULL, &why), 0);
	assert_int_equal(warnings, 1);
	desk_start(&desk, NULL, NULL);
}

static void a_place_that_was_asked_for_is(void **state)
{
	snprintf(config.control, sizeof(config.control), "/there");
	control_err = -EADDRINUSE;
	assert_int_equal(desk_open(&desk, &config, false, NULL, &why), -EADDRNOTAVAIL);
	assert_string_equal(text_str(&why), "it is taken");
	assert_int_equal(warnings, 0);
}

static void a_rehearsal_takes_no_orders_but_where_it_is_told_to(void **state)
{
	assert_int_equal(desk_open(&desk, &config, true, NULL, &why), 0);
	assert_false(socket_of_orders.open);
	snprintf(config.control, sizeof(config.control), "/there");
	assert_int_equal(desk_open(&desk, &config, true, NULL, &why), 0);
	assert_string_equal(socket_of_orders.path, "/there");
}

static void metrics_that_cannot_be_served_are_told(void **state)
{
	snprintf(config.metrics, sizeof(config.metrics), "192.0.2.1:80");
	scrape_err = -EADDRNOTAVAIL;
	assert_int_equal(desk_open(&desk, &config, false, NULL, &why), -EADDRNOTAVAIL);
	assert_string_equal(text_str(&why), "metrics: no such address");
}

/* From 127.0.0.1:1 to that address; "": no metrics any more. */
static void move_to(const char *address)
{
	struct config next = config;

	snprintf(config.metrics, sizeof(config.metrics), "127.0.0.1:1");
	assert_int_equal(desk_open(&desk, &config, false, NULL, &why), 0);
	desk_start(&desk, NULL, NULL);
	assert_true(scrapes[0].started && socket_of_orders.started);
	snprintf(next.metrics, sizeof(next.metrics), "%s", address);
	assert_int_equal(desk_prepare(&desk, &config, &next, &why), 0);
	/* Until then it is served where it was. */
	assert_true(scrapes[0].open);
	assert_false(scrapes[1].started);
	desk_move(&desk);
}

static void metrics_move_and_are_served_there(void **state)
{
	move_to("127.0.0.1:2");
	assert_false(scrapes[0].open);
	assert_true(scrapes[1].open && scrapes[1].started);
	assert_string_equal(scrapes[1].address, "127.0.0.1:2");
}

static void metrics_that_do_not_move_are_left_alone(void **state)
{
	move_to("127.0.0.1:1");
	assert_int_equal(opened, 1);
	assert_true(scrapes[0].open);
}

static void metrics_may_end(void **state)
{
	move_to("");
	assert_false(scrapes[0].open);
	assert_null(desk.scrape);
}

static void metrics_that_were_to_move_and_did_not_may_stay(void **state)
{
	struct config next = config;

	snprintf(next.metrics, sizeof(next.metrics), "127.0.0.1:2");
	assert_int_equal(desk_open(&desk, &config, false, NULL, &why), 0);
	assert_int_equal(desk_prepare(&desk, &config, &next, &why), 0);
	/* The next try is for what there is. */
	assert_int_equal(desk_prepare(&desk, &config, &config, &why), 0);
	assert_false(scrapes[0].open);
	desk_move(&desk);
	assert_null(desk.scrape);
}

static void metrics_that_cannot_move_stay(void **state)
{
	struct config next = config;

	snprintf(config.metrics, sizeof(config.metrics), "127.0.0.1:1");
	snprintf(next.metrics, sizeof(next.metrics), "127.0.0.1:2");
	assert_int_equal(desk_open(&desk, &config, false, NULL, &why), 0);
	scrape_err = -EADDRINUSE;
	assert_int_equal(desk_prepare(&desk, &config, &next, &why), -EADDRINUSE);
	assert_true(scrapes[0].open);
	assert_ptr_equal(desk.scrape, &scrapes[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define DESK_TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
		DESK_TEST(without_a_word_it_listens_at_the_usual_place),
		DESK_TEST(the_usual_place_is_no_condition),
		DESK_TEST(a_place_that_was_asked_for_is),
		DESK_TEST(a_rehearsal_takes_no_orders_but_where_it_is_told_to),
		DESK_TEST(metrics_that_cannot_be_served_are_told),
		DESK_TEST(metrics_move_and_are_served_there),
		DESK_TEST(metrics_that_do_not_move_are_left_alone),
		DESK_TEST(metrics_may_end),
		DESK_TEST(metrics_that_were_to_move_and_did_not_may_stay),
		DESK_TEST(metrics_that_cannot_move_stay),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
