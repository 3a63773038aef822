// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/clients.h"

#include <errno.h>
#include <ev.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/clock.h"
#include "server/dial.h"
#include "server/load.h"
#include "server/pacer.h"
#include "server/reply.h"

enum {
	READ_BYTES = 65536,
	REQUEST_BYTES = 512,
};

/*
 * How often the waits and the orders are looked at. Fifty processes that do so every
 * millisecond would be a load of their own.
 */
enum { LOOK_NS = 50 * CLOCK_NS_PER_MS, FIRST_LOOK_NS = 2 * CLOCK_NS_PER_MS };

/*
 * Behind schedule, opening gets as much time as reading took since it last was given some, and this
 * much at least: what is open must not keep the rest from being opened, nor the reverse.
 */
static const uint64_t OPEN_LEAST_NS = UINT64_C(2) * CLOCK_NS_PER_MS;

/*
 * Events are collected for so long before they are looked at: it is chunks that are counted
 * here, not latency, and to be woken up for each one costs more than to read it.
 */
static const double COLLECT_S = 0.005;

enum state { CLIENT_UNUSED, CLIENT_CONNECTING, CLIENT_ASKED, CLIENT_OPEN, CLIENT_ENDED };

/* Everything that a connection costs, besides libev's own few bytes. */
struct client {
	ev_io io;
	struct reply reply;
	uint32_t started_ms; /* since the start of the run */
	uint8_t state;
	bool fed; /* got a chunk */
};

_Static_assert(sizeof(struct client) <= 256,
	       "a connection stays as small as the server's");

struct clients {
	const struct clients_share *share;
	struct clients_count *count;
	const struct clients_orders *orders;
	struct ev_loop *loop;
	ev_timer tick;
	ev_signal interrupt;
	ev_signal terminate;
	struct pacer pacer; /* of all processes together */
	bool started;
	uint64_t opened_ns; /* when the last opening ended */
	uint64_t mine;
	uint64_t next;    /* of mine: the first that was not tried */
	uint64_t waiting; /* of mine: all before are open, or will never be */
	struct client *client;
	char buffer[READ_BYTES];
};

static uint64_t order(const uint64_t *time_ns)
{
	return __atomic_load_n(time_ns, __ATOMIC_RELAXED);
}

static void end_client(struct clients *clients, struct client *client)
{
	ev_io_stop(clients->loop, &client->io);
	close(client->io.fd);
	client->state = CLIENT_ENDED;
}

/* It will not be open any more; err 0: the server closed it without an error. */
static void lose(struct clients *clients, struct client *client, int err)
{
	if (client->state == CLIENT_OPEN)
		clients->count->closed_early++;
	else
		clients->count->failed++;
	if (err)
		tally_add(&clients->count->errors, err, 1);
	end_client(clients, client);
}

/* Returns 0; -EAGAIN while it is not connected; another -errno if it could not be. */
static int ask(struct clients *clients, struct client *client)
{
	const struct clients_share *share = clients->share;
	uint64_t mine = (uint64_t)(client - clients->client);
	const char *host = strchr(share->load->target.text, '/') + 1;
	char request[REQUEST_BYTES];
	ssize_t sent;
	int length;

	length = snprintf(request, sizeof(request),
			  "GET %s%" PRIu64 " HTTP/1.1\r\nHost: %s\r\n\r\n",
			  share->load->path_prefix, share_number(&share->share, mine),
			  host);
	if (length < 0 || length >= REQUEST_BYTES)
		return -EMSGSIZE;
	/* The send buffer of a new connection is empty: a short write is a failure. */
	sent = send(client->io.fd, request, (size_t)length, MSG_NOSIGNAL);
	if (sent != length)
		return sent < 0 ? -errno : -EIO;
	client->state = CLIENT_ASKED;
	return 0;
}

static void take(struct clients *clients, struct client *client, size_t length)
{
	struct clients_count *count = clients->count;
	uint32_t chunks;
	int err = reply_read(&client->reply, clients->buffer, length, &chunks);

	count->bytes += length;
	if (err) {
		lose(clients, client, err);
		return;
	}
	count->chunks += chunks;
	if (chunks > 0 && !client->fed) {
		client->fed = true;
		count->fed++;
	}
	if (client->state == CLIENT_ASKED && client->reply.open) {
		client->state = CLIENT_OPEN;
		count->last_opened_ns = clock_now_ns();
		/* Last, so that whoever sees the sum complete sees the time too. */
		__atomic_store_n(&count->opened, count->opened + 1, __ATOMIC_RELEASE);
	}
	if (client->reply.ended)
		lose(clients, client, 0);
}

