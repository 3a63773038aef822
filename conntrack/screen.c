// SPDX-License-Identifier: GPL-2.0-or-later
#include "conntrack/screen.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <ev.h>

#include "conntrack/canvas.h"
#include "conntrack/history.h"
#include "conntrack/keys.h"
#include "conntrack/panel.h"
#include "conntrack/spaces.h"
#include "conntrack/terminal.h"
#include "conntrack/watch.h"
#include "lib/clock.h"

/* How often at least the forecast is fed. */
static const double POLL_MAX_S = 0.1;

/* Ctrl-C is the first; the last is what remains of a terminal that is gone. */
static const int STOP[] = { SIGINT, SIGTERM, SIGHUP };
enum { STOPS = sizeof(STOP) / sizeof(STOP[0]) };

enum { NOTICE_MAX = 160, NETNS_NAME_MAX = 100 };

/* The past of a namespace's table. */
struct past {
	uint64_t netns; /* its number; 0: free */
	struct history history;
};

struct screen {
	struct ev_loop *loop;
	struct spaces *spaces;
	struct terminal *terminal;
	int err; /* why it ended; 0: it was told to */
	struct keys keys;
	struct canvas canvas;
	struct reading reading;
	uint64_t netns; /* the number of the namespace that it is of; 0: there was none */
	bool lost;      /* that is gone */
	char name[NETNS_NAME_MAX];
	char notice[NOTICE_MAX];          /* about namespaces that went; empty: none */
	struct past past[SPACES_MAX + 1]; /* and one that is shown, but watched no more */
	ev_io input;
	ev_timer read_timer;
	ev_timer poll_timer;
	ev_signal stop[STOPS];
	ev_signal resized;
	ev_signal suspended;
	ev_signal continued;
};

static void clock_text(char text[16])
{
	time_t now = time(NULL);
	struct tm local;

	localtime_r(&now, &local);
	strftime(text, 16, "%H:%M:%S", &local);
}

static bool is_watched(const struct screen *screen, uint64_t netns)
{
	for (size_t i = 0; i < spaces_count(screen->spaces); i++)
		if (spaces_entry(screen->spaces, i).netns == netns)
			return true;
	return false;
}

/* That of one that is watched, or was last. A new one takes the place of one that went. */
static struct history *history_of(struct screen *screen, uint64_t netns)
{
	struct past *place = NULL;

	for (size_t i = 0; i <= SPACES_MAX; i++)
		if (screen->past[i].netns == netns)
			return &screen->past[i].history;
	for (size_t i = 0; i <= SPACES_MAX && !place; i++)
		if (!is_watched(screen, screen->past[i].netns))
			place = &screen->past[i];
	assert(place);
	*place = (struct past){ .netns = netns };
	return &place->history;
}

/* All namespaces, also those that are not shown: each has its past when it is. */
static void remember(struct screen *screen)
{
	uint64_t step_ns = (uint64_t)(screen->keys.interval_s * CLOCK_NS_PER_S);
	uint64_t now_ns = clock_now_ns();

	for (size_t i = 0; i < spaces_count(screen->spaces); i++) {
		struct spaces_entry entry = spaces_entry(screen->spaces, i);

		history_add(history_of(screen, entry.netns), now_ns, step_ns,
			    entry.entries);
	}
}

static void draw(struct screen *screen)
{
	char clock[16];
	struct panel panel = {
		.reading = &screen->reading,
		.notice = *screen->notice ? screen->notice : NULL,
		.keys = &screen->keys,
		.history = history_of(screen, screen->netns),
		.now_ns = clock_now_ns(),
		.clock = clock,
	};
	struct grid_extent extent;

	clock_text(clock);
	extent = panel_draw(&screen->canvas, &panel);
	if (screen->keys.first + extent.shown > extent.rows && screen->keys.first) {
		/* How many rows there are, and have room, shows only when they are drawn. */
		keys_limit(&screen->keys, extent.rows, extent.shown);
		panel_draw(&screen->canvas, &panel);
	}
	terminal_paint(screen->terminal, &screen->canvas);
}

/* The loop ends after this callback, not in it. */
static void finish(struct screen *screen, int err)
{
	screen->err = err;
	ev_break(screen->loop, EVBREAK_ALL);
}

/* What a reading of a watch that is no more points to is no more either. */
static void lose(struct screen *screen)
{
	screen->lost = true;
	screen->reading.netns = screen->name;
	screen->reading.sampled = screen->reading.counted = false;
	screen->reading.untracked = NULL;
	screen->keys.table = 0;
	snprintf(screen->notice, sizeof(screen->notice), "network namespace %s is gone%s",
		 screen->name, screen->keys.tables ? "" : ": this was seen last");
}

/* Finds out which namespaces there are now, and where the one that is shown has got to. */
static void update(struct screen *screen)
{
	spaces_update(screen->spaces);
	screen->keys.tables = spaces_count(screen->spaces);
	if (!screen->netns || screen->lost)
		return;
	for (size_t i = 0; i < screen->keys.tables; i++) {
		if (spaces_entry(screen->spaces, i).netns == screen->netns) {
			screen->keys.table = i;
			return;
		}
	}
	lose(screen);
}

/* Takes a reading of the table that was chosen. Returns 0 or -errno. */
static int read_table(struct screen *screen)
{
	struct spaces_entry entry;
	int err;

	if (spaces_count(screen->spaces) == 0)
		return screen->terminal ? 0 : -ESRCH;
	entry = spaces_entry(screen->spaces, screen->keys.table);
	err = spaces_read(screen->spaces, screen->keys.table, &screen->reading);
	if (err)
		return err;
	screen->netns = entry.netns;
	screen->lost = false;
	snprintf(screen->name, sizeof(screen->name), "%s", entry.name);
	remember(screen);
	return 0;
}

