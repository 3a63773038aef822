// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/invocation.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/args.h"
#include "lib/log.h"
#include "lib/options.h"
#include "lib/text.h"
#include "server/capacity.h"
#include "server/quota.h"

enum {
	OPTION_DRAIN = OPTIONS_LONG_ONLY,
	OPTION_GUARD,
	OPTION_IDLE,
	OPTION_LOG,
	OPTION_PER_SOURCE,
	OPTION_PER_SOURCE_RATE,
	OPTION_SLOW,
	OPTION_STEER_CPU,
	OPTION_USER,
};

static const struct option_spec SPECS[] = {
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
	  "connections and UDP feeds of an address, a /64" },
	{ OPTION_STEER_CPU, "steer-cpu", NULL,
	  "UDP goes to the worker of the CPU it comes to" },
	{ OPTION_USER, "user", "NAME", "become NAME once the sockets are open" },
	{ OPTION_GUARD, "guard", "SOCKET",
	  "register what is served with the ctguard there" },
	OPTIONS_COMMON,
};

static const double INTERVAL_MIN_S = 0.01, INTERVAL_MAX_S = 3600;
static const double STATS_MIN_S = 0.01, STATS_MAX_S = 86400;
static const double DRAIN_MAX_S = 3600;
static const uint64_t PER_SOURCE_RATE_MAX = 1000 * 1000 * 1000;
static const double IDLE_MIN_S = 0.1, IDLE_MAX_S = 7 * 86400;
static const uint64_t CONNECTIONS_MAX = 100 * 1000 * 1000;

static const struct invocation DEFAULTS = {
	.settings = { .interval_s = 1, .drain_s = 5 },
};

void invocation_help(struct text *text)
{
	text_add(text,
		 "usage: ctserve [options] SERVICE=LISTENER...\n"
		 "Serves traffic: echo, discard and feed (HTTP at /test/ID; over UDP "
		 "by lease).\n"
		 "LISTENER is PROTO/[ADDR:]PORT, on all addresses if none is given:\n"
		 "ctserve echo=udp/9000 echo=tcp/9000 feed=tcp/127.0.0.1:8080\n\n");
	options_help(SPECS, text);
}

static int take_slow(struct settings *settings, const char *value, struct args_why *why)
{
	settings->slow_close = strcmp(value, "close") == 0;
	if (settings->slow_close || strcmp(value, "drop") == 0)
		return 0;
	snprintf(why->text, sizeof(why->text), "\"%.60s\" is neither drop nor close",
		 value);
	return -EINVAL;
}

static int take_guard(struct invocation *invocation, const char *value,
		      struct args_why *why)
{
	invocation->guard = value;
	if (value[0] && strlen(value) < sizeof(((struct sockaddr_un *)0)->sun_path))
		return 0;
	snprintf(why->text, sizeof(why->text), "\"%.60s%s\" is no path of a socket",
		 value, strlen(value) > 60 ? "..." : "");
	return -EINVAL;
}

static int take_workers(struct invocation *invocation, const char *value,
			struct args_why *why)
{
	uint64_t count;
	int err = args_count(value, 1, CAPACITY_WORKERS_MAX, &count, why);

	if (err == 0)
		invocation->workers = (unsigned)count;
	return err;
}

/* Takes one option with a value. Returns 0, or -errno with a sentence in *why. */
static int take_value(struct invocation *invocation, int key, const char *value,
		      struct args_why *why)
{
	struct settings *settings = &invocation->settings;

	switch (key) {
	case 'w': return take_workers(invocation, value, why);
	case 'c':
		return args_count(value, 1, CONNECTIONS_MAX, &invocation->connections,
				  why);
	case 'i':
		return args_duration(value, INTERVAL_MIN_S, INTERVAL_MAX_S,
				     &settings->interval_s, why);
	case 'P': invocation->publish_path = value; return 0;
	case OPTION_SLOW: return take_slow(settings, value, why);
	case 's':
		return args_duration(value, STATS_MIN_S, STATS_MAX_S,
				     &invocation->stats_s, why);
	case OPTION_PER_SOURCE_RATE:
		return args_count(value, 1, PER_SOURCE_RATE_MAX,
				  &invocation->per_source_rate, why);
	case 'm': invocation->metrics = value; return 0;
	case OPTION_LOG: invocation->log_path = value; return 0;
	case OPTION_USER: invocation->user = value; return 0;
	case OPTION_GUARD: return take_guard(invocation, value, why);
	case OPTION_IDLE:
		return args_duration(value, IDLE_MIN_S, IDLE_MAX_S, &settings->idle_s,
				     why);
	case OPTION_PER_SOURCE:
		return args_count(value, 1, QUOTA_LIMIT_MAX, &invocation->per_source,
				  why);
	default: return args_duration(value, 0, DRAIN_MAX_S, &settings->drain_s, why);
	}
}

