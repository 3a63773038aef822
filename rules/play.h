/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RULES_PLAY_H
#define RULES_PLAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/text.h"
#include "rules/arena.h"
#include "rules/craft.h"
#include "rules/ranges.h"

struct detours;
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

/* When a conversation begins: before NOTRACK, after, or once the service does not listen any more. */
enum play_act { PLAY_OLD, PLAY_NEW, PLAY_SHUT };

/* Where what programs ask goes whom the kernel gave a port of the service. */
enum { PLAY_ASKED = 7003 };

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
	enum play_act act;
	char name[PLAY_NAME_BYTES]; /* its data, which tell it from others */
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
	struct ranges ports; /* that the kernel gives to clients here */
	const struct detours *detours;
	struct arena arena;  /* of given */
	struct ranges given; /* of these the service's, if it is a range */
	size_t flows, left_out, sockets;
	bool heard;       /* something came through */
	bool complaining; /* hosts send errors about packets: what is seen comes of that */
	bool apart;       /* only what gets in though nobody asked for it is a fact */
	struct play_flow flow[PLAY_FLOWS_MAX];
	struct play_socket socket[PLAY_SOCKETS_MAX];
	struct text facts; /* a line each */
};

enum { PLAY_REQUEST_MAX = 160, PLAY_FACT_MAX = 300 };

/* What a fact is about; and how it begins, for who compares. */
enum play_kind { PLAY_PACKET, PLAY_ERROR, PLAY_UNASKED };
enum {
	PLAY_OF_PACKETS = 'p',
	PLAY_OF_UNASKED = 'u',
	PLAY_AFTER_ERRORS = 'f',
	PLAY_OF_ERRORS = 'e'
};

/* Adds a fact, a sentence. ERROR: about an error of ICMP; UNASKED: about what gets in though nobody asked for it. */
void play_note(struct play *play, enum play_kind kind, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* "the request of 192.0.2.1:40000 to 192.0.2.2:53"; flow may be NULL: of nobody. */
void play_request_text(const struct play_flow *flow, char text[PLAY_REQUEST_MAX]);

/* Whose data they are, of a request or an answer: NULL if nobody's. */
const struct play_flow *play_flow_of(const struct play *play, const char *data,
				     size_t bytes);

#endif
