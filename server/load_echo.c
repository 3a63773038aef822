// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/load_echo.h"

#include <errno.h>
#include <stdlib.h>

#include "lib/clock.h"
#include "lib/log.h"
#include "server/channel.h"
#include "server/dial.h"
#include "server/ledger.h"
#include "server/poller.h"
#include "server/progress.h"
#include "server/schedule.h"

enum {
	EVENTS = 64,
	SEND_BATCH = 64, /* messages before echoes get their turn */
};

/* Messages whose answers are still recognised: 8 MB of bits. */
#define LEDGER_CAPACITY (UINT64_C(1) << 26)

struct echo {
	const struct load *load;
	struct echo_result result;
	struct ledger *ledger;
	struct poller *poller;
	struct channel_kit *kit;
	struct channel_events events;
	struct channel *channels;
	struct schedule schedule;
	struct progress progress;
	uint64_t start_ns;
	uint64_t last_ns; /* of the last send */
	bool sending;
};

static void on_echo(void *data, const struct probe *probe)
{
	struct echo *echo = data;
	uint64_t now_ns = clock_now_ns();

	switch (ledger_settle(echo->ledger, probe->sequence)) {
	case LEDGER_FIRST:
		echo->result.received++;
		hist_add(&echo->result.latency_ns, now_ns - probe->intended_ns);
		break;
	case LEDGER_AGAIN: echo->result.duplicates++; break;
	case LEDGER_LATE: echo->result.received_late++; break;
	case LEDGER_UNKNOWN: echo->result.unexpected++; break;
	}
}

static void on_unexpected(void *data)
{
	struct echo *echo = data;

	echo->result.unexpected++;
}

static void watch(struct echo *echo, uint64_t i)
{
	struct channel *channel = &echo->channels[i];
	uint32_t events = EPOLLIN;

	if (!channel->connected || channel->out_left > 0)
		events |= EPOLLOUT;
	poller_change(echo->poller, channel->fd, events, i);
}

static void close_channel(struct echo *echo, struct channel *channel)
{
	if (channel->fd >= 0 && !channel->stream)
		echo->result.overruns += dial_overruns(channel->fd);
	channel_close(channel);
}

/* A failed stream is over; a datagram socket reports what came back and goes on. */
static void fail_channel(struct echo *echo, struct channel *channel, int err)
{
	tally_add(&echo->result.errors, err, 1);
	echo->result.refused++;
	if (channel->stream)
		close_channel(echo, channel);
}

static void on_ready(struct echo *echo, const struct epoll_event *event)
{
	struct channel *channel = &echo->channels[event->data.u64];
	int err = 0;

	if (channel->fd < 0)
		return;
	if (!channel->connected) {
		err = channel_connected(channel);
		if (err)
			tally_add(&echo->result.errors, err, 1);
		else
			watch(echo, event->data.u64);
		return;
	}
	if (event->events & EPOLLOUT) {
		err = channel_flush(channel, echo->kit);
		if (!err && channel->out_left == 0)
			watch(echo, event->data.u64);
	}
	if (!err && event->events & ~(uint32_t)EPOLLOUT)
		err = channel_receive(channel, echo->kit);
	if (err)
		fail_channel(echo, channel, err);
}

static void poll_until(struct echo *echo, uint64_t until_ns)
{
	struct epoll_event events[EVENTS];
	int n = poller_wait(echo->poller, until_ns, events, EVENTS);

	for (int i = 0; i < n; i++)
		on_ready(echo, &events[i]);
	echo->result.outcome.stopped_by = poller_signal(echo->poller);
}

static void send_one(struct echo *echo, uint64_t now_ns)
{
	uint64_t sequence = ledger_asked(echo->ledger);
	uint64_t number = sequence % echo->load->flows;
	struct channel *channel = &echo->channels[number];
	struct probe probe = {
		.sequence = sequence,
		.intended_ns = schedule_time_ns(&echo->schedule, sequence, now_ns),
	};
	int err = channel_send(channel, echo->kit, &probe);

	ledger_ask(echo->ledger, now_ns, 1);
	if (err) {
		ledger_settle(echo->ledger, sequence);
		tally_add(&echo->result.errors, err, 1);
	} else {
		echo->result.sent++;
	}
	if (!err && channel->out_left > 0)
		watch(echo, number);
}

static void send_due(struct echo *echo, uint64_t now_ns)
{
	uint64_t outstanding = ledger_outstanding(echo->ledger);
	uint64_t n = schedule_allowed(&echo->schedule, now_ns, outstanding);

	if (n > SEND_BATCH)
		n = SEND_BATCH;
	if (n > ledger_room(echo->ledger))
		n = ledger_room(echo->ledger);
	for (uint64_t i = 0; i < n; i++)
		send_one(echo, now_ns);
	if (n > 0) {
		schedule_took(&echo->schedule, now_ns, n, &echo->result.outcome);
		echo->last_ns = now_ns;
	}
}

static uint64_t next_ns(const struct echo *echo)
{
	uint64_t next = ledger_expiry_ns(echo->ledger);

	if (echo->progress.next_ns < next)
		next = echo->progress.next_ns;
	if (echo->sending && schedule_next_ns(&echo->schedule) < next)
		next = schedule_next_ns(&echo->schedule);
	return next;
}

