// SPDX-License-Identifier: GPL-2.0-or-later
/* ctguard: takes a service out of tracking before it fills the conntrack table. */
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "guard/config.h"
#include "guard/journal.h"
#include "guard/wiring.h"
#include "lib/log.h"
#include "lib/options.h"
#include "lib/privilege.h"
#include "lib/streams.h"
#include "lib/text.h"

static const char NAME[] = "ctguard";

static const char USAGE[] =
	"usage: ctguard run [-c FILE] [-s SERVICE]... [--dry-run] [options]\n"
	"       ctguard check-config [-c FILE] [-s SERVICE]... [options]\n"
	"\n"
	"Watches the connection-tracking table of this network namespace. When it is\n"
	"about to fill, takes the service that fills it (of those given with -s) out of\n"
	"tracking by NOTRACK, deletes its entries, and gives it back when what would\n"
	"return fits.\n"
	"SERVICE is PROTO/[ADDR:]PORT, like udp/53 or tcp/[2001:db8::1]:443.\n"
	"\n"
	"Ctrl-C takes the rules away. SIGTERM leaves their leases to run out, so that a\n"
	"restarted guard takes them over.\n"
	"\n";

enum {
	OPTION_ENGAGE_AT = OPTIONS_LONG_ONLY,
	OPTION_RELEASE_AT,
	OPTION_HORIZON,
	OPTION_LEASE,
	OPTION_RELEASE_AFTER,
};

static const struct option_spec OPTIONS[] = {
	{ 's', "service", "SERVICE", "may be taken out of tracking (repeatable)" },
	{ 'c', "config", "FILE", "read a configuration, see ctguard.conf(5)" },
	{ 'n', "dry-run", NULL, "decide and log the same, change nothing" },
	{ OPTION_ENGAGE_AT, "engage-at", "SHARE", "of the limit at which to act (80%)" },
	{ OPTION_RELEASE_AT, "release-at", "SHARE",
	  "of the limit that is fine again (50%)" },
	{ OPTION_HORIZON, "horizon", "T", "act when full is forecast within T (10s)" },
	{ OPTION_LEASE, "lease", "T", "rules end T after the last sign of life (30s)" },
	{ OPTION_RELEASE_AFTER, "release-after", "T",
	  "calm needed before giving back (30s)" },
	OPTIONS_COMMON,
};

enum { SETTINGS_MAX = 16 };

/* What the command line asks for. */
struct request {
	const char *config_path;
	const char *services[POLICY_SERVICES_MAX];
	size_t service_count;
	struct {
		const char *name;
		const char *value;
	} settings[SETTINGS_MAX];
	size_t setting_count;
	bool dry_run;
	bool json;
	struct log log;
};

static int __attribute__((format(printf, 1, 2))) usage_error(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	fprintf(stderr, "%s: ", NAME);
	vfprintf(stderr, fmt, args);
	fprintf(stderr, "\n");
	va_end(args);
	return EXIT_USAGE;
}

static int print_help(const struct log *log)
{
	struct text text = { 0 };

	options_help(OPTIONS, &text);
	printf("%s%s", USAGE, text_str(&text));
	text_free(&text);
	return streams_finish(log);
}

static void on_config_error(cfg_t *file, const char *fmt, va_list args)
{
	fprintf(stderr, "%s: %s:%d: ", NAME, file->filename ? file->filename : "",
		file->line);
	vfprintf(stderr, fmt, args);
	fprintf(stderr, "\n");
}

/* The name in OPTIONS of a key that config_set() knows by that name; NULL if it is none. */
static const char *setting_name(int key)
{
	for (const struct option_spec *spec = OPTIONS; spec->key; spec++) {
		if (spec->key == key && key >= OPTIONS_LONG_ONLY)
			return spec->name;
	}
	return NULL;
}

/* Takes one option. Returns EXIT_OK, or EXIT_USAGE after saying why. */
static int take_option(struct request *request, int key, const char *value)
{
	switch (key) {
	case 's':
		if (request->service_count == POLICY_SERVICES_MAX)
			return usage_error("more than %d services", POLICY_SERVICES_MAX);
		request->services[request->service_count++] = value;
		return EXIT_OK;
	case 'c': request->config_path = value; return EXIT_OK;
	case 'n': request->dry_run = true; return EXIT_OK;
	case 'j': request->json = true; return EXIT_OK;
	case 'v': request->log.level = LOG_LEVEL_DEBUG; return EXIT_OK;
	case 'q': request->log.level = LOG_LEVEL_WARN; return EXIT_OK;
	case '?': fprintf(stderr, "try \"%s --help\"\n", NAME); return EXIT_USAGE;
	default: break;
	}
	if (request->setting_count == SETTINGS_MAX)
		return usage_error("--%s is given too often", setting_name(key));
	request->settings[request->setting_count].name = setting_name(key);
	request->settings[request->setting_count++].value = value;
	return EXIT_OK;
}

