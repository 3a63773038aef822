// SPDX-License-Identifier: GPL-2.0-or-later
#include "guard/config.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/args.h"
#include "lib/text.h"
#include "rules/layout.h"
#include "rules/terms.h"

/* Shorter and a busy host could lose its rules between two refreshes. */
static const double LEASE_MIN_S = 3;
static const double DAY_S = 86400;

void config_init(struct config *config)
{
	*config = (struct config){
		.policy = { .engage_at = 0.8, .release_at = 0.5, .horizon_s = 10 },
		.lease_s = 30,
		.release_after_s = 30,
	};
}

/* Whether it means something is seen when it is opened. */
static int take_place(const char *value, char out[CONFIG_PLACE_MAX], struct args_why *why)
{
	size_t length = strlen(value);

	if (length >= CONFIG_PLACE_MAX) {
		snprintf(why->text, sizeof(why->text),
			 "\"%.40s...\" is longer than %d bytes", value,
			 CONFIG_PLACE_MAX - 1);
		return -EINVAL;
	}
	memcpy(out, value, length + 1);
	return 0;
}

/* Of conntrack entries: the kernel's own type has 31 bits. */
static int take_limit(const char *value, uint32_t *out, struct args_why *why)
{
	uint64_t limit;
	int err = args_count(value, 1, INT32_MAX, &limit, why);

	if (!err)
		*out = (uint32_t)limit;
	return err;
}

int config_set(struct config *config, const char *name, const char *value,
	       struct text *why)
{
	struct args_why reason;
	int err = -ENOENT;

	if (strcmp(name, "engage-at") == 0)
		err = args_share(value, 0.01, 1, &config->policy.engage_at, &reason);
	else if (strcmp(name, "release-at") == 0)
		err = args_share(value, 0.001, 1, &config->policy.release_at, &reason);
	else if (strcmp(name, "horizon") == 0)
		err = args_duration(value, 0, DAY_S, &config->policy.horizon_s, &reason);
	else if (strcmp(name, "lease") == 0)
		err = args_duration(value, LEASE_MIN_S, DAY_S, &config->lease_s, &reason);
	else if (strcmp(name, "release-after") == 0)
		err = args_duration(value, 0, DAY_S, &config->release_after_s, &reason);
	else if (strcmp(name, "raise-limit-to") == 0)
		err = take_limit(value, &config->policy.raise_to, &reason);
	else if (strcmp(name, "metrics") == 0)
		err = take_place(value, config->metrics, &reason);
	else if (strcmp(name, "journal") == 0)
		err = take_place(value, config->journal, &reason);
	else if (strcmp(name, "control") == 0)
		err = take_place(value, config->control, &reason);
	if (err && err != -ENOENT)
		text_add(why, "%s: %s", name, reason.text);
	return err;
}

int config_add_service(struct config *config, const char *spec, struct text *why)
{
	struct config_service *row = &config->services[config->count];
	struct service service;
	struct args_why reason;
	const char *unfit;

	if (service_parse(spec, &service, &reason)) {
		text_add(why, "%s", reason.text);
		return -EINVAL;
	}
	unfit = layout_unfit(&service);
	if (unfit) {
		text_add(why, "service \"%s\" cannot be taken out: %s", spec, unfit);
		return -EINVAL;
	}
	for (size_t i = 0; i < config->count; i++) {
		if (service_overlaps(&service, &config->services[i].service)) {
			text_add(why, "service \"%s\" is given twice", spec);
			return -EINVAL;
		}
	}
	if (config->count == POLICY_SERVICES_MAX) {
		text_add(why, "service \"%s\": more than %d services", spec,
			 POLICY_SERVICES_MAX);
		return -EINVAL;
	}
	*row = (struct config_service){ .service = service };
	config->count++;
	return 0;
}

bool config_forces(const struct config *config, size_t i)
{
	return config->force || config->services[i].force;
}

double config_release_after_s(const struct config *config, size_t i)
{
	const struct config_service *row = &config->services[i];

	return row->patient ? row->release_after_s : config->release_after_s;
}

static int add_never(struct config *config, const char *spec, struct text *why)
{
	struct args_why reason;

	if (config->never_count == CONFIG_NEVER_MAX) {
		text_add(why, "never: more than %d services", CONFIG_NEVER_MAX);
		return -EINVAL;
	}
	if (service_parse(spec, &config->never[config->never_count], &reason)) {
		text_add(why, "never: %s", reason.text);
		return -EINVAL;
	}
	config->never_count++;
	return 0;
}

