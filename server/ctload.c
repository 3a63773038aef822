// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "lib/args.h"
#include "lib/clock.h"
#include "lib/log.h"
#include "lib/options.h"
#include "lib/text.h"
#include "server/channel.h"
#include "server/dial.h"
#include "server/load.h"
#include "server/load_echo.h"
#include "server/load_flows.h"
#include "server/load_hold.h"
#include "server/pacer.h"
#include "server/report.h"

enum option_key {
	OPTION_COUNT = 'n',
	OPTION_RATE = 'r',
	OPTION_SOURCE = 's',
	OPTION_WINDOW = 'w',
	OPTION_DURATION = 'd',
	OPTION_CONNECTIONS = 'c',
	OPTION_FLOWS = 'f',
	OPTION_SIZE = 'b',
	OPTION_WAIT = OPTIONS_LONG_ONLY,
	OPTION_PATH_PREFIX,
	OPTION_ALLOW_PUBLIC,
};

enum { PATH_PREFIX_MAX = 200, ECHO_RATE = 1000 };

static const uint64_t COUNT_MAX = 100000000;
static const uint64_t WINDOW_MAX = 1000000;
static const uint64_t CONNECTIONS_MAX = 10000000;
static const uint64_t FLOWS_MAX = 100000;
static const double DURATION_MAX_S = 86400;
static const double WAIT_MIN_S = 0.001, WAIT_MAX_S = 60;

struct command {
	struct load load;
	bool json;
	bool allow_public;
	bool has_duration;
	bool done; /* --help or --version was all */
};

/* A subcommand. */
struct mode {
	const char *name;
	const char *synopsis;
	const char *purpose;
	const struct option_spec *options;
	struct load defaults;
	uint8_t proto;    /* of its target; 0: the target says */
	bool proto_first; /* "udp" or "tcp" stands before the target */
	int (*run)(struct command *command, const struct log *log);
};

#define OPTION_ROW_SOURCE                                                               \
	{                                                                               \
		OPTION_SOURCE, "source", "CIDR",                                        \
			"use every local address in CIDR (ip route add local CIDR dev " \
			"lo)"                                                           \
	}
#define OPTION_ROW_PUBLIC                                                           \
	{                                                                           \
		OPTION_ALLOW_PUBLIC, "allow-public", NULL,                          \
			"load a target that is not loopback, private or link-local" \
	}

static const struct option_spec ECHO_OPTIONS[] = {
	{ OPTION_RATE, "rate", "R", "messages a second, whatever comes back (1k)" },
	{ OPTION_WINDOW, "window", "W", "instead: as fast as W unanswered ones allow" },
	{ OPTION_SIZE, "size", "B", "bytes of a message (64)" },
	{ OPTION_FLOWS, "flows", "F", "sockets that take turns (1)" },
	{ OPTION_DURATION, "duration", "T", "send for T (10s)" },
	OPTION_ROW_SOURCE,
	{ OPTION_WAIT, "wait", "T", "an echo that takes longer is lost (2s)" },
	OPTION_ROW_PUBLIC,
	OPTIONS_COMMON
};

static const struct option_spec FLOWS_OPTIONS[] = {
	{ OPTION_COUNT, "count", "N", "new flows (10k)" },
	{ OPTION_RATE, "rate", "R", "new flows a second (1k)" },
	OPTION_ROW_SOURCE,
	{ OPTION_WINDOW, "window", "W", "unanswered flows at a time (0: any number)" },
	{ OPTION_WAIT, "wait", "T", "an answer that takes longer is lost (2s)" },
	{ OPTION_DURATION, "duration", "T",
	  "stop sending after T (twice what N/R is, and 10s)" },
	OPTION_ROW_PUBLIC,
	OPTIONS_COMMON
};

static const struct option_spec HOLD_OPTIONS[] = {
	{ OPTION_CONNECTIONS, "connections", "N", "feeds to open (100)" },
	{ OPTION_RATE, "rate", "R", "feeds to open a second (1k)" },
	{ OPTION_DURATION, "duration", "T", "hold them for T once all are open (10s)" },
	OPTION_ROW_SOURCE,
	{ OPTION_PATH_PREFIX, "path-prefix", "PATH",
	  "what comes before the id (/test/)" },
	{ OPTION_WAIT, "wait", "T", "a feed that takes longer to open has failed (10s)" },
	OPTION_ROW_PUBLIC,
	OPTIONS_COMMON
};

