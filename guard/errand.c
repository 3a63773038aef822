// SPDX-License-Identifier: GPL-2.0-or-later
#include "guard/errand.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "guard/order.h"
#include "lib/text.h"

/* The status of as many services as may be in as many namespaces is 6 MiB. */
enum { ANSWER_MAX = 16 << 20, WAIT_S = 10, STEP_BYTES = 4096 };

/* A guard is busy for a second at most; one that hangs must not hang whoever asks. */
static int limit_waiting(int fd)
{
	const struct timeval wait = { .tv_sec = WAIT_S };

	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait)) < 0)
		return -errno;
	return 0;
}

static int call(const char *path, int *out)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd, err;

	if (path[0] == '\0' || strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	memcpy(address.sun_path, path, strlen(path));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	/* Before connect(), which waits, too, where the backlog is full (unix_stream_connect()). */
	err = limit_waiting(fd);
	if (!err && connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		err = -errno;
	if (err) {
		close(fd);
		return err;
	}
	*out = fd;
	return 0;
}

static int send_all(int fd, const char *data, size_t length)
{
	while (length > 0) {
		ssize_t sent = send(fd, data, length, MSG_NOSIGNAL);

		if (sent < 0 && errno != EINTR)
			return -errno;
		data += sent > 0 ? sent : 0;
		length -= sent > 0 ? (size_t)sent : 0;
	}
	return 0;
}

/* Until the guard ends its side, as it does after an answer. */
static int receive_all(int fd, struct text *answer)
{
	char step[STEP_BYTES];

	for (;;) {
		ssize_t got = recv(fd, step, sizeof(step), 0);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			/* EAGAIN of a socket that blocks: SO_RCVTIMEO has passed (socket(7)). */
			return errno == EAGAIN ? -ETIMEDOUT : -errno;
		if (got == 0)
			return text_ok(answer) ? 0 : -ENOMEM;
		if (answer->length + (size_t)got > ANSWER_MAX)
			return -EMSGSIZE;
		text_add(answer, "%.*s", (int)got, step);
	}
}

static int talk(int fd, const json_t *request, struct text *answer)
{
	char *line = json_dumps(request, JSON_COMPACT);
	int err = line ? send_all(fd, line, strlen(line)) : -ENOMEM;

	if (!err)
		err = send_all(fd, "\n", 1);
	free(line);
	return err ? err : receive_all(fd, answer);
}

static void explain(const char *path, int err, struct text *why)
{
	if (err == -ENOENT || err == -ECONNREFUSED)
		text_add(why, "no guard takes orders at \"%s\"", path);
	else if (err == -EACCES)
		text_add(why, "\"%s\": only root, the guard's user and its group may ask",
			 path);
	else if (err == -ETIMEDOUT)
		text_add(why, "the guard at \"%s\" did not answer within %d s", path,
			 WAIT_S);
	else
		text_add(why, "cannot ask the guard at \"%s\": %s", path, strerror(-err));
}

int errand_run(const char *path, const json_t *request, json_t **out, struct text *why)
{
	struct text answer = { 0 };
	json_error_t error;
	json_t *object = NULL;
	int fd = -1;
	int err = call(path, &fd);

	if (!err)
		err = talk(fd, request, &answer);
	if (!err) {
		object = json_loads(text_str(&answer), 0, &error);
		err = json_is_object(object) ? 0 : -EBADMSG;
	}
	if (err) {
		json_decref(object);
		explain(path, err, why);
	} else {
		*out = object;
	}
	text_free(&answer);
	if (fd >= 0)
		close(fd);
	return err;
}

json_t *errand_request(const struct order *order)
{
	/* "*" leaves out what is NULL. */
	return json_pack("{s:s, s:s*, s:s*, s:o*}", "command", order_name(order->command),
			 "service", order->operand, "netns", order->netns, "now",
			 order->now ? json_true() : NULL);
}
