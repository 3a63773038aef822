// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <jansson.h>
#include <linux/netlink.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "lib/args.h"
#include "lib/clock.h"
#include "lib/log.h"
#include "lib/metainfo.h"
#include "lib/nl.h"
#include "lib/options.h"
#include "lib/service.h"
#include "lib/text.h"
#include "rules/apply.h"
#include "rules/layout.h"
#include "rules/listing.h"
#include "rules/plan.h"
#include "rules/refusal.h"
#include "rules/ruleset.h"
#include "rules/script.h"

static const char PROGRAM[] = "ctrules";

/* A lease that was forgotten should end by itself. */
#define LEASE_DEFAULT_S 300.0
static const double LEASE_MIN_S = 0.1, LEASE_MAX_S = 365 * 86400.0;

enum { MS_PER_S = 1000 };

/*
 * The kernel collects a lease that ran out within a second (nft_set_hash.c, gc interval);
 * until then its chain cannot be deleted.
 */
static const double BUSY_PATIENCE_S = 3;
static const long BUSY_PAUSE_NS = 50 * CLOCK_NS_PER_MS;

enum { OPTION_FOREVER = OPTIONS_LONG_ONLY, OPTION_FORCE };

static const struct option_spec SPECS[] = {
	{ 'l', "lease", "T", "add: for this long (default 5m)" },
	{ OPTION_FOREVER, "forever", NULL, "add: until it is deleted" },
	{ OPTION_FORCE, "force", NULL, "add: do not warn that nothing was audited" },
	{ 'n', "dry-run", NULL, "print nft text that does the same; change nothing" },
	OPTIONS_COMMON,
};

/* What the command line asks for. */
struct request {
	const struct command *command;
	struct service service;
	double lease_s;
	bool lease_given;
	bool forever;
	bool force;
	bool dry_run;
	bool json;
};

struct context {
	struct log log;
	struct request request;
	struct nl *nl;
	struct ruleset ruleset;
};

struct command {
	const char *name;
	bool takes_service;
	int (*run)(struct context *context); /* returns the exit code */
	int (*plan)(struct plan *plan, const struct ruleset *ruleset,
		    const struct request *request);
	int (*apply)(struct context *context, struct apply_why *why);
};

static int exit_code(int err)
{
	switch (err) {
	case 0: return EXIT_OK;
	case -EOPNOTSUPP: return EXIT_USAGE;
	case -EPERM:
	case -EPROTONOSUPPORT:
	case -EAFNOSUPPORT: return EXIT_UNREACHABLE;
	default: return EXIT_FAILED;
	}
}

static uint64_t lease_ms(const struct request *request)
{
	return request->forever ? APPLY_FOREVER
				: (uint64_t)(request->lease_s * MS_PER_S + 0.5);
}

static int plan_of_add(struct plan *plan, const struct ruleset *ruleset,
		       const struct request *request)
{
	return plan_add(plan, ruleset, &request->service, lease_ms(request));
}

static int plan_of_delete(struct plan *plan, const struct ruleset *ruleset,
			  const struct request *request)
{
	return plan_delete(plan, ruleset, &request->service);
}

static int plan_of_flush(struct plan *plan, const struct ruleset *ruleset,
			 const struct request *request)
{
	return plan_flush(plan, ruleset);
}

static int do_add(struct context *context, struct apply_why *why)
{
	const struct request *request = &context->request;

	return apply_add(context->nl, &request->service, lease_ms(request), why);
}

static int do_delete(struct context *context, struct apply_why *why)
{
	const struct timespec pause = { .tv_nsec = BUSY_PAUSE_NS };
	uint64_t start = clock_now_ns();
	int err = apply_delete(context->nl, &context->request.service, why);

	while (err == -EBUSY &&
	       clock_between_s(start, clock_now_ns()) < BUSY_PATIENCE_S) {
		nanosleep(&pause, NULL);
		err = apply_delete(context->nl, &context->request.service, why);
	}
	return err;
}

static int do_flush(struct context *context, struct apply_why *why)
{
	return apply_flush(context->nl, why);
}

/* Takes the object over. */
static int print_json(const struct log *log, json_t *object)
{
	int failed = !object || json_dumpf(object, stdout, JSON_COMPACT) ||
		     puts("") < 0 || fflush(stdout);

	json_decref(object);
	if (failed)
		log_error(log, "cannot write the output");
	return failed ? EXIT_FAILED : EXIT_OK;
}

