// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/publish.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "lib/args.h"
#include "lib/clock.h"
#include "server/baton.h"
#include "server/inheritance.h"
#include "server/presence.h"
#include "server/siphash.h"

/* How long the router of a ctserve that was here before may take to come to its end. */
static const double HAND_OVER_MAX_S = 1;

struct channel {
	int outlet; /* -1: closed here, the same for inlet */
	int inlet;
};

/* Where the socket is, and who was bound to it so far; kept in the baton's file. */
struct place {
	uint64_t device;
	uint64_t inode; /* in the file system; 0: not bound */
	uint64_t turn;
};

struct publish {
	struct sockaddr_un address;
	struct siphash_key key;
	struct presence *presence;
	pid_t owner; /* the process that removes the socket */
	struct place place;
	struct baton baton;
	int socket;
	unsigned workers;
	struct channel channels[];
};

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* The path that is bound could have been replaced by someone else's. */
static void remove_socket(const struct publish *publish)
{
	struct stat there;

	if (publish->place.inode == 0 || publish->owner != getpid())
		return;
	if (lstat(publish->address.sun_path, &there) == 0 &&
	    there.st_dev == publish->place.device && there.st_ino == publish->place.inode)
		unlink(publish->address.sun_path);
}

void publish_close(struct publish *publish)
{
	if (!publish)
		return;
	remove_socket(publish);
	close_fd(&publish->socket);
	close_fd(&publish->baton.fd);
	for (unsigned i = 0; i < publish->workers; i++) {
		close_fd(&publish->channels[i].outlet);
		close_fd(&publish->channels[i].inlet);
	}
	presence_close(publish->presence);
	free(publish);
}

static int explain(struct args_why *why, const char *path, const char *cause)
{
	snprintf(why->text, sizeof(why->text), "cannot publish at %.100s: %s", path,
		 cause);
	return -EINVAL;
}

/* Removes what a ctserve that was killed has left, and nothing else. Returns 0 or -errno. */
static int make_way(const struct publish *publish, struct args_why *why)
{
	const struct sockaddr *address = (const struct sockaddr *)&publish->address;
	const char *path = publish->address.sun_path;
	struct stat there;

	if (lstat(path, &there) < 0)
		return 0;
	if (!S_ISSOCK(there.st_mode))
		return explain(why, path, "something that is no socket is there");
	/* Refused: the socket has no owner any more. */
	if (connect(publish->socket, address, sizeof(publish->address)) == 0)
		return explain(why, path, strerror(EADDRINUSE));
	if (errno != ECONNREFUSED)
		return explain(why, path, strerror(errno));
	if (unlink(path) < 0)
		return explain(why, path, strerror(errno));
	return 0;
}

static int write_place(const struct publish *publish, struct args_why *why)
{
	if (pwrite(publish->baton.fd, &publish->place, sizeof(publish->place), 0) ==
	    sizeof(publish->place))
		return 0;
	return explain(why, publish->address.sun_path, strerror(errno));
}

static int bind_socket(struct publish *publish, struct args_why *why)
{
	const struct sockaddr *address = (const struct sockaddr *)&publish->address;
	const char *path = publish->address.sun_path;
	struct stat there;
	mode_t mask;
	int err;

	publish->socket = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (publish->socket < 0)
		return explain(why, path, strerror(errno));
	err = make_way(publish, why);
	if (err)
		return err;
	/* Afterwards would leave a moment in which anyone may send. */
	mask = umask(0117);
	err = bind(publish->socket, address, sizeof(publish->address)) < 0 ? -errno : 0;
	umask(mask);
	if (err)
		return explain(why, path, strerror(-err));
	if (lstat(path, &there) == 0) {
		publish->place.device = there.st_dev;
		publish->place.inode = there.st_ino;
	}
	return write_place(publish, why);
}

/* Whether the socket that was left is the one of our path. */
static bool is_ours(const struct publish *publish)
{
	struct sockaddr_un there = { 0 };
	socklen_t bytes = sizeof(there);

	return getsockname(publish->socket, (struct sockaddr *)&there, &bytes) == 0 &&
	       there.sun_family == AF_UNIX &&
	       strncmp(there.sun_path, publish->address.sun_path,
		       sizeof(there.sun_path)) == 0;
}

/*
 * The router of before passes on what it has read, and ends with its feeds; those of the
 * other workers end when there are new ones. One that hangs is not waited for.
 */
static void stop_router_before(const struct publish *publish)
{
	const struct timespec pause = { .tv_nsec = CLOCK_NS_PER_MS };
	uint64_t give_up_ns =
		clock_now_ns() + (uint64_t)(HAND_OVER_MAX_S * CLOCK_NS_PER_S);
	pid_t router = baton_holder_before(&publish->baton);

	if (router <= 0)
		return;
	kill(router, SIGTERM);
	while (baton_holder_before(&publish->baton) == router &&
	       clock_now_ns() < give_up_ns)
		nanosleep(&pause, NULL);
}

