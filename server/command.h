/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SERVER_COMMAND_H
#define SERVER_COMMAND_H

#include <stdbool.h>

#include "lib/options.h"
#include "server/load.h"

struct args_why;

enum option_key {
	OPTION_COUNT = 'n',
	OPTION_RATE = 'r',
	OPTION_SOURCE = 's',
	OPTION_WINDOW = 'w',
	OPTION_DURATION = 'd',
	OPTION_CONNECTIONS = 'c',
	OPTION_FLOWS = 'f',
	OPTION_SIZE = 'b',
	OPTION_WAIT = OPTIONS_LONG_ONLY,
	OPTION_PATH_PREFIX,
	OPTION_LEASE,
	OPTION_ALLOW_PUBLIC,
	OPTION_PROCESSES,
};

/* A command line of ctload. */
struct command {
	struct load load;
	bool json;
	bool allow_public;
	bool has_duration;
	bool done; /* --help or --version was all */
};

/* The option table of each mode. */
const struct option_spec *command_echo_options(void);
const struct option_spec *command_hold_options(void);
const struct option_spec *command_flows_options(void);

/*
 * Applies an option that has a value. Returns 0, or -errno with one sentence in *why that
 * quotes the value.
 */
int command_apply(struct command *command, int key, const char *value,
		  struct args_why *why);

#endif
