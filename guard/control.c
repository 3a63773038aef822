// SPDX-License-Identifier: GPL-2.0-or-later
#include "guard/control.h"

#include <errno.h>
#include <ev.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/text.h"

/* A socket for owner and group. */
enum { BACKLOG = 16, FOLDER_MODE = 0755, UMASK = 0117 };

/* For a client to send its request and to take the answer; for descriptors to be free again. */
static const double CLIENT_S = 5, RETRY_S = 1;

/* A slot: free while io is not active. */
struct client {
	struct control *control;
	ev_io io;
	ev_timer deadline;
	uint64_t number; /* the lower, the older */
	struct control_peer peer;
	size_t received;
	char request[CONTROL_REQUEST_MAX];
	char *answer; /* NULL: none yet */
	size_t length;
	size_t sent;
	bool ending; /* our side is ended; waits for the client's */
};

struct control {
	struct ev_loop *loop; /* NULL: not started */
	ev_io io;
	ev_timer retry;
	int fd;
	struct sockaddr_un address;
	dev_t device; /* of the socket's file, with its number: only ours is removed */
	ino_t number;
	control_answer_cb *answer;
	void *data;
	uint64_t accepted;
	struct client clients[CONTROL_CLIENTS];
};

static bool is_busy(const struct client *client)
{
	return ev_is_active(&client->io);
}

/* The slot is free; the connection goes on with whoever took it. */
static void part(struct client *client)
{
	struct ev_loop *loop = client->control->loop;

	ev_timer_stop(loop, &client->deadline);
	ev_io_stop(loop, &client->io);
	free(client->answer);
	client->answer = NULL;
}

static void end_client(struct client *client)
{
	part(client);
	close(client->io.fd);
}

/* True when all of it is sent, or cannot be. */
static bool send_answer(struct client *client)
{
	ssize_t sent = send(client->io.fd, client->answer + client->sent,
			    client->length - client->sent, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (sent < 0)
		return errno != EAGAIN && errno != EINTR;
	client->sent += (size_t)sent;
	return client->sent == client->length;
}

/* Closing with unread input would destroy the answer: what else comes is thrown away. */
static void finish(struct client *client)
{
	struct ev_loop *loop = client->control->loop;

	if (shutdown(client->io.fd, SHUT_WR) < 0) {
		end_client(client);
		return;
	}
	client->ending = true;
	ev_io_stop(loop, &client->io);
	ev_io_set(&client->io, client->io.fd, EV_READ);
	ev_io_start(loop, &client->io);
}

static void discard(struct client *client)
{
	ssize_t got = recv(client->io.fd, client->request, sizeof(client->request),
			   MSG_DONTWAIT);

	if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR))
		end_client(client);
}

static json_t *refusal(const char *error)
{
	return json_pack("{s:b, s:s}", "ok", 0, "error", error);
}

static json_t *answer_of(struct client *client, size_t length)
{
	struct control *control = client->control;
	json_error_t error;
	json_t *request =
		json_loadb(client->request, length, JSON_REJECT_DUPLICATES, &error);
	json_t *answer;

	if (!json_is_object(request))
		answer = refusal("not a JSON object on a line");
	else
		answer = control->answer(control->data, request, &client->peer);
	json_decref(request);
	return answer;
}

static void reply(struct client *client, json_t *object)
{
	struct ev_loop *loop = client->control->loop;

	client->answer =
		object ? json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(9)) : NULL;
	json_decref(object);
	if (!client->answer) {
		end_client(client);
		return;
	}
	client->length = strlen(client->answer);
	client->answer[client->length++] = '\n';
	client->sent = 0;
	if (send_answer(client)) {
		finish(client);
		return;
	}
	ev_io_stop(loop, &client->io);
	ev_io_set(&client->io, client->io.fd, EV_WRITE);
	ev_io_start(loop, &client->io);
}

static void receive(struct client *client)
{
	size_t room = sizeof(client->request) - client->received;
	ssize_t got = recv(client->io.fd, client->request + client->received, room,
			   MSG_DONTWAIT);
	const char *end;
	json_t *answer;

	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got <= 0) {
		end_client(client);
		return;
	}
	client->received += (size_t)got;
	end = memchr(client->request, '\n', client->received);
	if (!end && client->received < sizeof(client->request))
		return;
	answer = end ? answer_of(client, (size_t)(end - client->request))
		     : refusal("the request is too long");
	if (client->peer.taken)
		part(client);
	else
		reply(client, answer);
}

static void on_client(struct ev_loop *loop, ev_io *io, int revents)
{
	struct client *client = io->data;

	if (client->ending)
		discard(client);
	else if (!client->answer)
		receive(client);
	else if (send_answer(client))
		finish(client);
}

static void on_deadline(struct ev_loop *loop, ev_timer *timer, int revents)
{
	end_client(timer->data);
}

/* The oldest makes room. */
static struct client *free_slot(struct control *control)
{
	struct client *oldest = &control->clients[0];

	for (size_t i = 0; i < CONTROL_CLIENTS; i++) {
		struct client *client = &control->clients[i];

		if (!is_busy(client))
			return client;
		if (client->number < oldest->number)
			oldest = client;
	}
	end_client(oldest);
	return oldest;
}