int config_check(const struct config *config, struct text *why)
{
	char name[SERVICE_TEXT_MAX];

	if (config->count == 0) {
		text_add(why,
			 "no service may be taken out of tracking: give -s SERVICE, or "
			 "service \"...\" { } in the configuration");
		return -EINVAL;
	}
	if (config->policy.release_at >= config->policy.engage_at) {
		text_add(why, "release-at (%g%%) must be below engage-at (%g%%)",
			 100 * config->policy.release_at, 100 * config->policy.engage_at);
		return -EINVAL;
	}
	for (size_t i = 0; i < config->count; i++) {
		for (size_t j = 0; j < config->never_count; j++) {
			if (!service_overlaps(&config->services[i].service,
					      &config->never[j]))
				continue;
			service_format(&config->services[i].service, name);
			text_add(why, "service \"%s\" is allowed and also under never",
				 name);
			return -EINVAL;
		}
	}
	return 0;
}

/* The names that a file and a command line both know. */
static const char *const SCALARS[] = { "engage-at", "release-at",    "horizon",
				       "lease",     "release-after", "metrics",
				       "journal",   "control",       "raise-limit-to" };

enum { CONFIG_BYTES_MAX = 1 << 20 };

/* Set behind the last line of a file: a complaint about it names what is wrong. */
#define END_OF_FILE "end-of-file"

enum { SCALAR_COUNT = sizeof(SCALARS) / sizeof(SCALARS[0]) };

/* Reports what is in why with the line that libConfuse is at. */
static int complain(cfg_t *file, struct text *why)
{
	cfg_error(file, "%s", text_str(why));
	text_free(why);
	return -1;
}

/* Called for each value as it is read, so that an error names its line. */
static int check_scalar(cfg_t *file, cfg_opt_t *option)
{
	struct config scratch;
	struct text why = { 0 };

	config_init(&scratch);
	if (config_set(&scratch, cfg_opt_name(option), cfg_opt_getnstr(option, 0), &why))
		return complain(file, &why);
	return 0;
}

static int check_service(cfg_t *file, cfg_opt_t *option)
{
	const cfg_t *section = cfg_opt_getnsec(option, cfg_opt_size(option) - 1);
	struct config scratch;
	struct text why = { 0 };

	config_init(&scratch);
	if (config_add_service(&scratch, cfg_title((cfg_t *)section), &why))
		return complain(file, &why);
	return 0;
}

static int check_never(cfg_t *file, cfg_opt_t *option)
{
	struct config scratch;
	struct text why = { 0 };

	config_init(&scratch);
	if (add_never(&scratch, cfg_opt_getnstr(option, cfg_opt_size(option) - 1), &why))
		return complain(file, &why);
	return 0;
}

static int take_budget(struct config_service *row, const char *value, struct text *why)
{
	struct extent extent = { .kind = EXTENT_BUDGET };
	struct args_why reason;
	uint64_t rate;
	const char *unfit;

	if (args_count(value, 1, EXTENT_RATE_MAX, &rate, &reason)) {
		text_add(why, "budget: %s", reason.text);
		return -EINVAL;
	}
	extent.packets_per_s = row->budget_per_s = (uint32_t)rate;
	unfit = extent_unfit(&extent, &row->service);
	if (unfit)
		text_add(why, "budget: %s", unfit);
	return unfit ? -EINVAL : 0;
}

/* The rate alone, so that an error names its line; whether it fits the service comes later. */
static int check_budget(cfg_t *file, cfg_opt_t *option)
{
	struct config_service scratch = { .service = { .proto = IPPROTO_UDP } };
	struct text why = { 0 };

	if (take_budget(&scratch, cfg_opt_getnstr(option, 0), &why))
		return complain(file, &why);
	return 0;
}

static int take_service(struct config *config, cfg_t *section, struct text *why)
{
	const char *value = cfg_getstr(section, "release-after");
	struct config_service *row = &config->services[config->count];
	struct args_why reason;
	int err = config_add_service(config, cfg_title(section), why);

	if (!err && value) {
		row->patient = true;
		err = args_duration(value, 0, DAY_S, &row->release_after_s, &reason);
		if (err)
			text_add(why, "release-after: %s", reason.text);
	}
	row->force = cfg_getbool(section, "force");
	value = cfg_getstr(section, "budget");
	return err || !value ? err : take_budget(row, value, why);
}

