/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RULES_RESULT_H
#define RULES_RESULT_H

#include <jansson.h>
#include <stdbool.h>

#include "rules/audit.h"

struct request;
struct verify;

/* What came of a command of ctrules, for programs: exit codes and JSON. Pure. */

/* Verdicts of an audit; the others are in lib/options.h. */
enum { EXIT_UNSAFE = 4, EXIT_UNKNOWN = 5 };

/* The exit code for 0 or -errno of what talks to the kernel. */
int result_code(int err);

/* That of an audit, and of an add that it forbids. */
int result_of_verdict(enum audit_verdict verdict);

/* What a command that changes something did, or would do. */
struct result {
	const char *program;
	const struct request *request;
	bool applied;
	const char *script;          /* by which nft text; NULL: not asked for */
	const struct audit *audit;   /* NULL: none was made */
	const struct verify *verify; /* if it was asked for */
};

/* As an object; NULL when memory ran out. */
json_t *result_json(const struct result *result);

#endif
