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
#include "server/listener.h"
#include "server/meter.h"
#include "server/publish.h"
#include "server/quota.h"
#include "server/stats.h"
#include "server/supervisor.h"
#include "server/worker.h"

static const char PROGRAM[] = "ctserve";

enum {
	OPTION_DRAIN = OPTIONS_LONG_ONLY,
	OPTION_IDLE,
	OPTION_LOG,
	OPTION_PER_SOURCE,
	OPTION_PER_SOURCE_RATE,
	OPTION_SLOW,
	OPTION_USER,
};

static const struct option_spec OPTIONS[] = {
	{ 'w', "workers", "N", "processes (default: one per CPU, or as -c needs)" },
	{ 'c', "max-conns", "N", "make room for N TCP connections" },
	{ 'i', "interval", "T", "from chunk to chunk of a feed (default 1s)" },
	{ 'P', "publish", "PATH", "send \"ID text\" to feeds: a Unix datagram socket" },
	{ OPTION_SLOW, "slow", "WHAT",
	  "drop lines of a feed not read, or close it (drop)" },
	{ 's', "stats", "T", "print a line of counters every T" },
	{ OPTION_DRAIN, "drain", "T",
	  "time to end what is open at SIGTERM (default 5s)" },
	{ OPTION_PER_SOURCE_RATE, "per-source-rate", "R",
	  "answer R datagrams a second of a source at most" },
	{ OPTION_IDLE, "idle", "T", "close a TCP echo or discard idle for T (never)" },
	{ OPTION_LOG, "log", "FILE", "log to FILE, opened again at SIGHUP" },
	{ 'm', "metrics", "ADDR:PORT", "serve /metrics for Prometheus there" },
	{ OPTION_PER_SOURCE, "per-source", "N",
	  "TCP connections of one address or /64 at most" },
	{ OPTION_USER, "user", "NAME", "become NAME once the sockets are open" },
	OPTIONS_COMMON,
};

/* A range of ports counts as one. */
enum { LISTENERS_MAX = 64 };

static const double INTERVAL_MIN_S = 0.01, INTERVAL_MAX_S = 3600;
static const double STATS_MIN_S = 0.01, STATS_MAX_S = 86400;
static const double DRAIN_MAX_S = 3600;
static const uint64_t PER_SOURCE_RATE_MAX = 1000 * 1000 * 1000;
static const double IDLE_MIN_S = 0.1, IDLE_MAX_S = 7 * 86400;
static const uint64_t CONNECTIONS_MAX = 100 * 1000 * 1000;

/* The command line, and what is made of it. */
struct program {
	struct log log;
	struct settings settings;
	struct listener listeners[LISTENERS_MAX];
	size_t listener_count;
	unsigned workers;         /* 0: not given */
	uint64_t connections;     /* 0: not given */
	double stats_s;           /* 0: not given */
	const char *publish_path; /* NULL: not given */
	uint64_t per_source_rate; /* 0: not given */
	uint64_t per_source;      /* TCP connections; 0: any number */
	struct duty duty;
	struct quota *quota;
	bool json;
	bool stdout_broken;
	uint64_t lines_skipped; /* since the last that was printed */
	uint64_t started_ns;
	struct bindings *bindings;
	struct board *board;
	struct publish *publish;
};

static int print_help(const struct program *program)
{
	struct text text = { 0 };

	text_add(&text,
		 "usage: ctserve [options] SERVICE=LISTENER...\n"
		 "Serves traffic: echo, discard and feed (HTTP at /test/ID; over UDP "
		 "by lease).\n"
		 "LISTENER is PROTO/[ADDR:]PORT, on all addresses if none is given:\n"
		 "ctserve echo=udp/9000 echo=tcp/9000 feed=tcp/127.0.0.1:8080\n\n");
	options_help(OPTIONS, &text);
	fputs(text_str(&text), stdout);
	text_free(&text);
	return streams_finish(&program->log);
}

static int usage(const struct program *program, const char *option,
		 const struct args_why *why)
{
	log_error(&program->log, "%s%s%s", option, *option ? ": " : "", why->text);
	return EXIT_USAGE;
}

static int take_slow(struct program *program, const char *value, struct args_why *why)
{
	program->settings.slow_close = strcmp(value, "close") == 0;
	if (program->settings.slow_close || strcmp(value, "drop") == 0)
		return 0;
	snprintf(why->text, sizeof(why->text), "\"%.60s\" is neither drop nor close",
		 value);
	return -EINVAL;
}

static int fail(const struct program *program, const struct args_why *why)
{
	log_error(&program->log, "%s", why->text);
	return EXIT_FAILED;
}

