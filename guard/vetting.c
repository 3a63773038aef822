// SPDX-License-Identifier: GPL-2.0-or-later
#include "guard/vetting.h"

#include <errno.h>
#include <linux/netlink.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "guard/config.h"
#include "guard/hearing.h"
#include "guard/policy.h"
#include "lib/clock.h"
#include "lib/nl.h"
#include "lib/service.h"
#include "rules/audit.h"
#include "rules/judge.h"
#include "rules/legacy.h"
#include "rules/ruleset.h"

enum { WHY_BYTES = 640 };

/* For so long what was known counts though it cannot be read: a lost answer is no reason to let a flood in. */
static const double KNOWN_FOR_S = 5;

/* CPU time after which services wait for the next update: each may take most of a second. */
static const double UPDATE_S = 0.5;

struct row {
	enum vetting_verdict verdict;
	bool stale;     /* judged by rules that are no more, or never */
	bool news;      /* nobody was told yet */
	bool wanted;    /* somebody must look whether its live entries are translated */
	bool awaited;   /* its verdict depends on that */
	unsigned looks; /* that are under way */
	char why[WHY_BYTES];
	struct midstream midstream;
};

struct vetting {
	const struct config *config;
	const struct legacy *legacy;
	struct nl *nl;
	uint32_t
		generation; /* of the ruleset by which those were judged that are not stale */
	size_t stale, next;   /* how many are; which is judged next */
	unsigned legacy_seen; /* then; its changes are no new generation */
	uint64_t failing_ns;  /* since when readings fail; 0: the last one did not */
	bool judged;          /* each was, once */
	struct row rows[POLICY_SERVICES_MAX];
};

static void make_stale(struct vetting *vetting)
{
	for (size_t i = 0; i < vetting->config->count; i++)
		vetting->rows[i].stale = true;
	vetting->stale = vetting->config->count;
}

int vetting_open(struct vetting **out, const struct config *config,
		 const struct legacy *legacy)
{
	struct vetting *vetting = calloc(1, sizeof(*vetting));
	int err;

	if (!vetting)
		return -ENOMEM;
	vetting->config = config;
	vetting->legacy = legacy;
	err = nl_open(&vetting->nl, NETLINK_NETFILTER);
	if (err) {
		free(vetting);
		return err;
	}
	for (size_t i = 0; i < config->count; i++)
		vetting->rows[i] = (struct row){
			.verdict = config_forces(config, i) ? VETTING_FORCED
							    : VETTING_PENDING,
			.midstream = MIDSTREAM_UNKNOWN,
		};
	make_stale(vetting);
	*out = vetting;
	return 0;
}

void vetting_close(struct vetting *vetting)
{
	if (!vetting)
		return;
	nl_close(vetting->nl);
	free(vetting);
}

static bool is_asked(const struct vetting *vetting, size_t i)
{
	return !config_forces(vetting->config, i);
}

static void set(struct row *row, enum vetting_verdict verdict, const char *why)
{
	row->news |= row->verdict != verdict || strcmp(row->why, why) != 0;
	row->verdict = verdict;
	snprintf(row->why, sizeof(row->why), "%s", why);
}

/* The gravest finding is the first. */
static void take(struct row *row, const struct audit *audit)
{
	const struct finding *worst = audit->count ? &audit->finding[0] : NULL;
	char why[WHY_BYTES] = "";

	if (audit->verdict == AUDIT_SAFE) {
		set(row, VETTING_SAFE, "");
		return;
	}
	if (worst)
		snprintf(why, sizeof(why), "%s: %s", worst->code, worst->why);
	set(row, audit->verdict == AUDIT_UNSAFE ? VETTING_UNSAFE : VETTING_UNKNOWN, why);
}

/*
 * The rules have nothing against it. Whether what lives of it is translated is seen later, and it
 * stands as it did until then; or, the first time, now.
 */
