// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/leases.h"

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
#include "server/feed.h"
#include "server/frame.h"
#include "server/load.h"
#include "server/opener.h"
#include "server/sequence.h"
#include "server/wheel.h"

enum {
	READS = 16,   /* of a socket at a time */
	RENEWALS = 3, /* in a lease: two may be lost */
	READ_BYTES = FRAME_TEXT_MAX + 1,
	TICK_NS = 20 * CLOCK_NS_PER_MS,
};

/* When what was not answered is asked again. */
static const uint64_t RETRY_NS = UINT64_C(500) * CLOCK_NS_PER_MS;

enum state { LEASE_UNUSED, LEASE_ASKED, LEASE_OPEN, LEASE_ENDED };

/* Everything that a feed costs, besides libev's own few bytes. */
struct lease {
	ev_io io;
	struct wheel_entry timer; /* of the next step */
	struct sequence sequence;
	uint64_t cookie;
	uint64_t heard_ns;    /* of the server, for the last time */
	uint64_t given_up_ns; /* when it has failed if it is not open */
	uint64_t asked_ns;    /* the last step */
	uint8_t state;
	uint8_t err;    /* the last that a socket call said; 0: none */
	bool expecting; /* an answer to the last step */
	bool proved;    /* there is a cookie */
	bool fed;
};

_Static_assert(sizeof(struct lease) <= 256, "a feed stays as small as the server's");

struct leases {
	struct opener opener; /* first: it is found by it */
	struct wheel wheel;
	struct lease *lease;
	char text[READ_BYTES];
};

static uint64_t lease_ns(const struct leases *leases)
{
	return leases->opener.share->load->lease_s * (uint64_t)CLOCK_NS_PER_S;
}

static uint64_t number_of(const struct leases *leases, const struct lease *lease)
{
	return share_number(&leases->opener.share->share,
			    (uint64_t)(lease - leases->lease));
}

static void end_lease(struct leases *leases, struct lease *lease)
{
	leases->opener.count->overruns += dial_overruns(lease->io.fd);
	ev_io_stop(leases->opener.loop, &lease->io);
	wheel_remove(&leases->wheel, &lease->timer);
	close(lease->io.fd);
	lease->state = LEASE_ENDED;
}

/* It will not be open any more; err 0: the server ended it as it should. */
static void lose(struct leases *leases, struct lease *lease, int err)
{
	struct clients_count *count = leases->opener.count;

	if (lease->state == LEASE_OPEN)
		count->closed_early++;
	else
		count->failed++;
	if (err)
		tally_add(&count->errors, err, 1);
	end_lease(leases, lease);
}

/* What does not leave is as good as lost: the next step comes. */
static void tell(struct leases *leases, struct lease *lease, enum frame_kind kind)
{
	const struct load *load = leases->opener.share->load;
	struct frame frame = { .kind = kind,
			       .cookie = lease->cookie,
			       .lease_s = load->lease_s };
	char text[FRAME_TEXT_MAX];
	size_t bytes;

	snprintf(frame.id, sizeof(frame.id), "%s%" PRIu64, load->path_prefix,
		 number_of(leases, lease));
	bytes = frame_format(&frame, text);
	if (send(lease->io.fd, text, bytes, MSG_NOSIGNAL) < 0)
		lease->err = (uint8_t)errno;
}

/*
 * What is to be done now and then. A renewal is not answered, but who has a cookie that does not
 * hold any more gets another; and a hello always is: it asks a silent server whether
 * it is there.
 */
static void step(struct leases *leases, struct lease *lease, uint64_t now_ns)
{
	bool heard = lease->heard_ns > lease->asked_ns;
	uint64_t next_ns = now_ns + RETRY_NS;

	if (lease->state == LEASE_OPEN)
		next_ns = now_ns + lease_ns(leases) / RENEWALS;
	else if (next_ns > lease->given_up_ns)
		next_ns = lease->given_up_ns;
	tell(leases, lease, lease->proved && heard ? FRAME_SUBSCRIBE : FRAME_HELLO);
	lease->asked_ns = now_ns;
	lease->expecting = true;
	wheel_remove(&leases->wheel, &lease->timer);
	wheel_add(&leases->wheel, &lease->timer, now_ns, next_ns);
}

