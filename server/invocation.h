/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SERVER_INVOCATION_H
#define SERVER_INVOCATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/context.h"
#include "server/listener.h"

struct log;
struct text;

/* A range of ports counts as one. */
enum { INVOCATION_LISTENERS_MAX = 64 };

/* What a command line of ctserve asks for. Strings are the command line's. */
struct invocation {
	struct settings settings; /* what needs no memory of its own: no meter, no key */
	struct listener listeners[INVOCATION_LISTENERS_MAX];
	size_t listener_count;
	unsigned workers;         /* 0: not given */
	uint64_t connections;     /* 0: not given */
	double stats_s;           /* 0: not given */
	uint64_t per_source;      /* TCP connections, UDP feeds; 0: any number */
	uint64_t per_source_rate; /* UDP datagrams a second; 0: any number */
	const char *publish_path; /* NULL: not given; the same for those that follow */
	const char *log_path;
	const char *user;
	const char *guard; /* the socket of a guard to register with */
	const char *metrics;
	bool steer_cpu;
	bool json;
};

enum invocation_kind {
	INVOCATION_RUN,
	INVOCATION_HELP,
	INVOCATION_VERSION,
	INVOCATION_BAD
};

/*
 * Reads the command line. -v and -q set the level of log; what is wrong is written to it,
 * one sentence with the bad value, and makes INVOCATION_BAD. *out is written only for
 * INVOCATION_RUN.
 */
enum invocation_kind invocation_parse(int argc, char **argv, struct log *log,
				      struct invocation *out);

/* Adds the help to text. */
void invocation_help(struct text *text);

#endif
