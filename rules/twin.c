// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/twin.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "rules/command.h"
#include "rules/finding.h"
#include "rules/model.h"

/* Where the states end that "ct state" is compared with; NULL if they are not just a list. */
static const char *end_of_states(const char *states)
{
	if (states[0] == '{')
		return strchr(states, '}') ? strchr(states, '}') + 1 : NULL;
	if (strncmp(states, "vmap", 4) == 0 || !strchr("einru", states[0]))
		return NULL;
	return states + strcspn(states, " ");
}

/* Where the verdict of a rule that refuses begins; NULL if it does not refuse. */
static const char *find_refusal(const char *words)
{
	static const char *const REFUSALS[] = { " drop", " reject" };
	const char *found = NULL;

	for (size_t i = 0; i < sizeof(REFUSALS) / sizeof(REFUSALS[0]); i++) {
		const char *at = strstr(words, REFUSALS[i]);
		size_t length = strlen(REFUSALS[i]);

		if (at && (at[length] == '\0' || at[length] == ' '))
			found = at;
	}
	return found;
}

/* Whether the words of a rule are about loopback only. */
static bool asks_loopback(const char *words)
{
	static const char *const INTERFACES[] = { "iif \"lo\"", "oif \"lo\"",
						  "iifname \"lo\"", "oifname \"lo\"" };

	for (size_t i = 0; i < sizeof(INTERFACES) / sizeof(INTERFACES[0]); i++)
		if (strstr(words, INTERFACES[i]))
			return true;
	return false;
}

/*
 * Strings in a rule's words are anybody's text: nothing is looked for in them, and the comment at the end is
 * none of the twin's. Of the others only the name of loopback is left. False if one has no end.
 */
static bool blot_out(char *words)
{
	static const char LOOPBACK[] = "\"lo\"";
	char *comment, *at = strchr(words, '"');

	while (at) {
		char *end = strchr(at + 1, '"');

		if (!end)
			return false;
		if (strncmp(at, LOOPBACK, sizeof(LOOPBACK) - 1) != 0)
			memset(at + 1, '.', (size_t)(end - at - 1));
		at = strchr(end + 1, '"');
	}
	comment = strstr(words, " comment \"");
	if (comment)
		*comment = '\0';
	return true;
}

/* For rule, which is found in plain: its words without what is in strings. */
static void write_twin(const struct service *service, const struct finding *finding,
		       const char *plain, char *words)
{
	static const char ASKS[] = "ct state ";
	const char *at = strstr(plain, ASKS);
	const char *end = at ? end_of_states(at + sizeof(ASKS) - 1) : NULL;
	const char *rule = finding->rule_text, *refusal, *last;

	if (!end)
		return;
	refusal = find_refusal(end);
	last = refusal ? refusal : plain + strlen(plain);
	if (!asks_loopback(plain))
		command_loopback(words, finding);
	if (!strstr(plain, "port ")) {
		command_match(words, service, finding->request);
		command_append(words, " ");
	}
	/* In front of a rule that keeps it out: the same words, to let it in. */
	command_append(words, "%.*s%s%sct state untracked%.*s%s", (int)(at - plain), rule,
		       finding->only, finding->only[0] ? " " : "", (int)(last - end),
		       rule + (end - plain), refusal ? " accept" : "");
}

void twin_reword(const struct service *service, struct finding *finding)
{
	char fix[FINDING_TEXT_MAX] = "", words[FINDING_TEXT_MAX] = "";
	char plain[FINDING_TEXT_MAX];

	memcpy(plain, finding->rule_text, sizeof(plain));
	/* Who makes another finding of it has another fix; and what is cut off may be anything. */
	if (!finding->twin || strcmp(finding->code, "state") != 0 ||
	    strlen(plain) + 1 == sizeof(plain) || !blot_out(plain))
		return;
	write_twin(service, finding, plain, words);
	if (!words[0])
		return;
	command_insert(fix, finding);
	command_words(fix, words);
	/* Half a command is none. */
	if (strlen(fix) + 1 < sizeof(fix) && strlen(words) + 1 < sizeof(words))
		memcpy(finding->fix, fix, sizeof(fix));
}