static int admit(struct vetting *vetting, struct hearing *hearing, size_t i)
{
	struct row *row = &vetting->rows[i];

	row->wanted = row->awaited = vetting->judged;
	if (vetting->judged)
		return 0;
	judge_translated(hearing->translated[i], hearing->translated_err,
			 &hearing->audit);
	if (hearing_is_half_read(&hearing->audit))
		return -EAGAIN;
	take(row, &hearing->audit);
	return 0;
}

static int judge(struct vetting *vetting, struct hearing *hearing, size_t i)
{
	struct row *row = &vetting->rows[i];
	int err = judge_by_evidence(&hearing->evidence,
				    &vetting->config->services[i].service, NULL,
				    &hearing->audit);

	if (err)
		return err;
	if (hearing->audit.verdict == AUDIT_SAFE)
		return admit(vetting, hearing, i);
	row->wanted = row->awaited = false;
	take(row, &hearing->audit);
	return 0;
}

/* Whether open connections would survive is asked also of what goes whatever the audit says. */
static int judge_row(struct vetting *vetting, struct hearing *hearing, size_t i)
{
	const struct evidence *evidence = &hearing->evidence;
	int err = midstream_judge(&evidence->model, &evidence->host,
				  &vetting->config->services[i].service,
				  &vetting->rows[i].midstream);

	if (!err && is_asked(vetting, i))
		err = judge(vetting, hearing, i);
	if (err)
		return err;
	vetting->stale -= vetting->rows[i].stale;
	vetting->rows[i].stale = false;
	return 0;
}

/* From the one that waits for longest on, as many as there is time for, at least one. */
static int judge_stale(struct vetting *vetting, struct hearing *hearing)
{
	size_t count = vetting->config->count, first = vetting->next;
	uint64_t begun_ns = clock_spent_ns();
	int err = 0;

	for (size_t n = 0; !err && n < count; n++) {
		vetting->next = (first + n) % count;
		if (!vetting->rows[vetting->next].stale)
			continue;
		if (clock_between_s(begun_ns, clock_spent_ns()) >= UPDATE_S)
			break;
		err = judge_row(vetting, hearing, vetting->next);
	}
	return err;
}

static bool any_is_pending(const struct vetting *vetting)
{
	size_t i = 0;

	while (i < vetting->config->count &&
	       vetting_verdict(vetting, i) != VETTING_PENDING)
		i++;
	return i < vetting->config->count;
}

/* The next look tries again. */
static void fail(struct vetting *vetting, int err)
{
	uint64_t now_ns = clock_now_ns();

	make_stale(vetting);
	if (!vetting->failing_ns)
		vetting->failing_ns = now_ns;
	if (vetting->judged && clock_between_s(vetting->failing_ns, now_ns) < KNOWN_FOR_S)
		return;
	for (size_t i = 0; i < vetting->config->count; i++) {
		if (is_asked(vetting, i))
			set(&vetting->rows[i], VETTING_UNKNOWN,
			    err == -ETIME ? "to read the rules takes too long"
					  : strerror(-err));
	}
}

/* Takes note of the rules that are there, and of tables of iptables-legacy, which were seen before. */
static void note_rules(struct vetting *vetting, uint32_t generation, unsigned seen)
{
	if (generation != vetting->generation || seen != vetting->legacy_seen)
		make_stale(vetting);
	vetting->generation = generation;
	vetting->legacy_seen = seen;
}

/* one NULL: as many as there is time for. */
static int update(struct vetting *vetting, const size_t *one)
{
	/* Before the rules are read: what changes meanwhile is seen the next time. */
	unsigned seen = legacy_look(vetting->legacy);
	struct hearing *hearing = NULL;
	int err = hearing_open(&hearing, vetting->nl, vetting->config, vetting->legacy);

	if (!err) {
		note_rules(vetting, hearing->evidence.model.generation, seen);
		if (!vetting->judged)
			hearing_search(hearing, vetting->nl, vetting->config);
		err = one ? judge_row(vetting, hearing, *one)
			  : judge_stale(vetting, hearing);
	}
	hearing_close(hearing);
	if (err)
		fail(vetting, err);
	else
		vetting->failing_ns = 0;
	vetting->judged |= !err && !any_is_pending(vetting);
	return err;
}

