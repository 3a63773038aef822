// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/guardian.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/log.h"
#include "lib/text.h"
#include "server/listener.h"

enum { REPORT_BYTES = 64 };

/* From try to try, twice as long each time; when refused at once the longest. */
static const double FIRST_S = 0.5, LONGEST_S = 30;

/* For an answer; and from report to report. */
static const double ANSWER_S = 10, REPORT_EVERY_S = 1;

char *guardian_request(const struct listener *listeners, size_t count, uint64_t netns)
{
	json_t *services = json_array();
	json_t *request =
		json_pack("{s:s, s:s, s:I, s:O}", "command", "register", "program",
			  "ctserve", "netns", (json_int_t)netns, "services", services);
	struct text text = { 0 };
	char *line;

	for (size_t i = 0; i < count; i++) {
		char name[SERVICE_TEXT_MAX];

		service_format(&listeners[i].service, name);
		json_array_append_new(services, json_string(name));
	}
	line = request ? json_dumps(request, JSON_COMPACT) : NULL;
	json_decref(request);
	json_decref(services);
	if (line)
		text_add(&text, "%s\n", line);
	free(line);
	return text.data;
}

/* Text from the other side, for a log. */
static void copy_clean(const char *from, char to[GUARDIAN_WHY_MAX])
{
	size_t length = 0;

	for (; from && *from && length + 1 < GUARDIAN_WHY_MAX; from++)
		to[length++] = *from >= ' ' && *from <= '~' ? *from : '?';
	to[length] = '\0';
}

bool guardian_is_registered(const char *answer, size_t length, char why[GUARDIAN_WHY_MAX])
{
	json_t *object = json_loadb(answer, length, JSON_REJECT_DUPLICATES, NULL);
	bool registered = json_is_true(json_object_get(object, "ok"));
	const json_t *first = json_array_get(json_object_get(object, "refused"), 0);
	const char *text =
		json_string_value(registered ? json_object_get(first, "why")
					     : json_object_get(object, "error"));

	if (!registered && !text)
		text = "it gave no answer that is understood";
	copy_clean(text, why);
	json_decref(object);
	return registered;
}

static void set_timer(struct guardian *guardian, double seconds)
{
	ev_timer_stop(guardian->loop, &guardian->timer);
	ev_timer_set(&guardian->timer, seconds, 0);
	ev_timer_start(guardian->loop, &guardian->timer);
}

static void hang_up(struct guardian *guardian)
{
	ev_io_stop(guardian->loop, &guardian->io);
	if (guardian->fd >= 0)
		close(guardian->fd);
	guardian->fd = -1;
	guardian->state = GUARDIAN_AWAY;
}

/* Said once, until it has been there again. */
static void try_later(struct guardian *guardian, const char *why)
{
	bool known = guardian->state == GUARDIAN_KNOWN;

	hang_up(guardian);
	/* It was there a moment ago, and is perhaps but restarted: the next try comes soon. */
	if (known)
		guardian->delay_s = 0;
	guardian->delay_s = fmin(fmax(2 * guardian->delay_s, FIRST_S), LONGEST_S);
	set_timer(guardian, guardian->delay_s);
	if (guardian->absence_told)
		log_debug(guardian->log, "no guard at %s: %s", guardian->path, why);
	else
		log_info(guardian->log,
			 "no guard at %s (%s): going on without, and trying again",
			 guardian->path, why);
	guardian->absence_told = true;
}

static void refused(struct guardian *guardian, const char *why)
{
	hang_up(guardian);
	set_timer(guardian, LONGEST_S);
	if (strcmp(why, guardian->refusal) != 0)
		log_warn(guardian->log, "the guard at %s registers nothing: %s",
			 guardian->path, why);
	snprintf(guardian->refusal, sizeof(guardian->refusal), "%s", why);
}

