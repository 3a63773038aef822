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
#include "conntrack/view.h"
#include "conntrack/watch.h"
#include "lib/args.h"
#include "lib/clock.h"
#include "lib/log.h"
#include "lib/metainfo.h"
#include "lib/options.h"
#include "lib/streams.h"
#include "lib/text.h"

enum { KEY_ONCE = OPTIONS_LONG_ONLY, KEY_SAMPLE, KEY_BY, KEY_TOP, KEY_COUNT };

enum { SAMPLE_MAX = 1000000, TOP_MAX = ATTRIBUTE_ROWS };

/* How often at least the forecast is fed: one reading a line is too few when lines are rare. */
static const double POLL_MAX_S = 0.1;

static const double INTERVAL_DEFAULT_S = 1;

/* What --once watches before it reports. */
enum { ONCE_POLLS = 10, ONCE_POLL_MS = 20 };

static const struct option_spec OPTIONS[] = {
	{ KEY_ONCE, "once", NULL, "one report, after a look of 0.2 s, and exit" },
	{ 'i', "interval", "T", "a line every T, 10ms to 1h (default: 1s)" },
	{ KEY_COUNT, "count", "N", "exit after N lines" },
	{ KEY_SAMPLE, "sample", "N", "look at N entries at most (default: 2000)" },
	{ KEY_BY, "by", "WHAT", "show by service, source or state" },
	{ KEY_TOP, "top", "N", "show the N largest (default: 10)" },
	OPTIONS_COMMON,
};

struct settings {
	bool once;
	bool json;
	double interval_s; /* 0: not given */
	uint64_t count;    /* lines; 0: no end */
	uint32_t sample_max;
	struct view view;
};

/* The program while it runs. */
struct ctwatch {
	struct settings settings;
	struct log log;
	struct watch *watch;
	uint64_t lines;
	bool complained; /* about what is missing: once is enough */
	int status;
	ev_timer line_timer;
	ev_timer poll_timer;
};

static int usage_error(const struct log *log, const char *option, const char *why)
{
	log_error(log, "--%s: %s", option, why);
	return EXIT_USAGE;
}

static int parse_by(const char *value, enum view_by *out, struct args_why *why)
{
	static const char *const NAMES[] = {
		[VIEW_SERVICE] = "service",
		[VIEW_SOURCE] = "source",
		[VIEW_STATE] = "state",
	};

	for (size_t i = 0; i < sizeof(NAMES) / sizeof(NAMES[0]); i++) {
		if (strcmp(value, NAMES[i]) == 0) {
			*out = (enum view_by)i;
			return 0;
		}
	}
	snprintf(why->text, sizeof(why->text),
		 "\"%.40s\" is not service, source or state", value);
	return -EINVAL;
}

static int print_help(const struct log *log)
{
	struct text text = { 0 };

	text_add(&text,
		 "usage: ctwatch [options]\n\n"
		 "Shows how full this network namespace's conntrack table is, what\n"
		 "fills it and when it will be full.\n\n");
	options_help(OPTIONS, &text);
	fputs(text_str(&text), stdout);
	text_free(&text);
	return streams_finish(log);
}

/* One option with a value. Returns 0, or -errno with the reason in *why. */
static int set_value(struct settings *settings, int key, const char *value,
		     struct args_why *why)
{
	uint64_t number = 0;
	int err;

	switch (key) {
	case 'i': return args_duration(value, 0.01, 3600, &settings->interval_s, why);
	case KEY_BY: return parse_by(value, &settings->view.by, why);
	case KEY_COUNT: return args_count(value, 1, UINT32_MAX, &settings->count, why);
	case KEY_SAMPLE:
		err = args_count(value, 1, SAMPLE_MAX, &number, why);
		settings->sample_max = (uint32_t)number;
		return err;
	default:
		err = args_count(value, 1, TOP_MAX, &number, why);
		settings->view.top = (size_t)number;
		return err;
	}
}

static const char *long_name(int key)
{
	for (const struct option_spec *spec = OPTIONS; spec->key; spec++) {
		if (spec->key == key)
			return spec->name;
	}
	return "?";
}

/* Returns -1 to go on, or the exit code. */
static int parse_options(struct ctwatch *ctwatch, int argc, char **argv)
{
	struct options options;
	struct args_why why;
	const char *value;
	int key;

	options_init(&options, OPTIONS);
	while ((key = options_next(&options, argc, argv, &value)) != -1) {
		switch (key) {
		case KEY_ONCE: ctwatch->settings.once = true; break;
		case 'j': ctwatch->settings.json = true; break;
		case 'v': ctwatch->log.level = LOG_LEVEL_DEBUG; break;
		case 'q': ctwatch->log.level = LOG_LEVEL_ERROR; break;
		case 'h': return print_help(&ctwatch->log);
		case 'V':
			puts("ctwatch " CTKIT_VERSION);
			return streams_finish(&ctwatch->log);
		case '?': return EXIT_USAGE;
		default:
			if (set_value(&ctwatch->settings, key, value, &why) < 0)
				return usage_error(&ctwatch->log, long_name(key),
						   why.text);
		}
	}
	if (optind < argc) {
		log_error(&ctwatch->log, "\"%.60s\": no operands are taken",
			  argv[optind]);
		return EXIT_USAGE;
	}
	if (ctwatch->settings.once &&
	    (ctwatch->settings.interval_s > 0 || ctwatch->settings.count > 0)) {
		log_error(&ctwatch->log, "--once is one report: --%s is for lines",
			  ctwatch->settings.count > 0 ? "count" : "interval");
		return EXIT_USAGE;
	}
	return -1;
}

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

