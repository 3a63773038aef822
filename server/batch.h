/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SERVER_BATCH_H
#define SERVER_BATCH_H

#include <stdalign.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "server/answer.h"
#include "server/socket.h"

struct context;
struct peer;

enum {
	BATCH_MESSAGES = 64, /* a system call */
	BATCH_SLOT_BYTES = 65536,
};

/* What the kernel says and is told of a message. */
struct batch_control {
	alignas(struct cmsghdr) char bytes[ANSWER_CONTROL_BYTES];
};

/*
 * What receives, and then sends, many UDP messages with one system call each way. One is
 * enough for all sockets of a worker.
 */
struct batch {
	struct mmsghdr messages[BATCH_MESSAGES];
	struct iovec parts[BATCH_MESSAGES];
	union socket_address peers[BATCH_MESSAGES];
	struct batch_control controls[BATCH_MESSAGES];
	unsigned
		datagrams[BATCH_MESSAGES]; /* in each to send: more than one is a burst */
	int hops[BATCH_MESSAGES]; /* that each to send may go; the echo's own note */
	unsigned dirty;           /* how many messages at the front were used, */
	size_t bytes;             /* and how large the parts are for the next */
	char *slots;              /* touched only as far as messages are long */
};

/* The socket that a batch is used for at a time. */
struct batch_socket {
	int fd;
	bool fragments; /* are switched off, and on for what needs them */
	struct context *context;
};

/* Returns 0 or -errno. The caller closes it. */
int batch_open(struct batch **out);

/* Frees it; NULL is allowed. */
void batch_close(struct batch *batch);

/*
 * Receives up to a batch of messages, of each at most bytes (BATCH_SLOT_BYTES or less), with
 * recvmmsg()'s flags. Counts bytes and errors. Returns how many messages there are, each
 * a datagram or a burst of them.
 */
unsigned batch_receive(struct batch *batch, const struct batch_socket *from, size_t bytes,
		       int flags);

/*
 * Makes message number from of those received the answer number to <= from: what its slot
 * begins with now, to where it came from, with its control messages as they are now.
 */
void batch_answer(struct batch *batch, unsigned to, unsigned from, size_t bytes,
		  unsigned datagrams);

/*
 * Begins a message of its own, number i, with control messages as sendmsg() takes them, and
 * returns its slot to write it to; then the bytes of it are told.
 */
char *batch_compose(struct batch *batch, unsigned i, const struct peer *to,
		    const void *control, size_t control_bytes);
void batch_composed(struct batch *batch, unsigned i, size_t bytes);

/*
 * Sends the first count messages, which were answered or composed, and counts what became of
 * them. Does not wait. Returns how many datagrams were sent.
 */
uint64_t batch_send(struct batch *batch, const struct batch_socket *to, unsigned count);

#endif