static void read_and_draw(struct screen *screen)
{
	int err = read_table(screen);

	if (err)
		finish(screen, err);
	else
		draw(screen);
}

static void on_read(struct ev_loop *loop, ev_timer *timer, int revents)
{
	struct screen *screen = timer->data;

	update(screen);
	if (!screen->keys.paused)
		read_and_draw(screen);
}

static void on_poll(struct ev_loop *loop, ev_timer *timer, int revents)
{
	struct screen *screen = timer->data;

	update(screen);
	/* If it fails, so does the next reading, and says so. */
	spaces_poll(screen->spaces);
	remember(screen);
}

/* Anew from now. Polls come between looks, if there is time for one. */
static void set_interval(struct screen *screen)
{
	double interval_s = screen->keys.interval_s;

	screen->read_timer.repeat = interval_s;
	ev_timer_again(screen->loop, &screen->read_timer);
	if (interval_s > POLL_MAX_S)
		ev_timer_start(screen->loop, &screen->poll_timer);
	else
		ev_timer_stop(screen->loop, &screen->poll_timer);
}

/* The terminal has another size, or something else on it, than was painted. */
static void repaint(struct screen *screen)
{
	if (terminal_fit(&screen->canvas) < 0)
		finish(screen, -ENOMEM);
	else
		draw(screen);
}

static void handle(struct screen *screen, int key)
{
	if (!screen->lost)
		screen->notice[0] = '\0';
	switch (keys_press(&screen->keys, key)) {
	case KEYS_DRAW: draw(screen); break;
	case KEYS_READ: read_and_draw(screen); break;
	case KEYS_REPAINT: repaint(screen); break;
	case KEYS_QUIT: finish(screen, 0); break;
	case KEYS_INTERVAL:
		set_interval(screen);
		draw(screen);
		break;
	}
}

static void on_input(struct ev_loop *loop, ev_io *watcher, int revents)
{
	struct screen *screen = watcher->data;
	int key;

	if (terminal_is_gone()) {
		finish(screen, 0);
		return;
	}
	while ((key = terminal_key()) >= 0)
		handle(screen, key);
}

static void on_stop(struct ev_loop *loop, ev_signal *watcher, int revents)
{
	finish(watcher->data, 0);
}

static void on_resized(struct ev_loop *loop, ev_signal *watcher, int revents)
{
	repaint(watcher->data);
}

static void on_suspended(struct ev_loop *loop, ev_signal *watcher, int revents)
{
	/* Without a watcher it has its usual effect again. */
	ev_signal_stop(loop, watcher);
	terminal_suspend();
	ev_signal_start(loop, watcher);
	repaint(watcher->data);
}

/* After a stop that it was not told of (SIGSTOP), too. */
static void on_continued(struct ev_loop *loop, ev_signal *watcher, int revents)
{
	terminal_resume();
	repaint(watcher->data);
}

static void start_signals(struct screen *screen)
{
	for (int i = 0; i < STOPS; i++) {
		ev_signal_init(&screen->stop[i], on_stop, STOP[i]);
		screen->stop[i].data = screen;
		ev_signal_start(screen->loop, &screen->stop[i]);
	}
	ev_signal_init(&screen->resized, on_resized, SIGWINCH);
	ev_signal_init(&screen->suspended, on_suspended, SIGTSTP);
	ev_signal_init(&screen->continued, on_continued, SIGCONT);
	screen->resized.data = screen->suspended.data = screen->continued.data = screen;
	ev_signal_start(screen->loop, &screen->resized);
	ev_signal_start(screen->loop, &screen->suspended);
	ev_signal_start(screen->loop, &screen->continued);
}

static void start(struct screen *screen)
{
	ev_io_init(&screen->input, on_input, STDIN_FILENO, EV_READ);
	ev_timer_init(&screen->read_timer, on_read, 0, screen->keys.interval_s);
	ev_timer_init(&screen->poll_timer, on_poll, POLL_MAX_S, POLL_MAX_S);
	screen->input.data = screen->read_timer.data = screen->poll_timer.data = screen;
	ev_io_start(screen->loop, &screen->input);
	set_interval(screen);
}

/* What was not started stops, too. */
static void stop(struct screen *screen)
{
	ev_io_stop(screen->loop, &screen->input);
	ev_timer_stop(screen->loop, &screen->read_timer);
	ev_timer_stop(screen->loop, &screen->poll_timer);
	for (int i = 0; i < STOPS; i++)
		ev_signal_stop(screen->loop, &screen->stop[i]);
	ev_signal_stop(screen->loop, &screen->resized);
	ev_signal_stop(screen->loop, &screen->suspended);
	ev_signal_stop(screen->loop, &screen->continued);
}

/* The first reading comes before the terminal is taken, so that its failure is told in a line. */
static int run(struct screen *screen)
{
	int err;

	update(screen);
	err = read_table(screen);
	if (!err)
		err = terminal_open(&screen->terminal);
	if (err)
		return err;
	screen->canvas.utf8 = terminal_is_utf8();
	start(screen);
	repaint(screen);
	if (!screen->err)
		ev_run(screen->loop, 0);
	terminal_close(screen->terminal);
	return screen->err;
}

int screen_run(struct ev_loop *loop, struct spaces *spaces, enum view_by by,
	       double interval_s)
{
	struct screen *screen = calloc(1, sizeof(*screen));
	int err;

	if (!screen)
		return -ENOMEM;
	screen->loop = loop;
	screen->spaces = spaces;
	screen->keys.by = by;
	screen->keys.interval_s = interval_s;
	/* Before curses, which leaves alone what is handled already. */
	start_signals(screen);
	err = run(screen);
	stop(screen);
	canvas_free(&screen->canvas);
	free(screen);
	return err;
}
