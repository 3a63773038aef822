// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <ev.h>
#include <jansson.h>

#include "conntrack/export.h"
#include "conntrack/outlets.h"
#include "conntrack/request.h"
#include "conntrack/screen.h"
#include "conntrack/spaces.h"
#include "conntrack/terminal.h"
#include "conntrack/view.h"
#include "conntrack/watch.h"
#include "lib/args.h"
#include "lib/clock.h"
#include "lib/log.h"
#include "lib/metainfo.h"
#include "lib/options.h"
#include "lib/streams.h"
#include "lib/text.h"

/* How often at least the forecast is fed: one reading a line is too few when lines are rare. */
static const double POLL_MAX_S = 0.1;

/* Of a column; a longer name moves what follows. */
enum { NAME_WIDTH = 16 };

/* What --once watches before it reports. */
enum { ONCE_POLLS = 10, ONCE_POLL_MS = 20 };

/* The program while it runs. */
struct ctwatch {
	struct watch_request request;
	struct log log;
	struct spaces *spaces;
	struct outlets *outlets;
	bool wrote;    /* the file of metrics, once at least */
	int write_err; /* of the last time; told already */
	uint64_t lines;
	bool complained; /* about what is missing: once is enough */
	int status;
	ev_timer line_timer;
	ev_timer poll_timer;
};

/* Wall-clock time for the reader; no duration is taken from it. */
static void add_time(struct text *text)
{
	struct timespec now;
	struct tm local;
	char clock[16];

	clock_gettime(CLOCK_REALTIME, &now);
	localtime_r(&now.tv_sec, &local);
	strftime(clock, sizeof(clock), "%H:%M:%S", &local);
	text_add(text, "%s.%03ld ", clock, now.tv_nsec / (CLOCK_NS_PER_MS));
}

/* Returns false if memory ran out. Takes the tables over. */
static bool print_json(json_t *tables)
{
	json_t *object = metainfo_object("ctwatch");
	char now[CLOCK_TEXT_MAX];
	bool whole;
	char *line;

	clock_wall_text(now);
	json_object_set_new(object, "time", json_string(now));
	json_object_set_new(object, "tables", tables);
	line = json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(15));
	json_decref(object);
	whole = line;
	if (whole)
		puts(line);
	free(line);
	return whole;
}

/* Whether a table has to be told from others, now or later. */
static bool has_several(const struct ctwatch *ctwatch)
{
	return ctwatch->request.outlets.several;
}

/* Adds what is said of one table. */
static void add_text(const struct ctwatch *ctwatch, const struct reading *reading,
		     struct text *text)
{
	if (ctwatch->request.once) {
		if (has_several(ctwatch))
			text_add(text, "%snamespace: %s\n", text->length ? "\n" : "",
				 reading->netns);
		view_report(&ctwatch->request.view, reading, text);
	} else {
		add_time(text);
		if (has_several(ctwatch))
			text_add(text, "%-*s  ", NAME_WIDTH, reading->netns);
		view_line(&ctwatch->request.view, reading, text);
		text_add(text, "\n");
	}
}

static void complain(struct ctwatch *ctwatch, int missing)
{
	if (ctwatch->complained || !missing)
		return;
	ctwatch->complained = true;
	if (missing == -EPERM)
		log_warn(&ctwatch->log, "no CAP_NET_ADMIN: only entries and limit are "
					"known, not counters, services and sources");
	else
		log_warn(&ctwatch->log,
			 "the kernel does not answer by netlink (%s): only "
			 "entries and limit are known",
			 strerror(-missing));
}

static void tell_of(struct ctwatch *ctwatch, const struct reading *reading)
{
	complain(ctwatch, reading->missing);
	if (reading->sampled && reading->sample_age_s == 0)
		log_debug(&ctwatch->log, "sampled %u entries in %.1f ms",
			  reading->sample.flows, reading->sample_cost_s * 1000);
}

/*
 * Takes a reading of each table and adds it to either. Returns 0, or -errno if there is none
 * that can be read.
 */
