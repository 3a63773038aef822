// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/command.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "lib/args.h"
#include "lib/clock.h"
#include "server/channel.h"
#include "server/crew.h"
#include "server/frame.h"
#include "server/pacer.h"

enum { PATH_PREFIX_MAX = 200 };

static const uint64_t COUNT_MAX = 100000000;
static const uint64_t WINDOW_MAX = 1000000;
static const uint64_t CONNECTIONS_MAX = 10000000;
static const uint64_t FLOWS_MAX = 100000;
static const double DURATION_MIN_S = 0.001, DURATION_MAX_S = 86400;
static const double WAIT_MIN_S = 0.001, WAIT_MAX_S = 60;

#define OPTION_ROW_SOURCE                                                \
	{                                                                \
		OPTION_SOURCE, "source", "CIDR",                         \
			"use every local address in CIDR (10.78.0.0/16)" \
	}
#define OPTION_ROW_PUBLIC                                                              \
	{                                                                              \
		OPTION_ALLOW_PUBLIC, "allow-public", NULL, "load a public target, too" \
	}

static const struct option_spec ECHO_OPTIONS[] = {
	{ OPTION_RATE, "rate", "R", "messages a second, whatever comes back (1k)" },
	{ OPTION_WINDOW, "window", "W", "instead: as fast as W unanswered ones allow" },
	{ OPTION_SIZE, "size", "B", "bytes of a message (64)" },
	{ OPTION_FLOWS, "flows", "F", "sockets that take turns (1)" },
	{ OPTION_DURATION, "duration", "T", "send for T (10s)" },
	{ OPTION_PROCESSES, "processes", "N",
	  "that share the flows (one per CPU if worth it)" },
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
	{ OPTION_LEASE, "lease", "T", "over UDP: lease of a feed, 1s to 300s (30s)" },
	OPTION_ROW_PUBLIC,
	OPTIONS_COMMON
};

const struct option_spec *command_echo_options(void)
{
	return ECHO_OPTIONS;
}

const struct option_spec *command_hold_options(void)
{
	return HOLD_OPTIONS;
}

const struct option_spec *command_flows_options(void)
{
	return FLOWS_OPTIONS;
}

static int parse_duration_ns(const char *value, double min_s, double max_s, uint64_t *out,
			     struct args_why *why)
{
	double seconds;
	int err = args_duration(value, min_s, max_s, &seconds, why);

	if (!err)
		*out = (uint64_t)(seconds * CLOCK_NS_PER_S);
	return err;
}

/* Leases are whole seconds: rounded up. */
static int parse_lease(const char *value, unsigned *out, struct args_why *why)
{
	double seconds;
	int err = args_duration(value, 1, FRAME_LEASE_MAX_S, &seconds, why);

	if (!err)
		*out = (unsigned)ceil(seconds);
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

int command_apply(struct command *command, int key, const char *value,
		  struct args_why *why)
{
	struct load *load = &command->load;

	switch (key) {
	case OPTION_COUNT: return args_count(value, 1, COUNT_MAX, &load->count, why);
	case OPTION_CONNECTIONS:
		return args_count(value, 1, CONNECTIONS_MAX, &load->count, why);
	case OPTION_FLOWS: return args_count(value, 1, FLOWS_MAX, &load->flows, why);
	case OPTION_PROCESSES:
		return args_count(value, 1, CREW_MAX, &load->processes, why);
	case OPTION_SIZE:
		return args_count(value, PROBE_BYTES, CHANNEL_MESSAGE_MAX,
				  &load->size_bytes, why);
	case OPTION_PATH_PREFIX: return parse_path(value, &load->path_prefix, why);
	case OPTION_LEASE: return parse_lease(value, &load->lease_s, why);
	case OPTION_RATE: return args_count(value, 1, PACER_RATE_MAX, &load->rate, why);
	case OPTION_WINDOW: return args_count(value, 0, WINDOW_MAX, &load->window, why);
	case OPTION_WAIT:
		return parse_duration_ns(value, WAIT_MIN_S, WAIT_MAX_S, &load->wait_ns,
					 why);
	case OPTION_DURATION:
		command->has_duration = true;
		return parse_duration_ns(value, DURATION_MIN_S, DURATION_MAX_S,
					 &load->duration_ns, why);
	case OPTION_SOURCE:
		load->has_source = true;
		return source_parse(value, &load->source, why);
	default: return -EINVAL;
	}
}
