// SPDX-License-Identifier: GPL-2.0-or-later
#include "guard/order.h"

#include <string.h>

#include "guard/wiring.h"
#include "lib/log.h"
#include "lib/options.h"
#include "lib/text.h"

static const char USAGE[] =
	"usage: ctguard run [-c FILE] [-s SERVICE]... [--dry-run] [options]\n"
	"       ctguard check-config [-c FILE] [-s SERVICE]... [options]\n"
	"       ctguard doctor [-c FILE] [-s SERVICE]... [--netns WHICH]\n"
	"       ctguard status | pause | resume | release SERVICE [--now] | reload | "
	"stop\n"
	"       ctguard incidents [N] --journal FILE\n"
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
	/* From here to RELEASE_AFTER they are called as config_set() calls them: setting_name(). */
	OPTION_ENGAGE_AT = OPTIONS_LONG_ONLY,
	OPTION_RELEASE_AT,
	OPTION_HORIZON,
	OPTION_LEASE,
	OPTION_RELEASE_AFTER,
	OPTION_CONTROL,
	OPTION_JOURNAL,
	OPTION_FORCE,
	OPTION_USER,
	OPTION_REALTIME,
	OPTION_NOW,
	OPTION_NETNS,
};

static const struct option_spec SPECS[] = {
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
	{ OPTION_FORCE, "force", NULL, "take services out whatever the audit says" },
	{ OPTION_CONTROL, "control", "PATH",
	  "socket for orders (" GUARD_CONTROL_PATH ")" },
	{ OPTION_JOURNAL, "journal", "FILE", "keep events in FILE, and read them there" },
	{ OPTION_USER, "user", "NAME", "become that user, keep CAP_NET_ADMIN alone" },
	{ OPTION_REALTIME, "realtime", NULL, "go before other programs, lock memory" },
	{ OPTION_NETNS, "netns", "WHICH",
	  "NAME, PATH, PID or \"all\"; orders: only there" },
	{ OPTION_NOW, "now", NULL, "release: though open connections are cut off" },
	{ 'm', "metrics", "ADDR:PORT", "serve metrics for Prometheus" },
	OPTIONS_COMMON,
};

enum operand { OPERAND_NONE, OPERAND_MAY, OPERAND_MUST };

struct command {
	const char *name;
	enum operand operand;
};

static const struct command COMMANDS[] = {
	[ORDER_RUN] = { "run", OPERAND_NONE },
	[ORDER_CHECK_CONFIG] = { "check-config", OPERAND_NONE },
	[ORDER_DOCTOR] = { "doctor", OPERAND_NONE },
	[ORDER_INCIDENTS] = { "incidents", OPERAND_MAY },
	[ORDER_STATUS] = { "status", OPERAND_NONE },
	[ORDER_PAUSE] = { "pause", OPERAND_NONE },
	[ORDER_RESUME] = { "resume", OPERAND_NONE },
	[ORDER_RELEASE] = { "release", OPERAND_MUST },
	[ORDER_RELOAD] = { "reload", OPERAND_NONE },
	[ORDER_STOP] = { "stop", OPERAND_NONE },
};

enum { COMMAND_COUNT = sizeof(COMMANDS) / sizeof(COMMANDS[0]) };

const char *order_name(enum order_command command)
{
	return COMMANDS[command].name;
}

void order_help(struct text *text)
{
	text_add(text, "%s", USAGE);
	options_help(SPECS, text);
}

/* The name in SPECS of a key that config_set() knows by that name; NULL if it is none. */
static const char *setting_name(int key)
{
	for (const struct option_spec *spec = SPECS; spec->key; spec++) {
		if (spec->key == key && key >= OPTION_ENGAGE_AT &&
		    key <= OPTION_RELEASE_AFTER)
			return spec->name;
	}
	return NULL;
}

static enum order_kind take_setting(struct order *order, const struct log *log,
				    const char *name, const char *value)
{
	/* getopt_long() has said what is wrong with it. */
	if (!name) {
		log_error(log, "see ctguard --help");
		return ORDER_BAD;
	}
	if (order->setting_count == ORDER_SETTINGS_MAX) {
		log_error(log, "--%s is given too often", name);
		return ORDER_BAD;
	}
	order->settings[order->setting_count].name = name;
	order->settings[order->setting_count++].value = value;
	return ORDER_GOOD;
}

static enum order_kind take_service(struct order *order, const struct log *log,
				    const char *value)
{
	if (order->service_count == POLICY_SERVICES_MAX) {
		log_error(log, "more than %d services", POLICY_SERVICES_MAX);
		return ORDER_BAD;
	}
	order->services[order->service_count++] = value;
	return ORDER_GOOD;
}

