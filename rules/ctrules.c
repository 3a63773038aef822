// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <linux/netlink.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/log.h"
#include "lib/metainfo.h"
#include "lib/nl.h"
#include "lib/options.h"
#include "lib/service.h"
#include "lib/streams.h"
#include "lib/text.h"
#include "rules/addition.h"
#include "rules/apply.h"
#include "rules/audit.h"
#include "rules/judge.h"
#include "rules/listing.h"
#include "rules/plan.h"
#include "rules/quote.h"
#include "rules/record.h"
#include "rules/refusal.h"
#include "rules/report.h"
#include "rules/request.h"
#include "rules/ruleset.h"
#include "rules/script.h"
#include "rules/terms.h"
#include "rules/verify.h"

static const char PROGRAM[] = "ctrules";

enum { MS_PER_S = 1000 };

/* A year in milliseconds has fewer, and a double has them all. */
enum { REAL_DIGITS = 15 };

/*
 * The kernel collects leases that ran out once a second (nft_set_hash.c, gc interval), and
 * drops that work if rules are changed meanwhile.
 */
static const double BUSY_PATIENCE_S = 10;
static const long BUSY_PAUSE_NS = 20 * CLOCK_NS_PER_MS;

struct context {
	struct log log;
	struct request request;
	struct addition addition;
	struct verify verify; /* of add, if request.verify_s */
	struct nl *nl;
	struct ruleset ruleset;
	struct evidence evidence;
	struct audit audit;
};

/* Verdicts of an audit; the others are in lib/options.h. */
enum { EXIT_UNSAFE = 4, EXIT_UNKNOWN = 5 };

static int exit_code(int err)
{
	switch (err) {
	case 0: return EXIT_OK;
	case -EPERM:
	case -EPROTONOSUPPORT:
	case -EAFNOSUPPORT: return EXIT_UNREACHABLE;
	default: return EXIT_FAILED;
	}
}

static int verdict_code(const struct audit *audit)
{
	switch (audit->verdict) {
	case AUDIT_SAFE: return EXIT_OK;
	case AUDIT_UNSAFE: return EXIT_UNSAFE;
	default: return EXIT_UNKNOWN;
	}
}

/* A seed that nobody can guess: else whoever sends could choose to be tracked. */
static int make_terms(const struct request *request, struct terms *out)
{
	struct terms terms = {
		.extent = request->extent,
		.holder = { .pid = (uint32_t)getpid() },
	};

	snprintf(terms.holder.program, sizeof(terms.holder.program), "%s", PROGRAM);
	if (!request->forever)
		terms.lease_ms = (uint64_t)(request->lease_s * MS_PER_S + 0.5);
	if (terms.extent.kind == EXTENT_SHARE &&
	    getentropy(&terms.extent.seed, sizeof(terms.extent.seed)))
		return -errno;
	*out = terms;
	return 0;
}

static int plan_request(struct plan *plan, const struct ruleset *ruleset,
			const struct context *context)
{
	const struct request *request = &context->request;

	switch (request->command) {
	case REQUEST_ADD:
		return plan_add(plan, ruleset, &request->service,
				&context->addition.terms);
	case REQUEST_DELETE: return plan_delete(plan, ruleset, &request->service);
	case REQUEST_FLUSH: return plan_flush(plan, ruleset);
	case REQUEST_LIST:
	case REQUEST_AUDIT: break;
	}
	return 0;
}

static int delete_patiently(struct nl *nl, const struct service *service,
			    struct apply_why *why)
{
	const struct timespec pause = { .tv_nsec = BUSY_PAUSE_NS };
	uint64_t start = clock_now_ns();
	int err = apply_delete(nl, service, why);

	while (err == -EBUSY &&
	       clock_between_s(start, clock_now_ns()) < BUSY_PATIENCE_S) {
		nanosleep(&pause, NULL);
		err = apply_delete(nl, service, why);
	}
	return err;
}

