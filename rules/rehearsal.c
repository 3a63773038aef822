// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/rehearsal.h"

/* Before the headers of the kernel, which define the same otherwise. */
#include <netinet/in.h>

#include <errno.h>
#include <linux/netfilter.h>
#include <stdio.h>
#include <string.h>

#include "lib/text.h"
#include "rules/audit.h"
#include "rules/judge.h"
#include "rules/performance.h"
#include "rules/play.h"
#include "rules/ruleset.h"
#include "rules/watch.h"

/* Tracked and untracked; and how often it is tried whether a difference is always there. */
enum { SIDES = 2, TRIES = 3 };

/* The same service played on both sides. */
struct trial {
	struct performance side[SIDES];
};

static void clear(struct trial *trial)
{
	for (int i = 0; i < SIDES; i++)
		performance_clear(&trial->side[i]);
}

static bool has_fact(const struct performance *performance, const char *fact)
{
	size_t first = 0, end = performance->facts;

	while (first < end) {
		size_t middle = first + (end - first) / 2;
		/* As they are sorted: without the letter that says what it is about. */
		int order = strcmp(performance->fact[middle] + 1, fact + 1);

		if (order == 0)
			return true;
		if (order < 0)
			first = middle + 1;
		else
			end = middle;
	}
	return false;
}

/*
 * Whether the fact is so on one side, but not on the other, in every trial. Of what nobody asked for it is only that it
 * gets in untracked.
 */
static bool differs(const struct trial *trials, int count, int side, const char *fact)
{
	if (fact[0] == PLAY_OF_UNASKED && !side)
		return false;
	for (int k = 0; k < count; k++)
		if (!has_fact(&trials[k].side[side], fact) ||
		    has_fact(&trials[k].side[!side], fact))
			return false;
	return true;
}

static bool is_of_errors(const char *fact)
{
	return fact[0] == PLAY_AFTER_ERRORS || fact[0] == PLAY_OF_ERRORS;
}

/* Those about packets, or those that come of ICMP errors. Returns how many. */
static size_t compare_facts(const struct trial *trials, int count, bool errors,
			    struct rehearsal *out)
{
	size_t before = out->differences;

	for (int side = 0; side < SIDES; side++) {
		const struct performance *own = &trials[0].side[side];

		for (size_t i = 0; i < own->facts; i++) {
			const char *fact = own->fact[i];

			if (is_of_errors(fact) != errors ||
			    !differs(trials, count, side, fact))
				continue;
			if (out->differences++ < REHEARSAL_LINES_MAX)
				snprintf(out->line[out->differences - 1],
					 REHEARSAL_LINE_BYTES, "only %s: %s%s",
					 side ? "untracked" : "tracked", fact + 1,
					 fact[0] == PLAY_AFTER_ERRORS
						 ? ", after ICMP errors"
						 : "");
		}
	}
	return out->differences - before;
}

static void compare(const struct trial *trials, int count, struct rehearsal *out)
{
	out->differences = 0;
	out->errors_only = !compare_facts(trials, count, false, out);
	compare_facts(trials, count, true, out);
}

/* What is of the whole rehearsal, from a performance of the tracked side. */
static void take(const struct performance *performance, struct rehearsal *out)
{
	out->flows = performance->flows;
	out->heard = performance->heard;
	out->reached = performance->reached;
	for (size_t i = 0; i < performance->missing.count && i < COPY_MISSING_MAX; i++)
		copy_miss(&out->missing, "%s", performance->missing.text[i]);
	if (performance->left_out)
		copy_miss(&out->missing,
			  "%zu conversations: there are too many addresses",
			  performance->left_out);
}

static int play(const struct copy *copy, const struct audit *audit,
		const struct ranges *ports, struct trial *trial, struct rehearsal *out)
{
	for (int side = 0; side < SIDES; side++) {
		struct performance *performance = &trial->side[side];
		int err = performance_give(copy, &audit->service, ports, &out->detours,
					   &out->watch, side, performance);

		if (err)
			return err;
		if (performance->why[0]) {
			memcpy(out->why, performance->why, sizeof(out->why));
			return 0;
		}
	}
	return 0;
}