static void on_readable(struct ev_loop *loop, ev_io *w, int revents)
{
	struct clients *clients = ev_userdata(loop);
	struct client *client = (struct client *)w;
	ssize_t length = recv(w->fd, clients->buffer, sizeof(clients->buffer), 0);

	if (length > 0)
		take(clients, client, (size_t)length);
	else if (length == 0)
		lose(clients, client, client->state == CLIENT_OPEN ? 0 : ECONNRESET);
	else if (errno != EAGAIN && errno != EINTR)
		lose(clients, client, errno);
}

static void on_connected(struct ev_loop *loop, ev_io *w, int revents)
{
	struct clients *clients = ev_userdata(loop);
	struct client *client = (struct client *)w;
	int err = ask(clients, client);

	if (err == -EAGAIN)
		return;
	if (err) {
		lose(clients, client, err);
		return;
	}
	ev_io_stop(loop, w);
	ev_set_cb(w, on_readable);
	ev_io_set(w, w->fd, EV_READ);
	ev_io_start(loop, w);
}

static int dial(const struct clients *clients, uint64_t number)
{
	const struct load *load = clients->share->load;
	union endpoint local;
	int err, fd;

	if (load->has_source)
		source_endpoint(&load->source, number % load->source.addresses, 0,
				&local);
	fd = dial_socket(&load->target, load->has_source ? &local : NULL);
	if (fd < 0)
		return fd;
	err = dial_connect(fd, &load->target);
	if (err && err != -EINPROGRESS) {
		close(fd);
		return err;
	}
	return fd;
}

static void open_client(struct clients *clients, struct client *client, uint64_t number,
			uint64_t now_ns)
{
	int fd = dial(clients, number);
	int err;

	clients->count->tried++;
	if (fd < 0) {
		clients->count->failed++;
		tally_add(&clients->count->errors, fd, 1);
		client->state = CLIENT_ENDED;
		return;
	}
	client->state = CLIENT_CONNECTING;
	client->started_ms = (uint32_t)((now_ns - order(&clients->orders->start_ns)) /
					CLOCK_NS_PER_MS);
	reply_start(&client->reply);
	ev_io_init(&client->io, on_connected, fd, EV_WRITE);
	/* A near server has answered the handshake by now: then writing needs no watching. */
	err = ask(clients, client);
	if (err && err != -EAGAIN) {
		lose(clients, client, err);
		return;
	}
	if (!err)
		ev_io_init(&client->io, on_readable, fd, EV_READ);
	ev_io_start(clients->loop, &client->io);
}

static void note_lateness(struct clients *clients, uint64_t due_ns, uint64_t now_ns)
{
	struct clients_count *count = clients->count;

	if (now_ns < due_ns + LOAD_LATE_NS)
		return;
	count->late++;
	if (now_ns - due_ns > count->max_late_ns)
		count->max_late_ns = now_ns - due_ns;
}

/* Returns when to come back. */
static uint64_t open_due(struct clients *clients, uint64_t now_ns)
{
	const struct share *share = &clients->share->share;
	uint64_t pause_ns = now_ns - clients->opened_ns;
	uint64_t stop_ns = now_ns + (pause_ns > OPEN_LEAST_NS ? pause_ns : OPEN_LEAST_NS);

	while (now_ns < stop_ns && clients->next < clients->mine) {
		uint64_t number = share_number(share, clients->next);
		uint64_t due_ns = pacer_time_ns(&clients->pacer, number);

		now_ns = clock_now_ns();
		if (now_ns >= order(&clients->orders->stop_opening_ns))
			break;
		if (now_ns < due_ns)
			return due_ns;
		note_lateness(clients, due_ns, now_ns);
		open_client(clients, &clients->client[clients->next++], number, now_ns);
	}
	return clients->next < clients->mine ? now_ns : now_ns + LOOK_NS;
}

