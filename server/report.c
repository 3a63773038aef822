// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/report.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/log.h"
#include "lib/metainfo.h"
#include "lib/streams.h"
#include "server/load.h"
#include "server/load_echo.h"
#include "server/load_flows.h"
#include "server/load_hold.h"
#include "server/tally.h"

static double share(uint64_t part, uint64_t whole)
{
	return whole > 0 ? 100.0 * (double)part / (double)whole : 0;
}

static const char *error_name(int err)
{
	const char *name = strerrorname_np(err);

	return err > 0 && name ? name : "other";
}

/* A count that is only worth a line when it is not zero. */
static void print_oddity(const char *label, uint64_t n, const char *meaning)
{
	if (n > 0)
		printf("  %-12s %" PRIu64 "  (%s)\n", label, n, meaning);
}

static void print_outcome(const struct load_outcome *outcome, const struct tally *errors)
{
	if (outcome->late > 0)
		printf("  %-12s %" PRIu64 "  (sent up to %.0f ms after their time)\n",
		       "Late", outcome->late,
		       (double)outcome->max_late_ns / CLOCK_NS_PER_MS);
	for (int err = 0; err < TALLY_ERRNOS; err++) {
		if (errors->by_errno[err] > 0)
			printf("  %-12s %" PRIu64 "  (%s)\n", error_name(err),
			       errors->by_errno[err], err ? strerror(err) : "unknown");
	}
}

static json_t *errors_object(const struct tally *errors)
{
	json_t *object = json_object();

	for (int err = 0; err < TALLY_ERRNOS; err++) {
		if (errors->by_errno[err] > 0)
			json_object_set_new(
				object, error_name(err),
				json_integer((json_int_t)errors->by_errno[err]));
	}
	return object;
}

/* Takes over fields; both NULL-safe, as jansson is. */
static int print_json(json_t *fields, const struct load_outcome *outcome,
		      const struct tally *errors)
{
	json_t *object = metainfo_object("ctload");
	bool bad;

	json_object_update(object, fields);
	json_object_set_new(object, "late", json_integer((json_int_t)outcome->late));
	json_object_set_new(object, "complete",
			    json_boolean(!outcome->stopped_by && !outcome->cut_short &&
					 !outcome->missing));
	json_object_set_new(object, "errors", errors_object(errors));
	bad = !fields ||
	      json_dumpf(object, stdout, JSON_COMPACT | JSON_REAL_PRECISION(9)) < 0;
	json_decref(fields);
	json_decref(object);
	return bad || putchar('\n') == EOF ? -EIO : 0;
}

/* err: of printing so far. Returns 0, or -errno after saying what is wrong. */
static int finish(const struct log *log, int err)
{
	int flushed = streams_flush();

	if (flushed)
		err = flushed;
	if (err)
		log_error(log, "the run is over, but its result cannot be written: %s",
			  strerror(-err));
	return err;
}

static void warn(const struct log *log, const struct load_outcome *outcome)
{
	if (outcome->late > 0)
		log_warn(log,
			 "could not keep the rate: %" PRIu64
			 " were sent more than 10 ms late, the worst %.0f ms",
			 outcome->late, (double)outcome->max_late_ns / CLOCK_NS_PER_MS);
	if (outcome->cut_short)
		log_warn(log, "the time was over before all was sent: see --duration");
	if (outcome->stopped_by)
		log_warn(log, "stopped by SIG%s", sigabbrev_np(outcome->stopped_by));
}

/* What was missing of the load in the end is not the server's fault. */
static void tell_missing(const struct log *log, const struct load_outcome *outcome,
			 unsigned broken, unsigned processes)
{
	if (broken > 0 && !outcome->stopped_by)
		log_error(log, "%u of %u processes ended before their time", broken,
			  processes);
}

static void print_flows(const struct load *load, const struct flows_result *r)
{
	printf("New flows to %s: %" PRIu64 " asked, %" PRIu64 "/s\n", load->target.text,
	       r->asked, load->rate);
	printf("  %-12s %" PRIu64 "  (%.0f/s for %.3f s)\n", "Sent", r->sent, r->rate,
	       r->seconds);
	printf("  %-12s %" PRIu64 "  (%.2f%%)\n", "Answered", r->answered,
	       share(r->answered, r->sent));
	printf("  %-12s %" PRIu64 "  (%.2f%%)\n", "Lost", r->lost,
	       share(r->lost, r->sent));
	print_oddity("Refused", r->refused, "answered by an error");
	print_oddity("Outstanding", r->outstanding,
		     "unanswered when the run was stopped");
	print_oddity("Too late", r->answered_late,
		     "answered after the wait; among the lost");
	print_oddity("Duplicates", r->duplicates, "answers that came again");
	print_oddity("Unexpected", r->unexpected, "answers to nothing that was sent");
	print_oddity("Overruns", r->overruns, "answers that our receive buffer dropped");
	print_outcome(&r->outcome, &r->errors);
}

