// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/request.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/args.h"
#include "lib/log.h"
#include "lib/options.h"
#include "lib/text.h"
#include "rules/layout.h"

/* A lease that was forgotten should end by itself. */
static const double LEASE_DEFAULT_S = 300;
static const double LEASE_MIN_S = 0.1, LEASE_MAX_S = 365 * 86400.0;

static const double VERIFY_MIN_S = 0.1, VERIFY_MAX_S = 3600;

enum { MS_PER_S = 1000 };

/* Of a percentage that was divided by 100. */
static const double ROUNDING = 1e-9;

enum {
	OPTION_FOREVER = OPTIONS_LONG_ONLY,
	OPTION_FORCE,
	OPTION_SHARE,
	OPTION_BUDGET,
	OPTION_VERIFY,
	OPTION_ALL,
	OPTION_EXPLAIN,
	OPTION_REHEARSE,
};

static const struct option_spec SPECS[] = {
	{ 'l', "lease", "T", "add: for this long (default 5m)" },
	{ OPTION_FOREVER, "forever", NULL, "add: until it is deleted" },
	{ OPTION_SHARE, "share", "PERCENT", "add: only this share of its flows" },
	{ OPTION_BUDGET, "budget", "RATE",
	  "add: only what exceeds RATE packets/s (udp)" },
	{ OPTION_VERIFY, "verify", "T", "add: wait at most T for packets both ways" },
	{ OPTION_FORCE, "force", NULL, "add: whatever the audit says" },
	{ 'n', "dry-run", NULL, "print nft text that does the same; change nothing" },
	{ OPTION_ALL, "all", NULL, "audit: every service that somebody listens for" },
	{ OPTION_EXPLAIN, "explain", NULL,
	  "audit: how each rule goes, tracked and untracked" },
	{ OPTION_REHEARSE, "rehearse", NULL,
	  "audit: also try it in a copy of this host" },
	OPTIONS_COMMON,
};

struct command {
	const char *name;
	bool takes_service;
};

static const struct command COMMANDS[] = {
	[REQUEST_ADD] = { "add", true },       [REQUEST_LIST] = { "list", false },
	[REQUEST_DELETE] = { "delete", true }, [REQUEST_FLUSH] = { "flush", false },
	[REQUEST_AUDIT] = { "audit", true },
};

enum { COMMAND_COUNT = sizeof(COMMANDS) / sizeof(COMMANDS[0]) };

const char *request_name(const struct request *request)
{
	return COMMANDS[request->command].name;
}

bool request_takes_service(const struct request *request)
{
	return COMMANDS[request->command].takes_service &&
	       !(request->command == REQUEST_AUDIT && request->all);
}