int vetting_update(struct vetting *vetting)
{
	if (!hearing_is_needed(vetting->config) || vetting_is_current(vetting))
		return 0;
	return update(vetting, NULL);
}

/* Whether what is not stale was judged by the rules that there are now. */
static bool is_up_to_date(const struct vetting *vetting)
{
	uint32_t generation;

	return ruleset_generation(vetting->nl, &generation) == 0 &&
	       generation == vetting->generation &&
	       legacy_look(vetting->legacy) == vetting->legacy_seen;
}

bool vetting_knows(const struct vetting *vetting, size_t i)
{
	return !hearing_is_needed(vetting->config) ||
	       (!vetting->rows[i].stale && is_up_to_date(vetting));
}

int vetting_update_one(struct vetting *vetting, size_t i)
{
	return vetting_knows(vetting, i) ? 0 : update(vetting, &i);
}

bool vetting_wants_look(struct vetting *vetting, size_t i)
{
	struct row *row = &vetting->rows[i];
	bool wanted = row->wanted;

	row->wanted = false;
	row->looks += wanted;
	return wanted;
}

void vetting_share_look(struct vetting *vetting, size_t i)
{
	struct row *row = &vetting->rows[i];

	/* It may have been wanted by another configuration. */
	row->looks -= row->looks > 1;
}

static struct row *find_row(struct vetting *vetting, const struct service *service)
{
	for (size_t i = 0; i < vetting->config->count; i++) {
		if (service_equal(service, &vetting->config->services[i].service))
			return &vetting->rows[i];
	}
	return NULL;
}

static void judge_look(struct vetting *vetting, struct row *row, unsigned translated,
		       int err)
{
	struct audit *audit = calloc(1, sizeof(*audit));

	if (!audit) {
		fail(vetting, -ENOMEM);
		return;
	}
	audit->verdict = AUDIT_SAFE;
	judge_translated(translated, err, audit);
	if (hearing_is_half_read(audit)) {
		fail(vetting, -EAGAIN);
	} else {
		row->awaited = false;
		take(row, audit);
	}
	free(audit);
}

void vetting_note_look(struct vetting *vetting, const struct service *service,
		       unsigned translated, int err)
{
	struct row *row = find_row(vetting, service);

	if (!row)
		return;
	row->looks -= row->looks > 0;
	/* Of several looks only the last saw all that the rules of before have left. */
	if (row->awaited && (row->looks == 0 || translated))
		judge_look(vetting, row, translated, err);
}

bool vetting_is_of(const struct vetting *vetting, uint32_t generation)
{
	return !vetting->stale && generation == vetting->generation &&
	       legacy_look(vetting->legacy) == vetting->legacy_seen;
}

bool vetting_is_current(struct vetting *vetting)
{
	return !vetting->stale && is_up_to_date(vetting);
}

void vetting_keep(struct vetting *vetting, bool before)
{
	uint32_t generation;

	if (before && ruleset_generation(vetting->nl, &generation) == 0)
		vetting->generation = generation;
}

enum vetting_verdict vetting_verdict(const struct vetting *vetting, size_t i)
{
	return vetting->rows[i].verdict;
}

struct midstream vetting_midstream(const struct vetting *vetting, size_t i)
{
	return vetting->rows[i].midstream;
}

bool vetting_allows(const struct vetting *vetting, size_t i)
{
	enum vetting_verdict verdict = vetting_verdict(vetting, i);

	return verdict == VETTING_SAFE || verdict == VETTING_FORCED;
}

bool vetting_condemns(const struct vetting *vetting, size_t i)
{
	return !vetting_allows(vetting, i) &&
	       vetting_verdict(vetting, i) != VETTING_PENDING;
}

bool vetting_take_news(struct vetting *vetting, size_t i)
{
	bool news = vetting->rows[i].news;

	vetting->rows[i].news = false;
	return news;
}

const char *vetting_why(const struct vetting *vetting, size_t i)
{
	return vetting->rows[i].why;
}
