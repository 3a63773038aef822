/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RULES_REQUEST_H
#define RULES_REQUEST_H

#include <stdbool.h>

#include "lib/service.h"
#include "rules/terms.h"

struct log;
struct text;

enum request_command {
	REQUEST_ADD,
	REQUEST_LIST,
	REQUEST_DELETE,
	REQUEST_FLUSH,
	REQUEST_AUDIT
};

/* What a command line of ctrules asks for. */
struct request {
	enum request_command command;
	struct service service; /* if request_takes_service(): one that the layout fits */
	struct extent extent;   /* one that fits the service; without a seed */
	double lease_s;
	double verify_s; /* 0: not asked for */
	bool lease_given;
	bool share_given;
	bool budget_given;
	bool forever;
	bool force;
	bool dry_run;
	bool json;
	bool all;      /* audit: every service that somebody listens for */
	bool explain;  /* audit: the walk, rule by rule */
	bool rehearse; /* audit: in copies of this host, too */
};

enum request_kind { REQUEST_RUN, REQUEST_HELP, REQUEST_VERSION, REQUEST_BAD };

/*
 * Reads the command line. -v and -q set the level of log; what is wrong is written to it,
 * one sentence with the bad value, and makes REQUEST_BAD. *out is written only for
 * REQUEST_RUN.
 */
enum request_kind request_parse(int argc, char **argv, struct log *log,
				struct request *out);

/* The command as it is typed, and whether a service comes after it. */
const char *request_name(const struct request *request);
bool request_takes_service(const struct request *request);

/*
 * The terms of add: held by this process of program, a share with a seed of its own. Returns 0, or
 * -errno if there is no random number.
 */
int request_terms(const struct request *request, const char *program, struct terms *out);

/* Adds the help to text. */
void request_help(struct text *text);

#endif
