/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GUARD_ROLL_H
#define GUARD_ROLL_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/service.h"

struct config;
struct control_peer;
struct ev_loop;
struct journal;

/*
 * Who has registered what: programs that keep a connection to the guard's socket for as long as they
 * serve. Their services may be taken out as configured ones are; when a program ends they
 * are known for a while, to be given back and not to be taken out. Opaque: owns the connections.
 */
struct roll;

/* Programs in all, those of one user, and services of all together. */
enum { ROLL_PROGRAMS_MAX = 16, ROLL_OF_USER_MAX = 8, ROLL_SERVICES_MAX = 32 };

/* A service that somebody has registered. */
struct roll_service {
	uint64_t netns; /* in that network namespace */
	struct service service;
	unsigned holders; /* programs that serve it; 0: they have ended */
	uint64_t left_ns; /* when the last did */
};

/* What the roll tells, and asks. */
struct roll_ears {
	/* Services came, may not be taken out any more, or are forgotten. */
	void (*changed)(void *data);
	/* A program in that network namespace could not send: the table may be full. */
	void (*refused)(uint64_t netns, void *data);
	/* Whether that network namespace is guarded. */
	bool (*guards)(uint64_t netns, void *data);
	/* Whether that service is out of tracking there, so that it is still to be known. */
	bool (*busy)(const struct roll_service *service, void *data);
	void *data;
};

/* config says who may register what, and may change: roll_review(). Returns 0 or -ENOMEM. */
int roll_open(struct roll **out, const struct config *config, struct journal *journal);

/* From here on, in a loop; all is borrowed. */
void roll_start(struct roll *roll, struct ev_loop *loop, const struct roll_ears *ears);

/*
 * Answers a request to register, see enrolment.h. Where something is registered the connection is the
 * roll's from then on, and NULL is returned as the answer is sent; else a new object.
 */
json_t *roll_register(struct roll *roll, struct control_peer *peer,
		      const json_t *request);

/* The configuration is another: programs that may not register any more are sent away. */
void roll_review(struct roll *roll);

/* Adds the services of a network namespace to a configuration, also those that nobody holds any more. */
void roll_extend(const struct roll *roll, uint64_t netns, struct config *config);

/* Who is registered, as ctguard(8) says: a new array. */
json_t *roll_json(const struct roll *roll);

/* How many are, and sends that were not permitted to those who are or were. */
size_t roll_programs(const struct roll *roll);
uint64_t roll_eperm(const struct roll *roll);

/* Before the loop is destroyed; NULL is allowed. */
void roll_close(struct roll *roll);

#endif