/* Copies a file that parsed into config. */
static int take_all(struct config *config, cfg_t *file, struct text *why)
{
	int err = 0;

	for (int i = 0; !err && i < SCALAR_COUNT; i++) {
		const char *value = cfg_getstr(file, SCALARS[i]);

		if (value)
			err = config_set(config, SCALARS[i], value, why);
	}
	for (unsigned int i = 0; !err && i < cfg_size(file, "service"); i++)
		err = take_service(config, cfg_getnsec(file, "service", i), why);
	for (unsigned int i = 0; !err && i < cfg_size(file, "never"); i++)
		err = add_never(config, cfg_getnstr(file, "never", i), why);
	return err;
}

static cfg_t *open_parser(cfg_errfunc_t report)
{
	cfg_opt_t service_options[] = {
		CFG_STR("release-after", NULL, CFGF_NODEFAULT),
		CFG_STR("budget", NULL, CFGF_NODEFAULT),
		CFG_BOOL("force", cfg_false, CFGF_NONE),
		CFG_END(),
	};
	cfg_opt_t options[] = {
		CFG_STR("engage-at", NULL, CFGF_NODEFAULT),
		CFG_STR("release-at", NULL, CFGF_NODEFAULT),
		CFG_STR("horizon", NULL, CFGF_NODEFAULT),
		CFG_STR("lease", NULL, CFGF_NODEFAULT),
		CFG_STR("release-after", NULL, CFGF_NODEFAULT),
		CFG_STR("raise-limit-to", NULL, CFGF_NODEFAULT),
		CFG_STR("metrics", NULL, CFGF_NODEFAULT),
		CFG_STR("journal", NULL, CFGF_NODEFAULT),
		CFG_STR("control", NULL, CFGF_NODEFAULT),
		CFG_SEC("service", service_options,
			CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES),
		CFG_STR_LIST("never", NULL, CFGF_NODEFAULT),
		CFG_STR(END_OF_FILE, NULL, CFGF_NODEFAULT),
		CFG_END(),
	};
	cfg_t *file = cfg_init(options, CFGF_NONE);

	if (!file)
		return NULL;
	cfg_set_error_function(file, report);
	for (int i = 0; i < SCALAR_COUNT; i++)
		cfg_set_validate_func(file, SCALARS[i], check_scalar);
	cfg_set_validate_func(file, "service|release-after", check_scalar);
	cfg_set_validate_func(file, "service|budget", check_budget);
	cfg_set_validate_func(file, "service", check_service);
	cfg_set_validate_func(file, "never", check_never);
	return file;
}

/* Reads a whole file of text; what libConfuse's scanner chokes on without a word is told here. */
static int read_text(cfg_t *file, FILE *stream, struct text *out)
{
	int c;

	file->line = 1;
	while ((c = getc(stream)) != EOF) {
		if (iscntrl(c) && !isspace(c)) {
			cfg_error(file, "byte 0x%02x is not text", (unsigned int)c);
			return CFG_PARSE_ERROR;
		}
		if (out->length == CONFIG_BYTES_MAX) {
			cfg_error(file, "more than %d bytes", CONFIG_BYTES_MAX);
			return CFG_PARSE_ERROR;
		}
		file->line += c == '\n';
		text_add(out, "%c", c);
	}
	/* libConfuse takes the end of a file within { } for its close: this it does not. */
	text_add(out, "\n%s = reached\n", END_OF_FILE);
	return ferror(stream) || !text_ok(out) ? CFG_FILE_ERROR : CFG_SUCCESS;
}

static int parse_text(cfg_t *file, const struct text *text)
{
	FILE *stream = fmemopen(text->data, text->length, "r");
	int result;

	if (!stream)
		return CFG_FILE_ERROR;
	file->line = 1;
	result = cfg_parse_fp(file, stream);
	fclose(stream);
	return result;
}

static int parse(cfg_t *file, const char *path)
{
	FILE *stream = fopen(path, "re");
	struct text text = { 0 };
	int result;

	if (!stream)
		return CFG_FILE_ERROR;
	file->filename = strdup(path);
	result = read_text(file, stream, &text);
	if (result == CFG_SUCCESS)
		result = parse_text(file, &text);
	fclose(stream);
	text_free(&text);
	return result;
}

int config_read(struct config *config, const char *path, cfg_errfunc_t report)
{
	struct config wanted = *config;
	struct text why = { 0 };
	cfg_t *file = open_parser(report);
	int err = 0;

	if (!file)
		return -ENOMEM;
	errno = 0;
	switch (parse(file, path)) {
	case CFG_SUCCESS:
		err = take_all(&wanted, file, &why);
		if (err)
			complain(file, &why);
		break;
	case CFG_FILE_ERROR: err = errno ? -errno : -ENOENT; break;
	default: err = -EINVAL; break;
	}
	cfg_free(file);
	if (!err)
		*config = wanted;
	return err;
}
