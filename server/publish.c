// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/publish.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/args.h"
#include "server/presence.h"
#include "server/siphash.h"

struct channel {
	int outlet; /* -1: closed here, the same for inlet */
	int inlet;
};

struct publish {
	struct sockaddr_un address;
	struct siphash_key key;
	struct presence *presence;
	pid_t owner; /* the process that removes the socket */
	dev_t device;
	ino_t inode; /* of the socket in the file system; 0: not bound */
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

	if (publish->inode == 0 || publish->owner != getpid())
		return;
	if (lstat(publish->address.sun_path, &there) == 0 &&
	    there.st_dev == publish->device && there.st_ino == publish->inode)
		unlink(publish->address.sun_path);
}

void publish_close(struct publish *publish)
{
	if (!publish)
		return;
	remove_socket(publish);
	close_fd(&publish->socket);
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
		publish->device = there.st_dev;
		publish->inode = there.st_ino;
	}
	return 0;
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
	publish->socket = -1;
	publish->workers = workers;
	publish->owner = getpid();
	for (unsigned i = 0; i < workers; i++)
		publish->channels[i].outlet = publish->channels[i].inlet = -1;
	return publish;
}

int publish_open(struct publish **out, const char *path, unsigned workers,
		 struct args_why *why)
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
	err = bind_socket(publish, why);
	if (err)
		goto fail;
	*out = publish;
	return 0;
fail:
	publish_close(publish);
	return err;
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
