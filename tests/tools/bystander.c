// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The innocent bystander of the demonstration: a host that asks others. Each question
 * is a new flow whose answer comes a while later, so that the flow's entry must live in
 * the connection-tracking table until then.
 *
 *   bystander answer ADDRESS PORT DELAY            answers each datagram DELAY later
 *   bystander ask    ADDRESS PORT RATE DURATION    asks RATE questions a second, then prints
 *                    {"asked":n,"answered":n,"lost":n,"refused":n}; ends early on SIGTERM
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/args.h"
#include "lib/clock.h"

enum { ANSWERS_MAX = 1 << 14, QUESTIONS_MAX = 8000, PAYLOAD_MAX = 512 };

/* An answer that has not come this long after its question is lost. */
static const double PATIENCE_S = 3;

static volatile sig_atomic_t stopped;

static void on_stop(int signal_number)
{
	stopped = 1;
}

union peer {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

static socklen_t peer_length(const union peer *peer)
{
	return peer->any.sa_family == AF_INET6 ? sizeof(peer->v6) : sizeof(peer->v4);
}

static bool parse_peer(const char *address, uint16_t port, union peer *out)
{
	memset(out, 0, sizeof(*out));
	if (inet_pton(AF_INET, address, &out->v4.sin_addr) == 1) {
		out->v4.sin_family = AF_INET;
		out->v4.sin_port = htons(port);
		return true;
	}
	out->v6.sin6_family = AF_INET6;
	out->v6.sin6_port = htons(port);
	return inet_pton(AF_INET6, address, &out->v6.sin6_addr) == 1;
}

/* A datagram that waits for its time. */
struct pending {
	uint64_t due_ns;
	union peer peer;
	socklen_t length;
};

struct queue {
	struct pending items[ANSWERS_MAX];
	size_t first;
	size_t count;
};

static int wait_ms(uint64_t due_ns, uint64_t now_ns)
{
	if (due_ns <= now_ns)
		return 0;
	return (int)((due_ns - now_ns) / CLOCK_NS_PER_MS) + 1;
}

static void take_questions(int fd, struct queue *queue, double delay_s)
{
	while (queue->count < ANSWERS_MAX) {
		struct pending *item =
			&queue->items[(queue->first + queue->count) % ANSWERS_MAX];
		char payload[PAYLOAD_MAX];

		item->length = sizeof(item->peer);
		if (recvfrom(fd, payload, sizeof(payload), MSG_DONTWAIT, &item->peer.any,
			     &item->length) < 0)
			return;
		item->due_ns = clock_now_ns() + (uint64_t)(delay_s * CLOCK_NS_PER_S);
		queue->count++;
	}
}

static void give_answers(int fd, struct queue *queue)
{
	uint64_t now_ns = clock_now_ns();

	while (queue->count && queue->items[queue->first].due_ns <= now_ns) {
		const struct pending *item = &queue->items[queue->first];

		if (sendto(fd, "answer", 6, 0, &item->peer.any, item->length) < 0)
			perror("bystander: answer");
		queue->first = (queue->first + 1) % ANSWERS_MAX;
		queue->count--;
	}
}

static int answer(const union peer *self, double delay_s)
{
	struct queue *queue = calloc(1, sizeof(*queue));
	struct pollfd pollfd = { .events = POLLIN };

	pollfd.fd = socket(self->any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (!queue || pollfd.fd < 0 ||
	    bind(pollfd.fd, &self->any, peer_length(self)) < 0) {
		perror("bystander: bind");
		return 1;
	}
	while (!stopped) {
		uint64_t now_ns = clock_now_ns();
		int timeout = queue->count
				      ? wait_ms(queue->items[queue->first].due_ns, now_ns)
				      : 1000;

		poll(&pollfd, 1, timeout);
		take_questions(pollfd.fd, queue, delay_s);
		give_answers(pollfd.fd, queue);
	}
	close(pollfd.fd);
	free(queue);
	return 0;
}

struct asker {
	union peer peer;
	uint64_t asked;
	uint64_t answered;
	uint64_t lost;
	uint64_t
		refused; /* the kernel did not take the question: EPERM when the table is full */
	size_t open;
	struct pollfd sockets[QUESTIONS_MAX];
	uint64_t asked_ns[QUESTIONS_MAX];
};

static void ask_one(struct asker *asker)
{
	int fd;

	asker->asked++;
	fd = asker->open < QUESTIONS_MAX
		     ? socket(asker->peer.any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0)
		     : -1;
	if (fd < 0 || connect(fd, &asker->peer.any, peer_length(&asker->peer)) < 0 ||
	    send(fd, "question", 8, 0) < 0) {
		asker->refused++;
		if (fd >= 0)
			close(fd);
		return;
	}
	asker->sockets[asker->open] = (struct pollfd){ .fd = fd, .events = POLLIN };
	asker->asked_ns[asker->open++] = clock_now_ns();
}

/* Closes question number i; the last one takes its place. */
static void settle(struct asker *asker, size_t i)
{
	close(asker->sockets[i].fd);
	asker->open--;
	asker->sockets[i] = asker->sockets[asker->open];
	asker->asked_ns[i] = asker->asked_ns[asker->open];
}

static void collect(struct asker *asker)
{
	uint64_t now_ns = clock_now_ns();
	char payload[PAYLOAD_MAX];

	for (size_t i = asker->open; i-- > 0;) {
		if (asker->sockets[i].revents &&
		    recv(asker->sockets[i].fd, payload, sizeof(payload), MSG_DONTWAIT) >
			    0) {
			asker->answered++;
			settle(asker, i);
		} else if (clock_between_s(asker->asked_ns[i], now_ns) > PATIENCE_S) {
			asker->lost++;
			settle(asker, i);
		}
	}
}

static int ask(const union peer *peer, uint64_t rate, double duration_s)
{
	struct asker *asker = calloc(1, sizeof(*asker));
	uint64_t start_ns = clock_now_ns();

	if (!asker) {
		perror("bystander");
		return 1;
	}
	asker->peer = *peer;
	for (;;) {
		double elapsed_s = clock_between_s(start_ns, clock_now_ns());
		bool asking = !stopped && elapsed_s < duration_s;

		while (asking && (double)asker->asked < elapsed_s * (double)rate)
			ask_one(asker);
		if (!asking && asker->open == 0)
			break;
		poll(asker->sockets, asker->open, 2);
		collect(asker);
	}
	printf("{\"asked\":%llu,\"answered\":%llu,\"lost\":%llu,\"refused\":%llu}\n",
	       (unsigned long long)asker->asked, (unsigned long long)asker->answered,
	       (unsigned long long)asker->lost, (unsigned long long)asker->refused);
	free(asker);
	return 0;
}

static int usage(const char *what)
{
	fprintf(stderr,
		"bystander: %s\nusage: bystander answer ADDRESS PORT DELAY\n"
		"       bystander ask ADDRESS PORT RATE DURATION\n",
		what);
	return 2;
}

int main(int argc, char **argv)
{
	struct sigaction action = { .sa_handler = on_stop };
	struct args_why why;
	union peer peer;
	uint64_t port, rate;
	double seconds;

	if (argc < 5)
		return usage("arguments are missing");
	if (args_count(argv[3], 1, UINT16_MAX, &port, &why) ||
	    args_duration(argv[argc - 1], 0, 3600, &seconds, &why))
		return usage(why.text);
	if (!parse_peer(argv[2], (uint16_t)port, &peer))
		return usage("the address is not numeric");
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	if (strcmp(argv[1], "answer") == 0 && argc == 5)
		return answer(&peer, seconds);
	if (strcmp(argv[1], "ask") != 0 || argc != 6)
		return usage("want answer or ask");
	if (args_count(argv[4], 1, 2000, &rate, &why))
		return usage(why.text);
	return ask(&peer, rate, seconds);
}
