// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <linux/netlink.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/log.h"
#include "lib/metainfo.h"
#include "lib/nl.h"
#include "lib/options.h"
#include "lib/streams.h"
#include "lib/text.h"
#include "rules/addition.h"
#include "rules/apply.h"
#include "rules/damage.h"
#include "rules/inquiry.h"
#include "rules/judge.h"
#include "rules/listing.h"
#include "rules/plan.h"
#include "rules/refusal.h"
#include "rules/request.h"
#include "rules/result.h"
#include "rules/ruleset.h"
#include "rules/script.h"
#include "rules/verify.h"
#include "rules/wish.h"

static const char PROGRAM[] = "ctrules";

/* A year in milliseconds has fewer, and a double has them all. */
enum { REAL_DIGITS = 15 };

struct context {
	struct log log;
	struct request request;
	struct addition addition;
	struct verify verify; /* of add, if request.verify_s */
	struct nl *nl;
	struct ruleset ruleset;
	struct inquiry inquiry; /* of audit */
};

static const int WISHES[] = {
	[REQUEST_ADD] = WISH_ADD,
	[REQUEST_DELETE] = WISH_DELETE,
	[REQUEST_FLUSH] = WISH_FLUSH,
};

static int plan_request(struct plan *plan, const struct ruleset *ruleset,
			const struct context *context)
{
	const struct request *request = &context->request;
	const struct wish wish = { WISHES[request->command], &request->service, 1,
				   &context->addition.terms };

	return wish_plan(&wish, ruleset, plan);
}

/* Takes the object over. done: what has happened all the same if the output fails, or "". */
static int print_json(const struct log *log, json_t *object, const char *done)
{
	char *line = json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(REAL_DIGITS));
	int err = line ? 0 : -ENOMEM;

	if (line) {
		puts(line);
		err = streams_flush();
	}
	free(line);
	json_decref(object);
	if (!err)
		return EXIT_OK;
	log_error(log, "%scannot write the output: %s", done, strerror(-err));
	return EXIT_FAILED;
}

static int print_text(const struct log *log, const struct text *text)
{
	if (!text_ok(text)) {
		log_error(log, "cannot print: out of memory");
		return EXIT_FAILED;
	}
	fputs(text_str(text), stdout);
	return streams_finish(log);
}

/* What a command that changes something did, or would do (script: by which nft text). */
static int print_done(const struct context *context, bool applied, const char *script)
{
	const struct addition *addition = &context->addition;
	const struct result result = {
		.program = PROGRAM,
		.request = &context->request,
		.applied = applied,
		.script = script,
		.audit = addition->judged ? &addition->audit : NULL,
		.verify = &context->verify,
	};

	return print_json(&context->log, result_json(&result),
			  applied ? "the change is made, but ctrules " : "");
}

/* Says why the ruleset, as it is, does not allow it. Returns the exit code. */
static int refuse(const struct context *context, int err, const struct ruleset *ruleset,
		  const struct service *service)
{
	struct apply_why why;

	refusal_of_plan(err, ruleset, service, &why);
	log_error(&context->log, "%s", why.text);
	return result_code(err);
}

/* Logs what is in the text, if anything, and frees it. */
static void say(const struct context *context,
		void (*log_it)(const struct log *, const char *, ...), struct text *text)
{
	if (text_str(text)[0])
		log_it(&context->log, "%s", text_str(text));
	text_free(text);
}

/* As nft text what the request takes on this ruleset. */
static int print_plan(struct context *context, const struct ruleset *ruleset)
{
	const struct request *request = &context->request;
	const struct service *service =
		request_takes_service(request) ? &request->service : NULL;
	struct text script = { 0 };
	struct plan plan = { 0 };
	int code, err = plan_request(&plan, ruleset, context);

	if (err)
		return refuse(context, err, ruleset, service);
	script_render(&plan, &script);
	code = request->json ? print_done(context, false, text_str(&script))
			     : print_text(&context->log, &script);
	text_free(&script);
	plan_free(&plan);
	return code;
}