static int print_text(const struct log *log, const struct text *text)
{
	if (text_ok(text) && fputs(text_str(text), stdout) >= 0 && !fflush(stdout))
		return EXIT_OK;
	log_error(log, "cannot write the output");
	return EXIT_FAILED;
}

/* What a command that changes something did, or would do (script: by which nft text). */
static int print_done(const struct context *context, const char *script)
{
	const struct request *request = &context->request;
	json_t *object = metainfo_object(PROGRAM);
	char name[SERVICE_TEXT_MAX];

	json_object_set_new(object, "command", json_string(request->command->name));
	if (request->command->takes_service) {
		service_format(&request->service, name);
		json_object_set_new(object, "service", json_string(name));
	}
	json_object_set_new(object, "applied", json_boolean(!script));
	if (script)
		json_object_set_new(object, "nft", json_string(script));
	return print_json(&context->log, object);
}

static int run_dry(struct context *context)
{
	const struct request *request = &context->request;
	const struct service *service =
		request->command->takes_service ? &request->service : NULL;
	struct text script = { 0 };
	struct plan plan = { 0 };
	struct apply_why why;
	int code, err = ruleset_read(context->nl, &context->ruleset);

	if (!err)
		err = request->command->plan(&plan, &context->ruleset, request);
	if (err) {
		refusal_of_plan(err, &context->ruleset, service, &why);
		log_error(&context->log, "%s", why.text);
		return exit_code(err);
	}
	script_render(&plan, &script);
	code = request->json ? print_done(context, text_str(&script))
			     : print_text(&context->log, &script);
	text_free(&script);
	plan_free(&plan);
	return code;
}

static int run_change(struct context *context)
{
	struct apply_why why = { "" };
	int err;

	if (context->request.dry_run)
		return run_dry(context);
	err = context->request.command->apply(context, &why);
	if (err) {
		log_error(&context->log, "%s", why.text);
		return exit_code(err);
	}
	return context->request.json ? print_done(context, NULL) : EXIT_OK;
}

static int run_add(struct context *context)
{
	char name[SERVICE_TEXT_MAX];
	int code = run_change(context);

	if (code != EXIT_OK || context->request.force)
		return code;
	service_format(&context->request.service, name);
	log_warn(&context->log,
		 "nothing was audited: whether other rules (NAT, ct state) need %s "
		 "tracked is "
		 "for you to judge",
		 name);
	return code;
}

static int run_list(struct context *context)
{
	struct ruleset *ruleset = &context->ruleset;
	int code, err = ruleset_read(context->nl, ruleset);
	struct text text = { 0 };
	struct apply_why why;
	json_t *object;

	if (!err && ruleset->present && !ruleset->ours)
		err = -EEXIST;
	if (err) {
		refusal_of_plan(err, ruleset, NULL, &why);
		log_error(&context->log, "%s", why.text);
		return exit_code(err);
	}
	if (context->request.json) {
		object = metainfo_object(PROGRAM);
		json_object_set_new(object, "services", listing_json(ruleset));
		return print_json(&context->log, object);
	}
	if (!ruleset->count) {
		log_info(&context->log, "no service is out of tracking");
		return EXIT_OK;
	}
	listing_text(ruleset, &text);
	code = print_text(&context->log, &text);
	text_free(&text);
	return code;
}

static const struct command COMMANDS[] = {
	{ "add", true, run_add, plan_of_add, do_add },
	{ "list", false, run_list, NULL, NULL },
	{ "delete", true, run_change, plan_of_delete, do_delete },
	{ "flush", false, run_change, plan_of_flush, do_flush },
};

static int print_help(const struct log *log)
{
	struct text text = { 0 };
	int code;

	text_add(
		&text,
		"usage: ctrules [options] add SERVICE | list | delete SERVICE | flush\n\n"
		"Takes services of this host out of connection tracking (NOTRACK) in a "
		"table of\n"
		"its own, table inet ctkit, for as long as a lease lasts.\n"
		"SERVICE is PROTO/[ADDRESS:]PORT, like udp/53 or "
		"tcp/[2001:db8::1]:443.\n\n");
	options_help(SPECS, &text);
	code = print_text(log, &text);
	text_free(&text);
	return code;
}

