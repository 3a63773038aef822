// SPDX-License-Identifier: GPL-2.0-or-later
#include "guard/checkup.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "conntrack/atlas.h"
#include "conntrack/home.h"
#include "conntrack/netns.h"
#include "guard/config.h"
#include "guard/diagnosis.h"
#include "guard/doctor.h"
#include "guard/startup.h"
#include "guard/symptoms.h"
#include "lib/args.h"
#include "lib/log.h"
#include "lib/privilege.h"
#include "lib/text.h"

struct round {
	const struct config *config;
	const struct symptoms *known;
	const struct log *log;
	struct text *why;
	struct home home;
	json_t *parts; /* a diagnosis of each */
};

/* Where the calling thread is. Returns 0, or -errno with a sentence in *why. */
static int examine(const struct round *round, struct symptoms *symptoms, json_t **out,
		   struct text *why)
{
	struct diagnosis *diagnosis = calloc(1, sizeof(*diagnosis));
	int err;

	if (!diagnosis)
		return -ENOMEM;
	symptoms_read(round->config, symptoms);
	err = symptoms->table_err;
	if (err) {
		startup_explain(err, why);
	} else {
		doctor_judge(symptoms, diagnosis);
		*out = diagnosis_json(diagnosis);
	}
	free(diagnosis);
	return err;
}

/* Nothing of it is kept but what was found. */
static int visit(void *data, const struct netns *netns, const char *name, void **out)
{
	struct round *round = data;
	bool own = netns->inode == round->home.netns.inode;
	struct netns taken = *netns;
	struct symptoms *symptoms = calloc(1, sizeof(*symptoms));
	struct text why = { 0 };
	json_t *part;
	int err = symptoms ? home_leave(&round->home, netns) : -ENOMEM;

	if (!err) {
		/* What is wrong with the configuration is told once. */
		if (own)
			*symptoms = *round->known;
		symptoms->everywhere = true;
		symptoms->elsewhere = !own;
		privilege_lacking(symptoms->lacking, sizeof(symptoms->lacking));
		err = examine(round, symptoms, &part, own ? round->why : &why);
		home_return(&round->home, netns);
	}
	if (!err) {
		diagnosis_place(part, name);
		json_array_append_new(round->parts, part);
		*out = round;
		/* Taken over from the atlas, as a success means (struct atlas_keeper). */
		netns_close(&taken);
	} else if (why.length) {
		log_warn(round->log, "network namespace %s is left out: %s", name,
			 text_str(&why));
	}
	text_free(&why);
	free(symptoms);
	return err;
}

/* Nothing: visit() has closed the namespace already */
static void leave(void *data, void *kept)
{
}

static int visit_all(struct round *round, json_t **out)
{
	const struct atlas_wanted wanted = { .all = true };
	const struct atlas_keeper keeper = {
		.open = visit,
		.close = leave,
		.data = round,
		.most = ATLAS_MAX,
		.kept = "looked at",
	};
	struct args_why reason;
	struct atlas *atlas;
	int err = atlas_open(&atlas, &wanted, &keeper, round->log, &reason);

	/* What visit() said of its own namespace is the better reason. */
	if (err && !round->why->length)
		text_add(round->why, "%s", reason.text);
	if (err)
		return err;
	*out = diagnosis_join(round->parts, atlas_left_out(atlas));
	atlas_close(atlas);
	return 0;
}

static int run_everywhere(struct round *round, json_t **out)
{
	int err = home_open(&round->home);

	if (err) {
		text_add(round->why, "%s: %s", NETNS_SELF, strerror(-err));
		return err;
	}
	round->parts = json_array();
	err = visit_all(round, out);
	json_decref(round->parts);
	home_close(&round->home);
	return err;
}

int checkup_run(const struct config *config, const struct symptoms *known,
		const struct log *log, json_t **out, struct text *why)
{
	struct round round = {
		.config = config,
		.known = known,
		.log = log,
		.why = why,
	};
	struct symptoms symptoms = *known;
	int err = config_is_everywhere(config) ? run_everywhere(&round, out)
					       : examine(&round, &symptoms, out, why);

	if (err && !why->length)
		text_add(why, "%s", strerror(-err));
	return err;
}