static json_t *flows_fields(const struct load *load, const struct flows_result *r)
{
	return json_pack(
		"{s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:f, s:f}",
		"mode", "flows", "target", load->target.text, "asked",
		(json_int_t)r->asked, "sent", (json_int_t)r->sent, "answered",
		(json_int_t)r->answered, "lost", (json_int_t)r->lost, "refused",
		(json_int_t)r->refused, "outstanding", (json_int_t)r->outstanding,
		"answered_late", (json_int_t)r->answered_late, "duplicates",
		(json_int_t)r->duplicates, "unexpected", (json_int_t)r->unexpected,
		"overruns", (json_int_t)r->overruns, "rate", r->rate, "seconds",
		r->seconds);
}

int report_flows(const struct load *load, const struct flows_result *result, bool json)
{
	int err = 0;

	if (json)
		err = print_json(flows_fields(load, result), &result->outcome,
				 &result->errors);
	else
		print_flows(load, result);
	warn(load->log, &result->outcome);
	return finish(load->log, err);
}

static void print_hold(const struct load *load, const struct hold_result *r)
{
	printf("Held feeds of %s: %" PRIu64 " asked, %" PRIu64 "/s, %u process%s\n",
	       load->target.text, r->asked, load->rate, r->processes,
	       r->processes == 1 ? "" : "es");
	printf("  %-12s %" PRIu64 "  (%.2f%%, in %.3f s)\n", "Opened", r->opened,
	       share(r->opened, r->asked), r->open_seconds);
	printf("  %-12s %" PRIu64 "\n", "Failed", r->failed);
	printf("  %-12s %" PRIu64 "\n", "Closed early", r->closed_early);
	printf("  %-12s %" PRIu64 "  (%" PRIu64 " bytes received, %" PRIu64
	       " feeds got one)\n",
	       "Chunks", r->chunks, r->bytes, r->fed);
	print_oddity("Outstanding", r->outstanding, "neither when the run was stopped");
	print_oddity("Not tried", r->asked - r->tried, "the run ended before");
	print_oddity("Lost", r->lost, "chunks that did not come");
	print_oddity("Duplicates", r->duplicates, "chunks that came again");
	print_oddity("Unexpected", r->unexpected, "nothing that a feed says");
	print_oddity("Restarted", r->restarted, "feeds that the server began again");
	print_oddity("Overruns", r->overruns,
		     "datagrams that our receive buffer dropped");
	print_outcome(&r->outcome, &r->errors);
}

static json_t *hold_fields(const struct load *load, const struct hold_result *r)
{
	return json_pack(
		"{s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:f, s:I, s:I, "
		"s:I, s:I, s:I, s:I}",
		"mode", "hold", "target", load->target.text, "asked",
		(json_int_t)r->asked, "tried", (json_int_t)r->tried, "opened",
		(json_int_t)r->opened, "failed", (json_int_t)r->failed, "outstanding",
		(json_int_t)r->outstanding, "closed_early", (json_int_t)r->closed_early,
		"fed", (json_int_t)r->fed, "chunks", (json_int_t)r->chunks, "bytes",
		(json_int_t)r->bytes, "open_seconds", r->open_seconds, "processes",
		(json_int_t)r->processes, "lost", (json_int_t)r->lost, "duplicates",
		(json_int_t)r->duplicates, "unexpected", (json_int_t)r->unexpected,
		"restarted", (json_int_t)r->restarted, "overruns",
		(json_int_t)r->overruns);
}

int report_hold(const struct load *load, const struct hold_result *result, bool json)
{
	int err = 0;

	if (json)
		err = print_json(hold_fields(load, result), &result->outcome,
				 &result->errors);
	else
		print_hold(load, result);
	warn(load->log, &result->outcome);
	tell_missing(load->log, &result->outcome, result->broken, result->processes);
	return finish(load->log, err);
}