static int misuse(const struct log *log, const char *what, const char *value)
{
	log_error(log, "%s%s%s%s (see ctrules --help)", what, value ? " \"" : "",
		  value ? value : "", value ? "\"" : "");
	return EXIT_USAGE;
}

/* One option of the command line. Returns true if the program ends here, with *code. */
static bool take_option(struct context *context, int key, const char *value, int *code)
{
	struct request *request = &context->request;
	struct args_why why;

	*code = EXIT_OK;
	switch (key) {
	case 'l':
		request->lease_given = true;
		if (args_duration(value, LEASE_MIN_S, LEASE_MAX_S, &request->lease_s,
				  &why) == 0)
			return false;
		log_error(&context->log, "--lease: %s", why.text);
		*code = EXIT_USAGE;
		return true;
	case OPTION_FOREVER: request->forever = true; return false;
	case OPTION_FORCE: request->force = true; return false;
	case 'n': request->dry_run = true; return false;
	case 'j': request->json = true; return false;
	case 'v': context->log.level = LOG_LEVEL_DEBUG; return false;
	case 'q': context->log.level = LOG_LEVEL_WARN; return false;
	case 'h': *code = print_help(&context->log); return true;
	case 'V': *code = puts("ctrules " CTKIT_VERSION) < 0; return true;
	default: *code = EXIT_USAGE; return true;
	}
}

/* Options that would be ignored are refused. Returns EXIT_OK or EXIT_USAGE. */
static int check_options(const struct context *context)
{
	const struct request *request = &context->request;
	const struct log *log = &context->log;
	bool adds = request->command->plan == plan_of_add;

	if (request->lease_given && request->forever)
		return misuse(log, "--lease and --forever exclude each other", NULL);
	if (!adds && (request->lease_given || request->forever || request->force))
		return misuse(log, "--lease, --forever and --force are not for command",
			      request->command->name);
	if (request->dry_run && !request->command->plan)
		return misuse(log, "--dry-run is not for command",
			      request->command->name);
	return EXIT_OK;
}

static int take_service(struct context *context, const char *text)
{
	struct service *service = &context->request.service;
	struct ruleset none = { 0 };
	struct apply_why refusal;
	struct args_why why;

	if (service_parse(text, service, &why)) {
		log_error(&context->log, "%s", why.text);
		return EXIT_USAGE;
	}
	if (layout_unfit(service)) {
		refusal_of_plan(-EOPNOTSUPP, &none, service, &refusal);
		log_error(&context->log, "%s", refusal.text);
		return EXIT_USAGE;
	}
	return EXIT_OK;
}

/* The command and its operand. Returns EXIT_OK or EXIT_USAGE. */
static int take_operands(struct context *context, int count, char **operands)
{
	struct request *request = &context->request;
	const struct log *log = &context->log;
	int wanted;

	if (count == 0)
		return misuse(log, "want a command: add, list, delete or flush", NULL);
	for (size_t i = 0; i < sizeof(COMMANDS) / sizeof(COMMANDS[0]); i++)
		if (strcmp(COMMANDS[i].name, operands[0]) == 0)
			request->command = &COMMANDS[i];
	if (!request->command)
		return misuse(log, "unknown command", operands[0]);
	wanted = request->command->takes_service ? 2 : 1;
	if (count < wanted)
		return misuse(log, "which SERVICE? There is none after", operands[0]);
	if (count > wanted)
		return misuse(log, "one operand too many:", operands[wanted]);
	if (check_options(context) != EXIT_OK)
		return EXIT_USAGE;
	return request->command->takes_service ? take_service(context, operands[1])
					       : EXIT_OK;
}

static int run(struct context *context)
{
	int code, err = nl_open(&context->nl, NETLINK_NETFILTER);

	if (err) {
		log_error(&context->log, "cannot open a netlink socket: %s",
			  strerror(-err));
		return EXIT_UNREACHABLE;
	}
	code = context->request.command->run(context);
	nl_close(context->nl);
	return code;
}

int main(int argc, char **argv)
{
	static struct context context = { .request = { .lease_s = LEASE_DEFAULT_S } };
	struct options options;
	const char *value;
	int key, code;

	log_init(&context.log, PROGRAM);
	options_init(&options, SPECS);
	while ((key = options_next(&options, argc, argv, &value)) != -1)
		if (take_option(&context, key, value, &code))
			return code;
	code = take_operands(&context, argc - optind, argv + optind);
	return code == EXIT_OK ? run(&context) : code;
}
