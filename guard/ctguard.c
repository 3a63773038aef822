// SPDX-License-Identifier: GPL-2.0-or-later
/* ctguard: takes a service out of tracking before it fills the conntrack table. */
#include <errno.h>
#include <jansson.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "guard/budget.h"
#include "guard/checkup.h"
#include "guard/choice.h"
#include "guard/complaint.h"
#include "guard/config.h"
#include "guard/diagnosis.h"
#include "guard/errand.h"
#include "guard/incidents.h"
#include "guard/journal.h"
#include "guard/logbook.h"
#include "guard/order.h"
#include "guard/readout.h"
#include "guard/realtime.h"
#include "guard/startup.h"
#include "guard/symptoms.h"
#include "guard/timeslice.h"
#include "guard/wiring.h"
#include "lib/args.h"
#include "lib/log.h"
#include "lib/memory.h"
#include "lib/metainfo.h"
#include "lib/options.h"
#include "lib/privilege.h"
#include "lib/streams.h"
#include "lib/text.h"
#include "rules/legacy.h"

static const char NAME[] = "ctguard";

/* "status" of a guard that cannot help: for scripts. */
enum { EXIT_HELPLESS = 4 };

/* libConfuse's error function has no argument of ours. */
static struct complaint complaint;

/* Frees it, too. */
static int print(struct text *text, const struct log *log)
{
	fputs(text_str(text), stdout);
	text_free(text);
	return streams_finish(log);
}

static int print_help(const struct log *log)
{
	struct text text = { 0 };

	order_help(&text);
	return print(&text, log);
}

static int print_json(const json_t *object, const struct log *log)
{
	json_dumpf(object, stdout, JSON_COMPACT | JSON_REAL_PRECISION(9));
	putchar('\n');
	return streams_finish(log);
}

static void on_config_error(cfg_t *file, const char *fmt, va_list args)
{
	/* The first is what is wrong; others may follow from it. */
	if (complaint.sentence[0])
		return;
	complaint.line = file->line;
	vsnprintf(complaint.sentence, sizeof(complaint.sentence), fmt, args);
}

static const struct choice_ear EAR = { on_config_error, &complaint };

/* Returns EXIT_OK, or EXIT_USAGE after saying why. */
static int configure(const struct order *order, const struct log *log,
		     int (*choose)(const struct order *order,
				   const struct choice_ear *ear, struct config *config,
				   struct text *why),
		     struct config *config)
{
	struct text why = { 0 };
	int err = choose(order, &EAR, config, &why);

	if (err)
		log_error(log, "%s", text_str(&why));
	text_free(&why);
	return err ? EXIT_USAGE : EXIT_OK;
}

static int check_config(const struct order *order, const struct log *log)
{
	struct config config;
	int status = configure(order, log, choice_check, &config);

	if (status != EXIT_OK)
		return status;
	budget_warn(&config, log);
	printf("ok: %zu %s\n", config.count, config.count == 1 ? "service" : "services");
	return streams_finish(log);
}

/* What must be done where, and while, it is allowed. Returns EXIT_OK, or another after saying why. */
static int settle(const struct config *config, const struct log *log)
{
	struct text why = { 0 };
	int err = startup_enter(config->netns, &why);

	if (err)
		log_error(log, "%s", text_str(&why));
	text_free(&why);
	if (err == -EPERM)
		return EXIT_UNREACHABLE;
	return err ? EXIT_FAILED : EXIT_OK;
}

static int show_diagnosis(const json_t *diagnosis, const struct order *order,
			  const struct log *log)
{
	struct text text = { 0 };
	int status;

	diagnosis_text(diagnosis, &text);
	status = order->json ? print_json(diagnosis, log) : print(&text, log);
	text_free(&text);
	if (status == EXIT_OK &&
	    json_integer_value(json_object_get(diagnosis, "problems")) > 0)
		return EXIT_FAILED;
	return status;
}

