// SPDX-License-Identifier: GPL-2.0-or-later
#include "lib/exporter.h"

#include <errno.h>
#include <ev.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/args.h"
#include "lib/http.h"
#include "lib/metrics.h"
#include "lib/service.h"
#include "lib/text.h"

enum { BACKLOG = 64, READ_BYTES = 2048, QUOTE_MAX = 60 };

/* For a client to send its request and to take the page; for descriptors to be free again. */
static const double CLIENT_S = 5, RETRY_S = 1;

/* A slot: free while io is not active. */
struct client {
	struct exporter *exporter;
	ev_io io;
	ev_timer deadline;
	uint64_t number; /* the lower, the older */
	struct http_head head;
	struct text answer;
	size_t sent;
	bool ending; /* our side is ended; waits for the peer's */
};

struct exporter {
	struct ev_loop *loop; /* NULL: not started */
	ev_io io;
	ev_timer retry;
	int fd;
	void (*render)(void *data, struct text *text);
	void *data;
	uint64_t accepted, served, dropped;
	struct client clients[EXPORTER_CLIENTS];
};

static bool is_busy(const struct client *client)
{
	return ev_is_active(&client->io);
}

static void end_client(struct client *client)
{
	struct ev_loop *loop = client->exporter->loop;

	ev_timer_stop(loop, &client->deadline);
	ev_io_stop(loop, &client->io);
	close(client->io.fd);
	text_free(&client->answer);
}

static void drop_client(struct client *client)
{
	/* One that has its page and keeps its side open has lost nothing. */
	if (!client->ending)
		client->exporter->dropped++;
	end_client(client);
}

/* Everything is sent: closing with unread input would be a reset, which destroys it. */
static void finish(struct client *client)
{
	struct ev_loop *loop = client->exporter->loop;

	text_free(&client->answer);
	if (shutdown(client->io.fd, SHUT_WR) < 0) {
		end_client(client);
		return;
	}
	client->ending = true;
	ev_io_stop(loop, &client->io);
	ev_io_set(&client->io, client->io.fd, EV_READ);
	ev_io_start(loop, &client->io);
}

