// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/load_flows.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "lib/args.h"
#include "lib/clock.h"
#include "server/book.h"
#include "server/handshakes.h"
#include "server/lanes.h"
#include "server/ledger.h"
#include "server/poller.h"
#include "server/ports.h"
#include "server/progress.h"
#include "server/schedule.h"

enum { EVENTS = 64 };

struct flows {
	const struct load *load;
	struct flows_result *result;
	struct ledger *ledger;
	struct poller *poller;
	struct book book;
	struct lanes *lanes;           /* for UDP, else NULL */
	struct handshakes *handshakes; /* for TCP, else NULL */
	struct schedule schedule;
	struct progress progress;
	uint64_t last_ns; /* of the last send */
	bool sending;     /* not all were tried yet, and nothing ended it */
};

int load_flows_check(const struct load *load, struct args_why *why)
{
	uint64_t addresses = load->has_source ? load->source.addresses : 1;

	if (load->count <= addresses * PORTS_COUNT)
		return 0;
	snprintf(why->text, sizeof(why->text),
		 "%" PRIu64 " flows want more than the %" PRIu64 " pairs that %" PRIu64
		 " address%s and %d ports make: give a larger --source",
		 load->count, addresses * PORTS_COUNT, addresses,
		 addresses == 1 ? "" : "es", PORTS_COUNT);
	return -ERANGE;
}

static int transport_send(struct flows *flows, uint64_t now_ns, uint64_t n)
{
	uint64_t first = ledger_asked(flows->ledger);

	if (flows->lanes)
		return lanes_send(flows->lanes, now_ns, first, n);
	return handshakes_send(flows->handshakes, now_ns, first, n);
}

static void transport_ready(struct flows *flows, uint64_t key)
{
	if (flows->lanes)
		lanes_ready(flows->lanes, key);
	else
		handshakes_ready(flows->handshakes, key);
}

static void transport_settled(struct flows *flows)
{
	uint64_t frontier = ledger_frontier(flows->ledger);

	if (flows->lanes)
		lanes_settled(flows->lanes, frontier);
	else
		handshakes_settled(flows->handshakes, frontier);
}

static void send_due(struct flows *flows, uint64_t now_ns)
{
	struct schedule *schedule = &flows->schedule;
	uint64_t n =
		schedule_allowed(schedule, now_ns, ledger_outstanding(flows->ledger));
	int tried;

	if (n == 0)
		return;
	tried = transport_send(flows, now_ns, n);
	if (tried == -EAGAIN) {
		schedule_hold_up(schedule);
		return;
	}
	if (tried < 0) {
		tally_add(&flows->result->errors, tried, schedule_left(schedule));
		flows->sending = false;
		return;
	}
	schedule_took(schedule, now_ns, (uint64_t)tried, &flows->result->outcome);
	flows->last_ns = now_ns;
}

static void look_for_end(struct flows *flows, uint64_t now_ns)
{
	struct load_outcome *outcome = &flows->result->outcome;

	outcome->stopped_by = poller_signal(flows->poller);
	if (!flows->sending)
		return;
	if (schedule_left(&flows->schedule) == 0 || outcome->stopped_by) {
		flows->sending = false;
	} else if (now_ns >= flows->schedule.end_ns) {
		flows->sending = false;
		outcome->cut_short = true;
	}
}

/* When there is something to do again, if no answer comes before. */
static uint64_t next_ns(const struct flows *flows)
{
	uint64_t next = ledger_expiry_ns(flows->ledger);

	if (flows->progress.next_ns < next)
		next = flows->progress.next_ns;
	if (flows->sending && schedule_next_ns(&flows->schedule) < next)
		next = schedule_next_ns(&flows->schedule);
	return next;
}

static void run(struct flows *flows)
{
	struct epoll_event events[EVENTS];

	while (flows->sending || (ledger_outstanding(flows->ledger) > 0 &&
				  !flows->result->outcome.stopped_by)) {
		uint64_t now_ns = clock_now_ns();
		int n;

		flows->result->lost += ledger_expire(flows->ledger, now_ns);
		transport_settled(flows);
		if (flows->sending)
			send_due(flows, now_ns);
		progress_tell(&flows->progress, now_ns, "sent", flows->result->sent,
			      "answered", flows->result->answered);
		n = poller_wait(flows->poller, next_ns(flows), events, EVENTS);
		for (int i = 0; i < n; i++)
			transport_ready(flows, events[i].data.u64);
		look_for_end(flows, clock_now_ns());
	}
}

static void start(struct flows *flows)
{
	uint64_t now_ns = clock_now_ns();

	schedule_start(&flows->schedule, now_ns, flows->load->rate, flows->load->window,
		       flows->load->count, flows->load->duration_ns);
	progress_start(&flows->progress, flows->load->log, now_ns);
	flows->last_ns = now_ns;
	flows->sending = true;
}

static void sum_up(struct flows *flows)
{
	struct flows_result *result = flows->result;

	result->asked = flows->load->count;
	result->outstanding = ledger_outstanding(flows->ledger);
	/* n flows take n intervals: the last one's is not over when it is sent. */
	result->seconds = clock_between_s(flows->progress.start_ns, flows->last_ns) +
			  1.0 / (double)flows->load->rate;
	result->rate = (double)result->sent / result->seconds;
}

static int open_transport(struct flows *flows)
{
	if (flows->load->target.proto == IPPROTO_UDP)
		return lanes_open(&flows->lanes, flows->load, flows->poller,
				  &flows->book);
	return handshakes_open(&flows->handshakes, flows->load, flows->poller,
			       &flows->book);
}

int load_flows_run(const struct load *load, struct flows_result *out)
{
	struct flows_result result = { 0 };
	struct flows flows = { .load = load, .result = &result };
	int err = poller_open(&flows.poller);

	if (!err)
		err = ledger_open(&flows.ledger, load->count, load->wait_ns);
	flows.book = (struct book){ flows.ledger, &result };
	if (!err)
		err = open_transport(&flows);
	if (!err) {
		start(&flows);
		run(&flows);
		sum_up(&flows);
	}
	lanes_close(flows.lanes);
	handshakes_close(flows.handshakes);
	ledger_close(flows.ledger);
	poller_close(flows.poller);
	if (!err)
		*out = result;
	return err;
}