static int doctor(const struct order *order, const struct log *log)
{
	static struct symptoms known;
	struct text why = { 0 };
	struct config config;
	json_t *diagnosis = NULL;
	int status;

	config_init(&config);
	known.config_asked = choice_examine(order, &EAR, &config, known.config_problem,
					    sizeof(known.config_problem));
	/* Where to look is not the configuration's alone, which may be wrong. */
	if (order->netns && config_set(&config, "netns", order->netns, &why)) {
		log_error(log, "%s", text_str(&why));
		text_free(&why);
		return EXIT_USAGE;
	}
	status = settle(&config, log);
	if (status == EXIT_OK && checkup_run(&config, &known, log, &diagnosis, &why)) {
		log_error(log, "%s", text_str(&why));
		status = EXIT_UNREACHABLE;
	}
	if (status == EXIT_OK)
		status = show_diagnosis(diagnosis, order, log);
	json_decref(diagnosis);
	text_free(&why);
	return status;
}

static int reread(struct config *out, struct text *why, void *data)
{
	return choice_again(data, &EAR, out, why);
}

static int become_user(const char *name, const struct config *config,
		       const struct log *log)
{
	struct text why = { 0 };
	int err = startup_become(name, config, &why);

	if (err)
		log_error(log, "%s", text_str(&why));
	text_free(&why);
	if (err == -ENOENT)
		return EXIT_USAGE;
	return err ? EXIT_FAILED : EXIT_OK;
}

static int give_up_privileges(const struct order *order, const struct config *config,
			      const struct log *log)
{
	if (order->user)
		return become_user(order->user, config, log);
	/* Without it the guard would only have more rights than it needs: not a reason to stay away. */
	if (privilege_keep_net_admin(config_is_everywhere(config)))
		log_warn(log, "could not give up the privileges that are not needed");
	return EXIT_OK;
}

static int guard_with(const struct guard_setup *setup, const struct log *log)
{
	struct text why = { 0 };
	struct guard *guard;
	int err = guard_open(&guard, setup, &why);

	if (err) {
		log_error(log, "%s", text_str(&why));
		text_free(&why);
		return startup_was_unreachable(err) ? EXIT_UNREACHABLE : EXIT_FAILED;
	}
	err = guard_run(guard);
	guard_close(guard);
	return err ? EXIT_FAILED : EXIT_OK;
}

static int run(const struct order *order, const struct log *log)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN };
	struct journal journal = {
		.log = log,
		.json_fd = order->json ? STDOUT_FILENO : -1,
		.rehearse = order->dry_run,
	};
	struct legacy legacy;
	struct config config;
	struct guard_setup setup = {
		.config = &config,
		.journal = &journal,
		.log = log,
		.legacy = &legacy,
		.rehearse = order->dry_run,
		.reread = order->config_path ? reread : NULL,
		.data = (void *)order,
	};
	int status = configure(order, log, choice_check, &config);

	if (status != EXIT_OK)
		return status;
	/* Whoever reads what the guard says may go: it stays. */
	sigaction(SIGPIPE, &ignore, NULL);
	timeslice_shorten();
	memory_by_pages();
	if (order->realtime)
		realtime_begin(log);
	status = settle(&config, log);
	if (status != EXIT_OK)
		return status;
	/* Everywhere, each namespace has its own. */
	if (config_is_everywhere(&config))
		setup.legacy = NULL;
	legacy_open(&legacy);
	status = give_up_privileges(order, &config, log);
	if (status == EXIT_OK)
		status = guard_with(&setup, log);
	legacy_close(&legacy);
	journal_free(&journal);
	return status;
}

static int show_status(const json_t *answer, const struct order *order,
		       const struct log *log)
{
	struct text text = { 0 };
	int status;

	readout_text(answer, &text);
	status = order->json ? print_json(answer, log) : print(&text, log);
	text_free(&text);
	if (status == EXIT_OK && readout_is_helpless(answer))
		return EXIT_HELPLESS;
	return status;
}