static void note_open(struct leases *leases, struct lease *lease, uint64_t now_ns)
{
	struct clients_count *count = leases->opener.count;

	lease->state = LEASE_OPEN;
	wheel_remove(&leases->wheel, &lease->timer);
	wheel_add(&leases->wheel, &lease->timer, now_ns,
		  now_ns + lease_ns(leases) / RENEWALS);
	count->last_opened_ns = now_ns;
	/* Last, so that whoever sees the sum complete sees the time too. */
	__atomic_store_n(&count->opened, count->opened + 1, __ATOMIC_RELEASE);
}

static void take_welcome(struct leases *leases, struct lease *lease, uint64_t now_ns)
{
	if (lease->state == LEASE_ASKED) {
		note_open(leases, lease, now_ns);
		return;
	}
	lease->sequence = (struct sequence){ 0 };
	leases->opener.count->anew++;
}

/* The welcome may be what was lost: then the first chunk opens the feed. */
static void take_chunk(struct leases *leases, struct lease *lease, uint64_t number,
		       uint64_t now_ns)
{
	struct clients_count *count = leases->opener.count;
	uint64_t missed = 0;

	switch (sequence_take(&lease->sequence, number, &missed)) {
	case SEQUENCE_NONSENSE: count->strange++; return;
	case SEQUENCE_AGAIN: count->again++; return;
	case SEQUENCE_BELATED: count->belated++; break;
	case SEQUENCE_ANEW: count->anew++; break;
	default: break;
	}
	count->missed += missed;
	count->chunks++;
	if (lease->state == LEASE_ASKED)
		note_open(leases, lease, now_ns);
	if (!lease->fed)
		count->fed++;
	lease->fed = true;
}

/* Whether id is that of this feed. */
static bool is_ours(const struct leases *leases, const struct lease *lease,
		    const char *id, size_t bytes)
{
	char own[FRAME_ID_MAX + 1];
	int length = snprintf(own, sizeof(own), "%s%" PRIu64,
			      leases->opener.share->load->path_prefix,
			      number_of(leases, lease));

	return (size_t)length == bytes && memcmp(own, id, bytes) == 0;
}

static void take_line(struct leases *leases, struct lease *lease, size_t bytes,
		      uint64_t now_ns)
{
	enum feed_said said;
	uint64_t number = 0;
	const char *id;
	size_t id_bytes;

	said = feed_read(leases->text, bytes, &number, &id, &id_bytes);
	if (said == FEED_SAID_NOTHING || !is_ours(leases, lease, id, id_bytes))
		leases->opener.count->strange++;
	else if (said == FEED_SAID_WELCOME)
		take_welcome(leases, lease, now_ns);
	else
		take_chunk(leases, lease, number, now_ns);
}

/* One answer to a step at most, so that no server makes us answer it for ever. */
static void take_cookie(struct leases *leases, struct lease *lease, uint64_t cookie)
{
	if (!lease->expecting) {
		leases->opener.count->strange++;
		return;
	}
	lease->expecting = false;
	lease->proved = true;
	lease->cookie = cookie;
	tell(leases, lease, FRAME_SUBSCRIBE);
}

static void take(struct leases *leases, struct lease *lease, size_t bytes)
{
	uint64_t now_ns = clock_now_ns();
	struct frame frame;

	leases->opener.count->bytes += bytes;
	lease->heard_ns = now_ns;
	lease->err = 0;
	if (frame_parse(leases->text, bytes, &frame) < 0)
		take_line(leases, lease, bytes, now_ns);
	else if (frame.kind == FRAME_COOKIE)
		take_cookie(leases, lease, frame.cookie);
	else if (frame.kind == FRAME_REFUSED)
		lose(leases, lease, EUSERS);
	else if (frame.kind == FRAME_END && lease->state == LEASE_OPEN)
		lose(leases, lease, 0);
	else
		leases->opener.count->strange++;
}

/*
 * An error that comes where a server was before may be that of one that is being replaced; the
 * kernel tells it before what came earlier.
 */
