// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "lib/args.h"
#include "lib/clock.h"
#include "lib/log.h"
#include "lib/options.h"
#include "lib/streams.h"
#include "lib/text.h"
#include "server/binding.h"
#include "server/board.h"
#include "server/capacity.h"
#include "server/context.h"
#include "server/duty.h"
#include "server/invocation.h"
#include "server/meter.h"
#include "server/publish.h"
#include "server/quota.h"
#include "server/stats.h"
#include "server/supervisor.h"
#include "server/worker.h"

static const char PROGRAM[] = "ctserve";

/* The command line, and what is made of it. */
struct program {
	struct log log;
	struct invocation asked;
	unsigned workers;
	struct duty duty;
	struct quota *quota;     /* of connections */
	struct quota *udp_quota; /* of subscribers of feeds over UDP */
	bool stdout_broken;
	uint64_t lines_skipped; /* since the last that was printed */
	uint64_t started_ns;
	struct bindings *bindings;
	struct board *board;
	struct publish *publish;
};

static int fail(const struct program *program, const struct args_why *why)
{
	log_error(&program->log, "%s", why->text);
	return EXIT_FAILED;
}

/* As many descriptors as a process may have. */
static uint64_t raise_descriptor_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return 0;
	/* The soft limit is low for programs with select(); none of our libraries needs that. */
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
		getrlimit(RLIMIT_NOFILE, &limit);
	return limit.rlim_cur;
}

/* Makes, before the workers are forked, what they share against hostile datagrams. */
static int prepare_defence(struct program *program)
{
	struct settings *settings = &program->asked.settings;
	int err = siphash_key_make(&settings->cookie_key);

	if (err) {
		log_error(&program->log, "cannot get random bytes: %s", strerror(-err));
		return EXIT_FAILED;
	}
	if (program->asked.per_source_rate == 0)
		return 0;
	err = meter_open(&settings->meter, program->asked.per_source_rate,
			 &settings->cookie_key);
	if (err) {
		log_error(&program->log, "cannot share memory: %s", strerror(-err));
		return EXIT_FAILED;
	}
	return 0;
}

/* The place of a connection is its descriptor, that of a subscriber its seat. */
static int open_quotas(struct program *program, uint64_t descriptors)
{
	const uint32_t limit = (uint32_t)program->asked.per_source;
	const struct quota_plan plan = { limit, program->workers, descriptors };
	const struct quota_plan udp = { limit, program->workers, CONTEXT_SEATS };
	int err = quota_open(&program->quota, &plan);

	return err ? err : quota_open(&program->udp_quota, &udp);
}

/* Opens what is shared, and the rest before the workers start. Returns 0, or an exit code. */
static int prepare_duties(struct program *program, uint64_t descriptors)
{
	struct args_why why = { "" };
	int err = board_open(&program->board, program->workers);

	if (err == 0 && program->asked.per_source)
		err = open_quotas(program, descriptors);
	if (err) {
		log_error(&program->log, "cannot share memory: %s", strerror(-err));
		return EXIT_FAILED;
	}
	program->duty.log = &program->log;
	program->duty.board = program->board;
	program->duty.bindings = program->bindings;
	program->duty.publish = program->publish;
	program->duty.workers = program->workers;
	program->duty.log_path = program->asked.log_path;
	program->duty.user = program->asked.user;
	program->duty.metrics = program->asked.metrics;
	program->duty.guardian.path = program->asked.guard;
	program->duty.guardian.listeners = program->asked.listeners;
	program->duty.guardian.listener_count = program->asked.listener_count;
	err = duty_open(&program->duty, &why);
	if (err == 0)
		return 0;
	fail(program, &why);
	return err == -EINVAL ? EXIT_USAGE : EXIT_FAILED;
}

/* Decides on the number of workers and opens their sockets. Returns 0, or an exit code. */
static int prepare(struct program *program)
{
	const struct invocation *asked = &program->asked;
	struct inheritance *inheritance = &program->duty.inheritance;
	struct capacity capacity = {
		.descriptors = raise_descriptor_limit(),
		.cpus = (unsigned)sysconf(_SC_NPROCESSORS_ONLN),
		.workers = asked->workers,
		.connections = asked->connections,
	};
	struct args_why why = { "" };
	int err;

	capacity.sockets =
		(unsigned)binding_count(asked->listeners, asked->listener_count);
	if (asked->publish_path)
		capacity.sockets += PUBLISH_DESCRIPTORS;
	err = inheritance_take(inheritance, &why);
	if (err == 0)
		err = capacity_workers(&capacity, &program->workers, &why);
	if (err == 0)
		err = binding_open(&program->bindings, asked->listeners,
				   asked->listener_count, program->workers, inheritance,
				   &why);
	if (err == 0 && asked->steer_cpu)
		err = binding_steer(program->bindings, &why);
	if (err == 0)
		err = inheritance_check(inheritance, &why);
	if (err == 0 && asked->publish_path)
		err = publish_open(&program->publish, asked->publish_path,
				   program->workers, inheritance, &why);
	if (err)
		return fail(program, &why);
	return prepare_duties(program, capacity.descriptors);
}