/* They were started in order, so the oldest one that is not open is the first to be given up. */
static void give_up_silent(struct clients *clients, uint64_t now_ns)
{
	uint64_t passed_ms =
		(now_ns - order(&clients->orders->start_ns)) / CLOCK_NS_PER_MS;
	uint64_t wait_ms = clients->share->load->wait_ns / CLOCK_NS_PER_MS;

	for (; clients->waiting < clients->next; clients->waiting++) {
		struct client *client = &clients->client[clients->waiting];

		if (client->state == CLIENT_OPEN || client->state == CLIENT_ENDED)
			continue;
		if (client->started_ms + wait_ms > passed_ms)
			return;
		lose(clients, client, ETIMEDOUT);
	}
}

/* Does what is due now. Returns when to come back at the latest. */
static uint64_t work(struct clients *clients, uint64_t now_ns)
{
	uint64_t start_ns = order(&clients->orders->start_ns);
	uint64_t next_ns;

	if (!start_ns || now_ns < start_ns)
		return now_ns + FIRST_LOOK_NS;
	if (!clients->started) {
		pacer_start(&clients->pacer, start_ns, clients->share->load->rate);
		clients->opened_ns = now_ns;
	}
	clients->started = true;
	next_ns = open_due(clients, now_ns);
	clients->opened_ns = clock_now_ns();
	give_up_silent(clients, now_ns);
	return next_ns < now_ns + LOOK_NS ? next_ns : now_ns + LOOK_NS;
}

static void on_tick(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct clients *clients = ev_userdata(loop);
	uint64_t end_ns = order(&clients->orders->end_ns);
	uint64_t now_ns = clock_now_ns();
	uint64_t next_ns;

	if (end_ns && now_ns >= end_ns) {
		ev_break(loop, EVBREAK_ALL);
		return;
	}
	next_ns = work(clients, now_ns);
	if (end_ns && next_ns > end_ns)
		next_ns = end_ns;
	now_ns = clock_now_ns();
	/* libev counts from when it woke up. */
	ev_now_update(loop);
	ev_timer_set(w, next_ns > now_ns ? clock_between_s(now_ns, next_ns) : 0, 0);
	ev_timer_start(loop, w);
}

static void on_signal(struct ev_loop *loop, ev_signal *w, int revents)
{
	ev_break(loop, EVBREAK_ALL);
}

static void start_watchers(struct clients *clients)
{
	sigset_t set;

	ev_set_userdata(clients->loop, clients);
	ev_set_io_collect_interval(clients->loop, COLLECT_S);
	ev_timer_init(&clients->tick, on_tick, 0, 0);
	ev_timer_start(clients->loop, &clients->tick);
	ev_signal_init(&clients->interrupt, on_signal, SIGINT);
	ev_signal_start(clients->loop, &clients->interrupt);
	ev_signal_init(&clients->terminate, on_signal, SIGTERM);
	ev_signal_start(clients->loop, &clients->terminate);
	/* The parent has them blocked, to read them from a signalfd; libev wants to be interrupted. */
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
}

static void close_all(struct clients *clients)
{
	for (uint64_t i = 0; i < clients->next; i++) {
		if (clients->client[i].state != CLIENT_ENDED)
			end_client(clients, &clients->client[i]);
	}
	ev_signal_stop(clients->loop, &clients->interrupt);
	ev_signal_stop(clients->loop, &clients->terminate);
	ev_timer_stop(clients->loop, &clients->tick);
}

int clients_run(const struct clients_share *share, struct clients_count *count,
		const struct clients_orders *orders)
{
	struct clients *clients = calloc(1, sizeof(*clients));
	int err = -ENOMEM;

	if (!clients)
		return -ENOMEM;
	clients->share = share;
	clients->count = count;
	clients->orders = orders;
	clients->mine = share_size(&share->share);
	clients->client = calloc(clients->mine + 1, sizeof(struct client));
	clients->loop = ev_loop_new(EVFLAG_NOENV | EVBACKEND_EPOLL);
	if (!clients->client || !clients->loop)
		goto out;
	start_watchers(clients);
	ev_run(clients->loop, 0);
	close_all(clients);
	err = order(&orders->end_ns) ? 0 : -EINTR;
out:
	if (clients->loop)
		ev_loop_destroy(clients->loop);
	free(clients->client);
	free(clients);
	return err;
}
