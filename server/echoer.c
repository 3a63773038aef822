// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/echoer.h"

#include <errno.h>
#include <stdlib.h>

#include "lib/clock.h"
#include "server/channel.h"
#include "server/dial.h"
#include "server/ledger.h"
#include "server/load.h"
#include "server/poller.h"
#include "server/schedule.h"

enum {
	EVENTS = 64,
	SEND_BATCH = 64, /* messages before echoes get their turn */
};

/* Messages whose answers are still recognised: 8 MB of bits. */
#define LEDGER_CAPACITY (UINT64_C(1) << 26)

/* How often a process looks whether the others are ready, too. */
#define START_LOOK_NS (CLOCK_NS_PER_MS / 2)

struct echoer {
	const struct echoer_share *share;
	const struct load *load;
	const struct echoer_orders *orders;
	struct echoer_count *count;
	uint64_t flows;  /* of this process, */
	uint64_t window; /* and of what may be unanswered */
	struct ledger *ledger;
	struct poller *poller;
	struct channel_kit *kit;
	struct channel_events events;
	struct channel *channels;
	struct schedule schedule;
	bool sending;
};

/* Of so many things that are dealt out in turn, those that this process gets. */
static uint64_t own_part(const struct echoer_share *share, uint64_t all)
{
	return all > share->index ? (all - share->index - 1) / share->processes + 1 : 0;
}

static void on_echo(void *data, const struct probe *probe)
{
	struct echoer *echoer = data;
	uint64_t now_ns = clock_now_ns();

	switch (ledger_settle(echoer->ledger, probe->sequence)) {
	case LEDGER_FIRST:
		echoer->count->result.received++;
		hist_add(&echoer->count->result.latency_ns, now_ns - probe->intended_ns);
		break;
	case LEDGER_AGAIN: echoer->count->result.duplicates++; break;
	case LEDGER_LATE: echoer->count->result.received_late++; break;
	case LEDGER_UNKNOWN: echoer->count->result.unexpected++; break;
	}
}

static void on_unexpected(void *data)
{
	struct echoer *echoer = data;

	echoer->count->result.unexpected++;
}

static void watch(struct echoer *echoer, uint64_t i)
{
	struct channel *channel = &echoer->channels[i];
	uint32_t events = EPOLLIN;

	if (!channel->connected || channel->out_left > 0)
		events |= EPOLLOUT;
	poller_change(echoer->poller, channel->fd, events, i);
}

static void close_channel(struct echoer *echoer, struct channel *channel)
{
	if (channel->fd >= 0 && !channel->stream)
		echoer->count->result.overruns += dial_overruns(channel->fd);
	channel_close(channel);
}

/* A failed stream is over; a datagram socket reports what came back and goes on. */
static void fail_channel(struct echoer *echoer, struct channel *channel, int err)
{
	tally_add(&echoer->count->result.errors, err, 1);
	echoer->count->result.refused++;
	if (channel->stream)
		close_channel(echoer, channel);
}

static void on_ready(struct echoer *echoer, const struct epoll_event *event)
{
	struct channel *channel = &echoer->channels[event->data.u64];
	int err = 0;

	if (channel->fd < 0)
		return;
	if (!channel->connected) {
		err = channel_connected(channel);
		if (err)
			tally_add(&echoer->count->result.errors, err, 1);
		else
			watch(echoer, event->data.u64);
		return;
	}
	if (event->events & EPOLLOUT) {
		err = channel_flush(channel, echoer->kit);
		if (!err && channel->out_left == 0)
			watch(echoer, event->data.u64);
	}
	/* Also at EPOLLERR and EPOLLHUP: reading says what it is. */
	if (!err && event->events & ~(uint32_t)EPOLLOUT)
		err = channel_receive(channel, echoer->kit);
	if (err)
		fail_channel(echoer, channel, err);
}

static void poll_until(struct echoer *echoer, uint64_t until_ns)
{
	struct epoll_event events[EVENTS];
	int n = poller_wait(echoer->poller, until_ns, events, EVENTS);

	for (int i = 0; i < n; i++)
		on_ready(echoer, &events[i]);
	echoer->count->result.outcome.stopped_by = poller_signal(echoer->poller);
}

static void send_one(struct echoer *echoer, uint64_t now_ns)
{
	uint64_t sequence = ledger_asked(echoer->ledger);
	uint64_t number = sequence % echoer->flows;
	struct channel *channel = &echoer->channels[number];
	struct probe probe = {
		.sequence = sequence,
		.intended_ns = schedule_time_ns(&echoer->schedule, sequence, now_ns),
	};
	int err = channel_send(channel, echoer->kit, &probe);

	/* What could not be sent has its number, too: the schedule goes by them. */
	ledger_ask(echoer->ledger, now_ns, 1);
	if (err) {
		ledger_settle(echoer->ledger, sequence);
		tally_add(&echoer->count->result.errors, err, 1);
	} else {
		echoer->count->result.sent++;
	}
	if (!err && channel->out_left > 0)
		watch(echoer, number);
}

static void send_due(struct echoer *echoer, uint64_t now_ns)
{
	uint64_t outstanding = ledger_outstanding(echoer->ledger);
	uint64_t n = schedule_allowed(&echoer->schedule, now_ns, outstanding);

	if (n > SEND_BATCH)
		n = SEND_BATCH;
	if (n > ledger_room(echoer->ledger))
		n = ledger_room(echoer->ledger);
	for (uint64_t i = 0; i < n; i++)
		send_one(echoer, now_ns);
	if (n > 0) {
		schedule_took(&echoer->schedule, now_ns, n,
			      &echoer->count->result.outcome);
		echoer->count->last_ns = now_ns;
	}
}