static int apply_request(struct context *context, struct apply_why *why)
{
	const struct request *request = &context->request;
	struct nl *nl = context->nl;

	switch (request->command) {
	case REQUEST_DELETE: return delete_patiently(nl, &request->service, why);
	case REQUEST_FLUSH: return apply_flush(nl, why);
	case REQUEST_ADD:
	case REQUEST_LIST:
	case REQUEST_AUDIT: break;
	}
	return 0;
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

static json_t *verify_json(const struct verify *verify)
{
	bool outbound = verify->service.outbound;
	uint64_t in = verify->moved[outbound ? LAYOUT_OUT : LAYOUT_IN];
	uint64_t out = verify->moved[outbound ? LAYOUT_IN : LAYOUT_OUT];

	return json_pack("{s:b, s:I, s:I, s:f}", "ok", verify->end == VERIFY_MOVED,
			 "in_packets", (json_int_t)in, "out_packets", (json_int_t)out,
			 "seconds", verify->elapsed_s);
}

/* What a command that changes something did, or would do (script: by which nft text). */
static int print_done(const struct context *context, bool applied, const char *script)
{
	const struct request *request = &context->request;
	json_t *object = metainfo_object(PROGRAM);
	char name[SERVICE_TEXT_MAX];

	json_object_set_new(object, "command", json_string(request_name(request)));
	if (request_takes_service(request)) {
		service_format(&request->service, name);
		json_object_set_new(object, "service", json_string(name));
	}
	json_object_set_new(object, "applied", json_boolean(applied));
	if (script)
		json_object_set_new(object, "nft", json_string(script));
	if (context->addition.judged)
		report_json(&context->addition.audit, object);
	if (request->verify_s > 0 && applied)
		json_object_set_new(object, "verified", verify_json(&context->verify));
	return print_json(&context->log, object,
			  applied ? "the change is made, but ctrules " : "");
}

/* As nft text what the request takes on this ruleset. */
static int print_plan(struct context *context, const struct ruleset *ruleset)
{
	const struct request *request = &context->request;
	const struct service *service =
		request_takes_service(request) ? &request->service : NULL;
	struct text script = { 0 };
	struct plan plan = { 0 };
	struct apply_why why;
	int code, err = plan_request(&plan, ruleset, context);

	if (err) {
		refusal_of_plan(err, ruleset, service, &why);
		log_error(&context->log, "%s", why.text);
		return exit_code(err);
	}
	script_render(&plan, &script);
	code = request->json ? print_done(context, false, text_str(&script))
			     : print_text(&context->log, &script);
	text_free(&script);
	plan_free(&plan);
	return code;
}

static int run_dry(struct context *context)
{
	struct apply_why why;
	int err = ruleset_read(context->nl, &context->ruleset);

	if (!err)
		return print_plan(context, &context->ruleset);
	refusal_of_plan(err, &context->ruleset, NULL, &why);
	log_error(&context->log, "%s", why.text);
	return exit_code(err);
}

/* One line that is written over, where somebody watches. */
static void show_progress(const struct verify *verify, void *data)
{
	const struct context *context = data;

	if (context->log.level < LOG_LEVEL_INFO || !isatty(STDERR_FILENO))
		return;
	fputs("\r\033[K", stderr);
	if (verify->end == VERIFY_WAITING)
		fprintf(stderr,
			"waiting: %" PRIu64 " packets to it, %" PRIu64
			" from it, %.0fs of %.0fs ",
			verify->moved[LAYOUT_IN], verify->moved[LAYOUT_OUT],
			verify->elapsed_s, verify->within_s);
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
	if (verify->end == VERIFY_MOVED)
		log_info(&context->log, "%s", text_str(&text));
	else
		log_error(&context->log, "%s", text_str(&text));
	text_free(&text);
	return verify->end == VERIFY_MOVED ? EXIT_OK : EXIT_FAILED;
}

static int make_change(struct context *context)
{
	struct apply_why why = { "" };
	int err = apply_request(context, &why);

	if (err)
		log_error(&context->log, "%s", why.text);
	else
		log_debug(&context->log, "%s: the kernel has acknowledged it",
			  request_name(&context->request));
	return exit_code(err);
}

static int run_change(struct context *context)
{
	int code;

	if (context->request.dry_run)
		return run_dry(context);
	code = make_change(context);
	if (code == EXIT_OK && context->request.json)
		code = print_done(context, true, NULL);
	return code;
}

/* What the audit had against it, and was not heard. */
static void warn_overridden(const struct context *context, const char *name)
{
	const struct addition *addition = &context->addition;
	struct text reason = { 0 };

	if (!addition->force ||
	    (addition->judged && addition->audit.verdict == AUDIT_SAFE))
		return;
	if (addition->judged)
		report_reason(&addition->audit, &reason);
	else
		text_add(&reason, "it could not be made");
	log_warn(&context->log, "--force overrides the audit of %s: %s", name,
		 text_str(&reason));
	text_free(&reason);
}

/* Says why it is not added, and returns the exit code. */
static int refuse_addition(struct context *context, int err, const char *name)
{
	const struct addition *addition = &context->addition;
	struct text reason = { 0 };

	if (err != -EACCES) {
		log_error(&context->log, "%s", addition->why.text);
		return exit_code(err);
	}
	report_reason(&addition->audit, &reason);
	log_error(&context->log,
		  "%s is not added: the audit says %s (see ctrules audit %s); --force "
		  "overrides it",
		  name, text_str(&reason), name);
	text_free(&reason);
	if (context->request.json && print_done(context, false, NULL))
		return EXIT_FAILED;
	return verdict_code(&addition->audit);
}

/* The rest of an add, once its rules are there, or in a dry run could be. */
static int finish_addition(struct context *context)
{
	const struct request *request = &context->request;
	int code = EXIT_OK, printed = EXIT_OK;

	if (request->dry_run)
		return print_plan(context, &context->addition.ruleset);
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
	char name[SERVICE_TEXT_MAX];
	int code, err;

	service_format(&request->service, name);
	addition->service = request->service;
	addition->force = request->force;
	addition->plan = request->dry_run;
	err = addition_make(addition, context->nl);
	if (addition->judged && request->json)
		judge_quote(&addition->audit);
	if (!err)
		warn_overridden(context, name);
	code = err ? refuse_addition(context, err, name) : finish_addition(context);
	addition_clear(addition);
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

/* What --explain prints, while the walks are made. */
struct explanation {
	struct record record;
	struct quote *quote;
	struct text text;
	json_t *walks;
};

static void explain_walk(const struct packet *packet, const struct record *record,
			 void *data)
{
	struct explanation *explanation = data;

	report_walk_text(packet, record, explanation->quote, &explanation->text);
	json_array_append_new(explanation->walks,
			      report_walk_json(packet, record, explanation->quote));
}

/* explanation may be NULL; of what is in it that is printed as JSON is taken over. */
static int print_audit(struct context *context, struct explanation *explanation)
{
	struct text text = { 0 };
	json_t *object;
	int code;

	if (context->request.json) {
		object = metainfo_object(PROGRAM);
		report_json(&context->audit, object);
		if (explanation)
			json_object_set(object, "walks", explanation->walks);
		return print_json(&context->log, object, "");
	}
	report_text(&context->audit, &text);
	if (explanation)
		text_add(&text, "%s", text_str(&explanation->text));
	code = print_text(&context->log, &text);
	text_free(&text);
	return code;
}

static int judge(struct context *context, const struct audit_listener *listener)
{
	struct apply_why why;
	int err = evidence_read(context->nl, &context->evidence);

	if (!err)
		err = judge_service(context->nl, &context->evidence,
				    &context->request.service, listener, &context->audit);
	if (err) {
		refusal_of_plan(err, &context->ruleset, NULL, &why);
		log_error(&context->log, "%s", why.text);
		return exit_code(err);
	}
	judge_quote(&context->audit);
	return EXIT_OK;
}

static int run_explained(struct context *context)
{
	struct explanation explanation = { .walks = json_array() };
	const struct audit_listener listener = { .record = &explanation.record,
						 .walked = explain_walk,
						 .data = &explanation };
	int code;

	/* Without words there are still handles. */
	if (quote_open(&explanation.quote))
		explanation.quote = NULL;
	code = judge(context, &listener);
	if (code == EXIT_OK)
		code = print_audit(context, &explanation);
	text_free(&explanation.text);
	json_decref(explanation.walks);
	quote_close(explanation.quote);
	return code;
}

static int run_audit(struct context *context)
{
	int code;

	if (context->request.explain) {
		code = run_explained(context);
	} else {
		code = judge(context, NULL);
		if (code == EXIT_OK)
			code = print_audit(context, NULL);
	}
	evidence_clear(&context->evidence);
	return code == EXIT_OK ? verdict_code(&context->audit) : code;
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
	err = make_terms(&context->request, &context->addition.terms);
	if (err)
		log_error(&context->log, "cannot get a random number: %s",
			  strerror(-err));
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
