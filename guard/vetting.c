// SPDX-License-Identifier: GPL-2.0-or-later
#include "guard/vetting.h"

#include <errno.h>
#include <linux/netlink.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conntrack/table.h"
#include "guard/config.h"
#include "guard/policy.h"
#include "lib/clock.h"
#include "lib/nl.h"
#include "lib/service.h"
#include "rules/audit.h"
#include "rules/judge.h"
#include "rules/legacy.h"
#include "rules/ruleset.h"
#include "rules/translated.h"

enum { WHY_BYTES = 640 };

/*
 * For so long what was known counts though it cannot be read anew: an answer of the kernel's that
 * was lost is no reason to let a flood in.
 */
static const double KNOWN_FOR_S = 5;

struct row {
	enum vetting_verdict verdict;
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
	uint32_t generation;  /* of the ruleset that was judged; 0: none was */
	unsigned legacy_seen; /* then; its changes are no new generation */
	uint64_t failing_ns;  /* since when readings fail; 0: the last one did not */
	bool judged;          /* one has succeeded */
	struct row rows[POLICY_SERVICES_MAX];
};

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
							    : VETTING_UNKNOWN,
			.midstream = MIDSTREAM_UNKNOWN,
		};
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

static void set_all(struct vetting *vetting, const char *why)
{
	for (size_t i = 0; i < vetting->config->count; i++) {
		if (is_asked(vetting, i))
			set(&vetting->rows[i], VETTING_UNKNOWN, why);
	}
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

/* Whether the verdict is open only because the table could not be read. */
static bool is_half_read(const struct audit *audit)
{
	return audit->verdict == AUDIT_UNKNOWN && audit->count &&
	       audit->finding[0].weight == FINDING_UNJUDGED &&
	       strcmp(audit->finding[0].code, "live-nat") == 0;
}

/* Also of what is taken out whatever the audit says. */
static int judge_midstream(struct vetting *vetting, const struct evidence *evidence)
{
	int err = 0;

	for (size_t i = 0; !err && i < vetting->config->count; i++)
		err = midstream_judge(&evidence->model, &evidence->host,
				      &vetting->config->services[i].service,
				      &vetting->rows[i].midstream);
	return err;
}

/* What judging takes; too large for the stack. */
struct bench {
	struct audit audit;
	struct service services[POLICY_SERVICES_MAX];
	unsigned translated[POLICY_SERVICES_MAX];
	int translated_err;
};

/* One look at the table for all of them; an empty one needs none, though a dump of it costs as much. */
static void find_translated(struct vetting *vetting, const struct evidence *evidence,
			    struct bench *bench)
{
	const struct config *config = vetting->config;
	struct table_usage usage;

	if (table_usage_get(vetting->nl, &usage) == 0 && usage.entries == 0)
		return;
	for (size_t i = 0; i < config->count; i++)
		bench->services[i] = config->services[i].service;
	bench->translated_err =
		translated_count(vetting->nl, &evidence->host, bench->services,
				 config->count, bench->translated);
}

/*
 * The rules have nothing against it. Whether what lives of it is translated is seen later, and it
 * stands as it did until then; or, the first time, now.
 */
static int admit(struct vetting *vetting, struct bench *bench, size_t i)
{
	struct row *row = &vetting->rows[i];

	row->wanted = row->awaited = vetting->judged;
	if (vetting->judged)
		return 0;
	judge_translated(bench->translated[i], bench->translated_err, &bench->audit);
	if (is_half_read(&bench->audit))
		return -EAGAIN;
	take(row, &bench->audit);
	return 0;
}

static int judge(struct vetting *vetting, const struct evidence *evidence,
		 struct bench *bench, size_t i)
{
	struct row *row = &vetting->rows[i];
	int err = judge_by_evidence(evidence, &vetting->config->services[i].service, NULL,
				    &bench->audit);

	if (err)
		return err;
	if (bench->audit.verdict == AUDIT_SAFE)
		return admit(vetting, bench, i);
	row->wanted = row->awaited = false;
	take(row, &bench->audit);
	return 0;
}

static int judge_all(struct vetting *vetting, const struct evidence *evidence)
{
	struct bench *bench = calloc(1, sizeof(*bench));
	int err = bench ? judge_midstream(vetting, evidence) : -ENOMEM;

	if (!err && !vetting->judged)
		find_translated(vetting, evidence, bench);
	for (size_t i = 0; !err && i < vetting->config->count; i++) {
		if (is_asked(vetting, i))
			err = judge(vetting, evidence, bench, i);
	}
	free(bench);
	return err;
}

/* Of UDP that is forced nothing need be known. */
static bool nothing_is_asked(const struct vetting *vetting)
{
	for (size_t i = 0; i < vetting->config->count; i++) {
		if (is_asked(vetting, i) ||
		    vetting->config->services[i].service.proto == IPPROTO_TCP)
			return false;
	}
	return true;
}

/* The next look tries again. */
static void fail(struct vetting *vetting, int err)
{
	uint64_t now_ns = clock_now_ns();

	vetting->generation = 0;
	if (!vetting->failing_ns)
		vetting->failing_ns = now_ns;
	if (!vetting->judged ||
	    clock_between_s(vetting->failing_ns, now_ns) >= KNOWN_FOR_S)
		set_all(vetting, strerror(-err));
}

static void succeed(struct vetting *vetting, uint32_t generation)
{
	vetting->generation = generation;
	vetting->failing_ns = 0;
	vetting->judged = true;
}

int vetting_update(struct vetting *vetting)
{
	struct evidence evidence = { .legacy = vetting->legacy };
	int err;

	if (nothing_is_asked(vetting) || vetting_is_current(vetting))
		return 0;
	vetting->legacy_seen = legacy_look(vetting->legacy);
	err = evidence_read(vetting->nl, &evidence);
	if (!err)
		err = judge_all(vetting, &evidence);
	if (err)
		fail(vetting, err);
	else
		succeed(vetting, evidence.model.generation);
	evidence_clear(&evidence);
	return err;
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
	if (is_half_read(audit)) {
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
	return vetting->generation && generation == vetting->generation &&
	       legacy_look(vetting->legacy) == vetting->legacy_seen;
}

bool vetting_is_current(struct vetting *vetting)
{
	uint32_t generation;

	return vetting->generation && ruleset_generation(vetting->nl, &generation) == 0 &&
	       vetting_is_of(vetting, generation);
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

bool vetting_take_news(struct vetting *vetting, size_t i)
{
	bool news = vetting->rows[i].news;

	vetting->rows[i].news = false;
	return news;
}

const char *vetting_name(enum vetting_verdict verdict)
{
	static const char *const NAMES[] = {
		[VETTING_SAFE] = "safe",
		[VETTING_UNSAFE] = "unsafe",
		[VETTING_UNKNOWN] = "unknown",
		[VETTING_FORCED] = "forced",
	};

	return NAMES[verdict];
}

const char *vetting_why(const struct vetting *vetting, size_t i)
{
	return vetting->rows[i].why;
}
