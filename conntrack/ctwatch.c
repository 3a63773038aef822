// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <ev.h>

#include "conntrack/bulletin.h"
#include "conntrack/lines.h"
#include "conntrack/outlets.h"
#include "conntrack/request.h"
#include "conntrack/screen.h"
#include "conntrack/spaces.h"
#include "conntrack/terminal.h"
#include "conntrack/watch.h"
#include "lib/args.h"
#include "lib/clock.h"
#include "lib/log.h"
#include "lib/memory.h"
#include "lib/options.h"
#include "lib/streams.h"
#include "lib/text.h"

/* How often at least the forecast is fed: one reading a line is too few when lines are rare. */
static const double POLL_MAX_S = 0.1;

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
	struct lines lines;
	uint64_t printed;
	uint64_t skipped; /* since the last that was printed */
	int status;
	ev_timer line_timer;
	ev_timer poll_timer;
};

/* Returns the exit code. */
static int fail_to_read(const struct ctwatch *ctwatch, int err)
{
	if (err == -ESRCH) {
		log_error(&ctwatch->log, "no network namespace is left to watch");
		return EXIT_FAILED;
	}
	log_error(&ctwatch->log, "cannot read the conntrack table: %s",
		  err == -ENOENT ? "this kernel has none: nf_conntrack is not loaded; "
				   "modprobe does it, and the first rule that needs it"
				 : strerror(-err));
	return EXIT_UNREACHABLE;
}

