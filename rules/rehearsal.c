// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/rehearsal.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/nl.h"
#include "lib/service.h"
#include "lib/text.h"
#include "rules/apply.h"
#include "rules/audit.h"
#include "rules/scratch.h"
#include "rules/stage.h"
#include "rules/terms.h"

/* How often it is tried whether a difference is always there, and what a copy may tell at most. */
enum { TRIES = 2, FACTS_BYTES_MAX = 1 << 20 };

/* How lines of the copy's process begin, that are no facts. */
#define WHY     "!why "
#define MISSING "!missing "
#define FLOWS   "!flows "

/* What the copy's process is told. */
struct cast {
	const struct copy *copy;
	const struct scratch_settings *settings;
	const struct service *service;
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
	int err = stage_open(scratch, cast->service, &play);

	if (!err) {
		stage_act(play, 1);
		if (cast->untracked)
			err = untrack(cast->service);
	}
	if (!err) {
		stage_act(play, 2);
		stage_facts(play, out);
		text_add(out, FLOWS "%zu\n", stage_flows(play));
	}
	stage_close(play);
	return err;
}

/* In a process of its own, which ends with it: what it has to say goes to fd. */
static void perform_here(const struct cast *cast, int fd)
{
	static struct scratch scratch;
	struct copy_missing missing = { 0 };
	char why[COPY_TEXT_MAX] = "";
	struct text out = { 0 };
	const char *at;
	ssize_t done = 0;
	int err = scratch_enter(cast->copy, cast->settings, &scratch, &missing, why);

	if (!err) {
		err = act(cast, &scratch, &out);
		snprintf(why, sizeof(why), "the service cannot be played: %s",
			 strerror(-err));
	}
	if (err)
		text_add(&out, WHY "%s\n", why);
	for (size_t i = 0; i < missing.count && i < COPY_MISSING_MAX; i++)
		text_add(&out, MISSING "%s\n", missing.text[i]);
	for (at = text_str(&out); *at && done >= 0; at += done)
		done = write(fd, at, strlen(at));
}

/* Reads all that comes within the time, then the process is no more. */
static int listen_to(int fd, struct text *out)
{
	uint64_t start = clock_now_ns();
	struct pollfd wait = { .fd = fd, .events = POLLIN };
	char data[4096];

	while (out->length < FACTS_BYTES_MAX) {
		double left_s =
			REHEARSAL_SECONDS_MAX - clock_between_s(start, clock_now_ns());
		ssize_t got;

		if (left_s <= 0 || poll(&wait, 1, (int)(1000 * left_s) + 1) == 0)
			return -ETIMEDOUT;
		got = read(fd, data, sizeof(data));
		if (got == 0)
			return 0;
		if (got > 0)
			text_add(out, "%.*s", (int)got, data);
		else if (errno != EINTR)
			return -errno;
	}
	return -E2BIG;
}

/* Lets a process play it. Facts and the rest are added to out, a line each. */
static int perform(const struct cast *cast, struct text *out)
{
	int pipes[2], err, status = 0;
	pid_t child;

	if (pipe(pipes))
		return -errno;
	child = fork();
	if (child == 0) {
		close(pipes[0]);
		perform_here(cast, pipes[1]);
		_exit(0);
	}
	err = child < 0 ? -errno : 0;
	close(pipes[1]);
	if (!err)
		err = listen_to(pipes[0], out);
	close(pipes[0]);
	if (child > 0) {
		kill(child, SIGKILL);
		while (waitpid(child, &status, 0) < 0 && errno == EINTR)
			;
	}
	return err || text_ok(out) ? err : -ENOMEM;
}

/* Lines as a sorted set. */
struct lines {
	size_t count;
	char **at; /* into the text that they were cut from */
};

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Takes the lines that are no facts out. */
static bool is_fact(const char *line, struct rehearsal *out)
{
	size_t flows;

	if (strncmp(line, WHY, strlen(WHY)) == 0)
		snprintf(out->why, sizeof(out->why), "%s", line + strlen(WHY));
	else if (strncmp(line, MISSING, strlen(MISSING)) == 0)
		copy_miss(&out->missing, "%s", line + strlen(MISSING));
	else if (sscanf(line, FLOWS "%zu", &flows) == 1)
		out->flows = flows;
	else
		return true;
	return false;
}

static int cut(struct text *text, struct rehearsal *out, struct lines *lines)
{
	size_t kept = 0, most = 1;
	char *rest = text->data;

	for (const char *at = text_str(text); *at; at++)
		most += *at == '\n';
	lines->at = calloc(most, sizeof(*lines->at));
	if (!lines->at)
		return -ENOMEM;
	for (char *line = rest ? strsep(&rest, "\n") : NULL; line;
	     line = strsep(&rest, "\n"))
		if (*line && is_fact(line, out))
			lines->at[lines->count++] = line;
	if (lines->count)
		qsort(lines->at, lines->count, sizeof(*lines->at), by_text);
	for (size_t i = 0; i < lines->count; i++)
		if (kept == 0 || strcmp(lines->at[i], lines->at[kept - 1]) != 0)
			lines->at[kept++] = lines->at[i];
	lines->count = kept;
	return 0;
}