static void on_readable(struct ev_loop *loop, ev_io *w, int revents)
{
	struct leases *leases = ev_userdata(loop);
	struct lease *lease = (struct lease *)w;

	for (int i = 0; i < READS && lease->state != LEASE_ENDED; i++) {
		ssize_t bytes = recv(w->fd, leases->text, sizeof(leases->text), 0);

		if (bytes >= 0) {
			take(leases, lease, (size_t)bytes);
		} else if (errno == EAGAIN || errno == EINTR) {
			return;
		} else {
			lease->err = (uint8_t)errno;
			if (!lease->proved && lease->state == LEASE_ASKED)
				lose(leases, lease, errno);
		}
	}
}

/* Heard of is also what waits to be read, if we were held up; and no silence is one unasked. */
static bool is_over(const struct leases *leases, const struct lease *lease,
		    uint64_t now_ns)
{
	if (lease->state != LEASE_OPEN)
		return now_ns >= lease->given_up_ns;
	return lease->asked_ns > lease->heard_ns &&
	       now_ns - lease->heard_ns >= lease_ns(leases);
}

static void on_due(struct leases *leases, struct lease *lease)
{
	uint64_t now_ns;

	on_readable(leases->opener.loop, &lease->io, EV_READ);
	if (lease->state == LEASE_ENDED)
		return;
	now_ns = clock_now_ns();
	if (is_over(leases, lease, now_ns))
		lose(leases, lease, lease->err ? lease->err : ETIMEDOUT);
	else
		step(leases, lease, now_ns);
}

static int dial(const struct load *load, uint64_t number)
{
	union endpoint local;
	int err, fd;

	if (load->has_source)
		source_endpoint(&load->source, number % load->source.addresses, 0,
				&local);
	fd = dial_socket(&load->target, load->has_source ? &local : NULL);
	if (fd < 0)
		return fd;
	err = dial_connect(fd, &load->target);
	if (err) {
		close(fd);
		return err;
	}
	return fd;
}

static void open_lease(struct opener *opener, uint64_t i, uint64_t number,
		       uint64_t now_ns)
{
	struct leases *leases = (struct leases *)opener;
	struct lease *lease = &leases->lease[i];
	int fd = dial(opener->share->load, number);

	opener->count->tried++;
	if (fd < 0) {
		opener->count->failed++;
		tally_add(&opener->count->errors, fd, 1);
		lease->state = LEASE_ENDED;
		return;
	}
	lease->state = LEASE_ASKED;
	lease->given_up_ns = now_ns + opener->share->load->wait_ns;
	ev_io_init(&lease->io, on_readable, fd, EV_READ);
	ev_io_start(opener->loop, &lease->io);
	step(leases, lease, now_ns);
}

static void look(struct opener *opener, uint64_t now_ns)
{
	struct leases *leases = (struct leases *)opener;
	struct wheel_entry *timer;

	while ((timer = wheel_expired(&leases->wheel, now_ns)))
		on_due(leases,
		       (struct lease *)((char *)timer - offsetof(struct lease, timer)));
}

static void close_all(struct opener *opener)
{
	struct leases *leases = (struct leases *)opener;

	for (uint64_t i = 0; i < opener->next; i++) {
		struct lease *lease = &leases->lease[i];

		if (lease->state == LEASE_ENDED)
			continue;
		if (lease->proved)
			tell(leases, lease, FRAME_CANCEL);
		end_lease(leases, lease);
	}
}

int leases_run(const struct clients_share *share, struct clients_count *count,
	       const struct clients_orders *orders)
{
	struct leases *leases = calloc(1, sizeof(*leases));
	int err = -ENOMEM;

	if (!leases)
		return -ENOMEM;
	leases->opener = (struct opener){
		.share = share,
		.count = count,
		.orders = orders,
		.open = open_lease,
		.look = look,
		.close_all = close_all,
	};
	wheel_init(&leases->wheel, TICK_NS);
	leases->lease = calloc(share_size(&share->share) + 1, sizeof(struct lease));
	if (leases->lease)
		err = opener_run(&leases->opener);
	free(leases->lease);
	free(leases);
	return err;
}