/* What is due by the end of the time may still be sent then, but not late. */
static void look_for_end(struct echo *echo, uint64_t now_ns)
{
	const struct schedule *schedule = &echo->schedule;
	uint64_t end_ns = schedule->end_ns + (schedule->paced ? LOAD_LATE_NS : 0);
	bool left = schedule_left(schedule) > 0;

	if (left && now_ns < end_ns)
		return;
	echo->sending = false;
	echo->result.outcome.cut_short = left && schedule->paced;
}

static void run(struct echo *echo)
{
	const struct echo_result *result = &echo->result;

	while (!result->outcome.stopped_by &&
	       (echo->sending || ledger_outstanding(echo->ledger) > 0)) {
		uint64_t now_ns = clock_now_ns();

		echo->result.lost += ledger_expire(echo->ledger, now_ns);
		if (echo->sending)
			look_for_end(echo, now_ns);
		if (echo->sending)
			send_due(echo, now_ns);
		progress_tell(&echo->progress, now_ns, "sent", result->sent, "received",
			      result->received);
		poll_until(echo, next_ns(echo));
	}
}

static void start(struct echo *echo)
{
	const struct load *load = echo->load;
	uint64_t now_ns = clock_now_ns();
	uint64_t count = UINT64_MAX;

	/* At a rate, what is asked for is a number, exactly; without one it is the time. */
	if (load->rate > 0)
		count = load->duration_ns / CLOCK_NS_PER_S * load->rate +
			load->duration_ns % CLOCK_NS_PER_S * load->rate / CLOCK_NS_PER_S;
	schedule_start(&echo->schedule, now_ns, load->rate, load->window, count,
		       load->duration_ns);
	progress_start(&echo->progress, load->log, now_ns);
	echo->start_ns = now_ns;
	echo->last_ns = now_ns;
	echo->sending = true;
}

static void sum_up(struct echo *echo)
{
	struct echo_result *result = &echo->result;

	result->outstanding = ledger_outstanding(echo->ledger);
	result->seconds = clock_between_s(echo->start_ns, echo->last_ns);
	if (echo->load->rate > 0)
		result->seconds += 1.0 / (double)echo->load->rate;
	if (result->seconds > 0)
		result->rate = (double)result->received / result->seconds;
	for (uint64_t i = 0; i < echo->load->flows; i++)
		close_channel(echo, &echo->channels[i]);
}

static uint64_t count_connected(const struct echo *echo, bool *pending)
{
	uint64_t connected = 0;

	*pending = false;
	for (uint64_t i = 0; i < echo->load->flows; i++) {
		connected += echo->channels[i].connected;
		*pending |= echo->channels[i].fd >= 0 && !echo->channels[i].connected;
	}
	return connected;
}

static void open_channels(struct echo *echo)
{
	for (uint64_t i = 0; i < echo->load->flows; i++) {
		struct channel *channel = &echo->channels[i];
		int err = channel_open(channel, echo->load, i);

		if (!err || err == -EINPROGRESS)
			err = poller_add(echo->poller, channel->fd,
					 channel->connected ? EPOLLIN : EPOLLOUT, i);
		if (err) {
			tally_add(&echo->result.errors, err, 1);
			channel_close(channel);
		}
	}
}

/* The clock of the run starts when all that will connect have. */
static int connect_all(struct echo *echo)
{
	uint64_t give_up_ns;
	uint64_t connected;
	bool pending;

	open_channels(echo);
	give_up_ns = clock_now_ns() + echo->load->wait_ns;
	connected = count_connected(echo, &pending);
	while (pending && clock_now_ns() < give_up_ns &&
	       !echo->result.outcome.stopped_by) {
		poll_until(echo, give_up_ns);
		connected = count_connected(echo, &pending);
	}
	if (connected == 0)
		return -(tally_worst(&echo->result.errors) ?: ETIMEDOUT);
	if (connected < echo->load->flows)
		log_warn(echo->load->log,
			 "only %llu of %llu flows have a connection: the others count as "
			 "errors",
			 (unsigned long long)connected,
			 (unsigned long long)echo->load->flows);
	return 0;
}

int load_echo_run(const struct load *load, struct echo_result *out)
{
	struct echo *echo = calloc(1, sizeof(*echo));
	int err;

	if (!echo)
		return -ENOMEM;
	echo->load = load;
	echo->events = (struct channel_events){ on_echo, on_unexpected, echo };
	dial_raise_descriptors();
	echo->channels = calloc(load->flows, sizeof(struct channel));
	err = echo->channels ? poller_open(&echo->poller) : -ENOMEM;
	if (!err)
		err = ledger_open(&echo->ledger, LEDGER_CAPACITY, load->wait_ns);
	if (!err)
		err = channel_kit_open(&echo->kit, load, &echo->events);
	if (!err)
		err = connect_all(echo);
	if (!err) {
		start(echo);
		run(echo);
		sum_up(echo);
		*out = echo->result;
	}
	channel_kit_close(echo->kit);
	ledger_close(echo->ledger);
	poller_close(echo->poller);
	free(echo->channels);
	free(echo);
	return err;
}
