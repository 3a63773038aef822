// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/clients.h"

#include <errno.h>
#include <ev.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/clock.h"
#include "server/dial.h"
#include "server/load.h"
#include "server/opener.h"
#include "server/reply.h"

enum {
	READ_BYTES = 65536,
	REQUEST_BYTES = 512,
};

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
	struct opener opener; /* first: it is found by it */
	uint64_t waiting;     /* of ours: all before are open, or will never be */
	struct client *client;
	char buffer[READ_BYTES];
};

static void end_client(struct clients *clients, struct client *client)
{
	ev_io_stop(clients->opener.loop, &client->io);
	close(client->io.fd);
	client->state = CLIENT_ENDED;
}

/* It will not be open any more; err 0: the server closed it without an error. */
static void lose(struct clients *clients, struct client *client, int err)
{
	if (client->state == CLIENT_OPEN)
		clients->opener.count->closed_early++;
	else
		clients->opener.count->failed++;
	if (err)
		tally_add(&clients->opener.count->errors, err, 1);
	end_client(clients, client);
}

/* Returns 0; -EAGAIN while it is not connected; another -errno if it could not be. */
static int ask(struct clients *clients, struct client *client)
{
	const struct clients_share *share = clients->opener.share;
	uint64_t mine = (uint64_t)(client - clients->client);
	/* Behind the "tcp/" of a target comes what Host says. */
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
	/* EAGAIN while it is not connected (sk_stream_wait_connect() in net/core/stream.c). */
	if (sent != length)
		return sent < 0 ? -errno : -EIO;
	client->state = CLIENT_ASKED;
	return 0;
}

static void take(struct clients *clients, struct client *client, size_t length)
{
	struct clients_count *count = clients->opener.count;
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
	const struct load *load = clients->opener.share->load;
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

static void open_client(struct opener *opener, uint64_t i, uint64_t number,
			uint64_t now_ns)
{
	struct clients *clients = (struct clients *)opener;
	struct client *client = &clients->client[i];
	int fd = dial(clients, number);
	int err;

	clients->opener.count->tried++;
	if (fd < 0) {
		clients->opener.count->failed++;
		tally_add(&clients->opener.count->errors, fd, 1);
		client->state = CLIENT_ENDED;
		return;
	}
	client->state = CLIENT_CONNECTING;
	client->started_ms = opener_passed_ms(opener, now_ns);
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
	ev_io_start(clients->opener.loop, &client->io);
}

/* They were started in order, so the oldest one that is not open is the first to be given up. */
static void give_up_silent(struct opener *opener, uint64_t now_ns)
{
	struct clients *clients = (struct clients *)opener;
	uint64_t passed_ms = opener_passed_ms(opener, now_ns);
	uint64_t wait_ms = clients->opener.share->load->wait_ns / CLOCK_NS_PER_MS;

	for (; clients->waiting < clients->opener.next; clients->waiting++) {
		struct client *client = &clients->client[clients->waiting];

		if (client->state == CLIENT_OPEN || client->state == CLIENT_ENDED)
			continue;
		if (client->started_ms + wait_ms > passed_ms)
			return;
		lose(clients, client, ETIMEDOUT);
	}
}

static void close_all(struct opener *opener)
{
	struct clients *clients = (struct clients *)opener;

	for (uint64_t i = 0; i < opener->next; i++) {
		if (clients->client[i].state != CLIENT_ENDED)
			end_client(clients, &clients->client[i]);
	}
}

int clients_run(const struct clients_share *share, struct clients_count *count,
		const struct clients_orders *orders)
{
	struct clients *clients = calloc(1, sizeof(*clients));
	int err = -ENOMEM;

	if (!clients)
		return -ENOMEM;
	clients->opener = (struct opener){
		.share = share,
		.count = count,
		.orders = orders,
		.open = open_client,
		.look = give_up_silent,
		.close_all = close_all,
	};
	/* One more than needed: calloc() of nothing may return NULL. */
	clients->client = calloc(share_size(&share->share) + 1, sizeof(struct client));
	if (clients->client)
		err = opener_run(&clients->opener);
	free(clients->client);
	free(clients);
	return err;
}