static int rehearse(const struct copy *copy, const struct audit *audit,
		    const struct ranges *ports, struct rehearsal *out)
{
	struct trial trials[TRIES] = { 0 };
	int err = 0;

	/* On a busy machine a packet may come late, but not each time the same one. */
	for (int i = 0; i < TRIES && !err && !out->why[0]; i++) {
		err = play(copy, audit, ports, &trials[i], out);
		if (err || out->why[0])
			break;
		compare(trials, i + 1, out);
		out->done = true;
		if (!out->differences)
			break;
	}
	take(&trials[0].side[0], out);
	if (out->done && !out->flows) {
		out->done = false;
		snprintf(out->why, sizeof(out->why),
			 "this host has no address that the service could have");
	}
	for (int i = 0; i < TRIES; i++)
		clear(&trials[i]);
	return err;
}

/* A table with the name of ours is left out of copies. */
static bool has_table_like_ours(const struct model *model)
{
	const struct model_table *table =
		model_find_table(model, NFPROTO_INET, RULESET_TABLE);

	return table && !table->ours;
}

/* Copies are without our table, and so without what somebody else has put into it. */
static bool has_strangers(const struct model *model)
{
	const struct model_chain *chain = model->chains;

	while (chain && !(chain->base && chain->table->ours && !chain->ours))
		chain = chain->next;
	return chain || model->foreign;
}

static bool has_bridge_rules(const struct model *model)
{
	const struct model_chain *chain = model->chains;

	while (chain && !(chain->base && chain->table->family == NFPROTO_BRIDGE))
		chain = chain->next;
	return chain != NULL;
}

/* What the host has that a copy has not. */
static void name_the_rest(const struct evidence *evidence, struct copy_missing *missing)
{
	const struct surroundings *host = &evidence->host;

	if (host->legacy4 || host->legacy6 || host->legacy_hidden)
		copy_miss(missing, "tables of iptables-legacy");
	if (has_table_like_ours(&evidence->model))
		copy_miss(missing, "table inet " RULESET_TABLE ", which is not ctrules'");
	if (has_strangers(&evidence->model))
		copy_miss(missing, "what somebody else has in table inet " RULESET_TABLE);
	if (host->ipvs)
		copy_miss(missing, "services of IPVS");
	if (host->ovs)
		copy_miss(missing, "an Open vSwitch");
	if (host->xdp)
		copy_miss(missing, "XDP programs");
	if (host->marks_queue)
		copy_miss(missing, "classes and filters of traffic control");
	if (host->bridge && has_bridge_rules(&evidence->model))
		copy_miss(missing, "a bridge's ports, which rules of family bridge see");
}

static void explain(int err, struct rehearsal *out)
{
	out->done = false;
	if (err == -ETIMEDOUT)
		snprintf(out->why, sizeof(out->why), "it took longer than %d seconds",
			 PERFORMANCE_SECONDS_MAX);
	else if (err == -E2BIG)
		snprintf(out->why, sizeof(out->why),
			 "there are more rules, routes or addresses than can be copied");
	else if (err == -ECANCELED)
		snprintf(out->why, sizeof(out->why), "the copy's process was killed");
	else
		snprintf(out->why, sizeof(out->why), "%s", strerror(-err));
}

void rehearsal_run(const struct audit *audit, const struct evidence *evidence,
		   struct rehearsal *out)
{
	const struct ranges ports = surroundings_ports(&evidence->host);
	struct copy *copy = NULL;
	int err = copy_read(&copy);

	*out = (struct rehearsal){ .done = false };
	watch_of(audit, &out->watch);
	detours_find(&evidence->model, &out->detours);
	name_the_rest(evidence, &out->missing);
	out->outdated = !err && copy_generation(copy) != audit->generation;
	if (out->outdated)
		snprintf(out->why, sizeof(out->why),
			 "rules changed since they were audited");
	else if (!err)
		err = rehearse(copy, audit, &ports, out);
	copy_free(copy);
	if (err)
		explain(err, out);
}

static bool is_settled(const struct rehearsal *rehearsal, const struct finding *finding)
{
	/* A copy has its chains in the order that is listed. */
	if (rehearsal->missing.count || !rehearsal->heard || finding->turned)
		return false;
	for (size_t i = 0; finding->rule && i < rehearsal->watch.count; i++)
		if (rehearsal->watch.rule[i] == finding->rule)
			return rehearsal->reached & UINT64_C(1) << i;
	/* Of too many cases a few are no answer. */
	return strcmp(finding->code, "zone") == 0;
}