static int show_answer(const json_t *answer, const struct order *order,
		       const struct log *log)
{
	const char *done = json_string_value(json_object_get(answer, "done"));

	if (order->command == ORDER_STATUS)
		return show_status(answer, order, log);
	if (order->json)
		return print_json(answer, log);
	log_info(log, "%s", done ? done : "done");
	return EXIT_OK;
}

/* Brings an order to the running guard. */
static int send_to(const char *path, const struct order *order, const struct log *log)
{
	json_t *request = errand_request(order);
	struct text why = { 0 };
	json_t *answer = NULL;
	const char *error;
	int status;

	if (errand_run(path, request, &answer, &why)) {
		log_error(log, "%s", text_str(&why));
		status = EXIT_FAILED;
	} else if (!json_is_true(json_object_get(answer, "ok"))) {
		error = json_string_value(json_object_get(answer, "error"));
		log_error(log, "%s", error ? error : "the guard refused");
		status = EXIT_FAILED;
	} else {
		status = show_answer(answer, order, log);
	}
	text_free(&why);
	json_decref(answer);
	json_decref(request);
	return status;
}

static int send_order(const struct order *order, const struct log *log)
{
	struct config config;
	int status = configure(order, log, choice_read, &config);

	if (status != EXIT_OK)
		return status;
	return send_to(config.control[0] ? config.control : GUARD_CONTROL_PATH, order,
		       log);
}

static int show_incidents(const json_t *incidents, const struct order *order,
			  const struct log *log)
{
	json_t *object = metainfo_object(NAME);
	struct text text = { 0 };
	uint64_t number = 0;
	struct args_why why;
	int status;

	if (order->operand &&
	    args_count(order->operand, 1, json_array_size(incidents), &number, &why)) {
		log_error(log, "incident %s", why.text);
		json_decref(object);
		return EXIT_USAGE;
	}
	if (number)
		incidents = json_array_get(incidents, (size_t)number - 1);
	json_object_set(object, number ? "incident" : "incidents", (json_t *)incidents);
	(number ? incidents_show : incidents_list)(incidents, &text);
	status = order->json ? print_json(object, log) : print(&text, log);
	text_free(&text);
	json_decref(object);
	return status;
}

static int incidents(const struct order *order, const struct log *log)
{
	json_t *events = NULL, *list;
	struct config config;
	uint64_t skipped;
	int status = configure(order, log, choice_read, &config);
	int err;

	if (status != EXIT_OK)
		return status;
	if (!config.journal[0]) {
		log_error(log, "incidents: where is the journal? Give --journal FILE, or "
			       "-c FILE with \"journal\" in it");
		return EXIT_USAGE;
	}
	err = logbook_read(config.journal, &events, &skipped);
	if (err) {
		log_error(log, "cannot read \"%s\": %s", config.journal, strerror(-err));
		return EXIT_FAILED;
	}
	if (skipped)
		log_warn(log, "%llu lines of \"%s\" are no events and are passed over",
			 (unsigned long long)skipped, config.journal);
	list = incidents_find(events);
	status = show_incidents(list, order, log);
	json_decref(list);
	json_decref(events);
	return status;
}

int main(int argc, char **argv)
{
	struct order order;
	unsigned long lost;
	struct log log;

	if (streams_open() < 0)
		return EXIT_FAILED;
	log_init(&log, NAME, &lost);
	switch (order_parse(argc, argv, &log, &order)) {
	case ORDER_HELP: return print_help(&log);
	case ORDER_VERSION:
		printf("%s %s\n", NAME, CTKIT_VERSION);
		return streams_finish(&log);
	case ORDER_BAD: return EXIT_USAGE;
	case ORDER_GOOD: break;
	}
	switch (order.command) {
	case ORDER_RUN: return run(&order, &log);
	case ORDER_CHECK_CONFIG: return check_config(&order, &log);
	case ORDER_DOCTOR: return doctor(&order, &log);
	case ORDER_INCIDENTS: return incidents(&order, &log);
	default: return send_order(&order, &log);
	}
}