/* One option. Anything but ORDER_GOOD ends the reading. */
static enum order_kind take_option(struct order *order, struct log *log, int key,
				   const char *value)
{
	switch (key) {
	case 's': return take_service(order, log, value);
	case 'c': order->config_path = value; break;
	case 'n': order->dry_run = true; break;
	case OPTION_FORCE: order->force = true; break;
	case 'j': order->json = true; break;
	case 'v': log->level = LOG_LEVEL_DEBUG; break;
	case 'q': log->level = LOG_LEVEL_WARN; break;
	case 'h': return ORDER_HELP;
	case 'V': return ORDER_VERSION;
	case OPTION_CONTROL: order->control_path = value; break;
	case OPTION_JOURNAL: order->journal_path = value; break;
	case OPTION_USER: order->user = value; break;
	case OPTION_REALTIME: order->realtime = true; break;
	case OPTION_NETNS: order->netns = value; break;
	case OPTION_NOW: order->now = true; break;
	case 'm': return take_setting(order, log, "metrics", value);
	default: return take_setting(order, log, setting_name(key), value);
	}
	return ORDER_GOOD;
}

/* Lists the commands for a sentence. */
static void list_commands(struct text *text)
{
	for (int i = 0; i < COMMAND_COUNT; i++) {
		const char *between = i + 1 == COMMAND_COUNT ? " or " : ", ";

		text_add(text, "%s%s", i ? between : "", COMMANDS[i].name);
	}
}

/* value NULL: there is no command at all. */
static bool refuse_command(const struct log *log, const char *value)
{
	struct text names = { 0 };

	list_commands(&names);
	if (value)
		log_error(log, "unknown command \"%s\": want %s", value,
			  text_str(&names));
	else
		log_error(log, "no command: want %s; try \"ctguard --help\"",
			  text_str(&names));
	text_free(&names);
	return false;
}

static bool take_command(struct order *order, const struct log *log, const char *name)
{
	for (int i = 0; i < COMMAND_COUNT; i++) {
		if (strcmp(name, COMMANDS[i].name) == 0) {
			order->command = (enum order_command)i;
			return true;
		}
	}
	return refuse_command(log, name);
}

static bool takes_netns(enum order_command command)
{
	switch (command) {
	case ORDER_RUN:
	case ORDER_CHECK_CONFIG:
	case ORDER_DOCTOR:
	case ORDER_STATUS:
	case ORDER_PAUSE:
	case ORDER_RESUME:
	case ORDER_RELEASE: return true;
	default: return false;
	}
}

/* Options that would be ignored are refused: they are a misunderstanding. */
static bool check_options(const struct order *order, const struct log *log)
{
	const char *name = order_name(order->command);
	bool configures = order->service_count || order->setting_count ||
			  order->dry_run || order->force;

	/* Commands are in the order of whom they are for (enum order_command). */
	if (order->command > ORDER_DOCTOR && configures)
		log_error(log, "\"%s\" takes no option of a guard's configuration", name);
	else if (order->command != ORDER_RUN && (order->user || order->realtime))
		log_error(log, "%s is for \"run\" only",
			  order->user ? "--user" : "--realtime");
	else if (order->command != ORDER_RELEASE && order->now)
		log_error(log, "--now is for \"release\" only");
	else if (order->netns && !takes_netns(order->command))
		log_error(log, "--netns is not for \"%s\"", name);
	else if (order->command == ORDER_CHECK_CONFIG && order->json)
		log_error(log, "--json is not for \"%s\"", name);
	else if (order->command >= ORDER_STATUS && order->journal_path)
		log_error(log, "--journal is not for \"%s\"", name);
	else
		return true;
	return false;
}

static bool take_operands(struct order *order, const struct log *log, int count,
			  char **operands)
{
	const struct command *command;

	if (count == 0)
		return refuse_command(log, NULL);
	if (!take_command(order, log, operands[0]))
		return false;
	command = &COMMANDS[order->command];
	if (count == 1 && command->operand == OPERAND_MUST) {
		log_error(log, "which SERVICE? There is none after \"%s\"",
			  command->name);
		return false;
	}
	/* The command is the first of them. */
	if (count > (command->operand == OPERAND_NONE ? 1 : 2)) {
		log_error(log,
			  "\"%s\" is not wanted after the command (services are given "
			  "with -s)",
			  operands[count - 1]);
		return false;
	}
	order->operand = count > 1 ? operands[1] : NULL;
	return check_options(order, log);
}

enum order_kind order_parse(int argc, char **argv, struct log *log, struct order *out)
{
	struct order order = { 0 };
	struct options options;
	const char *value;
	int key;

	options_init(&options, SPECS);
	while ((key = options_next(&options, argc, argv, &value)) != -1) {
		enum order_kind kind = take_option(&order, log, key, value);

		/* Also --help and --version: what comes behind them is not looked at. */
		if (kind != ORDER_GOOD)
			return kind;
	}
	if (!take_operands(&order, log, argc - optind, argv + optind))
		return ORDER_BAD;
	*out = order;
	return ORDER_GOOD;
}
