// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/request.h"

#include <errno.h>
#include <string.h>

#include "lib/args.h"
#include "lib/log.h"
#include "lib/options.h"
#include "lib/text.h"
#include "rules/apply.h"
#include "rules/layout.h"
#include "rules/refusal.h"
#include "rules/ruleset.h"

/* A lease that was forgotten should end by itself. */
static const double LEASE_DEFAULT_S = 300;
static const double LEASE_MIN_S = 0.1, LEASE_MAX_S = 365 * 86400.0;

enum { OPTION_FOREVER = OPTIONS_LONG_ONLY, OPTION_FORCE };

static const struct option_spec SPECS[] = {
	{ 'l', "lease", "T", "add: for this long (default 5m)" },
	{ OPTION_FOREVER, "forever", NULL, "add: until it is deleted" },
	{ OPTION_FORCE, "force", NULL, "add: do not warn that nothing was audited" },
	{ 'n', "dry-run", NULL, "print nft text that does the same; change nothing" },
	OPTIONS_COMMON,
};

struct command {
	const char *name;
	bool takes_service;
};

static const struct command COMMANDS[] = {
	[REQUEST_ADD] = { "add", true },
	[REQUEST_LIST] = { "list", false },
	[REQUEST_DELETE] = { "delete", true },
	[REQUEST_FLUSH] = { "flush", false },
};

enum { COMMAND_COUNT = sizeof(COMMANDS) / sizeof(COMMANDS[0]) };

const char *request_name(const struct request *request)
{
	return COMMANDS[request->command].name;
}

bool request_takes_service(const struct request *request)
{
	return COMMANDS[request->command].takes_service;
}

void request_help(struct text *text)
{
	text_add(
		text,
		"usage: ctrules [options] add SERVICE | list | delete SERVICE | flush\n\n"
		"Takes services of this host out of connection tracking (NOTRACK) in a "
		"table of\n"
		"its own, table inet ctkit, for as long as a lease lasts.\n"
		"SERVICE is PROTO/[ADDRESS:]PORT, like udp/53 or "
		"tcp/[2001:db8::1]:443.\n\n");
	options_help(SPECS, text);
}

/* Returns false, so that it can end a check. value may be NULL. */
static bool misuse(const struct log *log, const char *what, const char *value)
{
	if (value)
		log_error(log, "%s \"%s\" (see ctrules --help)", what, value);
	else
		log_error(log, "%s (see ctrules --help)", what);
	return false;
}

static bool take_lease(const char *value, const struct log *log, struct request *request)
{
	struct args_why why;

	request->lease_given = true;
	if (args_duration(value, LEASE_MIN_S, LEASE_MAX_S, &request->lease_s, &why) == 0)
		return true;
	log_error(log, "--lease: %s", why.text);
	return false;
}

/* One option. Anything but REQUEST_RUN ends the reading. */
static enum request_kind take_option(int key, const char *value, struct log *log,
				     struct request *request)
{
	switch (key) {
	case 'l': return take_lease(value, log, request) ? REQUEST_RUN : REQUEST_BAD;
	case OPTION_FOREVER: request->forever = true; break;
	case OPTION_FORCE: request->force = true; break;
	case 'n': request->dry_run = true; break;
	case 'j': request->json = true; break;
	case 'v': log->level = LOG_LEVEL_DEBUG; break;
	case 'q': log->level = LOG_LEVEL_WARN; break;
	case 'h': return REQUEST_HELP;
	case 'V': return REQUEST_VERSION;
	default: return REQUEST_BAD;
	}
	return REQUEST_RUN;
}

/* Options that would be ignored are refused. */
static bool check_options(const struct request *request, const struct log *log)
{
	bool for_add = request->lease_given || request->forever || request->force;

	if (request->lease_given && request->forever)
		return misuse(log, "--lease and --forever exclude each other", NULL);
	if (for_add && request->command != REQUEST_ADD)
		return misuse(log, "--lease, --forever and --force are not for command",
			      request_name(request));
	if (request->dry_run && request->command == REQUEST_LIST)
		return misuse(log, "--dry-run is not for command", request_name(request));
	return true;
}

static bool take_service(const char *text, const struct log *log, struct service *service)
{
	const struct ruleset none = { 0 };
	struct apply_why refusal;
	struct args_why why;

	if (service_parse(text, service, &why)) {
		log_error(log, "%s", why.text);
		return false;
	}
	if (layout_unfit(service)) {
		refusal_of_plan(-EOPNOTSUPP, &none, service, &refusal);
		log_error(log, "%s", refusal.text);
		return false;
	}
	return true;
}

static bool take_command(const char *name, const struct log *log, struct request *request)
{
	for (int i = 0; i < COMMAND_COUNT; i++) {
		if (strcmp(COMMANDS[i].name, name) == 0) {
			request->command = (enum request_command)i;
			return true;
		}
	}
	return misuse(log, "unknown command", name);
}

/* The command and its operand. */
static bool take_operands(int count, char **operands, const struct log *log,
			  struct request *request)
{
	int wanted;

	if (count == 0)
		return misuse(log, "want a command: add, list, delete or flush", NULL);
	if (!take_command(operands[0], log, request))
		return false;
	wanted = request_takes_service(request) ? 2 : 1;
	if (count < wanted)
		return misuse(log, "which SERVICE? There is none after", operands[0]);
	if (count > wanted)
		return misuse(log, "one operand too many:", operands[wanted]);
	if (!check_options(request, log))
		return false;
	return !request_takes_service(request) ||
	       take_service(operands[1], log, &request->service);
}

enum request_kind request_parse(int argc, char **argv, struct log *log,
				struct request *out)
{
	struct request request = { .lease_s = LEASE_DEFAULT_S };
	struct options options = { 0 };
	const char *value;
	int key;

	options_init(&options, SPECS);
	while ((key = options_next(&options, argc, argv, &value)) != -1) {
		enum request_kind kind = take_option(key, value, log, &request);

		if (kind != REQUEST_RUN)
			return kind;
	}
	if (!take_operands(argc - optind, argv + optind, log, &request))
		return REQUEST_BAD;
	*out = request;
	return REQUEST_RUN;
}
