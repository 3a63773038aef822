/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GUARD_DISPATCH_H
#define GUARD_DISPATCH_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct config;
struct control_peer;
struct ev_loop;
struct journal;
struct roll;
struct status;
struct wards;

/* What ends the loop, the gravest last: whoever runs it does what is wanted, and may run it again. */
enum dispatch_wish {
	DISPATCH_NONE,
	DISPATCH_RELOAD, /* read the configuration again */
	DISPATCH_END,    /* leave the rules to their leases */
	DISPATCH_STOP,   /* take the rules away and end */
};

/*
 * Takes what is asked over the control socket, does what concerns the guard as a whole and
 * brings the rest to the wards. The pointers are borrowed; zero-initialise the rest.
 */
struct dispatch {
	struct ev_loop *loop;
	const struct config *config;
	const struct journal *journal;
	struct wards *wards;
	struct roll *roll;
	bool rehearse;
	/* Reads the configuration again: 0, or -errno with the reason in *why. */
	int (*check)(void *data, char *why, size_t size);
	void *data;
	uint64_t started_ns;
	enum dispatch_wish wish;
};

/* Ends the loop for that, unless something graver is wanted in the same moment. */
void dispatch_want(struct dispatch *dispatch, enum dispatch_wish wish);

/* What the guard is doing now; its pointers are those of dispatch and of the wards. */
void dispatch_status(const struct dispatch *dispatch, struct status *out);

/*
 * Answers a request: {"command":"status"}, "reload", "stop", "register", which roll.h has, or what
 * orders.h says, in all namespaces or in that of "netns"; who is not trusted may only ask for the
 * status and register. The answer has "ok", and "error" or, of a status, what status.h says.
 */
json_t *dispatch_answer(struct dispatch *dispatch, const json_t *request,
			struct control_peer *peer);

#endif