/* The file first, then the command line over it, then whether it makes sense together. */
static int make_config(const struct request *request, struct config *config)
{
	struct text why = { 0 };
	int err = 0;

	config_init(config);
	if (request->config_path) {
		err = config_read(config, request->config_path, on_config_error);
		if (err == -EINVAL)
			return EXIT_USAGE;
		if (err)
			return usage_error("cannot read \"%s\": %s", request->config_path,
					   strerror(-err));
	}
	for (size_t i = 0; !err && i < request->setting_count; i++)
		err = config_set(config, request->settings[i].name,
				 request->settings[i].value, &why);
	for (size_t i = 0; !err && i < request->service_count; i++)
		err = config_add_service(config, request->services[i], &why);
	if (!err)
		err = config_check(config, &why);
	if (err)
		usage_error("%s", text_str(&why));
	text_free(&why);
	return err ? EXIT_USAGE : EXIT_OK;
}

static int check_config(const struct request *request)
{
	struct config config;
	int status = make_config(request, &config);

	if (status != EXIT_OK)
		return status;
	printf("ok: %zu %s\n", config.count, config.count == 1 ? "service" : "services");
	return streams_finish(&request->log);
}

static int run(const struct request *request)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN };
	struct journal journal = {
		.log = &request->log,
		.json_fd = request->json ? STDOUT_FILENO : -1,
		.rehearse = request->dry_run,
	};
	struct config config;
	struct text why = { 0 };
	struct guard *guard;
	int status = make_config(request, &config);
	int err;

	if (status != EXIT_OK)
		return status;
	/* Whoever reads what the guard says may go: it stays. */
	sigaction(SIGPIPE, &ignore, NULL);
	/* Without it the guard would only have more rights than it needs: not a reason to stay away. */
	if (privilege_keep_net_admin())
		log_warn(&request->log,
			 "could not give up the privileges that are not needed");
	err = guard_open(&guard, &config, &journal, &request->log, request->dry_run,
			 &why);
	if (err) {
		log_error(&request->log, "%s", text_str(&why));
		text_free(&why);
		return err == -EADDRINUSE || err == -EEXIST ? EXIT_FAILED
							    : EXIT_UNREACHABLE;
	}
	err = guard_run(guard);
	guard_close(guard);
	return err ? EXIT_FAILED : EXIT_OK;
}

static const struct {
	const char *name;
	int (*run)(const struct request *request);
} COMMANDS[] = {
	{ "run", run },
	{ "check-config", check_config },
};

static int dispatch(const struct request *request, int operands, char **operand)
{
	if (operands == 0)
		return usage_error(
			"no command: want run or check-config; try \"%s --help\"", NAME);
	if (operands > 1)
		return usage_error(
			"\"%s\" is not wanted after the command (services are given "
			"with -s)",
			operand[1]);
	for (size_t i = 0; i < sizeof(COMMANDS) / sizeof(COMMANDS[0]); i++) {
		if (strcmp(operand[0], COMMANDS[i].name) == 0)
			return COMMANDS[i].run(request);
	}
	return usage_error("unknown command \"%s\": want run or check-config",
			   operand[0]);
}

int main(int argc, char **argv)
{
	struct request request = { 0 };
	struct options options;
	const char *value;
	unsigned long lost;
	int key;

	if (streams_open() < 0)
		return EXIT_FAILED;
	log_init(&request.log, NAME, &lost);
	options_init(&options, OPTIONS);
	while ((key = options_next(&options, argc, argv, &value)) != -1) {
		int status;

		if (key == 'h')
			return print_help(&request.log);
		if (key == 'V') {
			printf("%s %s\n", NAME, CTKIT_VERSION);
			return streams_finish(&request.log);
		}
		status = take_option(&request, key, value);
		if (status != EXIT_OK)
			return status;
	}
	return dispatch(&request, argc - optind, argv + optind);
}