static const struct option_spec NO_OPTIONS[] = { OPTIONS_COMMON };

static int parse_duration_ns(const char *value, double min_s, double max_s, uint64_t *out,
			     struct args_why *why)
{
	double seconds;
	int err = args_duration(value, min_s, max_s, &seconds, why);

	if (!err)
		*out = (uint64_t)(seconds * CLOCK_NS_PER_S);
	return err;
}

/* It goes into a request line as it is. */
static int parse_path(const char *value, const char **out, struct args_why *why)
{
	size_t length = strlen(value);

	for (const char *c = value; *c; c++) {
		if (*c <= ' ' || *c > '~')
			length = 0;
	}
	if (length == 0 || length > PATH_PREFIX_MAX || value[0] != '/') {
		snprintf(why->text, sizeof(why->text),
			 "path prefix \"%.60s\" is not / and at most %d printable "
			 "characters without blanks",
			 value, PATH_PREFIX_MAX);
		return -EINVAL;
	}
	*out = value;
	return 0;
}

/* An option with a value. Returns 0, or -errno with a sentence in *why. */
static int apply(struct command *command, int key, const char *value,
		 struct args_why *why)
{
	struct load *load = &command->load;

	switch (key) {
	case OPTION_COUNT: return args_count(value, 1, COUNT_MAX, &load->count, why);
	case OPTION_CONNECTIONS:
		return args_count(value, 1, CONNECTIONS_MAX, &load->count, why);
	case OPTION_FLOWS: return args_count(value, 1, FLOWS_MAX, &load->flows, why);
	case OPTION_SIZE:
		return args_count(value, PROBE_BYTES, CHANNEL_MESSAGE_MAX,
				  &load->size_bytes, why);
	case OPTION_PATH_PREFIX: return parse_path(value, &load->path_prefix, why);
	case OPTION_RATE: return args_count(value, 1, PACER_RATE_MAX, &load->rate, why);
	case OPTION_WINDOW: return args_count(value, 0, WINDOW_MAX, &load->window, why);
	case OPTION_WAIT:
		return parse_duration_ns(value, WAIT_MIN_S, WAIT_MAX_S, &load->wait_ns,
					 why);
	case OPTION_DURATION:
		command->has_duration = true;
		return parse_duration_ns(value, 0, DURATION_MAX_S, &load->duration_ns,
					 why);
	case OPTION_SOURCE:
		load->has_source = true;
		return source_parse(value, &load->source, why);
	default: return -EINVAL;
	}
}

static int usage_error(const struct log *log, const char *sentence)
{
	log_error(log, "%s", sentence);
	return EXIT_USAGE;
}

/* Whether the first and the last address of the source are ours; a long prefix is taken at its word. */
static int check_source(const struct load *load, const struct log *log)
{
	for (int last = 0; last < 2; last++) {
		uint64_t i = last ? load->source.addresses - 1 : 0;
		union endpoint address;
		bool local;
		int err;

		source_endpoint(&load->source, i, 0, &address);
		err = dial_is_local(&address, &local);
		if (err) {
			log_error(log, "cannot ask for the route of the source: %s",
				  strerror(-err));
			return EXIT_FAILED;
		}
		if (!local) {
			log_error(log,
				  "not every address of --source is local; make them so: "
				  "ip route add local CIDR dev lo");
			return EXIT_FAILED;
		}
	}
	return EXIT_OK;
}

static int run_echo(struct command *command, const struct log *log)
{
	struct load *load = &command->load;
	struct echo_result result;
	int err;

	if (load->rate > 0 && load->window > 0)
		return usage_error(log,
				   "an echo run has a --rate or a --window, not both");
	if (load->window == 0 && load->rate == 0)
		load->rate = ECHO_RATE;
	err = load_echo_run(load, &result);
	if (err) {
		log_error(log, "cannot send to %s: %s", load->target.text,
			  strerror(-err));
		return EXIT_FAILED;
	}
	if (report_echo(load, &result, command->json))
		return EXIT_FAILED;
	if (result.outcome.stopped_by)
		return 128 + result.outcome.stopped_by;
	return result.sent > 0 ? EXIT_OK : EXIT_FAILED;
}

