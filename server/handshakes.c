// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/handshakes.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/book.h"
#include "server/dial.h"
#include "server/ledger.h"
#include "server/load.h"
#include "server/poller.h"
#include "server/ports.h"

enum {
	DESCRIPTORS_SPARE = 32, /* for everything that is not a handshake */
	BATCH = 64,             /* before answers get their turn */
};

struct attempt {
	bool open;
	int fd;
	uint64_t flow;
};

struct handshakes {
	const struct load *load;
	struct poller *poller;
	struct book *book;
	uint64_t addresses;
	struct ports ports;
	uint64_t frontier;
	uint64_t open;
	uint64_t max;
	struct attempt *attempt; /* of flow i at i modulo max */
};

int handshakes_open(struct handshakes **out, const struct load *load,
		    struct poller *poller, struct book *book)
{
	struct handshakes *handshakes = calloc(1, sizeof(*handshakes));
	uint64_t descriptors = dial_raise_descriptors();
	uint64_t random;

	if (!handshakes)
		return -ENOMEM;
	handshakes->load = load;
	handshakes->poller = poller;
	handshakes->book = book;
	handshakes->addresses = load->has_source ? load->source.addresses : 1;
	handshakes->max =
		descriptors > DESCRIPTORS_SPARE ? descriptors - DESCRIPTORS_SPARE : 1;
	handshakes->attempt = calloc(handshakes->max, sizeof(struct attempt));
	if (!handshakes->attempt ||
	    getrandom(&random, sizeof(random), 0) != sizeof(random)) {
		handshakes_close(handshakes);
		return -ENOMEM;
	}
	ports_start(&handshakes->ports, random);
	*out = handshakes;
	return 0;
}

static struct attempt *attempt_of(const struct handshakes *handshakes, uint64_t flow)
{
	return &handshakes->attempt[flow % handshakes->max];
}

static void end_attempt(struct handshakes *handshakes, struct attempt *attempt)
{
	close(attempt->fd);
	attempt->open = false;
	handshakes->open--;
}

void handshakes_close(struct handshakes *handshakes)
{
	if (!handshakes)
		return;
	for (uint64_t i = 0; handshakes->attempt && i < handshakes->max; i++) {
		if (handshakes->attempt[i].open)
			end_attempt(handshakes, &handshakes->attempt[i]);
	}
	free(handshakes->attempt);
	free(handshakes);
}

static int open_socket(const struct handshakes *handshakes, uint64_t flow)
{
	const struct load *load = handshakes->load;
	/* All addresses with one port, then with the next: no pair comes twice. */
	uint16_t port =
		ports_at(&handshakes->ports, (uint32_t)(flow / handshakes->addresses));
	union endpoint local = { .any.sa_family = load->target.endpoint.any.sa_family };

	if (load->has_source)
		source_endpoint(&load->source, flow % handshakes->addresses, port,
				&local);
	local.v4.sin_port = htons(port);
	return dial_socket(&load->target, &local);
}

/* Returns 0 if the flow was tried, whatever came of it, and -EAGAIN if it has to wait. */
static int start(struct handshakes *handshakes, uint64_t now_ns, uint64_t flow)
{
	struct attempt *attempt = attempt_of(handshakes, flow);
	int err = 0;
	int fd;

	/* The flow that has this place is not settled yet. */
	if (attempt->open)
		return -EAGAIN;
	fd = open_socket(handshakes, flow);
	if (fd == -EMFILE && handshakes->open > 0)
		return -EAGAIN;
	ledger_ask(handshakes->book->ledger, now_ns, 1);
	if (fd >= 0)
		err = dial_connect(fd, &handshakes->load->target);
	if (fd < 0 || (err && err != -EINPROGRESS)) {
		book_not_sent(handshakes->book, flow, fd < 0 ? fd : err);
		if (fd >= 0)
			close(fd);
		return 0;
	}
	/* A connection that stands at once is found writable like any other. */
	err = poller_add(handshakes->poller, fd, EPOLLOUT, flow);
	book_sent(handshakes->book, 1);
	*attempt = (struct attempt){ true, fd, flow };
	handshakes->open++;
	if (err) {
		book_refused(handshakes->book, flow, err);
		end_attempt(handshakes, attempt);
	}
	return 0;
}

int handshakes_send(struct handshakes *handshakes, uint64_t now_ns, uint64_t first,
		    uint64_t n)
{
	uint64_t tried = 0;

	while (tried < n && tried < BATCH &&
	       start(handshakes, now_ns, first + tried) == 0)
		tried++;
	return tried > 0 ? (int)tried : -EAGAIN;
}

void handshakes_ready(struct handshakes *handshakes, uint64_t key)
{
	struct attempt *attempt = attempt_of(handshakes, key);
	int err = 0;
	socklen_t size = sizeof(err);

	/* An event that was fetched before it was closed, or its place taken by another. */
	if (!attempt->open || attempt->flow != key)
		return;
	if (getsockopt(attempt->fd, SOL_SOCKET, SO_ERROR, &err, &size) < 0)
		err = errno;
	if (err)
		book_refused(handshakes->book, key, err);
	else
		book_answered(handshakes->book, key);
	end_attempt(handshakes, attempt);
}

void handshakes_settled(struct handshakes *handshakes, uint64_t frontier)
{
	for (; handshakes->frontier < frontier; handshakes->frontier++) {
		struct attempt *attempt = attempt_of(handshakes, handshakes->frontier);

		if (attempt->open && attempt->flow == handshakes->frontier)
			end_attempt(handshakes, attempt);
	}
}