/* Begins a line that is written over, if somebody watches. */
static bool begin_line(const struct context *context)
{
	if (context->log.level < LOG_LEVEL_INFO || !isatty(STDERR_FILENO))
		return false;
	fputs("\r\033[K", stderr);
	return true;
}

static void show_progress(const struct verify *verify, void *data)
{
	if (begin_line(data) && verify->end == VERIFY_WAITING)
		fprintf(stderr,
			"waiting: %" PRIu64 " packets to it, %" PRIu64
			" from it, %.0fs of %.0fs ",
			verify->moved[LAYOUT_IN], verify->moved[LAYOUT_OUT],
			verify->elapsed_s, verify->within_s);
}

static void show_audited(size_t done, size_t all, void *data)
{
	if (begin_line(data) && done < all)
		fprintf(stderr, "audited: %zu of %zu ", done, all);
}

/* Waits for packets of what was added. */
static int run_verify(struct context *context)
{
	struct verify *verify = &context->verify;
	struct ruleset *ruleset = &context->addition.ruleset;
	struct text text = { 0 };
	int err;

	verify_begin(verify, ruleset, &context->request.service,
		     context->request.verify_s);
	err = verify_wait(verify, context->nl, ruleset, show_progress, context);
	if (err) {
		log_error(&context->log,
			  "the service is added, but cannot be watched: %s",
			  strerror(-err));
		return EXIT_FAILED;
	}
	verify_describe(verify, &text);
	say(context, verify->end == VERIFY_MOVED ? log_info : log_error, &text);
	return verify->end == VERIFY_MOVED ? EXIT_OK : EXIT_FAILED;
}

static int make_change(struct context *context)
{
	const struct request *request = &context->request;
	struct apply_why why = { "" };
	int err;

	if (request->command == REQUEST_DELETE)
		err = apply_delete_patiently(context->nl, &request->service, &why);
	else
		err = apply_flush(context->nl, &why);
	if (err)
		log_error(&context->log, "%s", why.text);
	else
		log_debug(&context->log, "%s: the kernel has acknowledged it",
			  request_name(request));
	return result_code(err);
}

static int run_change(struct context *context)
{
	struct ruleset *ruleset = &context->ruleset;
	int code, err;

	if (context->request.dry_run) {
		err = ruleset_read(context->nl, ruleset);
		return err ? refuse(context, err, ruleset, NULL)
			   : print_plan(context, ruleset);
	}
	code = make_change(context);
	if (code == EXIT_OK && context->request.json)
		code = print_done(context, true, NULL);
	return code;
}

/* Says why it is not added, and returns the exit code. */
static int refuse_addition(struct context *context, int err)
{
	const struct addition *addition = &context->addition;
	struct text text = { 0 };

	addition_describe(addition, err, &text);
	say(context, log_error, &text);
	if (err != -EACCES)
		return result_code(err);
	if (context->request.json && print_done(context, false, NULL))
		return EXIT_FAILED;
	return result_of_verdict(addition->audit.verdict);
}

/* The rest of an add, once its rules are there, or in a dry run could be. */
static int finish_addition(struct context *context)
{
	const struct request *request = &context->request;
	int code = EXIT_OK, printed = EXIT_OK;
	struct text text = { 0 };

	if (request->dry_run)
		return print_plan(context, &context->addition.ruleset);
	addition_tell(&context->addition, &text);
	say(context, log_debug, &text);
	if (request->verify_s > 0)
		code = run_verify(context);
	if (request->json)
		printed = print_done(context, true, NULL);
	return code ? code : printed;
}