static void send_answer(struct client *client)
{
	struct ev_loop *loop = client->exporter->loop;
	ssize_t sent =
		send(client->io.fd, client->answer.data + client->sent,
		     client->answer.length - client->sent, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (sent < 0 && errno != EAGAIN && errno != EINTR) {
		drop_client(client);
		return;
	}
	client->sent += sent > 0 ? (size_t)sent : 0;
	if (client->sent == client->answer.length) {
		finish(client);
		return;
	}
	ev_io_stop(loop, &client->io);
	ev_io_set(&client->io, client->io.fd, EV_WRITE);
	ev_io_start(loop, &client->io);
}

/* One request a connection: a scraper comes every few seconds at most. */
static void reply(struct client *client, int status, const char *type,
		  const struct text *body)
{
	struct http_reply head = {
		.status = status,
		.content_type = type,
		.extra = status == 405 ? "Allow: GET, HEAD\r\n" : NULL,
		.length = body->length,
		.date = (time_t)ev_now(client->exporter->loop),
	};
	bool only_head = http_head_method(&client->head) == HTTP_METHOD_HEAD;
	char text[HTTP_REPLY_MAX];

	http_reply_head(&head, text);
	text_add(&client->answer, "%s%s", text, only_head ? "" : text_str(body));
	if (!text_ok(&client->answer)) {
		drop_client(client);
		return;
	}
	send_answer(client);
}

static void reply_error(struct client *client, int status)
{
	struct text body = { 0 };

	text_add(&body, "%d %s\n", status, http_reason(status));
	reply(client, status, "text/plain; charset=utf-8", &body);
	text_free(&body);
}

static void reply_page(struct client *client)
{
	struct exporter *exporter = client->exporter;
	struct text body = { 0 };

	exporter->render(exporter->data, &body);
	if (text_ok(&body)) {
		exporter->served++;
		reply(client, 200, METRICS_CONTENT_TYPE, &body);
	} else {
		exporter->dropped++;
		reply_error(client, 503);
	}
	text_free(&body);
}

static void answer(struct client *client)
{
	static const char PAGE[] = "/metrics";
	size_t length;
	const char *path = http_head_path(&client->head, &length);

	if (length != sizeof(PAGE) - 1 || memcmp(path, PAGE, length) != 0)
		reply_error(client, 404);
	else if (http_head_method(&client->head) == HTTP_METHOD_OTHER)
		reply_error(client, 405);
	else
		reply_page(client);
}

static void receive(struct client *client)
{
	char data[READ_BYTES];
	ssize_t bytes = recv(client->io.fd, data, sizeof(data), MSG_DONTWAIT);
	size_t used;
	int err;

	if (bytes < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (bytes <= 0) {
		drop_client(client);
		return;
	}
	if (client->ending)
		return;
	err = http_head_read(&client->head, data, (size_t)bytes, &used);
	if (err == 0)
		answer(client);
	else if (err == -EBADMSG)
		reply_error(client, client->head.refused);
}

static void on_client(struct ev_loop *loop, ev_io *w, int revents)
{
	struct client *client = w->data;

	if (revents & EV_WRITE)
		send_answer(client);
	else
		receive(client);
}

static void on_deadline(struct ev_loop *loop, ev_timer *w, int revents)
{
	drop_client(w->data);
}

/* A free slot; without one the oldest client's: clients that do nothing keep nobody out. */
static struct client *take_slot(struct exporter *exporter)
{
	struct client *oldest = &exporter->clients[0];

	for (int i = 0; i < EXPORTER_CLIENTS; i++) {
		struct client *client = &exporter->clients[i];

		if (!is_busy(client))
			return client;
		if (client->number < oldest->number)
			oldest = client;
	}
	drop_client(oldest);
	return oldest;
}

static void on_accept(struct ev_loop *loop, ev_io *w, int revents)
{
	struct exporter *exporter = w->data;
	/* One at a time: if more wait, the loop calls again. */
	int fd = accept4(w->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	struct client *client;

	if (fd < 0) {
		/* Out of descriptors or memory: the socket stays readable, the loop must not spin. */
		if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) {
			ev_io_stop(loop, &exporter->io);
			ev_timer_set(&exporter->retry, RETRY_S, 0);
			ev_timer_start(loop, &exporter->retry);
		}
		return;
	}
	client = take_slot(exporter);
	client->exporter = exporter;
	client->number = exporter->accepted++;
	client->sent = 0;
	client->ending = false;
	http_head_init(&client->head);
	ev_io_init(&client->io, on_client, fd, EV_READ);
	ev_timer_init(&client->deadline, on_deadline, CLIENT_S, 0);
	client->io.data = client->deadline.data = client;
	ev_io_start(loop, &client->io);
	ev_timer_start(loop, &client->deadline);
}

static void on_retry(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct exporter *exporter = w->data;

	ev_io_start(loop, &exporter->io);
}

/* The same grammar as a service's, with an address: who may read this is no accident. */
static int parse(const char *address, struct service *out, struct args_why *why)
{
	char text[SERVICE_TEXT_MAX];
	struct args_why detail;

	snprintf(text, sizeof(text), "tcp/%s", address);
	if (strlen(address) + sizeof("tcp/") <= sizeof(text) &&
	    service_parse(text, out, &detail) == 0 && out->family != AF_UNSPEC &&
	    out->first_port == out->last_port)
		return 0;
	snprintf(why->text, sizeof(why->text),
		 "\"%.*s\": want ADDR:PORT, like 127.0.0.1:9911 or [::1]:9911, with a "
		 "PORT of 1 to 65535",
		 QUOTE_MAX, address);
	return -EINVAL;
}

static int listen_at(const struct service *service)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET,
				  .sin_port = htons(service->first_port),
				  .sin_addr = service->addr.v4 };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6,
				   .sin6_port = htons(service->first_port),
				   .sin6_addr = service->addr.v6 };
	bool is_v6 = service->family == AF_INET6;
	const void *address = is_v6 ? (const void *)&v6 : &v4;
	socklen_t bytes = is_v6 ? sizeof(v6) : sizeof(v4);
	int fd = socket(service->family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	const int yes = 1;

	if (fd < 0)
		return -errno;
	/* Connections of an earlier run in TIME_WAIT must not hold the port. */
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) < 0 ||
	    (is_v6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &yes, sizeof(yes)) < 0) ||
	    bind(fd, address, bytes) < 0 || listen(fd, BACKLOG) < 0) {
		int err = -errno;

		close(fd);
		return err;
	}
	return fd;
}

int exporter_check(const char *address, struct args_why *why)
{
	struct service service;

	return parse(address, &service, why);
}

int exporter_open(struct exporter **out, const char *address, struct args_why *why)
{
	struct exporter *exporter;
	struct service service;
	int err = parse(address, &service, why);
	int fd;

	if (err)
		return err;
	fd = listen_at(&service);
	exporter = fd < 0 ? NULL : calloc(1, sizeof(*exporter));
	if (!exporter) {
		err = fd < 0 ? fd : -ENOMEM;
		snprintf(why->text, sizeof(why->text), "cannot serve metrics at %.*s: %s",
			 QUOTE_MAX, address, strerror(-err));
		if (fd >= 0)
			close(fd);
		return err;
	}
	exporter->fd = fd;
	*out = exporter;
	return 0;
}

void exporter_start(struct exporter *exporter, struct ev_loop *loop,
		    void (*render)(void *data, struct text *text), void *data)
{
	exporter->loop = loop;
	exporter->render = render;
	exporter->data = data;
	ev_io_init(&exporter->io, on_accept, exporter->fd, EV_READ);
	ev_timer_init(&exporter->retry, on_retry, RETRY_S, 0);
	exporter->io.data = exporter->retry.data = exporter;
	ev_io_start(loop, &exporter->io);
}

uint64_t exporter_served(const struct exporter *exporter)
{
	return exporter->served;
}

uint64_t exporter_dropped(const struct exporter *exporter)
{
	return exporter->dropped;
}

void exporter_close(struct exporter *exporter)
{
	if (!exporter)
		return;
	for (int i = 0; i < EXPORTER_CLIENTS; i++)
		if (is_busy(&exporter->clients[i]))
			end_client(&exporter->clients[i]);
	if (exporter->loop) {
		ev_timer_stop(exporter->loop, &exporter->retry);
		ev_io_stop(exporter->loop, &exporter->io);
	}
	close(exporter->fd);
	free(exporter);
}
