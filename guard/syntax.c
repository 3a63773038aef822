// SPDX-License-Identifier: GPL-2.0-or-later
#include "guard/syntax.h"

#include <ctype.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "guard/config.h"
#include "lib/text.h"

/* The names that a file and a command line both know. */
static const char *const SCALARS[] = { "engage-at", "release-at",    "horizon",
				       "lease",     "release-after", "metrics",
				       "journal",   "control",       "raise-limit-to",
				       "netns" };

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

/* Alone, so that an error names its line; whether it overlaps another is seen in the end */
static int check_service(cfg_t *file, cfg_opt_t *option)
{
	/* The last is the one that was just read. */
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
	if (config_add_never(&scratch, cfg_opt_getnstr(option, cfg_opt_size(option) - 1),
			     &why))
		return complain(file, &why);
	return 0;
}

static int check_register(cfg_t *file, cfg_opt_t *option)
{
	const cfg_t *section = cfg_opt_getnsec(option, cfg_opt_size(option) - 1);
	struct config scratch;
	struct text why = { 0 };

	config_init(&scratch);
	if (config_add_admission(&scratch, cfg_title((cfg_t *)section), &why))
		return complain(file, &why);
	return 0;
}

static int check_user(cfg_t *file, cfg_opt_t *option)
{
	struct config_admission scratch = { .user_count = 0 };
	struct text why = { 0 };

	if (config_admit_user(&scratch, cfg_opt_getnstr(option, cfg_opt_size(option) - 1),
			      &why))
		return complain(file, &why);
	return 0;
}

/* The rate alone, so that an error names its line; whether it fits the service comes later. */
static int check_budget(cfg_t *file, cfg_opt_t *option)
{
	struct config_service scratch = { .service = { .proto = IPPROTO_UDP } };
	struct text why = { 0 };

	if (config_set_budget(&scratch, cfg_opt_getnstr(option, 0), &why))
		return complain(file, &why);
	return 0;
}

static int take_service(struct config *config, cfg_t *section, struct text *why)
{
	const char *value = cfg_getstr(section, "release-after");
	struct config_service *row = &config->services[config->count];
	int err = config_add_service(config, cfg_title(section), why);

	/* What is refused has no row: the last may be there already. */
	if (err)
		return err;
	row->force = cfg_getbool(section, "force");
	if (value)
		err = config_set_patience(row, value, why);
	value = cfg_getstr(section, "budget");
	return err || !value ? err : config_set_budget(row, value, why);
}

static int take_register(struct config *config, cfg_t *section, struct text *why)
{
	struct config_admission *row = &config->admissions[config->admission_count];
	int err = config_add_admission(config, cfg_title(section), why);

	for (unsigned int i = 0; !err && i < cfg_size(section, "users"); i++)
		err = config_admit_user(row, cfg_getnstr(section, "users", i), why);
	return err;
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
	for (unsigned int i = 0; !err && i < cfg_size(file, "register"); i++)
		err = take_register(config, cfg_getnsec(file, "register", i), why);
	for (unsigned int i = 0; !err && i < cfg_size(file, "never"); i++)
		err = config_add_never(config, cfg_getnstr(file, "never", i), why);
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
	cfg_opt_t register_options[] = {
		CFG_STR_LIST("users", NULL, CFGF_NODEFAULT),
		CFG_END(),
	};
	/*
	 * Text, as on a command line, that config_set() reads; NULL where the file has none
	 * (NODEFAULT).
	 */
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
		CFG_STR("netns", NULL, CFGF_NODEFAULT),
		CFG_SEC("service", service_options,
			CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES),
		CFG_SEC("register", register_options,
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
	/* It takes the same as the one outside, whose name it has. */
	cfg_set_validate_func(file, "service|release-after", check_scalar);
	cfg_set_validate_func(file, "service|budget", check_budget);
	cfg_set_validate_func(file, "service", check_service);
	cfg_set_validate_func(file, "register", check_register);
	cfg_set_validate_func(file, "register|users", check_user);
	cfg_set_validate_func(file, "never", check_never);
	return file;
}

/* Reads a whole file of text; what libConfuse's scanner chokes on without a word is told here. */
static int read_text(cfg_t *file, FILE *stream, struct text *out)
{
	int c;

	/* cfg_error() tells the line that is here. */
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
	/* As cfg_parse() does: cfg_free() frees it. */
	file->filename = strdup(path);
	result = read_text(file, stream, &text);
	if (result == CFG_SUCCESS)
		result = parse_text(file, &text);
	fclose(stream);
	text_free(&text);
	return result;
}

int syntax_read(struct config *config, const char *path, cfg_errfunc_t report)
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