static int read_all(struct ctwatch *ctwatch, struct text *text, json_t *tables)
{
	bool any = false;
	int failed = -ESRCH;

	for (size_t i = 0; i < spaces_count(ctwatch->spaces); i++) {
		struct reading reading;
		int err = spaces_read(ctwatch->spaces, i, &reading);

		if (err) {
			failed = err;
			continue;
		}
		any = true;
		tell_of(ctwatch, &reading);
		if (tables)
			json_array_append_new(
				tables, export_reading(&ctwatch->request.view, &reading));
		else
			add_text(ctwatch, &reading, text);
	}
	return any ? 0 : failed;
}

/* Returns the exit code. */
static int fail_to_read(const struct ctwatch *ctwatch, int err)
{
	if (err == -ESRCH) {
		log_error(&ctwatch->log, "no network namespace is left to watch");
		return EXIT_FAILED;
	}
	log_error(&ctwatch->log, "cannot read the conntrack table: %s",
		  err == -ENOENT ? "this kernel has none (nf_conntrack is not loaded)"
				 : strerror(-err));
	return EXIT_UNREACHABLE;
}

/* Takes a reading and prints it. Returns the exit code. */
static int show(struct ctwatch *ctwatch)
{
	json_t *tables = ctwatch->request.json ? json_array() : NULL;
	struct text text = { 0 };
	bool whole;
	int err;

	spaces_update(ctwatch->spaces);
	err = read_all(ctwatch, &text, tables);
	if (err) {
		json_decref(tables);
		text_free(&text);
		return fail_to_read(ctwatch, err);
	}
	whole = tables ? print_json(tables) : text_ok(&text);
	if (whole && !tables)
		fputs(text_str(&text), stdout);
	text_free(&text);
	if (!whole) {
		log_error(&ctwatch->log, "cannot print: out of memory");
		return EXIT_FAILED;
	}
	return streams_finish(&ctwatch->log);
}

/* Writes the file of metrics. Failing at first is fatal: nobody would miss a file. */
static int publish(struct ctwatch *ctwatch)
{
	struct args_why why;
	int err;

	if (spaces_count(ctwatch->spaces) == 0)
		return fail_to_read(ctwatch, -ESRCH);
	err = outlets_write(ctwatch->outlets, &why);
	if (err && !ctwatch->wrote) {
		log_error(&ctwatch->log, "%s", why.text);
		return EXIT_FAILED;
	}
	ctwatch->wrote = true;
	if (err && err != ctwatch->write_err)
		log_warn(&ctwatch->log, "%s", why.text);
	ctwatch->write_err = err;
	return EXIT_OK;
}

/* All that is due at a time. Returns the exit code. */
static int tell(struct ctwatch *ctwatch)
{
	int status = ctwatch->request.lines ? show(ctwatch) : EXIT_OK;

	return status == EXIT_OK ? publish(ctwatch) : status;
}

/* A trend needs history: looks a while, then reports. */
static int run_once(struct ctwatch *ctwatch)
{
	const struct timespec pause = { .tv_nsec = ONCE_POLL_MS * CLOCK_NS_PER_MS };

	for (int i = 0; i < ONCE_POLLS; i++) {
		spaces_poll(ctwatch->spaces);
		clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
	}
	return tell(ctwatch);
}

static void on_line(struct ev_loop *loop, ev_timer *timer, int revents)
{
	struct ctwatch *ctwatch = timer->data;

	ctwatch->status = tell(ctwatch);
	ctwatch->lines++;
	if (ctwatch->status != EXIT_OK || ctwatch->lines == ctwatch->request.count)
		ev_break(loop, EVBREAK_ALL);
}

static void on_poll(struct ev_loop *loop, ev_timer *timer, int revents)
{
	struct ctwatch *ctwatch = timer->data;

	spaces_update(ctwatch->spaces);
	spaces_poll(ctwatch->spaces);
}

static void on_stop(struct ev_loop *loop, ev_signal *watcher, int revents)
{
	ev_break(loop, EVBREAK_ALL);
}

