// SPDX-License-Identifier: GPL-2.0-or-later
#include "conntrack/request.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "conntrack/attribute.h"
#include "conntrack/place.h"
#include "lib/args.h"
#include "lib/log.h"
#include "lib/options.h"
#include "lib/text.h"

enum {
	KEY_ONCE = OPTIONS_LONG_ONLY,
	KEY_BATCH,
	KEY_SAMPLE,
	KEY_BY,
	KEY_TOP,
	KEY_COUNT,
	KEY_NETNS,
	KEY_SERVICE,
	KEY_TEXTFILE,
	KEY_COMPAT,
};

enum { SAMPLE_MAX = 1000000, TOP_MAX = ATTRIBUTE_ROWS };

static const double INTERVAL_MIN_S = 0.01, INTERVAL_MAX_S = 3600;

static const struct watch_request DEFAULTS = {
	.interval_s = 1,
	.view.top = 10,
};

static const struct option_spec SPECS[] = {
	{ KEY_ONCE, "once", NULL, "one report, after a look of 0.2 s, and exit" },
	{ KEY_BATCH, "batch", NULL, "a report every interval, for scripts" },
	{ 'i', "interval", "T", "how often, 10ms to 1h; 2 is 2s (default: 1s)" },
	{ KEY_COUNT, "count", "N", "no screen, and exit after N lines or reports" },
	{ KEY_SAMPLE, "sample", "N",
	  "look at N entries at most (default: 2401 to 4000)" },
	{ KEY_BY, "by", "WHAT", "show by service, source, state or process" },
	{ KEY_SERVICE, "service", "SERVICE",
	  "count it exactly, such as tcp/22; may be repeated" },
	{ KEY_NETNS, "netns", "WHICH", "NAME, PATH, PID or all; may be repeated" },
	{ 'm', "metrics", "ADDR:PORT", "serve metrics for Prometheus there" },
	{ KEY_TEXTFILE, "textfile", "DIR",
	  "write metrics there, for node_exporter to collect" },
	{ KEY_COMPAT, "metrics-compat", "node", "with node_exporter's names, too" },
	{ KEY_TOP, "top", "N", "show the N largest (default: 10)" },
	OPTIONS_COMMON,
};

/* A command line while it is read. */
struct reader {
	struct log *log;
	struct watch_request request;
	bool interval_given; /* the default does not exclude --once */
};

void watch_request_help(struct text *text)
{
	text_add(text,
		 "usage: ctwatch [options]\n\n"
		 "Shows how full the conntrack table of this network namespace, or of\n"
		 "others, is, what fills it and when it will be full.\n\n");
	options_help(SPECS, text);
}

static int parse_by(const char *value, enum view_by *out, struct args_why *why)
{
	for (enum view_by by = VIEW_SERVICE; by < VIEWS; by++) {
		if (strcmp(value, view_by_name(by)) == 0) {
			*out = by;
			return 0;
		}
	}
	snprintf(why->text, sizeof(why->text),
		 "\"%.40s\" is not service, source, state or process", value);
	return -EINVAL;
}

static int parse_compat(const char *value, bool *node, struct args_why *why)
{
	if (strcmp(value, "node") == 0) {
		*node = true;
		return 0;
	}
	snprintf(why->text, sizeof(why->text), "\"%.40s\" is not node", value);
	return -EINVAL;
}

/* "all" is all there are, so nothing goes with it. */
static int add_netns(struct spaces_wanted *netns, const char *value, struct args_why *why)
{
	struct place place;
	int err = place_parse(value, &place, why);

	if (err)
		return err;
	if (netns->count == SPACES_MAX) {
		snprintf(why->text, sizeof(why->text), "more than %d", SPACES_MAX);
		return -ERANGE;
	}
	if (strcmp(value, "all") == 0)
		netns->all = true;
	else
		netns->spec[netns->count++] = value;
	if (!netns->all || netns->count == 0)
		return 0;
	snprintf(why->text, sizeof(why->text), "\"%.60s\" and \"all\" exclude each other",
		 netns->spec[0]);
	return -EINVAL;
}

static int add_service(struct rollcall_list *asked, const char *value,
		       struct args_why *why)
{
	struct service service;
	int err = service_parse(value, &service, why);

	if (err)
		return err;
	for (size_t i = 0; i < asked->count; i++) {
		if (!service_equal(&asked->service[i], &service))
			continue;
		snprintf(why->text, sizeof(why->text), "\"%.80s\" is there twice", value);
		return -EINVAL;
	}
	if (asked->count == ROLLCALL_MAX) {
		snprintf(why->text, sizeof(why->text), "\"%.80s\": more than %d", value,
			 ROLLCALL_MAX);
		return -ERANGE;
	}
	asked->service[asked->count++] = service;
	return 0;
}

