// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/performance.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/nl.h"
#include "rules/apply.h"
#include "rules/deputy.h"
#include "rules/scratch.h"
#include "rules/stage.h"
#include "rules/terms.h"
#include "rules/watch.h"

/* More than the facts of all conversations. */
enum { TEXT_BYTES_MAX = 1 << 20 };

/* How lines of the process begin that are no facts. */
#define WHY     "!why "
#define MISSING "!missing "
#define FLOWS   "!flows "

/* What the process is told. */
struct cast {
	const struct copy *copy;
	const struct service *service;
	const struct ranges *ports;
	const struct detours *detours;
	const struct watch *watch;
	bool untracked;
};

static int untrack(const struct service *service)
{
	const struct terms terms = { .lease_ms = 0 };
	struct apply_why why;
	struct nl *nl = NULL;
	int err = nl_open(&nl, NETLINK_NETFILTER);

	if (!err)
		err = apply_add(nl, service, &terms, &why);
	nl_close(nl);
	return err;
}

static int act(const struct cast *cast, const struct scratch *scratch, struct text *out)
{
	struct play *play = NULL;
	uint64_t reached = 0;
	int err = stage_open(scratch, cast->service, cast->ports, cast->detours, &play);

	if (!err) {
		stage_act(play, 1);
		if (cast->untracked)
			err = untrack(cast->service);
	}
	if (!err) {
		stage_act(play, 2);
		err = watch_read(cast->watch, &reached);
	}
	if (!err) {
		stage_facts(play, out);
		text_add(out, FLOWS "%zu %zu %d %" PRIx64 "\n", stage_flows(play),
			 stage_left_out(play), stage_heard(play), reached);
	}
	stage_close(play);
	return err;
}

/* In a process of its own: the copy of the network namespace ends with it. */
static int perform(const void *data, struct text *out)
{
	static struct scratch scratch;
	const struct cast *cast = data;
	struct copy_missing missing = { 0 };
	char why[COPY_TEXT_MAX] = "";
	int err = scratch_enter(cast->copy, cast->watch, &scratch, &missing, why);

	if (!err) {
		err = act(cast, &scratch, out);
		snprintf(why, sizeof(why), "the service cannot be played: %s",
			 strerror(-err));
	}
	if (err)
		/* Told in a line: the process itself has not failed. */
		text_add(out, WHY "%s\n", why);
	for (size_t i = 0; i < missing.count && i < COPY_MISSING_MAX; i++)
		text_add(out, MISSING "%s\n", missing.text[i]);
	return 0;
}

/* What a fact is about comes behind. */
static int by_text(const void *a, const void *b)
{
	const char *left = *(const char *const *)a, *right = *(const char *const *)b;
	int order = strcmp(left + 1, right + 1);

	return order ? order : right[0] - left[0];
}

/* Takes the lines that are no facts out. */
static bool is_fact(const char *line, struct performance *out)
{
	int heard;

	if (strncmp(line, WHY, strlen(WHY)) == 0)
		snprintf(out->why, sizeof(out->why), "%s", line + strlen(WHY));
	else if (strncmp(line, MISSING, strlen(MISSING)) == 0)
		copy_miss(&out->missing, "%s", line + strlen(MISSING));
	else if (sscanf(line, FLOWS "%zu %zu %d %" SCNx64, &out->flows, &out->left_out,
			&heard, &out->reached) == 4)
		out->heard = heard;
	else
		return true;
	return false;
}

static int cut(struct performance *out)
{
	size_t kept = 0, most = 1;
	char *rest = out->text.data;

	for (const char *at = text_str(&out->text); *at; at++)
		most += *at == '\n';
	out->fact = calloc(most, sizeof(*out->fact));
	if (!out->fact)
		return -ENOMEM;
	for (char *line = rest ? strsep(&rest, "\n") : NULL; line;
	     line = strsep(&rest, "\n"))
		if (*line && is_fact(line, out))
			out->fact[out->facts++] = line;
	if (out->facts)
		qsort(out->fact, out->facts, sizeof(*out->fact), by_text);
	/*
	 * Of those alike the first stays: one about packets goes before one that came of
	 * errors.
	 */
	for (size_t i = 0; i < out->facts; i++)
		if (kept == 0 || strcmp(out->fact[i] + 1, out->fact[kept - 1] + 1) != 0)
			out->fact[kept++] = out->fact[i];
	out->facts = kept;
	return 0;
}

/* Names of interfaces are any bytes. */
static void clean(struct text *text)
{
	for (size_t i = 0; i < text->length; i++)
		if (text->data[i] != '\n' && !isprint((unsigned char)text->data[i]))
			text->data[i] = '?';
}

int performance_give(const struct copy *copy, const struct service *service,
		     const struct ranges *ports, const struct detours *detours,
		     const struct watch *watch, bool untracked, struct performance *out)
{
	const struct cast cast = { copy, service, ports, detours, watch, untracked };
	const struct deputy deputy = { perform, &cast, PERFORMANCE_SECONDS_MAX,
				       TEXT_BYTES_MAX };
	int err;

	*out = (struct performance){ .flows = 0 };
	err = deputy_run(&deputy, &out->text);
	clean(&out->text);
	return err ? err : cut(out);
}

void performance_clear(struct performance *performance)
{
	free(performance->fact);
	text_free(&performance->text);
	*performance = (struct performance){ .flows = 0 };
}