static int run_stream(struct ctwatch *ctwatch, struct ev_loop *loop)
{
	double interval_s = ctwatch->request.interval_s;
	ev_signal interrupted, terminated;

	ev_signal_init(&interrupted, on_stop, SIGINT);
	ev_signal_init(&terminated, on_stop, SIGTERM);
	ev_signal_start(loop, &interrupted);
	ev_signal_start(loop, &terminated);
	ev_timer_init(&ctwatch->line_timer, on_line, 0, interval_s);
	ctwatch->line_timer.data = ctwatch;
	ev_timer_start(loop, &ctwatch->line_timer);
	ev_timer_init(&ctwatch->poll_timer, on_poll, POLL_MAX_S, POLL_MAX_S);
	ctwatch->poll_timer.data = ctwatch;
	if (interval_s > POLL_MAX_S)
		ev_timer_start(loop, &ctwatch->poll_timer);
	outlets_start(ctwatch->outlets, loop);
	ev_run(loop, 0);
	outlets_stop(ctwatch->outlets);
	return ctwatch->status;
}

/* Returns as screen_run(), which tells by itself what would be logged. */
static int run_screen(struct ctwatch *ctwatch, struct ev_loop *loop)
{
	enum log_level level = ctwatch->log.level;
	int err;

	if (isatty(STDERR_FILENO))
		ctwatch->log.level = LOG_LEVEL_NONE;
	err = screen_run(loop, ctwatch->spaces, ctwatch->request.view.by,
			 ctwatch->request.interval_s);
	ctwatch->log.level = level;
	return err;
}

/* On a terminal the screen, unless what is asked for are lines. */
static int run_loop(struct ctwatch *ctwatch, struct ev_loop *loop)
{
	const struct watch_request *request = &ctwatch->request;
	int err = -ENOTTY;

	if (request->lines && !request->json && !request->count && terminal_is_there())
		err = run_screen(ctwatch, loop);
	if (err == -ENOTTY)
		return run_stream(ctwatch, loop);
	return err ? fail_to_read(ctwatch, err) : EXIT_OK;
}

static int run_live(struct ctwatch *ctwatch)
{
	struct ev_loop *loop = ev_default_loop(EVFLAG_NOENV);
	int status;

	if (!loop) {
		log_error(&ctwatch->log, "cannot start the event loop");
		return EXIT_FAILED;
	}
	status = run_loop(ctwatch, loop);
	ev_loop_destroy(loop);
	return status;
}

static int run(struct ctwatch *ctwatch)
{
	struct args_why why;
	int status, err = spaces_open(&ctwatch->spaces, &ctwatch->request.netns,
				      ctwatch->request.sample_max, &ctwatch->log, &why);

	if (err) {
		log_error(&ctwatch->log, "cannot watch: %s", why.text);
		return err == -EPERM || err == -EACCES ? EXIT_UNREACHABLE : EXIT_FAILED;
	}
	err = outlets_open(&ctwatch->outlets, &ctwatch->request.outlets, ctwatch->spaces,
			   &why);
	if (err) {
		log_error(&ctwatch->log, "%s", why.text);
		status = err == -EINVAL ? EXIT_USAGE : EXIT_FAILED;
	} else {
		status = ctwatch->request.once ? run_once(ctwatch) : run_live(ctwatch);
	}
	outlets_close(ctwatch->outlets);
	spaces_close(ctwatch->spaces);
	return status;
}

static int print_text(const struct log *log, struct text *text)
{
	fputs(text_str(text), stdout);
	text_free(text);
	return streams_finish(log);
}

int main(int argc, char **argv)
{
	struct ctwatch ctwatch = { 0 };
	struct text text = { 0 };
	unsigned long lost;

	if (streams_open() < 0)
		return EXIT_FAILED;
	log_init(&ctwatch.log, "ctwatch", &lost);
	switch (watch_request_parse(argc, argv, &ctwatch.log, &ctwatch.request)) {
	case WATCH_REQUEST_RUN: return run(&ctwatch);
	case WATCH_REQUEST_HELP: watch_request_help(&text); break;
	case WATCH_REQUEST_VERSION: text_add(&text, "ctwatch %s\n", CTKIT_VERSION); break;
	case WATCH_REQUEST_BAD: return EXIT_USAGE;
	}
	return print_text(&ctwatch.log, &text);
}