struct quantile {
	const char *label;
	const char *key;
	double q;
};

static const struct quantile QUANTILES[] = {
	{ "p50", "p50", 0.5 },       { "p90", "p90", 0.9 }, { "p99", "p99", 0.99 },
	{ "p99.9", "p99_9", 0.999 }, { "max", "max", 1 },
};

enum { QUANTILES_COUNT = sizeof(QUANTILES) / sizeof(QUANTILES[0]) };

static double quantile_us(const struct hist *latency_ns, int i)
{
	return (double)hist_quantile(latency_ns, QUANTILES[i].q) / 1000;
}

static void print_latency(const struct hist *latency_ns)
{
	printf("  %-12s", "Latency");
	for (int i = 0; i < QUANTILES_COUNT; i++) {
		double us = quantile_us(latency_ns, i);
		const char *gap = i > 0 ? "  " : " ";

		if (us < 10000)
			printf("%s%s %.1fus", gap, QUANTILES[i].label, us);
		else
			printf("%s%s %.1fms", gap, QUANTILES[i].label, us / 1000);
	}
	putchar('\n');
}

static json_t *latency_object(const struct hist *latency_ns)
{
	json_t *object = json_object();

	for (int i = 0; i < QUANTILES_COUNT; i++)
		json_object_set_new(object, QUANTILES[i].key,
				    latency_ns->total > 0
					    ? json_real(quantile_us(latency_ns, i))
					    : json_null());
	return object;
}

static void print_echo(const struct load *load, const struct echo_result *r)
{
	printf("Echo of %s: %" PRIu64 " bytes, %" PRIu64 " flow%s, ", load->target.text,
	       load->size_bytes, load->flows, load->flows == 1 ? "" : "s");
	if (load->rate > 0)
		printf("open loop at %" PRIu64 "/s, ", load->rate);
	else
		printf("closed loop of %" PRIu64 ", ", load->window);
	printf("%u process%s\n", r->processes, r->processes == 1 ? "" : "es");
	printf("  %-12s %" PRIu64 "  (in %.3f s)\n", "Sent", r->sent, r->seconds);
	printf("  %-12s %" PRIu64 "  (%.0f/s)\n", "Received", r->received, r->rate);
	printf("  %-12s %" PRIu64 "  (%.2f%%)\n", "Lost", r->lost,
	       share(r->lost, r->sent));
	if (r->received > 0)
		print_latency(&r->latency_ns);
	print_oddity("Outstanding", r->outstanding,
		     "unanswered when the run was stopped");
	print_oddity("Too late", r->received_late, "came after the wait; among the lost");
	print_oddity("Duplicates", r->duplicates, "echoes that came again");
	print_oddity("Unexpected", r->unexpected, "not an echo of what was sent");
	print_oddity("Refused", r->refused, "errors that came back instead of an echo");
	print_oddity("Overruns", r->overruns, "echoes that our receive buffer dropped");
	print_outcome(&r->outcome, &r->errors);
}

static json_t *echo_fields(const struct load *load, const struct echo_result *r)
{
	return json_pack("{s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:f, "
			 "s:f, s:I, s:o}",
			 "mode", "echo", "target", load->target.text, "sent",
			 (json_int_t)r->sent, "received", (json_int_t)r->received, "lost",
			 (json_int_t)r->lost, "outstanding", (json_int_t)r->outstanding,
			 "received_late", (json_int_t)r->received_late, "duplicates",
			 (json_int_t)r->duplicates, "unexpected",
			 (json_int_t)r->unexpected, "refused", (json_int_t)r->refused,
			 "overruns", (json_int_t)r->overruns, "rate", r->rate, "seconds",
			 r->seconds, "processes", (json_int_t)r->processes, "latency_us",
			 latency_object(&r->latency_ns));
}

int report_echo(const struct load *load, const struct echo_result *result, bool json)
{
	int err = 0;

	if (json)
		err = print_json(echo_fields(load, result), &result->outcome,
				 &result->errors);
	else
		print_echo(load, result);
	warn(load->log, &result->outcome);
	tell_missing(load->log, &result->outcome, result->broken, result->processes);
	if (result->stuck > 0)
		log_error(load->log, "%u of %u processes did not end and were killed",
			  result->stuck, result->processes);
	return finish(load->log, err);
}
