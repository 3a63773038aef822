/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CONNTRACK_REQUEST_H
#define CONNTRACK_REQUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "conntrack/outlets.h"
#include "conntrack/rollcall.h"
#include "conntrack/spaces.h"
#include "conntrack/view.h"

struct log;
struct text;

/* What a command line of ctwatch asks for. */
struct watch_request {
	bool once;
	bool batch; /* reports instead of lines */
	bool json;
	double interval_s;
	uint64_t count;      /* lines; 0: no end */
	uint32_t sample_max; /* 0: not given */
	struct rollcall_list asked;
	struct spaces_wanted netns;
	struct outlets_wanted outlets;
	bool lines; /* are wanted, or the screen; else only metrics */
	struct view view;
};

enum watch_request_kind {
	WATCH_REQUEST_RUN,
	WATCH_REQUEST_HELP,
	WATCH_REQUEST_VERSION,
	WATCH_REQUEST_BAD,
};

/*
 * Reads the command line. -v and -q set the level of log; what is wrong is written to it,
 * one sentence with the bad value, and makes WATCH_REQUEST_BAD. *out is written only for
 * WATCH_REQUEST_RUN.
 */
enum watch_request_kind watch_request_parse(int argc, char **argv, struct log *log,
					    struct watch_request *out);

/* Adds the help to text. */
void watch_request_help(struct text *text);

#endif