static void differ(struct rehearsal *out, const char *line, bool untracked)
{
	if (out->differences++ < REHEARSAL_LINES_MAX)
		snprintf(out->line[out->differences - 1], REHEARSAL_LINE_BYTES,
			 "only %s: %s", untracked ? "untracked" : "tracked", line);
}

static void compare(const struct lines *tracked, const struct lines *untracked,
		    struct rehearsal *out)
{
	size_t i = 0, k = 0;

	out->differences = 0;
	while (i < tracked->count || k < untracked->count) {
		int order = i == tracked->count ? 1
			    : k == untracked->count
				    ? -1
				    : strcmp(tracked->at[i], untracked->at[k]);

		if (order < 0)
			differ(out, tracked->at[i], false);
		else if (order > 0)
			differ(out, untracked->at[k], true);
		i += order <= 0;
		k += order >= 0;
	}
}

/* Both, once. */
static int rehearse(const struct copy *copy, const struct scratch_settings *settings,
		    const struct service *service, struct rehearsal *out)
{
	struct text text[2] = { { 0 }, { 0 } };
	struct lines lines[2] = { { 0 }, { 0 } };
	int err = 0;

	*out = (struct rehearsal){ .done = false };
	for (int i = 0; i < 2 && !err && !out->why[0]; i++) {
		const struct cast cast = { copy, settings, service, i == 1 };

		out->missing.count = 0;
		err = perform(&cast, &text[i]);
		if (!err)
			err = cut(&text[i], out, &lines[i]);
	}
	if (!err && !out->why[0]) {
		compare(&lines[0], &lines[1], out);
		out->done = true;
	}
	for (int i = 0; i < 2; i++) {
		free(lines[i].at);
		text_free(&text[i]);
	}
	return err;
}

void rehearsal_run(const struct service *service, struct rehearsal *out)
{
	struct scratch_settings settings;
	struct copy *copy = NULL;
	int err = copy_read(&copy);

	*out = (struct rehearsal){ .done = false };
	scratch_settings_read(&settings);
	/* On a busy machine a packet may come late once, but not each time. */
	for (int i = 0; i < TRIES && !err; i++) {
		err = rehearse(copy, &settings, service, out);
		if (!out->done || !out->differences)
			break;
	}
	copy_free(copy);
	if (err) {
		out->done = false;
		snprintf(out->why, sizeof(out->why), "%s", strerror(-err));
	}
}

void rehearsal_judge(const struct rehearsal *rehearsal, struct audit *audit)
{
	char why[FINDING_TEXT_MAX];

	if (!rehearsal->done)
		return;
	if (rehearsal->differences) {
		snprintf(why, sizeof(why),
			 "in a copy of this host, packets fared differently: %s",
			 rehearsal->line[0]);
		if (audit->verdict == AUDIT_SAFE)
			snprintf(why, sizeof(why),
				 "rules were read otherwise than the kernel does (please "
				 "report "
				 "it): %s",
				 rehearsal->line[0]);
		audit_note(audit, "rehearsal", FINDING_DIFFERENCE, FINDING_BLOCKER, why,
			   "");
		return;
	}
	if (audit->verdict == AUDIT_UNKNOWN && !rehearsal->missing.count)
		audit->verdict = AUDIT_SAFE;
	snprintf(why, sizeof(why),
		 "in a copy of this host, packets of %zu conversations fared the same%s",
		 rehearsal->flows,
		 audit->verdict == AUDIT_UNSAFE ? "; they are not all that there can be"
						: "");
	audit_note(audit, "rehearsal", FINDING_HARMLESS, FINDING_INFO, why, "");
}

void rehearsal_text(const struct rehearsal *rehearsal, struct text *text)
{
	const struct copy_missing *missing = &rehearsal->missing;

	if (!rehearsal->done)
		return;
	text_add(text, "\nrehearsed with %zu conversations: %zu differences\n",
		 rehearsal->flows, rehearsal->differences);
	for (size_t i = 0; i < rehearsal->differences && i < REHEARSAL_LINES_MAX; i++)
		text_add(text, "  %s\n", rehearsal->line[i]);
	for (size_t i = 0; i < missing->count && i < COPY_MISSING_MAX; i++)
		text_add(text, "  not copied: %s\n", missing->text[i]);
}

json_t *rehearsal_json(const struct rehearsal *rehearsal)
{
	const struct copy_missing *missing = &rehearsal->missing;
	json_t *differences = json_array(), *left_out = json_array();

	for (size_t i = 0; i < rehearsal->differences && i < REHEARSAL_LINES_MAX; i++)
		json_array_append_new(differences, json_string(rehearsal->line[i]));
	for (size_t i = 0; i < missing->count && i < COPY_MISSING_MAX; i++)
		json_array_append_new(left_out, json_string(missing->text[i]));
	return json_pack("{s:b, s:s, s:I, s:I, s:o, s:o}", "done", rehearsal->done, "why",
			 rehearsal->why, "conversations", (json_int_t)rehearsal->flows,
			 "difference_count", (json_int_t)rehearsal->differences,
			 "differences", differences, "not_copied", left_out);
}
