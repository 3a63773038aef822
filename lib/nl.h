/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef LIB_NL_H
#define LIB_NL_H

#include <libmnl/libmnl.h>
#include <stddef.h>
#include <stdint.h>

/*
 * One netlink conversation: a request at a time, its answer read to the end before
 * the next. Use a second one for anything that must not wait. Opaque: it owns a
 * socket and a buffer. Not for event subscriptions.
 */
struct nl;

/*
 * Opens a conversation with bus NETLINK_NETFILTER, NETLINK_SOCK_DIAG or NETLINK_ROUTE in the
 * network namespace of the calling thread. With NETLINK_ROUTE the kernel selects what a
 * dump's header asks for (NETLINK_GET_STRICT_CHK), from 4.20 on. Returns 0 or -errno.
 */
int nl_open(struct nl **out, int bus);

/* Closes it; NULL is allowed. */
void nl_close(struct nl *nl);

/*
 * Closes the socket of a dump that was left early, and opens another, which else the next request does. Closing may
 * take milliseconds: for NETLINK_NETFILTER the kernel first waits for other processors, if it has
 * nf_tables commits to clean up after. Returns 0 or -errno.
 */
int nl_ready(struct nl *nl);

/*
 * Starts a request of the given type; flags are added to NLM_F_REQUEST. The caller
 * puts its extra header and attributes into the message (at most NL_REQUEST_MAX
 * bytes in all) and then calls nl_transact().
 */
struct nlmsghdr *nl_begin(struct nl *nl, uint16_t type, uint16_t flags);

/* The same for nfnetlink, with the nfgenmsg header that all of its messages have. */
struct nlmsghdr *nl_begin_nfnl(struct nl *nl, uint16_t type, uint16_t flags,
			       uint8_t family);

enum { NL_REQUEST_MAX = 4096 };

/*
 * Sends the request and gives each message of the answer to cb (may be NULL) until
 * the acknowledgement, the end of the dump, or cb returns MNL_CB_STOP: a dump that is
 * left early is ended by closing its socket, unseen by the caller. Ask for NLM_F_ACK
 * or NLM_F_DUMP, else it does not know the end.
 * Returns 0; the kernel's -errno; -EINTR if the dumped table changed under the
 * dump (start over); -ENOBUFS if messages were lost; -ETIMEDOUT if no answer came
 * within NL_TIMEOUT_S; what cb left in errno (negated) if it returned MNL_CB_ERROR.
 */
int nl_transact(struct nl *nl, mnl_cb_t cb, void *data)
	__attribute__((warn_unused_result));

enum { NL_TIMEOUT_S = 5 };

/* The next sequence number, for messages that the caller builds itself (batches). */
uint32_t nl_sequence(struct nl *nl);

/*
 * Sends bytes of ready messages as one datagram (an nfnetlink batch) and reads until the
 * acknowledgement of the message ack_seq or an error. Returns 0; or the first error
 * the kernel reports, with the number of the message it complains about in *failed_seq
 * (may be NULL); -ENOBUFS if the acknowledgement was lost (the batch may have been
 * committed: look); -ETIMEDOUT.
 */
int nl_batch(struct nl *nl, const void *batch, size_t bytes, uint32_t ack_seq,
	     uint32_t *failed_seq) __attribute__((warn_unused_result));

#endif