static const char *name_of(int key)
{
	const struct option_spec *spec = SPECS;

	while (spec->key != key)
		spec++;
	return spec->name;
}

/* One option. Anything but INVOCATION_RUN ends the reading. */
static enum invocation_kind take_option(int key, const char *value, struct log *log,
					struct invocation *invocation)
{
	struct args_why why;

	switch (key) {
	case 'h': return INVOCATION_HELP;
	case 'V': return INVOCATION_VERSION;
	case 'j': invocation->json = true; break;
	case 'v': log->level = LOG_LEVEL_DEBUG; break;
	case 'q': log->level = LOG_LEVEL_WARN; break;
	case OPTION_STEER_CPU: invocation->steer_cpu = true; break;
	case '?': return INVOCATION_BAD;
	default:
		if (take_value(invocation, key, value, &why) == 0)
			break;
		log_error(log, "--%s: %s", name_of(key), why.text);
		return INVOCATION_BAD;
	}
	return INVOCATION_RUN;
}

/* Remembers the UDP ports that we echo on: an answer to one of them could come back. */
static void note_echo_ports(struct settings *settings, const struct listener *listener)
{
	const struct service *service = &listener->service;

	if (listener->kind != LISTENER_ECHO || service->proto != IPPROTO_UDP)
		return;
	for (unsigned port = service->first_port; port <= service->last_port; port++)
		settings->echo_ports[port / 8] |= (uint8_t)(1U << port % 8);
}

/* Whether there is anyone that messages could be sent to. */
static bool has_feed(const struct invocation *invocation)
{
	for (size_t i = 0; i < invocation->listener_count; i++)
		if (invocation->listeners[i].kind == LISTENER_FEED &&
		    invocation->listeners[i].service.proto == IPPROTO_TCP)
			return true;
	return false;
}

static bool check(const struct invocation *invocation, const struct log *log)
{
	struct args_why why;

	if (invocation->publish_path && !has_feed(invocation)) {
		log_error(log,
			  "--publish: there is no feed over TCP to send messages to");
		return false;
	}
	if (listener_check(invocation->listeners, invocation->listener_count, &why) < 0) {
		log_error(log, "%s", why.text);
		return false;
	}
	return true;
}

static bool take_listeners(struct invocation *invocation, int count, char **operands,
			   const struct log *log)
{
	struct args_why why;

	if (count == 0) {
		log_error(log, "nothing to serve: want SERVICE=LISTENER, like "
			       "echo=udp/9000 (--help says more)");
		return false;
	}
	if (count > INVOCATION_LISTENERS_MAX) {
		log_error(log, "%d listeners are too many (at most %d)", count,
			  INVOCATION_LISTENERS_MAX);
		return false;
	}
	for (int i = 0; i < count; i++) {
		struct listener *listener = &invocation->listeners[i];

		if (listener_parse(operands[i], listener, &why) < 0) {
			log_error(log, "%s", why.text);
			return false;
		}
		note_echo_ports(&invocation->settings, listener);
	}
	invocation->listener_count = (size_t)count;
	return check(invocation, log);
}

enum invocation_kind invocation_parse(int argc, char **argv, struct log *log,
				      struct invocation *out)
{
	struct invocation invocation = DEFAULTS;
	struct options options = { 0 };
	const char *value;
	int key;

	options_init(&options, SPECS);
	while ((key = options_next(&options, argc, argv, &value)) != -1) {
		enum invocation_kind kind = take_option(key, value, log, &invocation);

		if (kind != INVOCATION_RUN)
			return kind;
	}
	if (!take_listeners(&invocation, argc - optind, argv + optind, log))
		return INVOCATION_BAD;
	*out = invocation;
	return INVOCATION_RUN;
}