void request_help(struct text *text)
{
	text_add(text,
		 "usage: ctrules [options] add SERVICE | list | delete SERVICE | flush\n"
		 "       ctrules [options] audit SERVICE | audit --all\n\n"
		 "Takes services out of connection tracking (NOTRACK) in a table of its "
		 "own,\n"
		 "table inet ctkit, for as long as a lease lasts.\n"
		 "SERVICE is [out:]PROTO/[ADDRESS:]PORT[-PORT], like udp/53, "
		 "udp/10000-20000,\n"
		 "tcp/[2001:db8::1]:443, or out:udp/53 for flows that this host "
		 "opens.\n\n");
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

/* Whole percents: what a flow's hash is compared with. */
static bool take_share(const char *value, const struct log *log, struct request *request)
{
	struct args_why why;
	double share;

	if (args_share(value, 0.01, 1, &share, &why)) {
		log_error(log, "--share: %s", why.text);
		return false;
	}
	request->extent.percent = (unsigned)(100 * share + 0.5);
	if (fabs(100 * share - request->extent.percent) > ROUNDING)
		return misuse(log, "--share: want whole percents, not", value);
	/* For all of them no flow needs to be hashed. */
	request->extent.kind = request->extent.percent < 100 ? EXTENT_SHARE : EXTENT_ALL;
	request->share_given = true;
	return true;
}

static bool take_budget(const char *value, const struct log *log, struct request *request)
{
	struct args_why why;
	uint64_t rate;

	if (args_count(value, 1, EXTENT_RATE_MAX, &rate, &why)) {
		log_error(log, "--budget: %s", why.text);
		return false;
	}
	request->extent.kind = EXTENT_BUDGET;
	request->extent.packets_per_s = (uint32_t)rate;
	request->budget_given = true;
	return true;
}

static bool take_verify(const char *value, const struct log *log, struct request *request)
{
	struct args_why why;

	if (args_duration(value, VERIFY_MIN_S, VERIFY_MAX_S, &request->verify_s, &why) ==
	    0)
		return true;
	log_error(log, "--verify: %s", why.text);
	return false;
}

/* One option. Anything but REQUEST_RUN ends the reading. */
static enum request_kind take_option(int key, const char *value, struct log *log,
				     struct request *request)
{
	switch (key) {
	case 'l': return take_lease(value, log, request) ? REQUEST_RUN : REQUEST_BAD;
	case OPTION_SHARE:
		return take_share(value, log, request) ? REQUEST_RUN : REQUEST_BAD;
	case OPTION_BUDGET:
		return take_budget(value, log, request) ? REQUEST_RUN : REQUEST_BAD;
	case OPTION_VERIFY:
		return take_verify(value, log, request) ? REQUEST_RUN : REQUEST_BAD;
	case OPTION_FOREVER: request->forever = true; break;
	case OPTION_FORCE: request->force = true; break;
	case OPTION_ALL: request->all = true; break;
	case OPTION_EXPLAIN: request->explain = true; break;
	case OPTION_REHEARSE: request->rehearse = true; break;
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
	bool for_add = request->lease_given || request->forever || request->force ||
		       request->share_given || request->budget_given ||
		       request->verify_s > 0;

	if (request->lease_given && request->forever)
		return misuse(log, "--lease and --forever exclude each other", NULL);
	if (request->share_given && request->budget_given)
		return misuse(log, "--share and --budget exclude each other", NULL);
	if (request->verify_s > 0 && request->dry_run)
		return misuse(log, "--verify and --dry-run exclude each other", NULL);
	if (request->verify_s > 0 && request->budget_given)
		return misuse(
			log,
			"--verify is not for a budget, which untracks nothing until "
			"it is exceeded",
			NULL);
	if (for_add && request->command != REQUEST_ADD)
		return misuse(log,
			      "--lease, --forever, --share, --budget, --verify and "
			      "--force are not for command",
			      request_name(request));
	if (request->all && request->command != REQUEST_AUDIT)
		return misuse(log, "--all is not for command", request_name(request));
	if (request->all && (request->explain || request->rehearse))
		return misuse(log,
			      "--explain and --rehearse are for one service, not for "
			      "--all",
			      NULL);
	if (request->explain && request->command != REQUEST_AUDIT)
		return misuse(log, "--explain is not for command", request_name(request));
	if (request->rehearse && request->command != REQUEST_AUDIT)
		return misuse(log, "--rehearse is not for command",
			      request_name(request));
	if (request->dry_run &&
	    (request->command == REQUEST_LIST || request->command == REQUEST_AUDIT))
		return misuse(log, "--dry-run is not for command", request_name(request));
	return true;
}

static bool take_service(const char *text, const struct log *log, struct request *request)
{
	struct service *service = &request->service;
	const char *unfit;
	struct args_why why;

	if (service_parse(text, service, &why)) {
		log_error(log, "%s", why.text);
		return false;
	}
	unfit = layout_unfit(service);
	if (!unfit)
		unfit = extent_unfit(&request->extent, service);
	if (unfit)
		log_error(log, "service \"%s\": %s", text, unfit);
	return !unfit;
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
		return misuse(log, "want a command: add, list, delete, flush or audit",
			      NULL);
	if (!take_command(operands[0], log, request))
		return false;
	wanted = request_takes_service(request) ? 2 : 1;
	if (count < wanted)
		return misuse(log, "which SERVICE? There is none after", operands[0]);
	if (count > wanted)
		return misuse(log, "one operand too many:", operands[wanted]);
	if (!check_options(request, log))
		return false;
	return !request_takes_service(request) || take_service(operands[1], log, request);
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

int request_terms(const struct request *request, const char *program, struct terms *out)
{
	struct terms terms = {
		.extent = request->extent,
		.holder = { .pid = (uint32_t)getpid() },
	};

	snprintf(terms.holder.program, sizeof(terms.holder.program), "%s", program);
	if (!request->forever)
		terms.lease_ms = (uint64_t)(request->lease_s * MS_PER_S + 0.5);
	/* One that nobody can guess: else whoever sends could choose to be tracked. */
	if (terms.extent.kind == EXTENT_SHARE &&
	    getentropy(&terms.extent.seed, sizeof(terms.extent.seed)))
		return -errno;
	*out = terms;
	return 0;
}
