/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RULES_PLAY_H
#define RULES_PLAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/text.h"
#include "rules/craft.h"

struct scratch;
struct service;

/* Who takes part in a rehearsal, and what was seen: what rules/stage.c, actor.c and peer.c share. */

enum {
	PLAY_FLOWS_MAX = 512,
	PLAY_SOCKETS_MAX = 768,
	PLAY_NAME_BYTES = 32,
	PLAY_ROUNDS_MAX =
		1000, /* of anything that ends by itself, if nobody is hostile */
};

/* Begins what answers. */
#define PLAY_ANSWER "re:"
enum { PLAY_ANSWER_BYTES = sizeof(PLAY_ANSWER) - 1 };

/* A conversation: with a host behind a link, or of this host with itself. */
struct play_flow {
	bool remote;       /* the client is behind the link: crafted, not a socket */
	size_t link;       /* which; SIZE_MAX: not known, or none */
	struct craft next; /* what the client would send next, without data */
	bool heard;        /* there is a frame to complain about */
	size_t bytes;
	uint8_t frame[CRAFT_BYTES_MAX]; /* the last from this host */
	int fd;                         /* the client's socket, or -1 */
	bool asked;
	char name[PLAY_NAME_BYTES];
};

enum play_role { PLAY_LISTENS, PLAY_SERVES, PLAY_ASKS };

struct play_socket {
	int fd; /* -1: closed */
	enum play_role role;
	struct play_flow *flow; /* of those who ask */
};

struct play {
	const struct scratch *scratch;
	const struct service *service;
	size_t flows, left_out, sockets;
	bool heard; /* something came through */
	struct play_flow flow[PLAY_FLOWS_MAX];
	struct play_socket socket[PLAY_SOCKETS_MAX];
	struct text facts; /* a line each */
};

/* Adds a fact: "who what detail". */
void play_note(struct play *play, const char *who, const char *what, const char *detail);

#endif
