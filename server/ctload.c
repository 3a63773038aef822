// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "lib/args.h"
#include "lib/clock.h"
#include "lib/log.h"
#include "lib/options.h"
#include "lib/streams.h"
#include "lib/text.h"
#include "server/command.h"
#include "server/dial.h"
#include "server/load.h"
#include "server/load_echo.h"
#include "server/load_flows.h"
#include "server/load_hold.h"
#include "server/report.h"

/* A subcommand. */
struct mode {
	const char *name;
	const char *synopsis;
	const char *purpose;
	const struct option_spec *(*options)(void);
	struct load defaults;
	uint8_t proto;    /* of a target that does not say; 0: each must */
	bool proto_first; /* "udp" or "tcp" stands before the target */
	int (*run)(struct command *command, const struct log *log);
};

/* An echo run that is given neither a rate nor a window. */
enum { ECHO_RATE = 1000 };

static const struct option_spec NO_OPTIONS[] = { OPTIONS_COMMON };

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
				  "not every address of --source %s is local; make them "
				  "so: "
				  "ip route add local %s dev lo",
				  load->source.text, load->source.text);
			return EXIT_FAILED;
		}
	}
	return EXIT_OK;
}

static int run_echo(struct command *command, const struct log *log)
{
	struct load *load = &command->load;
	struct echo_result result;
	struct args_why why;
	int err;

	if (load->rate > 0 && load->window > 0)
		return usage_error(log,
				   "an echo run has a --rate or a --window, not both");
	if (load->window == 0 && load->rate == 0)
		load->rate = ECHO_RATE;
	if (load_echo_check(load, &why))
		return usage_error(log, why.text);
	err = load_echo_run(load, &result);
	if (err) {
		log_error(log, "cannot send to %s: %s", load->target.text,
			  strerror(-err));
		return EXIT_FAILED;
	}
	if (report_echo(load, &result, command->json))
		return EXIT_FAILED;
	/* As shells tell of a program that a signal ended. */
	if (result.outcome.stopped_by)
		return 128 + result.outcome.stopped_by;
	return result.sent > 0 && result.broken + result.stuck == 0 ? EXIT_OK
								    : EXIT_FAILED;
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
	return result.opened > 0 && result.broken + result.stuck == 0 ? EXIT_OK
								      : EXIT_FAILED;
}

static const struct mode MODES[] = {
	{
		.name = "echo",
		.synopsis = "echo [options] udp|tcp ADDR:PORT",
		.purpose = "send messages and time their echoes",
		.options = command_echo_options,
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
		.synopsis = "hold [options] [tcp/|udp/]ADDR:PORT",
		.purpose = "open feeds (/test/ID by HTTP or UDP), hold them, count chunks",
		.options = command_hold_options,
		.defaults = {
			.count = 100,
			.rate = 1000,
			.duration_ns = UINT64_C(10) * CLOCK_NS_PER_S,
			.wait_ns = UINT64_C(10) * CLOCK_NS_PER_S,
			.lease_s = 30,
			.path_prefix = "/test/",
		},
		.proto = IPPROTO_TCP,
		.run = run_hold,
	},
	{
		.name = "flows",
		.synopsis = "flows [options] PROTO/ADDR:PORT",
		.purpose = "make new flows, a datagram or a TCP handshake each",
		.options = command_flows_options,
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

	text_add(&text, "usage: ctload %s\n\nTo %s.\n\n", mode->synopsis, mode->purpose);
	options_help(mode->options(), &text);
	text_add(&text, "\nAddresses are numeric, IPv6 in brackets. See ctload(8).\n");
	fputs(text_str(&text), stdout);
	text_free(&text);
}

static void print_help(void)
{
	struct text text = { 0 };

	text_add(&text, "usage: ctload MODE [options] TARGET\n\n"
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

static const char *long_name(const struct option_spec *specs, int key)
{
	while (specs->key != key)
		specs++;
	return specs->name;
}

static int read_options(struct command *command, const struct mode *mode, int argc,
			char **argv, struct log *log)
{
	const struct option_spec *specs = mode ? mode->options() : NO_OPTIONS;
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
		if (command_apply(command, key, value, &why)) {
			log_error(log, "--%s: %s", long_name(specs, key), why.text);
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
	if (!mode->proto_first && operands > 0 && strchr(operand[0], '/'))
		proto = 0;
	if (mode->proto_first && operands == 2 && !proto) {
		log_error(log, "\"%.60s\" is not udp or tcp", operand[0]);
		return EXIT_USAGE;
	}
	if (operands != 1) {
		log_error(log,
			  operands ? "one target at a time, not \"%.60s\" too"
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
		return usage_error(
			log, "--source and the target are not both IPv4 or both IPv6");
	return EXIT_OK;
}

static int run_mode(const struct mode *mode, int argc, char **argv, struct log *log)
{
	struct command command = { .load = mode->defaults };
	int status = read_options(&command, mode, argc, argv, log);

	if (status)
		return status;
	if (command.done)
		return streams_finish(log);
	command.load.log = log;
	status = read_target(&command, mode, argc - optind, argv + optind, log);
	if (!status && command.load.has_source)
		status = check_source(&command.load, log);
	if (status)
		return status;
	log_debug(log, "%s %s from %s", mode->name, command.load.target.text,
		  command.load.has_source ? command.load.source.text : "any address");
	return mode->run(&command, log);
}

int main(int argc, char **argv)
{
	struct command common = { 0 };
	unsigned long lost;
	struct log log;

	if (streams_open() < 0)
		return EXIT_FAILED;
	log_init(&log, "ctload", &lost);
	for (int i = 0; argc > 1 && i < MODES_COUNT; i++) {
		if (strcmp(argv[1], MODES[i].name) != 0)
			continue;
		argv[1] = argv[0]; /* what getopt puts in front of its messages */
		return run_mode(&MODES[i], argc - 1, argv + 1, &log);
	}
	if (argc > 1 && argv[1][0] == '-') {
		int status = read_options(&common, NULL, argc, argv, &log);

		if (status)
			return status;
		if (common.done)
			return streams_finish(&log);
	}
	log_error(&log,
		  argc > 1 && argv[1][0] != '-'
			  ? "\"%.60s\" is not a mode; see ctload --help"
			  : "which mode? see ctload --help",
		  argc > 1 ? argv[1] : "");
	return EXIT_USAGE;
}