static int run_flows(struct command *command, const struct log *log)
{
	struct load *load = &command->load;
	struct flows_result result;
	struct args_why why;
	int err;

	if (load_flows_check(load, &why))
		return usage_error(log, why.text);
	if (!command->has_duration)
		load->duration_ns =
			2 * (load->count * 1000 / load->rate) * CLOCK_NS_PER_MS +
			UINT64_C(10) * CLOCK_NS_PER_S;
	err = load_flows_run(load, &result);
	if (err) {
		log_error(log, "cannot make flows to %s: %s", load->target.text,
			  strerror(-err));
		return EXIT_FAILED;
	}
	if (report_flows(load, &result, command->json))
		return EXIT_FAILED;
	if (result.outcome.stopped_by)
		return 128 + result.outcome.stopped_by;
	return result.sent > 0 ? EXIT_OK : EXIT_FAILED;
}

static int run_hold(struct command *command, const struct log *log)
{
	const struct load *load = &command->load;
	struct hold_result result;
	struct args_why why;
	int err;

	if (load_hold_check(load, &why))
		return usage_error(log, why.text);
	err = load_hold_run(load, &result);
	if (err) {
		log_error(log, "cannot hold feeds of %s: %s", load->target.text,
			  strerror(-err));
		return EXIT_FAILED;
	}
	if (report_hold(load, &result, command->json))
		return EXIT_FAILED;
	if (result.outcome.stopped_by)
		return 128 + result.outcome.stopped_by;
	return result.opened > 0 && result.broken == 0 ? EXIT_OK : EXIT_FAILED;
}

static const struct mode MODES[] = {
	{
		.name = "echo",
		.synopsis = "echo [options] udp|tcp ADDR:PORT",
		.purpose = "send messages and time their echoes",
		.options = ECHO_OPTIONS,
		.defaults = {
			.flows = 1,
			.size_bytes = 64,
			.duration_ns = UINT64_C(10) * CLOCK_NS_PER_S,
			.wait_ns = UINT64_C(2) * CLOCK_NS_PER_S,
		},
		.proto_first = true,
		.run = run_echo,
	},
	{
		.name = "hold",
		.synopsis = "hold [options] [tcp/]ADDR:PORT",
		.purpose = "open feeds (HTTP GET /test/ID) and hold them, counting chunks",
		.options = HOLD_OPTIONS,
		.defaults = {
			.count = 100,
			.rate = 1000,
			.duration_ns = UINT64_C(10) * CLOCK_NS_PER_S,
			.wait_ns = UINT64_C(10) * CLOCK_NS_PER_S,
			.path_prefix = "/test/",
		},
		.proto = IPPROTO_TCP,
		.run = run_hold,
	},
	{
		.name = "flows",
		.synopsis = "flows [options] PROTO/ADDR:PORT",
		.purpose = "make new flows, a datagram or a TCP handshake each",
		.options = FLOWS_OPTIONS,
		.defaults = {
			.count = 10000,
			.rate = 1000,
			.wait_ns = UINT64_C(2) * CLOCK_NS_PER_S,
		},
		.run = run_flows,
	},
};

enum { MODES_COUNT = sizeof(MODES) / sizeof(MODES[0]) };

static void print_mode_help(const struct mode *mode)
{
	struct text text = { 0 };

	text_add(&text, "Usage: ctload %s\n\nTo %s.\n\n", mode->synopsis, mode->purpose);
	options_help(mode->options, &text);
	text_add(&text, "\nAddresses are numeric, IPv6 in brackets. See ctload(8).\n");
	fputs(text_str(&text), stdout);
	text_free(&text);
}

static void print_help(void)
{
	struct text text = { 0 };

	text_add(&text, "Usage: ctload MODE [options] TARGET\n\n"
			"Loads a server and says what came of it.\n\nModes:\n");
	for (int i = 0; i < MODES_COUNT; i++)
		text_add(&text, "  %-8s %s\n", MODES[i].name, MODES[i].purpose);
	text_add(
		&text,
		"\n\"ctload MODE --help\" lists the options of a mode. See ctload(8).\n");
	fputs(text_str(&text), stdout);
	text_free(&text);
}

