// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/herald.h"

#include <errno.h>
#include <string.h>

#include "lib/args.h"
#include "lib/clock.h"
#include "lib/exporter.h"
#include "lib/log.h"
#include "lib/metrics.h"
#include "server/exposition.h"
#include "server/stats.h"

static const double STATUS_S = 5;

static unsigned long long value_of(const struct stats *stats, enum stats_counter counter)
{
	return stats->value[counter];
}

static void tell_status(const struct herald *herald, const char *before)
{
	struct stats stats;

	herald->count(herald->data, &stats);
	notify_send(&herald->notify,
		    "%sSTATUS=%llu connections open, %llu accepted; %llu datagrams "
		    "received; %llu workers restarted",
		    before, value_of(&stats, STAT_CONNS_OPEN),
		    value_of(&stats, STAT_CONNS_ACCEPTED),
		    value_of(&stats, STAT_UDP_PACKETS_IN),
		    value_of(&stats, STAT_WORKER_RESTARTS));
}

static void on_status(struct ev_loop *loop, ev_timer *w, int revents)
{
	tell_status(w->data, "");
}

/* Sent by the loop and by nothing else: a loop that hangs must be missed. */
static void on_watchdog(struct ev_loop *loop, ev_timer *w, int revents)
{
	const struct herald *herald = w->data;

	notify_send(&herald->notify, "WATCHDOG=1");
}

static void render(void *data, struct text *text)
{
	const struct herald *herald = data;
	struct stats stats;

	herald->count(herald->data, &stats);
	exposition_add(&stats, text);
	metrics_gauge(text, "ctkit_serve_workers", "Worker processes wanted.",
		      herald->workers);
	metrics_counter(text, "ctkit_serve_metrics_pages_total",
			"Pages of metrics that were sent.",
			exporter_served(herald->exporter));
	metrics_counter(text, "ctkit_serve_metrics_dropped_total",
			"Clients of the metrics that were too slow or too many.",
			exporter_dropped(herald->exporter));
	metrics_build_info(text, "ctserve");
	metrics_process(text);
}

int herald_open(struct herald *herald, const struct log *log, const char *metrics,
		struct args_why *why)
{
	int err = notify_open(&herald->notify);

	herald->log = log;
	if (err)
		log_warn(log,
			 "cannot tell the service manager anything: NOTIFY_SOCKET: %s",
			 strerror(-err));
	if (!metrics)
		return 0;
	return exporter_open(&herald->exporter, metrics, why);
}

static void start_timer(struct herald *herald, ev_timer *timer,
			void (*callback)(struct ev_loop *, ev_timer *, int),
			double every_s)
{
	ev_timer_init(timer, callback, every_s, every_s);
	timer->data = herald;
	if (every_s > 0)
		ev_timer_start(herald->loop, timer);
}

void herald_ready(struct herald *herald, struct ev_loop *loop, unsigned workers,
		  void (*count)(void *data, struct stats *out), void *data)
{
	bool manager = herald->notify.fd >= 0;
	/* Half the time: one that comes late by as much is still in time. */
	double watchdog_s = (double)herald->notify.watchdog_ns / 2 / CLOCK_NS_PER_S;

	herald->loop = loop;
	herald->workers = workers;
	herald->count = count;
	herald->data = data;
	start_timer(herald, &herald->watchdog, on_watchdog, watchdog_s);
	start_timer(herald, &herald->status, on_status, manager ? STATUS_S : 0);
	if (herald->exporter)
		exporter_start(herald->exporter, loop, render, herald);
	tell_status(herald, "READY=1\n");
}

void herald_reload(const struct herald *herald, bool done)
{
	if (done)
		notify_send(&herald->notify, "READY=1");
	else
		notify_reloading(&herald->notify);
}

void herald_stopping(const struct herald *herald)
{
	notify_send(&herald->notify, "STOPPING=1\nSTATUS=draining");
}

void herald_close(struct herald *herald)
{
	if (herald->loop) {
		ev_timer_stop(herald->loop, &herald->watchdog);
		ev_timer_stop(herald->loop, &herald->status);
	}
	herald->loop = NULL;
	exporter_close(herald->exporter);
	herald->exporter = NULL;
	/* Set by herald_open(): before that the descriptor in notify is 0, and not ours. */
	if (herald->log)
		notify_close(&herald->notify);
}