/* Whoever connected, by the kernel's word (unix(7), SO_PEERCRED). */
static struct control_peer peer_of(int fd)
{
	struct ucred peer = { .uid = (uid_t)-1 };
	socklen_t size = sizeof(peer);
	bool known = getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0;

	return (struct control_peer){
		.fd = fd,
		.pid = peer.pid,
		.uid = peer.uid,
		.trusted = known && (peer.uid == 0 || peer.uid == geteuid()),
	};
}

static void welcome(struct control *control, int fd)
{
	struct client *client = free_slot(control);

	client->control = control;
	client->number = control->accepted++;
	client->peer = peer_of(fd);
	client->received = 0;
	client->ending = false;
	ev_io_init(&client->io, on_client, fd, EV_READ);
	ev_timer_init(&client->deadline, on_deadline, CLIENT_S, 0);
	client->io.data = client->deadline.data = client;
	ev_io_start(control->loop, &client->io);
	ev_timer_start(control->loop, &client->deadline);
}

static void on_connection(struct ev_loop *loop, ev_io *io, int revents)
{
	struct control *control = io->data;
	int fd = accept4(io->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd >= 0) {
		welcome(control, fd);
		return;
	}
	if (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED)
		return;
	/* Without descriptors it would be called again at once. */
	ev_io_stop(loop, io);
	ev_timer_start(loop, &control->retry);
}

static void on_retry(struct ev_loop *loop, ev_timer *timer, int revents)
{
	struct control *control = timer->data;

	ev_io_start(loop, &control->io);
}

/* Whether somebody listens at the address: 0 if not (and what is there is dead or nothing). */
static int probe(const struct sockaddr_un *address)
{
	struct stat status;
	int fd, err = 0;

	if (lstat(address->sun_path, &status) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(status.st_mode))
		return -EEXIST;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 ||
	    errno == EAGAIN)
		err = -EADDRINUSE;
	else if (errno != ECONNREFUSED)
		err = -errno;
	close(fd);
	if (!err && unlink(address->sun_path) < 0)
		err = -errno;
	return err;
}

static void make_folder(const char *path)
{
	char folder[sizeof(((struct sockaddr_un *)0)->sun_path)];
	const char *slash = strrchr(path, '/');

	if (!slash || slash == path)
		return;
	memcpy(folder, path, (size_t)(slash - path));
	folder[slash - path] = '\0';
	/* Whatever is wrong with it, bind() says so. */
	(void)!mkdir(folder, FOLDER_MODE);
}

static int listen_at(struct control *control)
{
	const struct sockaddr *address = (const struct sockaddr *)&control->address;
	struct stat status;
	mode_t mask;
	int err;

	make_folder(control->address.sun_path);
	err = probe(&control->address);
	if (err)
		return err;
	control->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (control->fd < 0)
		return -errno;
	mask = umask(UMASK);
	err = bind(control->fd, address, sizeof(control->address)) < 0 ? -errno : 0;
	umask(mask);
	if (err)
		return err;
	if (listen(control->fd, BACKLOG) < 0 ||
	    lstat(control->address.sun_path, &status) < 0)
		return -errno;
	control->device = status.st_dev;
	control->number = status.st_ino;
	return 0;
}

static void explain(const char *path, int err, struct text *why)
{
	if (err == -EADDRINUSE)
		text_add(why, "another guard takes orders at \"%s\"", path);
	else if (err == -EEXIST)
		text_add(why, "\"%s\" is there and is no socket", path);
	else
		text_add(why, "cannot take orders at \"%s\": %s", path, strerror(-err));
}

int control_open(struct control **out, const char *path, struct text *why)
{
	struct control *control = calloc(1, sizeof(*control));
	int err = control ? 0 : -ENOMEM;

	if (control) {
		control->fd = -1;
		control->address.sun_family = AF_UNIX;
		if (path[0] == '\0' || strlen(path) >= sizeof(control->address.sun_path))
			err = -ENAMETOOLONG;
		else
			memcpy(control->address.sun_path, path, strlen(path));
	}
	if (!err)
		err = listen_at(control);
	if (err) {
		explain(path, err, why);
		control_close(control);
		return err;
	}
	*out = control;
	return 0;
}

void control_start(struct control *control, struct ev_loop *loop,
		   control_answer_cb *answer_cb, void *data)
{
	control->loop = loop;
	control->answer = answer_cb;
	control->data = data;
	ev_io_init(&control->io, on_connection, control->fd, EV_READ);
	ev_timer_init(&control->retry, on_retry, RETRY_S, 0);
	control->io.data = control->retry.data = control;
	ev_io_start(loop, &control->io);
}

static void stop(struct control *control)
{
	for (size_t i = 0; i < CONTROL_CLIENTS; i++) {
		if (is_busy(&control->clients[i]))
			end_client(&control->clients[i]);
	}
	ev_io_stop(control->loop, &control->io);
	ev_timer_stop(control->loop, &control->retry);
}

void control_close(struct control *control)
{
	struct stat status;

	if (!control)
		return;
	if (control->loop)
		stop(control);
	if (control->number && lstat(control->address.sun_path, &status) == 0 &&
	    status.st_dev == control->device && status.st_ino == control->number)
		unlink(control->address.sun_path);
	if (control->fd >= 0)
		close(control->fd);
	free(control);
}
