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
#include "server/pacer.h"
#include "server/poller.h"
#include "server/ports.h"
#include "server/progress.h"

enum { EVENTS = 64 };

struct flows {
	const struct load *load;
	struct flows_result *result;
	struct ledger *ledger;
	struct poller *poller;
	struct book book;
	struct lanes *lanes;           /* for UDP, else NULL */
	struct handshakes *handshakes; /* for TCP, else NULL */
	struct pacer pacer;
	struct progress progress;
	uint64_t end_ns;  /* nothing is sent after this */
	uint64_t last_ns; /* of the last send */
	bool sending;     /* not all were tried yet, and nothing ended it */
	bool held_up;     /* the window or the transport had no room for what was due */
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

/* How many flows the schedule and the window let go now. */
static uint64_t allowed(struct flows *flows, uint64_t now_ns)
{
	uint64_t n = pacer_due(&flows->pacer, now_ns);
	uint64_t left = flows->load->count - flows->pacer.taken;
	uint64_t outstanding = ledger_outstanding(flows->ledger);
	uint64_t window = flows->load->window;

	if (n > left)
		n = left;
	if (window == 0)
		return n;
	if (flows->held_up) {
		/* A window that was full moves the schedule; it does not cause a burst. */
		pacer_resume(&flows->pacer, now_ns);
		n = n > 0 ? 1 : 0;
	}
	flows->held_up = n > 0 && outstanding >= window;
	if (outstanding >= window)
		return 0;
	return n < window - outstanding ? n : window - outstanding;
}

static void note_lateness(struct flows *flows, uint64_t now_ns, uint64_t n)
{
	struct load_outcome *outcome = &flows->result->outcome;
	uint64_t due_ns = pacer_next_ns(&flows->pacer);
	uint64_t late;

	if (now_ns < due_ns + LOAD_LATE_NS)
		return;
	late = pacer_due(&flows->pacer, now_ns - LOAD_LATE_NS);
	outcome->late += late < n ? late : n;
	if (now_ns - due_ns > outcome->max_late_ns)
		outcome->max_late_ns = now_ns - due_ns;
}

static void send_due(struct flows *flows, uint64_t now_ns)
{
	uint64_t n = allowed(flows, now_ns);
	int tried;

	if (n == 0)
		return;
	tried = transport_send(flows, now_ns, n);
	if (tried == -EAGAIN) {
		flows->held_up = true;
		return;
	}
	if (tried < 0) {
		uint64_t left = flows->load->count - flows->pacer.taken;

		tally_add(&flows->result->errors, tried, left);
		flows->sending = false;
		return;
	}
	flows->held_up = false;
	note_lateness(flows, now_ns, (uint64_t)tried);
	pacer_take(&flows->pacer, (uint64_t)tried);
	flows->last_ns = now_ns;
}

static void look_for_end(struct flows *flows, uint64_t now_ns)
{
	struct load_outcome *outcome = &flows->result->outcome;

	outcome->stopped_by = poller_signal(flows->poller);
	if (!flows->sending)
		return;
	if (flows->pacer.taken == flows->load->count || outcome->stopped_by) {
		flows->sending = false;
	} else if (now_ns >= flows->end_ns) {
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
	if (!flows->sending)
		return next;
	if (!flows->held_up && pacer_next_ns(&flows->pacer) < next)
		next = pacer_next_ns(&flows->pacer);
	return flows->end_ns < next ? flows->end_ns : next;
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

	pacer_start(&flows->pacer, now_ns, flows->load->rate);
	progress_start(&flows->progress, flows->load->log, now_ns);
	flows->end_ns = now_ns + flows->load->duration_ns;
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