/* The options that every program has, mode NULL: in front of one. */
static bool apply_common(struct command *command, const struct mode *mode, int key,
			 struct log *log)
{
	switch (key) {
	case 'j': command->json = true; return true;
	case 'v': log->level = LOG_LEVEL_DEBUG; return true;
	case 'q': log->level = LOG_LEVEL_WARN; return true;
	case OPTION_ALLOW_PUBLIC: command->allow_public = true; return true;
	case 'h':
		if (mode)
			print_mode_help(mode);
		else
			print_help();
		command->done = true;
		return true;
	case 'V':
		puts("ctload " CTKIT_VERSION);
		command->done = true;
		return true;
	default: return false;
	}
}

static int read_options(struct command *command, const struct mode *mode, int argc,
			char **argv, struct log *log)
{
	const struct option_spec *specs = mode ? mode->options : NO_OPTIONS;
	struct options options;
	struct args_why why;
	const char *value;
	int key;

	options_init(&options, specs);
	while (!command->done &&
	       (key = options_next(&options, argc, argv, &value)) != -1) {
		if (key == '?')
			return EXIT_USAGE;
		if (apply_common(command, mode, key, log))
			continue;
		if (apply(command, key, value, &why)) {
			log_error(log, "%s", why.text);
			return EXIT_USAGE;
		}
	}
	return EXIT_OK;
}

static int read_proto(const char *word, uint8_t *out)
{
	if (strcmp(word, "udp") == 0)
		*out = IPPROTO_UDP;
	else if (strcmp(word, "tcp") == 0)
		*out = IPPROTO_TCP;
	else
		return -EINVAL;
	return 0;
}

static int read_target(struct command *command, const struct mode *mode, int operands,
		       char **operand, const struct log *log)
{
	uint8_t proto = mode->proto;
	struct args_why why;

	if (mode->proto_first && operands > 0 && read_proto(operand[0], &proto) == 0) {
		operand++;
		operands--;
	}
	if (operands != 1) {
		log_error(log,
			  operands ? "one target at a time, not \"%s\" too"
				   : "whom to load? usage: ctload %s",
			  operands ? operand[1] : mode->synopsis);
		return EXIT_USAGE;
	}
	if (target_parse(operand[0], proto, &command->load.target, &why))
		return usage_error(log, why.text);
	if (!command->allow_public && !target_is_private(&command->load.target)) {
		log_error(
			log,
			"%s is not a loopback, private or link-local address: loading a "
			"public one needs --allow-public",
			command->load.target.text);
		return EXIT_USAGE;
	}
	if (command->load.has_source &&
	    command->load.source.family != command->load.target.endpoint.any.sa_family)
		return usage_error(log,
				   "--source and the target are not of the same family");
	return EXIT_OK;
}

static int run_mode(const struct mode *mode, int argc, char **argv, struct log *log)
{
	struct command command = { .load = mode->defaults };
	int status = read_options(&command, mode, argc, argv, log);

	if (status || command.done)
		return status;
	command.load.log = log;
	status = read_target(&command, mode, argc - optind, argv + optind, log);
	if (!status && command.load.has_source)
		status = check_source(&command.load, log);
	return status ? status : mode->run(&command, log);
}

int main(int argc, char **argv)
{
	struct command common = { 0 };
	struct log log;
	int status;

	log_init(&log, "ctload");
	for (int i = 0; argc > 1 && i < MODES_COUNT; i++) {
		if (strcmp(argv[1], MODES[i].name) == 0)
			return run_mode(&MODES[i], argc - 1, argv + 1, &log);
	}
	if (argc > 1 && argv[1][0] == '-') {
		status = read_options(&common, NULL, argc, argv, &log);
		if (status || common.done)
			return status;
	}
	log_error(&log,
		  argc > 1 && argv[1][0] != '-'
			  ? "\"%.60s\" is not a mode; see ctload --help"
			  : "which mode? see ctload --help",
		  argc > 1 ? argv[1] : "");
	return EXIT_USAGE;
}