static int run_add(struct context *context)
{
	const struct request *request = &context->request;
	struct addition *addition = &context->addition;
	struct text overridden = { 0 };
	int code, err;

	addition->service = request->service;
	addition->force = request->force;
	addition->plan = request->dry_run;
	err = addition_make(addition, context->nl);
	if (addition->judged && request->json)
		judge_quote(&addition->audit);
	if (!err)
		addition_describe(addition, 0, &overridden);
	say(context, log_warn, &overridden);
	code = err ? refuse_addition(context, err) : finish_addition(context);
	addition_clear(addition);
	return code;
}

static int run_list(struct context *context)
{
	struct ruleset *ruleset = &context->ruleset;
	int code, err = ruleset_read(context->nl, ruleset);
	struct text text = { 0 }, damage = { 0 };
	json_t *object;

	if (!err && ruleset->present && !ruleset->ours)
		err = -EEXIST;
	if (err)
		return refuse(context, err, ruleset, NULL);
	damage_describe(ruleset, &damage);
	say(context, log_warn, &damage);
	if (context->request.json) {
		object = metainfo_object(PROGRAM);
		json_object_set_new(object, "services", listing_json(ruleset));
		return print_json(&context->log, object, "");
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

static int print_inquiry(const struct context *context)
{
	const struct inquiry *inquiry = &context->inquiry;
	json_t *object = context->request.json ? metainfo_object(PROGRAM) : NULL;
	struct text text = { 0 };
	int code;

	inquiry_complain(inquiry, &text);
	say(context, log_warn, &text);
	if (object) {
		inquiry_json(inquiry, object);
		return print_json(&context->log, object, "");
	}
	inquiry_text(inquiry, &text);
	code = print_text(&context->log, &text);
	text_free(&text);
	return code;
}

static int run_audit(struct context *context)
{
	struct inquiry *inquiry = &context->inquiry;
	const struct request *request = &context->request;
	struct apply_why why;
	int code, err;

	inquiry->progress = (struct sweep_progress){ show_audited, context };
	err = inquiry_make(inquiry, context->nl, request->all ? NULL : &request->service,
			   request->explain, request->rehearse, &why);
	if (err) {
		log_error(&context->log, "%s", why.text);
		return result_code(err);
	}
	if (request->rehearse && !inquiry->rehearsal.done)
		log_error(&context->log, "not rehearsed: %s", inquiry->rehearsal.why);
	code = print_inquiry(context);
	if (code == EXIT_OK)
		code = result_of_verdict(inquiry_verdict(inquiry));
	inquiry_end(inquiry);
	return code;
}

static int run_command(struct context *context)
{
	switch (context->request.command) {
	case REQUEST_AUDIT: return run_audit(context);
	case REQUEST_ADD: return run_add(context);
	case REQUEST_LIST: return run_list(context);
	default: return run_change(context);
	}
}

static int run(struct context *context)
{
	int code, err = nl_open(&context->nl, NETLINK_NETFILTER);

	if (err) {
		log_error(&context->log, "cannot open a netlink socket: %s",
			  strerror(-err));
		return EXIT_UNREACHABLE;
	}
	err = request_terms(&context->request, PROGRAM, &context->addition.terms);
	if (err)
		log_error(&context->log, "cannot get randomness: %s", strerror(-err));
	code = err ? EXIT_FAILED : run_command(context);
	nl_close(context->nl);
	return code;
}

int main(int argc, char **argv)
{
	static struct context context;
	struct text help = { 0 };
	unsigned long lost;
	int code;

	if (streams_open() < 0)
		return EXIT_FAILED;
	log_init(&context.log, PROGRAM, &lost);
	switch (request_parse(argc, argv, &context.log, &context.request)) {
	case REQUEST_RUN: return run(&context);
	case REQUEST_VERSION: text_add(&help, "ctrules %s\n", CTKIT_VERSION); break;
	case REQUEST_HELP: request_help(&help); break;
	case REQUEST_BAD: return EXIT_USAGE;
	}
	code = print_text(&context.log, &help);
	text_free(&help);
	return code;
}
