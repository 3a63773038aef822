// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/context.h"

#include <errno.h>
#include <math.h>

#include "lib/clock.h"
#include "lib/http.h"
#include "lib/log.h"
#include "server/board.h"
#include "server/buffer.h"
#include "server/conn.h"
#include "server/pool.h"
#include "server/seats.h"
#include "server/stats.h"

/* What one worker keeps at most; a connection that would need more is closed and counted. */
enum {
	HEADS_BYTES = 32 * 1024 * 1024,
	SMALL_BYTES = 32 * 1024 * 1024,
	LARGE_BYTES = 32 * 1024 * 1024,
};

/* The wheel's granularity: a share of the interval, within what makes sense. */
static const double TICKS_PER_INTERVAL = 64, TICK_MIN_S = 0.001, TICK_MAX_S = 0.1;

/* The interval becomes a whole number of ticks: rounding would make each chunk later. */
static void init_wheel(struct context *context, double interval_s)
{
	double tick_s =
		fmin(fmax(interval_s / TICKS_PER_INTERVAL, TICK_MIN_S), TICK_MAX_S);
	double ticks = ceil(interval_s / tick_s);
	uint64_t tick_ns = (uint64_t)(interval_s / ticks * CLOCK_NS_PER_S);

	wheel_init(&context->wheel, tick_ns);
	context->interval_ns = (uint64_t)ticks * tick_ns;
}

/* Pools take memory when it is first needed: all of this costs little in an idle worker. */
int context_open(struct context *context, const struct settings *settings)
{
	int err;

	context->settings = settings;
	init_wheel(context, settings->interval_s);
	err = pool_open(&context->conns, sizeof(struct conn), SIZE_MAX);
	if (err == 0)
		err = pool_open(&context->heads, sizeof(struct http_head), HEADS_BYTES);
	if (err == 0)
		err = buffer_pool_open(&context->small, CONTEXT_SMALL_BYTES, SMALL_BYTES);
	if (err == 0)
		err = buffer_pool_open(&context->large, CONTEXT_READ_BYTES, LARGE_BYTES);
	if (err == 0)
		err = seats_open(&context->seats, CONTEXT_SEATS);
	return err;
}

void context_close(struct context *context)
{
	seats_close(context->seats);
	pool_close(context->conns);
	pool_close(context->heads);
	pool_close(context->small);
	pool_close(context->large);
}

void context_count_eperm(struct context *context, uint64_t count)
{
	stats_add(context->stats, STAT_SENDS_EPERM, count);
	if (board_first(context->board, NOTICE_EPERM))
		log_warn(context->log,
			 "a send was not permitted (EPERM): conntrack table full or an "
			 "output rule; counted as sends_eperm, not said again");
}

void context_count_emfile(struct context *context)
{
	stats_add(context->stats, STAT_ACCEPT_EMFILE, 1);
	if (board_first(context->board, NOTICE_EMFILE))
		log_warn(
			context->log,
			"out of descriptors for a new connection: it waits until one is "
			"free (ulimit -n, -c); counted as accept_emfile, not said again");
}