static json_t *json_of(const struct ctwatch *ctwatch, const struct reading *reading)
{
	json_t *object = metainfo_object("ctwatch");
	json_t *table = export_reading(&ctwatch->settings.view, reading);
	char now[CLOCK_TEXT_MAX];

	clock_wall_text(now);
	json_object_set_new(object, "time", json_string(now));
	json_object_set_new(object, "tables", json_pack("[o]", table));
	return object;
}

/* Returns false if memory ran out. */
static bool print_json(const struct ctwatch *ctwatch, const struct reading *reading)
{
	json_t *object = json_of(ctwatch, reading);
	char *line = json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(15));
	bool whole = line;

	json_decref(object);
	if (whole)
		puts(line);
	free(line);
	return whole;
}

static bool print_text(const struct ctwatch *ctwatch, const struct reading *reading)
{
	struct text text = { 0 };
	bool whole;

	if (ctwatch->settings.once) {
		view_report(&ctwatch->settings.view, reading, &text);
	} else {
		add_time(&text);
		view_line(&ctwatch->settings.view, reading, &text);
		text_add(&text, "\n");
	}
	whole = text_ok(&text);
	if (whole)
		fputs(text_str(&text), stdout);
	text_free(&text);
	return whole;
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

/* Takes a reading and prints it. Returns the exit code. */
static int show(struct ctwatch *ctwatch)
{
	struct reading reading;
	int err = watch_read(ctwatch->watch, &reading);
	bool whole;

	if (err) {
		log_error(&ctwatch->log, "cannot read the conntrack table: %s",
			  err == -ENOENT
				  ? "this kernel has none (nf_conntrack is not loaded)"
				  : strerror(-err));
		return EXIT_UNREACHABLE;
	}
	complain(ctwatch, reading.missing);
	if (reading.sampled && reading.sample_age_s == 0)
		log_debug(&ctwatch->log, "sampled %u entries in %.1f ms",
			  reading.sample.flows, reading.sample_cost_s * 1000);
	whole = ctwatch->settings.json ? print_json(ctwatch, &reading)
				       : print_text(ctwatch, &reading);
	if (!whole) {
		log_error(&ctwatch->log, "cannot print: out of memory");
		return EXIT_FAILED;
	}
	return streams_finish(&ctwatch->log);
}

/* A trend needs history: looks a while, then reports. */
static int run_once(struct ctwatch *ctwatch)
{
	const struct timespec pause = { .tv_nsec = ONCE_POLL_MS * CLOCK_NS_PER_MS };

	for (int i = 0; i < ONCE_POLLS; i++) {
		if (watch_poll(ctwatch->watch) < 0)
			break; /* show() says why */
		clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
	}
	return show(ctwatch);
}

static void on_line(struct ev_loop *loop, ev_timer *timer, int revents)
{
	struct ctwatch *ctwatch = timer->data;

	ctwatch->status = show(ctwatch);
	ctwatch->lines++;
	if (ctwatch->status != EXIT_OK || ctwatch->lines == ctwatch->settings.count)
		ev_break(loop, EVBREAK_ALL);
}

static void on_poll(struct ev_loop *loop, ev_timer *timer, int revents)
{
	struct ctwatch *ctwatch = timer->data;

	/* If it fails, so does the next line, and says so. */
	(void)watch_poll(ctwatch->watch);
}

static void on_stop(struct ev_loop *loop, ev_signal *watcher, int revents)
{
	ev_break(loop, EVBREAK_ALL);
}

static int run_stream(struct ctwatch *ctwatch)
{
	struct ev_loop *loop = ev_default_loop(EVFLAG_NOENV);
	double interval_s = ctwatch->settings.interval_s > 0
				    ? ctwatch->settings.interval_s
				    : INTERVAL_DEFAULT_S;
	ev_signal interrupted, terminated;

	if (!loop) {
		log_error(&ctwatch->log, "cannot start the event loop");
		return EXIT_FAILED;
	}
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
	ev_run(loop, 0);
	ev_loop_destroy(loop);
	return ctwatch->status;
}

int main(int argc, char **argv)
{
	struct ctwatch ctwatch = {
		.settings = { .sample_max = 2000, .view.top = 10 },
	};
	unsigned long lost;
	int status, err;

	if (streams_open() < 0)
		return EXIT_FAILED;
	log_init(&ctwatch.log, "ctwatch", &lost);
	status = parse_options(&ctwatch, argc, argv);
	if (status >= 0)
		return status;
	err = watch_open(&ctwatch.watch, ctwatch.settings.sample_max);
	if (err) {
		log_error(&ctwatch.log, "cannot start: %s", strerror(-err));
		return EXIT_FAILED;
	}
	status = ctwatch.settings.once ? run_once(&ctwatch) : run_stream(&ctwatch);
	watch_close(ctwatch.watch);
	return status;
}