/* Takes over what a ctserve that was this process before has left. */
static int adopt_socket(struct publish *publish, const int *fds, struct args_why *why)
{
	publish->socket = fds[0];
	publish->baton.fd = fds[1];
	if (!is_ours(publish) ||
	    pread(publish->baton.fd, &publish->place, sizeof(publish->place), 0) !=
		    sizeof(publish->place))
		return explain(why, publish->address.sun_path,
			       "what was inherited for it is something else");
	/* Ours is the next one: the router of before may still hold its own. */
	publish->place.turn++;
	publish->baton.turn = (unsigned)publish->place.turn;
	if (write_place(publish, why) < 0)
		return -EIO;
	stop_router_before(publish);
	return 0;
}

static int open_socket(struct publish *publish, struct inheritance *inheritance,
		       struct args_why *why)
{
	int fds[PUBLISH_HEIRLOOMS];
	int err;

	if (inheritance_take_router(inheritance, fds, PUBLISH_HEIRLOOMS))
		return adopt_socket(publish, fds, why);
	err = baton_open(&publish->baton);
	if (err)
		return explain(why, publish->address.sun_path, strerror(-err));
	return bind_socket(publish, why);
}

static int open_channels(struct publish *publish)
{
	for (unsigned i = 0; i < publish->workers; i++) {
		int ends[2];

		if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
			       ends) < 0)
			return -errno;
		publish->channels[i].outlet = ends[0];
		publish->channels[i].inlet = ends[1];
	}
	return 0;
}

static int set_path(struct publish *publish, const char *path, struct args_why *why)
{
	size_t bytes = strlen(path);

	if (bytes == 0)
		return explain(why, path, "the path is empty");
	if (bytes >= sizeof(publish->address.sun_path))
		return explain(why, path,
			       "the path is longer than the 107 bytes of a socket's");
	publish->address.sun_family = AF_UNIX;
	memcpy(publish->address.sun_path, path, bytes);
	return 0;
}

/* All but the socket itself. Returns 0 or -errno. */
static int open_routes(struct publish *publish)
{
	int err = siphash_key_make(&publish->key);

	if (!err)
		err = presence_open(&publish->presence, publish->workers);
	return err ? err : open_channels(publish);
}

static struct publish *new_publish(unsigned workers)
{
	struct publish *publish =
		calloc(1, sizeof(*publish) + workers * sizeof(publish->channels[0]));

	if (!publish)
		return NULL;
	publish->socket = publish->baton.fd = -1;
	publish->workers = workers;
	publish->owner = getpid();
	for (unsigned i = 0; i < workers; i++)
		publish->channels[i].outlet = publish->channels[i].inlet = -1;
	return publish;
}

int publish_open(struct publish **out, const char *path, unsigned workers,
		 struct inheritance *inheritance, struct args_why *why)
{
	struct publish *publish = new_publish(workers);
	int err;

	if (!publish)
		return explain(why, path, strerror(ENOMEM));
	err = set_path(publish, path, why);
	if (err)
		goto fail;
	err = open_routes(publish);
	if (err) {
		explain(why, path, strerror(-err));
		goto fail;
	}
	/* Last, so that nobody finds a socket that nothing will come of. */
	err = open_socket(publish, inheritance, why);
	if (err)
		goto fail;
	*out = publish;
	return 0;
fail:
	publish_close(publish);
	return err;
}

size_t publish_heirlooms(const struct publish *publish, int *fds)
{
	fds[0] = publish->socket;
	fds[1] = publish->baton.fd;
	return PUBLISH_HEIRLOOMS;
}

void publish_refuse(const struct publish *publish)
{
	shutdown(publish->socket, SHUT_RD);
}

int publish_take_turn(const struct publish *publish)
{
	return baton_take(&publish->baton);
}

void publish_end_turn(const struct publish *publish)
{
	baton_give(&publish->baton);
}

bool publish_is_read(const struct publish *publish)
{
	return baton_holder(&publish->baton) != 0;
}

void publish_keep(struct publish *publish, unsigned worker)
{
	if (worker != PUBLISH_ROUTER)
		close_fd(&publish->socket);
	for (unsigned i = 0; i < publish->workers; i++) {
		if (worker != PUBLISH_ROUTER)
			close_fd(&publish->channels[i].outlet);
		if (worker != i)
			close_fd(&publish->channels[i].inlet);
	}
}

int publish_socket(const struct publish *publish)
{
	return publish->socket;
}

int publish_outlet(const struct publish *publish, unsigned worker)
{
	return publish->channels[worker].outlet;
}

int publish_inlet(const struct publish *publish, unsigned worker)
{
	return publish->channels[worker].inlet;
}

unsigned publish_workers(const struct publish *publish)
{
	return publish->workers;
}

struct presence *publish_presence(const struct publish *publish)
{
	return publish->presence;
}

uint32_t publish_hash(const struct publish *publish, const char *id, size_t bytes)
{
	return (uint32_t)siphash(&publish->key, id, bytes);
}