/* Takes a reading of all tables and words it. Returns the exit code. */
static int compose(struct ctwatch *ctwatch, struct text *text)
{
	int err;

	spaces_update(ctwatch->spaces);
	err = bulletin_add(&ctwatch->request, ctwatch->spaces, text);
	if (err)
		return fail_to_read(ctwatch, err);
	if (text_ok(text))
		return EXIT_OK;
	log_error(&ctwatch->log, "cannot print: out of memory");
	return EXIT_FAILED;
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

/* A trend needs history: looks a while, then reports. */
static int run_once(struct ctwatch *ctwatch)
{
	const struct timespec pause = { .tv_nsec = ONCE_POLL_MS * CLOCK_NS_PER_MS };
	struct text text = { 0 };
	int status = EXIT_OK;

	for (int i = 0; i < ONCE_POLLS; i++) {
		spaces_poll(ctwatch->spaces);
		clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
	}
	if (ctwatch->request.lines)
		status = compose(ctwatch, &text);
	if (status == EXIT_OK)
		fputs(text_str(&text), stdout);
	text_free(&text);
	if (status == EXIT_OK)
		status = streams_finish(&ctwatch->log);
	if (status == EXIT_OK)
		status = publish(ctwatch);
	if (status == EXIT_OK && !spaces_have_counted(ctwatch->spaces)) {
		log_error(&ctwatch->log, "--service: not counted: the kernel's answers "
					 "were cut short");
		status = EXIT_FAILED;
	}
	return status;
}

static bool serves(const struct ctwatch *ctwatch)
{
	return ctwatch->request.outlets.metrics || ctwatch->request.outlets.textfile;
}

static void stop(struct ctwatch *ctwatch, int status)
{
	ctwatch->status = status;
	ev_break(ctwatch->lines.loop, EVBREAK_ALL);
}

/* Who serves metrics goes on without lines. */
static void fail_to_write(struct ctwatch *ctwatch, int err)
{
	const char *why = strerror(-err);

	if (serves(ctwatch)) {
		log_warn(&ctwatch->log, "cannot print lines any more: %s", why);
		ctwatch->request.lines = false;
		return;
	}
	log_error(&ctwatch->log, "cannot write the output: %s", why);
	stop(ctwatch, EXIT_FAILED);
}

/* What was put before is out. */
static void on_written(void *data)
{
	struct ctwatch *ctwatch = data;

	if (ctwatch->lines.err)
		fail_to_write(ctwatch, ctwatch->lines.err);
	else if (ctwatch->printed == ctwatch->request.count && ctwatch->printed)
		stop(ctwatch, EXIT_OK);
}

/* A line is left out while its reader has not taken the one before. Returns the exit code. */
static int print(struct ctwatch *ctwatch)
{
	struct text text = { 0 };
	int status;

	if (lines_busy(&ctwatch->lines)) {
		if (ctwatch->skipped++ == 0)
			log_warn(&ctwatch->log,
				 "nobody reads the lines: some are skipped");
		return EXIT_OK;
	}
	ctwatch->skipped = 0;
	status = compose(ctwatch, &text);
	if (status != EXIT_OK) {
		text_free(&text);
		return status;
	}
	ctwatch->printed++;
	lines_put(&ctwatch->lines, text.data, text.length);
	if (!lines_busy(&ctwatch->lines))
		on_written(ctwatch);
	return EXIT_OK;
}

static void on_line(struct ev_loop *loop, ev_timer *timer, int revents)
{
	struct ctwatch *ctwatch = timer->data;
	bool enough =
		ctwatch->request.count && ctwatch->printed == ctwatch->request.count;
	int status = EXIT_OK;

	if (ctwatch->request.lines && !enough)
		status = print(ctwatch);
	if (status == EXIT_OK)
		status = publish(ctwatch);
	if (status != EXIT_OK)
		stop(ctwatch, status);
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

/* Without metrics a pipe that nobody reads any more ends it, in silence. */
static void mind_pipe(const struct ctwatch *ctwatch)
{
	const struct sigaction ignore = { .sa_handler = SIG_IGN };

	if (serves(ctwatch))
		sigaction(SIGPIPE, &ignore, NULL);
}

static int run_stream(struct ctwatch *ctwatch, struct ev_loop *loop)
{
	double interval_s = ctwatch->request.interval_s;
	ev_signal interrupted, terminated;

	lines_init(&ctwatch->lines, loop, STDOUT_FILENO, on_written, ctwatch);
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
	mind_pipe(ctwatch);
	outlets_start(ctwatch->outlets, loop);
	ev_run(loop, 0);
	lines_stop(&ctwatch->lines);
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

	if (request->lines && !request->json && !request->batch && !request->count &&
	    terminal_is_there())
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

/* What was asked for by name is not to be missing in silence. Returns the exit code. */
static int check_asked(const struct ctwatch *ctwatch)
{
	int err = ctwatch->request.asked.count ? spaces_missing(ctwatch->spaces) : 0;

	if (!err)
		return EXIT_OK;
	log_error(&ctwatch->log, "--service: cannot count: %s",
		  err == -EPERM ? "reading entries needs CAP_NET_ADMIN" : strerror(-err));
	return EXIT_UNREACHABLE;
}

/* All namespaces are there. Returns the exit code. */
static int run_opened(struct ctwatch *ctwatch)
{
	const struct watch_request *request = &ctwatch->request;
	struct args_why why;
	int err, status = check_asked(ctwatch);

	if (status != EXIT_OK)
		return status;
	err = outlets_open(&ctwatch->outlets, &request->outlets, ctwatch->spaces, &why);
	if (err) {
		log_error(&ctwatch->log, "%s", why.text);
		return err == -EINVAL ? EXIT_USAGE : EXIT_FAILED;
	}
	status = request->once ? run_once(ctwatch) : run_live(ctwatch);
	outlets_close(ctwatch->outlets);
	return status;
}

static int run(struct ctwatch *ctwatch)
{
	struct args_why why;
	const struct watch_request *request = &ctwatch->request;
	const struct watch_config config = { .sample_max = request->sample_max,
					     .asked = &request->asked };
	int status, err = spaces_open(&ctwatch->spaces, &request->netns, &config,
				      &ctwatch->log, &why);

	if (err) {
		log_error(&ctwatch->log, "cannot watch: %s", why.text);
		return err == -EPERM || err == -EACCES ? EXIT_UNREACHABLE : EXIT_FAILED;
	}
	status = run_opened(ctwatch);
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
	/* Namespaces come and go, and each has some hundred KiB. */
	memory_by_pages();
	log_init(&ctwatch.log, "ctwatch", &lost);
	switch (watch_request_parse(argc, argv, &ctwatch.log, &ctwatch.request)) {
	case WATCH_REQUEST_RUN: return run(&ctwatch);
	case WATCH_REQUEST_HELP: watch_request_help(&text); break;
	case WATCH_REQUEST_VERSION: text_add(&text, "ctwatch %s\n", CTKIT_VERSION); break;
	case WATCH_REQUEST_BAD: return EXIT_USAGE;
	}
	return print_text(&ctwatch.log, &text);
}