static uint64_t next_ns(const struct echoer *echoer)
{
	uint64_t next = ledger_expiry_ns(echoer->ledger);

	if (echoer->sending && schedule_next_ns(&echoer->schedule) < next)
		next = schedule_next_ns(&echoer->schedule);
	return next;
}

/* What is due by the end of the time may still be sent then, but not late. */
static void look_for_end(struct echoer *echoer, uint64_t now_ns)
{
	const struct schedule *schedule = &echoer->schedule;
	uint64_t end_ns = schedule->end_ns + (schedule->paced ? LOAD_LATE_NS : 0);
	bool left = schedule_left(schedule) > 0;

	if (left && now_ns < end_ns)
		return;
	echoer->sending = false;
	echoer->count->result.outcome.cut_short = left && schedule->paced;
}

static bool is_over(const struct echoer *echoer)
{
	return echoer->count->result.outcome.stopped_by ||
	       (!echoer->sending && ledger_outstanding(echoer->ledger) == 0);
}

static void run(struct echoer *echoer)
{
	for (;;) {
		uint64_t now_ns = clock_now_ns();

		echoer->count->result.lost += ledger_expire(echoer->ledger, now_ns);
		if (echoer->sending)
			look_for_end(echoer, now_ns);
		/* Before it waits: there may be nothing left to wait for. */
		if (is_over(echoer))
			return;
		if (echoer->sending)
			send_due(echoer, now_ns);
		poll_until(echoer, next_ns(echoer));
	}
}

static void start(struct echoer *echoer)
{
	const struct load *load = echoer->load;
	uint64_t count = UINT64_MAX;

	/* At a rate, what is asked for is a number, exactly; without one it is the time. */
	if (load->rate > 0)
		/* In two parts: the product of nanoseconds and rate may not fit 64 bits. */
		count = load->duration_ns / CLOCK_NS_PER_S * load->rate +
			load->duration_ns % CLOCK_NS_PER_S * load->rate / CLOCK_NS_PER_S;
	schedule_start(&echoer->schedule, echoer->orders->start_ns, load->rate,
		       echoer->window, count, load->duration_ns);
	schedule_share(&echoer->schedule, echoer->share->processes, echoer->share->index);
	echoer->sending = true;
}

static void close_all(struct echoer *echoer)
{
	for (uint64_t i = 0; i < echoer->flows; i++)
		close_channel(echoer, &echoer->channels[i]);
}

static uint64_t count_connected(const struct echoer *echoer, bool *pending)
{
	uint64_t connected = 0;

	*pending = false;
	for (uint64_t i = 0; i < echoer->flows; i++) {
		connected += echoer->channels[i].connected;
		*pending |= echoer->channels[i].fd >= 0 && !echoer->channels[i].connected;
	}
	return connected;
}

static void open_channels(struct echoer *echoer)
{
	for (uint64_t i = 0; i < echoer->flows; i++) {
		struct channel *channel = &echoer->channels[i];
		int err =
			channel_open(channel, echoer->load,
				     i * echoer->share->processes + echoer->share->index);

		if (!err || err == -EINPROGRESS)
			err = poller_add(echoer->poller, channel->fd,
					 channel->connected ? EPOLLIN : EPOLLOUT, i);
		if (err) {
			tally_add(&echoer->count->result.errors, err, 1);
			channel_close(channel);
		}
	}
}

/* Says how many have a connection, once none is still on its way. */
static void connect_all(struct echoer *echoer)
{
	uint64_t give_up_ns;
	bool pending;

	open_channels(echoer);
	give_up_ns = clock_now_ns() + echoer->load->wait_ns;
	echoer->count->connected = count_connected(echoer, &pending);
	while (pending && clock_now_ns() < give_up_ns &&
	       !echoer->count->result.outcome.stopped_by) {
		poll_until(echoer, give_up_ns);
		echoer->count->connected = count_connected(echoer, &pending);
	}
	__atomic_store_n(&echoer->count->ready, true, __ATOMIC_RELEASE);
}

/* Returns false if it was stopped before. */
static bool wait_for_start(struct echoer *echoer)
{
	while (!echoer->count->result.outcome.stopped_by) {
		if (__atomic_load_n(&echoer->orders->start_ns, __ATOMIC_ACQUIRE))
			return true;
		poll_until(echoer, clock_now_ns() + START_LOOK_NS);
	}
	return false;
}

static int open_all(struct echoer *echoer)
{
	const struct load *load = echoer->load;
	int err;

	echoer->channels = calloc(echoer->flows, sizeof(struct channel));
	err = echoer->channels ? poller_open(&echoer->poller) : -ENOMEM;
	if (!err)
		err = ledger_open(&echoer->ledger, LEDGER_CAPACITY, load->wait_ns);
	if (!err)
		err = channel_kit_open(&echoer->kit, load, &echoer->events);
	return err;
}

int echoer_run(const struct echoer_share *share, struct echoer_count *count,
	       const struct echoer_orders *orders)
{
	struct echoer echoer = {
		.share = share,
		.load = share->load,
		.orders = orders,
		.count = count,
		.flows = own_part(share, share->load->flows),
		.window = own_part(share, share->load->window),
	};
	int err;

	echoer.events = (struct channel_events){ on_echo, on_unexpected, &echoer };
	err = open_all(&echoer);
	if (!err) {
		connect_all(&echoer);
		if (wait_for_start(&echoer)) {
			start(&echoer);
			run(&echoer);
		}
		close_all(&echoer);
	}
	channel_kit_close(echoer.kit);
	ledger_close(echoer.ledger);
	poller_close(echoer.poller);
	free(echoer.channels);
	return err;
}