static void on_ready(void *data)
{
	const struct program *program = data;
	struct text text = { 0 };

	for (size_t i = 0; i < program->asked.listener_count; i++) {
		char listener[LISTENER_TEXT_MAX];

		listener_format(&program->asked.listeners[i], listener);
		text_add(&text, "%s%s", i ? " " : "", listener);
	}
	log_info(&program->log, "serving %s with %u worker%s", text_str(&text),
		 program->workers, program->workers == 1 ? "" : "s");
	text_free(&text);
}

static void report(void *data)
{
	struct program *program = data;
	const struct stats_about about = {
		.program = PROGRAM,
		.uptime_s = clock_between_s(program->started_ns, clock_now_ns()),
		.workers = program->workers,
	};
	struct stats stats;
	char *line;

	/* The service goes on without its counters; one line said so. */
	if (program->stdout_broken)
		return;
	/* Who does not read the counters must not hold up the service. */
	if (streams_would_wait(STDOUT_FILENO)) {
		if (program->lines_skipped++ == 0)
			log_warn(&program->log,
				 "nobody reads the counters: lines are skipped");
		return;
	}
	program->lines_skipped = 0;
	duty_count(&program->duty, &stats);
	line = stats_line(&stats, &about, program->asked.json);
	if (!line || printf("%s\n", line) < 0 || fflush(stdout) == EOF) {
		program->stdout_broken = true;
		log_warn(&program->log, "cannot print counters any more: %s",
			 strerror(errno));
	}
	free(line);
}

static int run_worker(const struct program *program, unsigned number)
{
	struct worker_task task = {
		.settings = &program->asked.settings,
		.log = &program->log,
		.board = program->board,
		.stats = board_slot(program->board, number),
		.publish = program->publish,
		.quota = program->quota,
		.udp_quota = program->udp_quota,
		.number = number,
		/* 0: no datagrams are steered, and it may run on any CPU. */
		.workers = program->asked.steer_cpu ? program->workers : 0,
	};

	task.bindings = binding_of(program->bindings, number, &task.binding_count);
	return worker_run(&task) == 0 ? EXIT_OK : EXIT_FAILED;
}

/* Comes back once in the supervisor and once in each worker. */
static int serve(struct program *program)
{
	struct supervisor_task task = {
		.workers = program->workers,
		.bindings = program->bindings,
		.board = program->board,
		.quota = program->quota,
		.udp_quota = program->udp_quota,
		.duty = &program->duty,
		.settings = &program->asked.settings,
		.log = &program->log,
		.report_s = program->asked.stats_s,
		.ready = on_ready,
		.report = report,
		.data = program,
	};
	unsigned worker;
	int result = supervisor_run(&task, &worker);

	if (result == SUPERVISOR_IS_WORKER)
		return run_worker(program, worker);
	if (result < 0) {
		log_error(&program->log, "cannot start %u workers: %s", program->workers,
			  strerror(-result));
		return EXIT_FAILED;
	}
	if (program->asked.stats_s > 0 || program->asked.json)
		report(program);
	return EXIT_OK;
}

static int print_help(const struct log *log)
{
	struct text text = { 0 };

	invocation_help(&text);
	fputs(text_str(&text), stdout);
	text_free(&text);
	return streams_finish(log);
}

static int print_version(const struct log *log)
{
	printf("%s %s\n", PROGRAM, CTKIT_VERSION);
	return streams_finish(log);
}

static int run(struct program *program)
{
	int code = prepare(program);

	if (code == 0)
		code = prepare_defence(program);
	if (code == 0)
		code = serve(program);
	publish_close(program->publish);
	meter_close(program->asked.settings.meter);
	duty_close(&program->duty);
	binding_close(program->bindings);
	quota_close(program->quota);
	quota_close(program->udp_quota);
	board_close(program->board);
	return code;
}

int main(int argc, char **argv)
{
	struct program program = {
		.started_ns = clock_now_ns(),
		.duty = { .argv = argv },
	};
	unsigned long lost;

	if (streams_open() < 0)
		return EXIT_FAILED;
	log_init(&program.log, PROGRAM, &lost);
	switch (invocation_parse(argc, argv, &program.log, &program.asked)) {
	case INVOCATION_RUN: return run(&program);
	case INVOCATION_HELP: return print_help(&program.log);
	case INVOCATION_VERSION: return print_version(&program.log);
	default: return EXIT_USAGE;
	}
}