/* Takes one option with a value. Returns 0, or -errno with a sentence in *why. */
static int take_value(struct program *program, int key, const char *value,
		      struct args_why *why)
{
	uint64_t count = 0;
	int err;

	switch (key) {
	case 'w':
		err = args_count(value, 1, CAPACITY_WORKERS_MAX, &count, why);
		program->workers = (unsigned)count;
		return err;
	case 'c':
		return args_count(value, 1, CONNECTIONS_MAX, &program->connections, why);
	case 'i':
		return args_duration(value, INTERVAL_MIN_S, INTERVAL_MAX_S,
				     &program->settings.interval_s, why);
	case 'P': program->publish_path = value; return 0;
	case OPTION_SLOW: return take_slow(program, value, why);
	case 's':
		return args_duration(value, STATS_MIN_S, STATS_MAX_S, &program->stats_s,
				     why);
	case OPTION_PER_SOURCE_RATE:
		return args_count(value, 1, PER_SOURCE_RATE_MAX,
				  &program->per_source_rate, why);
	case 'm': program->duty.metrics = value; return 0;
	case OPTION_LOG: program->duty.log_path = value; return 0;
	case OPTION_USER: program->duty.user = value; return 0;
	case OPTION_IDLE:
		return args_duration(value, IDLE_MIN_S, IDLE_MAX_S,
				     &program->settings.idle_s, why);
	case OPTION_PER_SOURCE:
		return args_count(value, 1, QUOTA_LIMIT_MAX, &program->per_source, why);
	default:
		return args_duration(value, 0, DRAIN_MAX_S, &program->settings.drain_s,
				     why);
	}
}

static const char *option_name(int key)
{
	switch (key) {
	case 'w': return "--workers";
	case 'c': return "--max-conns";
	case 'i': return "--interval";
	case OPTION_SLOW: return "--slow";
	case 's': return "--stats";
	case OPTION_PER_SOURCE_RATE: return "--per-source-rate";
	case OPTION_IDLE: return "--idle";
	case OPTION_PER_SOURCE: return "--per-source";
	default: return "--drain";
	}
}

/* Reads the options. Returns true to go on, false to end with *code. */
static bool take_options(struct program *program, int argc, char **argv, int *code)
{
	struct options options = { 0 };
	struct args_why why = { "" };
	const char *value;
	int key;

	options_init(&options, OPTIONS);
	while ((key = options_next(&options, argc, argv, &value)) != -1) {
		switch (key) {
		case 'h': *code = print_help(program); return false;
		case 'V':
			printf("%s %s\n", PROGRAM, CTKIT_VERSION);
			*code = streams_finish(&program->log);
			return false;
		case 'j': program->json = true; break;
		case 'v': program->log.level = LOG_LEVEL_DEBUG; break;
		case 'q': program->log.level = LOG_LEVEL_WARN; break;
		case '?': *code = EXIT_USAGE; return false;
		default:
			if (take_value(program, key, value, &why) == 0)
				break;
			*code = usage(program, option_name(key), &why);
			return false;
		}
	}
	return true;
}

/* Remembers the UDP ports that we echo on: an answer to one of them could come back. */
static void note_echo_ports(struct program *program, const struct listener *listener)
{
	const struct service *service = &listener->service;

	if (listener->kind != LISTENER_ECHO || service->proto != IPPROTO_UDP)
		return;
	for (unsigned port = service->first_port; port <= service->last_port; port++)
		program->settings.echo_ports[port / 8] |= (uint8_t)(1U << port % 8);
}

/* Whether there is anyone that messages could be sent to. */
static bool has_feed(const struct program *program)
{
	for (size_t i = 0; i < program->listener_count; i++)
		if (program->listeners[i].kind == LISTENER_FEED &&
		    program->listeners[i].service.proto == IPPROTO_TCP)
			return true;
	return false;
}