/* Whether all of it was taken; a socket that takes a part is not one to wait for. */
static int send_line(const struct guardian *guardian, const char *line, size_t length)
{
	ssize_t sent = send(guardian->fd, line, length, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (sent < 0)
		return -errno;
	return (size_t)sent == length ? 0 : -EMSGSIZE;
}

static int call(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd, err;

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	memcpy(address.sun_path, path, strlen(path));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	/* Never in progress, as TCP's: a Unix socket connects at once, or says EAGAIN (unix(7)). */
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	err = -errno;
	close(fd);
	return err;
}

static int ask(struct guardian *guardian)
{
	struct stat netns = { .st_ino = 0 };
	char *request;
	int err;

	/* Without it the guard says that it does not know where this is. */
	(void)!stat("/proc/self/ns/net", &netns);
	request = guardian_request(guardian->listeners, guardian->listener_count,
				   netns.st_ino);
	err = request ? send_line(guardian, request, strlen(request)) : -ENOMEM;
	free(request);
	return err;
}

static void begin(struct guardian *guardian)
{
	int err;

	guardian->fd = call(guardian->path);
	err = guardian->fd < 0 ? guardian->fd : ask(guardian);
	if (err) {
		try_later(guardian, strerror(-err));
		return;
	}
	guardian->state = GUARDIAN_ASKING;
	guardian->received = 0;
	ev_io_set(&guardian->io, guardian->fd, EV_READ);
	ev_io_start(guardian->loop, &guardian->io);
	set_timer(guardian, ANSWER_S);
}

static void take_answer(struct guardian *guardian, size_t length)
{
	char why[GUARDIAN_WHY_MAX];

	if (!guardian_is_registered(guardian->answer, length, why)) {
		refused(guardian, why);
		return;
	}
	guardian->state = GUARDIAN_KNOWN;
	guardian->absence_told = false;
	guardian->refusal[0] = '\0';
	/* What was before the guard was there is its no more. */
	guardian->reported = guardian->eperm(guardian->data);
	set_timer(guardian, REPORT_EVERY_S);
	log_info(guardian->log, "registered with the guard at %s%s%s", guardian->path,
		 why[0] ? ", but not all: " : "", why);
}

/* What comes when it is registered means nothing. */
static void on_readable(struct ev_loop *loop, ev_io *io, int revents)
{
	struct guardian *guardian = io->data;
	size_t room;
	ssize_t got;
	const char *end;

	if (guardian->state == GUARDIAN_KNOWN)
		guardian->received = 0;
	room = sizeof(guardian->answer) - guardian->received;
	got = recv(guardian->fd, guardian->answer + guardian->received, room,
		   MSG_DONTWAIT);
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got <= 0) {
		try_later(guardian, got < 0 ? strerror(errno) : "it has ended");
		return;
	}
	if (guardian->state == GUARDIAN_KNOWN)
		return;
	guardian->received += (size_t)got;
	end = memchr(guardian->answer, '\n', guardian->received);
	if (end)
		take_answer(guardian, (size_t)(end - guardian->answer));
	else if (guardian->received == sizeof(guardian->answer))
		refused(guardian, "its answer is too long");
}

static void report(struct guardian *guardian)
{
	uint64_t eperm = guardian->eperm(guardian->data);
	char line[REPORT_BYTES];
	int length, err = 0;

	if (eperm > guardian->reported) {
		length = snprintf(line, sizeof(line), "{\"eperm\":%llu}\n",
				  (unsigned long long)(eperm - guardian->reported));
		err = send_line(guardian, line, (size_t)length);
	}
	/* A guard that is slow gets it later. */
	if (err && err != -EAGAIN && err != -EINTR) {
		try_later(guardian, strerror(-err));
		return;
	}
	if (!err)
		guardian->reported = eperm;
	set_timer(guardian, REPORT_EVERY_S);
}

static void on_timer(struct ev_loop *loop, ev_timer *timer, int revents)
{
	struct guardian *guardian = timer->data;

	switch (guardian->state) {
	case GUARDIAN_AWAY: begin(guardian); break;
	case GUARDIAN_ASKING: try_later(guardian, "it does not answer"); break;
	case GUARDIAN_KNOWN: report(guardian); break;
	}
}

void guardian_start(struct guardian *guardian, struct ev_loop *loop)
{
	if (!guardian->path)
		return;
	guardian->loop = loop;
	guardian->fd = -1;
	ev_init(&guardian->io, on_readable);
	ev_timer_init(&guardian->timer, on_timer, 0, 0);
	guardian->io.data = guardian->timer.data = guardian;
	ev_timer_start(loop, &guardian->timer);
}

void guardian_stop(struct guardian *guardian)
{
	if (!guardian->loop)
		return;
	hang_up(guardian);
	ev_timer_stop(guardian->loop, &guardian->timer);
	guardian->loop = NULL;
}
