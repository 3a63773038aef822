/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GUARD_ORDER_H
#define GUARD_ORDER_H

#include <stdbool.h>
#include <stddef.h>

#include "guard/policy.h"

struct log;
struct text;

enum order_command {
	ORDER_RUN,
	ORDER_CHECK_CONFIG,
	ORDER_DOCTOR,
	ORDER_INCIDENTS,
	ORDER_STATUS, /* this and those that follow are for the running guard */
	ORDER_PAUSE,
	ORDER_RESUME,
	ORDER_RELEASE,
	ORDER_RELOAD,
	ORDER_STOP,
};

enum { ORDER_SETTINGS_MAX = 16 };

/* What a command line of ctguard asks for; its strings are those of argv. */
struct order {
	enum order_command command;
	const char *operand; /* of RELEASE: the service; of INCIDENTS: which, or NULL */
	const char *config_path;
	const char *control_path; /* NULL: not given */
	const char *journal_path; /* NULL: not given */
	const char *netns; /* to guard, or that the order is for; NULL: not given */
	const char *services[POLICY_SERVICES_MAX];
	size_t service_count;
	struct {
		const char *name; /* as config_set() knows it */
		const char *value;
	} settings[ORDER_SETTINGS_MAX];
	size_t setting_count;
	const char *user; /* to become; NULL: stay who it is */
	bool realtime;
	bool now; /* RELEASE: whatever that does to open connections */
	bool dry_run;
	bool force;
	bool json;
};

enum order_kind { ORDER_GOOD, ORDER_HELP, ORDER_VERSION, ORDER_BAD };

/*
 * Reads the command line. -v and -q set the level of log; what is wrong is written to it,
 * one sentence with the bad value, and makes ORDER_BAD. *out is written only for
 * ORDER_GOOD.
 */
enum order_kind order_parse(int argc, char **argv, struct log *log, struct order *out);

/* The command as it is typed. */
const char *order_name(enum order_command command);

/* Adds the help to text. */
void order_help(struct text *text);

#endif