/* Returns whether nothing is left that is not judged. */
static bool settle(const struct rehearsal *rehearsal, struct audit *audit)
{
	bool all = true;

	for (size_t i = 0; i < audit->count; i++) {
		struct finding *finding = &audit->finding[i];

		if (finding->weight != FINDING_UNJUDGED)
			continue;
		if (is_settled(rehearsal, finding)) {
			finding->weight = FINDING_HARMLESS;
			finding->severity = FINDING_INFO;
			finding->fix[0] = '\0';
		} else {
			all = false;
		}
	}
	if (all && audit->verdict == AUDIT_UNKNOWN && !audit->truncated)
		audit->verdict = AUDIT_SAFE;
	return all;
}

static void judge_difference(const struct rehearsal *rehearsal, struct audit *audit)
{
	bool contradicts = audit->verdict == AUDIT_SAFE && rehearsal->missing.count == 0;
	char why[FINDING_TEXT_MAX];

	snprintf(why, sizeof(why), "%sin a copy of this host, %s fared differently; %s",
		 contradicts ? "rules were read otherwise than the kernel does (please "
			       "report it): "
			     : "",
		 rehearsal->errors_only ? "ICMP errors" : "packets", rehearsal->line[0]);
	audit_note(audit, "rehearsal", FINDING_DIFFERENCE,
		   rehearsal->errors_only ? FINDING_WARNING : FINDING_BLOCKER, why, "");
}

void rehearsal_judge(const struct rehearsal *rehearsal, struct audit *audit)
{
	const char *rest = "";
	char why[FINDING_TEXT_MAX];

	if (!rehearsal->done)
		return;
	if (rehearsal->differences) {
		judge_difference(rehearsal, audit);
		return;
	}
	if (!settle(rehearsal, audit))
		rest = rehearsal->missing.count ? "; but not all could be copied"
		       : !rehearsal->heard
			       ? "; but nothing came through to the service"
			       : "; but they do not settle what was not judged";
	else if (audit->verdict == AUDIT_UNSAFE)
		rest = "; they are not all that there can be";
	snprintf(why, sizeof(why),
		 "in a copy of this host, packets of %zu conversations fared the same%s",
		 rehearsal->flows, rest);
	audit_note(audit, "rehearsal", FINDING_HARMLESS, FINDING_INFO, why, "");
}

void rehearsal_text(const struct rehearsal *rehearsal, struct text *text)
{
	const struct copy_missing *missing = &rehearsal->missing;

	if (!rehearsal->done)
		return;
	text_add(text, "\nrehearsed with %zu conversations: %zu difference%s",
		 rehearsal->flows, rehearsal->differences,
		 rehearsal->differences == 1 ? "" : "s");
	if (rehearsal->differences > REHEARSAL_LINES_MAX)
		text_add(text, ", the first %d of them:", REHEARSAL_LINES_MAX);
	text_add(text, "\n");
	for (size_t i = 0; i < rehearsal->differences && i < REHEARSAL_LINES_MAX; i++)
		text_add(text, "  %s\n", rehearsal->line[i]);
	for (size_t i = 0; i < missing->count && i < COPY_MISSING_MAX; i++)
		text_add(text, "  not copied: %s\n", missing->text[i]);
	if (missing->count > COPY_MISSING_MAX)
		text_add(text, "  not copied: %zu more\n",
			 missing->count - COPY_MISSING_MAX);
}

json_t *rehearsal_json(const struct rehearsal *rehearsal)
{
	const struct copy_missing *missing = &rehearsal->missing;
	json_t *differences = json_array(), *left_out = json_array();

	for (size_t i = 0; i < rehearsal->differences && i < REHEARSAL_LINES_MAX; i++)
		json_array_append_new(differences, json_string(rehearsal->line[i]));
	for (size_t i = 0; i < missing->count && i < COPY_MISSING_MAX; i++)
		json_array_append_new(left_out, json_string(missing->text[i]));
	return json_pack("{s:b, s:s, s:I, s:I, s:o, s:I, s:o}", "done", rehearsal->done,
			 "why", rehearsal->why, "conversations",
			 (json_int_t)rehearsal->flows, "difference_count",
			 (json_int_t)rehearsal->differences, "differences", differences,
			 "not_copied_count", (json_int_t)missing->count, "not_copied",
			 left_out);
}