/* Reads the listeners. Returns 0, or an exit code. */
static int take_listeners(struct program *program, int argc, char **argv)
{
	struct args_why why = { "" };

	if (argc == 0) {
		log_error(&program->log, "nothing to serve: want SERVICE=LISTENER, like "
					 "echo=udp/9000 (--help says more)");
		return EXIT_USAGE;
	}
	if (argc > LISTENERS_MAX) {
		log_error(&program->log, "%d listeners are too many (at most %d)", argc,
			  LISTENERS_MAX);
		return EXIT_USAGE;
	}
	for (int i = 0; i < argc; i++) {
		struct listener *listener = &program->listeners[i];

		if (listener_parse(argv[i], listener, &why) < 0)
			return usage(program, "", &why);
		note_echo_ports(program, listener);
	}
	program->listener_count = (size_t)argc;
	if (program->publish_path && !has_feed(program)) {
		log_error(&program->log,
			  "--publish: there is no feed over TCP to send messages to");
		return EXIT_USAGE;
	}
	if (listener_check(program->listeners, program->listener_count, &why) < 0)
		return usage(program, "", &why);
	return 0;
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
	struct settings *settings = &program->settings;
	int err = siphash_key_make(&settings->cookie_key);

	if (err) {
		log_error(&program->log, "cannot get random bytes: %s", strerror(-err));
		return EXIT_FAILED;
	}
	if (program->per_source_rate == 0)
		return 0;
	err = meter_open(&settings->meter, program->per_source_rate,
			 &settings->cookie_key);
	if (err) {
		log_error(&program->log, "cannot share memory: %s", strerror(-err));
		return EXIT_FAILED;
	}
	return 0;
}

/* Opens what is shared, and the rest before the workers start. Returns 0, or an exit code. */
static int prepare_duties(struct program *program, uint64_t descriptors)
{
	const struct quota_plan plan = { (uint32_t)program->per_source, program->workers,
					 descriptors };
	struct args_why why = { "" };
	int err = board_open(&program->board, program->workers);

	if (err == 0 && program->per_source)
		err = quota_open(&program->quota, &plan);
	if (err) {
		log_error(&program->log, "cannot share memory: %s", strerror(-err));
		return EXIT_FAILED;
	}
	program->duty.log = &program->log;
	program->duty.board = program->board;
	program->duty.bindings = program->bindings;
	program->duty.workers = program->workers;
	err = duty_open(&program->duty, &why);
	if (err == 0)
		return 0;
	return err == -EINVAL ? usage(program, "", &why) : fail(program, &why);
}

/* Decides on the number of workers and opens their sockets. Returns 0, or an exit code. */
static int prepare(struct program *program)
{
	struct inheritance *inheritance = &program->duty.inheritance;
	struct capacity capacity = {
		.descriptors = raise_descriptor_limit(),
		.cpus = (unsigned)sysconf(_SC_NPROCESSORS_ONLN),
		.workers = program->workers,
		.connections = program->connections,
	};
	struct args_why why = { "" };
	int err;

	capacity.sockets =
		(unsigned)binding_count(program->listeners, program->listener_count);
	if (program->publish_path)
		capacity.sockets += PUBLISH_DESCRIPTORS;
	err = inheritance_take(inheritance, &why);
	if (err == 0)
		err = capacity_workers(&capacity, &program->workers, &why);
	if (err == 0)
		err = binding_open(&program->bindings, program->listeners,
				   program->listener_count, program->workers, inheritance,
				   &why);
	if (err == 0)
		err = inheritance_check(inheritance, &why);
	if (err == 0 && program->publish_path)
		err = publish_open(&program->publish, program->publish_path,
				   program->workers, &why);
	if (err)
		return fail(program, &why);
	return prepare_duties(program, capacity.descriptors);
}

static void on_ready(void *data)
{
	const struct program *program = data;
	struct text text = { 0 };

	for (size_t i = 0; i < program->listener_count; i++) {
		char listener[LISTENER_TEXT_MAX];

		listener_format(&program->listeners[i], listener);
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
	line = stats_line(&stats, &about, program->json);
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
		.settings = &program->settings,
		.log = &program->log,
		.board = program->board,
		.stats = board_slot(program->board, number),
		.publish = program->publish,
		.quota = program->quota,
		.number = number,
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
		.duty = &program->duty,
		.settings = &program->settings,
		.log = &program->log,
		.report_s = program->stats_s,
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
	if (program->stats_s > 0 || program->json)
		report(program);
	return EXIT_OK;
}

int main(int argc, char **argv)
{
	struct program program = {
		.settings = { .interval_s = 1, .drain_s = 5 },
		.started_ns = clock_now_ns(),
		.duty = { .argv = argv },
	};
	unsigned long lost;
	int code;

	if (streams_open() < 0)
		return EXIT_FAILED;
	log_init(&program.log, PROGRAM, &lost);
	if (!take_options(&program, argc, argv, &code))
		return code;
	code = take_listeners(&program, argc - optind, argv + optind);
	if (code == 0)
		code = prepare(&program);
	if (code == 0)
		code = prepare_defence(&program);
	if (code == 0)
		code = serve(&program);
	publish_close(program.publish);
	meter_close(program.settings.meter);
	duty_close(&program.duty);
	binding_close(program.bindings);
	quota_close(program.quota);
	board_close(program.board);
	return code;
}