/* One option with a value. Returns 0, or -errno with the reason in *why. */
static int set_value(struct reader *reader, int key, const char *value,
		     struct args_why *why)
{
	struct watch_request *request = &reader->request;
	uint64_t number = 0;
	int err;

	switch (key) {
	case 'i':
		reader->interval_given = true;
		return args_duration(value, INTERVAL_MIN_S, INTERVAL_MAX_S,
				     &request->interval_s, why);
	case KEY_BY: return parse_by(value, &request->view.by, why);
	case KEY_COUNT: return args_count(value, 1, UINT32_MAX, &request->count, why);
	case 'm': request->outlets.metrics = value; return 0;
	case KEY_TEXTFILE: request->outlets.textfile = value; return 0;
	case KEY_COMPAT: return parse_compat(value, &request->outlets.node, why);
	case KEY_NETNS: return add_netns(&request->netns, value, why);
	case KEY_SERVICE: return add_service(&request->asked, value, why);
	case KEY_SAMPLE:
		err = args_count(value, 1, SAMPLE_MAX, &number, why);
		request->sample_max = (uint32_t)number;
		return err;
	default:
		err = args_count(value, 1, TOP_MAX, &number, why);
		request->view.top = (size_t)number;
		return err;
	}
}

static const char *long_name(int key)
{
	for (const struct option_spec *spec = SPECS; spec->key; spec++) {
		if (spec->key == key)
			return spec->name;
	}
	return "?";
}

/* One option. Anything but WATCH_REQUEST_RUN ends the reading. */
static enum watch_request_kind take_option(struct reader *reader, int key,
					   const char *value)
{
	struct args_why why;

	switch (key) {
	case KEY_ONCE: reader->request.once = true; break;
	case KEY_BATCH: reader->request.batch = true; break;
	case 'j': reader->request.json = true; break;
	case 'v': reader->log->level = LOG_LEVEL_DEBUG; break;
	case 'q': reader->log->level = LOG_LEVEL_ERROR; break;
	case 'h': return WATCH_REQUEST_HELP;
	case 'V': return WATCH_REQUEST_VERSION;
	case '?': return WATCH_REQUEST_BAD;
	default:
		if (set_value(reader, key, value, &why) < 0) {
			log_error(reader->log, "--%s: %s", long_name(key), why.text);
			return WATCH_REQUEST_BAD;
		}
	}
	return WATCH_REQUEST_RUN;
}

/* Options that would be ignored are refused. Returns NULL or why. */
static const char *check(const struct reader *reader)
{
	const struct watch_request *request = &reader->request;
	const struct outlets_wanted *outlets = &request->outlets;

	if (request->once && request->batch)
		return "--once is one report: --batch prints many";
	if (request->batch && request->json)
		return "--json is an object every interval: --batch is for text";
	if (request->once && request->count)
		return "--once is one report: --count is for lines";
	if (request->once && reader->interval_given)
		return "--once is one report: --interval is for lines";
	if (request->once && outlets->metrics)
		return "--once is one report: --metrics serves many";
	if (outlets->node && !outlets->metrics && !outlets->textfile)
		return "--metrics-compat is for --metrics and --textfile";
	return NULL;
}

/* What follows from several options. */
static void complete(struct watch_request *request)
{
	struct outlets_wanted *outlets = &request->outlets;
	bool serves = outlets->metrics || outlets->textfile;

	outlets->several = request->netns.all || request->netns.count > 1;
	request->lines = !serves || request->json || request->batch || request->count;
}

enum watch_request_kind watch_request_parse(int argc, char **argv, struct log *log,
					    struct watch_request *out)
{
	struct reader reader = { .log = log, .request = DEFAULTS };
	enum watch_request_kind kind = WATCH_REQUEST_RUN;
	struct options options;
	const char *value, *wrong;
	int key;

	options_init(&options, SPECS);
	while (kind == WATCH_REQUEST_RUN &&
	       (key = options_next(&options, argc, argv, &value)) != -1)
		kind = take_option(&reader, key, value);
	if (kind != WATCH_REQUEST_RUN)
		return kind;
	if (optind < argc) {
		log_error(log, "\"%.60s\": no operands are taken", argv[optind]);
		return WATCH_REQUEST_BAD;
	}
	wrong = check(&reader);
	if (wrong) {
		log_error(log, "%s", wrong);
		return WATCH_REQUEST_BAD;
	}
	complete(&reader.request);
	*out = reader.request;
	return WATCH_REQUEST_RUN;
}
