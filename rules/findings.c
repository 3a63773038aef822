// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/findings.h"

#include <string.h>

#include "rules/audit.h"
#include "rules/model.h"

static bool is_same(const struct finding *a, const struct finding *b)
{
	return strcmp(a->code, b->code) == 0 && a->rule == b->rule &&
	       a->chain == b->chain && a->error == b->error &&
	       (a->error || a->request == b->request) &&
	       (a->rule || a->chain || strcmp(a->why, b->why) == 0);
}

/* The finding if it is there already. */
static struct finding *find(struct audit *out, const struct finding *finding)
{
	for (size_t i = 0; i < out->count; i++)
		if (is_same(&out->finding[i], finding))
			return &out->finding[i];
	return NULL;
}

bool findings_know(struct audit *out, const struct finding *finding)
{
	const struct finding *there = find(out, finding);

	/*
	 * Of what is so or not >= says: each family that this is about is there, too.
	 */
	return there && there->weight >= finding->weight && there->v4 >= finding->v4 &&
	       there->v6 >= finding->v6;
}

static void count(struct audit *out, const struct finding *finding)
{
	if (finding->weight == FINDING_DIFFERENCE)
		out->verdict = AUDIT_UNSAFE;
	else if (finding->weight == FINDING_UNJUDGED && out->verdict == AUDIT_SAFE)
		out->verdict = AUDIT_UNKNOWN;
}

/* Whether it says more: what is said of loopback is only about loopback. */
static bool says_more(const struct finding *finding, const struct finding *there)
{
	if (finding->weight != there->weight)
		return finding->weight > there->weight;
	return there->way == PACKET_LOOPS && finding->way != PACKET_LOOPS;
}

void findings_add(struct audit *out, const struct finding *finding)
{
	struct finding *there = find(out, finding);

	count(out, finding);
	if (there) {
		bool v4 = there->v4 || finding->v4, v6 = there->v6 || finding->v6;

		if (says_more(finding, there))
			*there = *finding;
		there->v4 = v4;
		there->v6 = v6;
		return;
	}
	if (out->count < AUDIT_FINDINGS_MAX)
		out->finding[out->count++] = *finding;
	else
		out->truncated = true;
}

struct finding findings_about(const struct packet *packet, const char *code,
			      const struct model_rule *rule,
			      const struct model_chain *chain)
{
	return (struct finding){
		.code = code,
		.rule = rule,
		.chain = rule ? rule->chain : chain,
		.way = packet_way(packet),
		.request = packet_is_request(packet),
		.error = packet_is_error(packet),
		.v4 = packet->family == AF_INET,
		.v6 = packet->family == AF_INET6,
	};
}
