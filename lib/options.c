// SPDX-License-Identifier: GPL-2.0-or-later
#include "lib/options.h"

#include <assert.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "lib/text.h"

enum { HELP_COLUMN = 30 };

void options_init(struct options *options, const struct option_spec *specs)
{
	char *letter = options->shorts;
	int rows = 0;

	for (const struct option_spec *spec = specs; spec->key; spec++) {
		assert(rows < OPTIONS_MAX);
		options->longs[rows++] = (struct option){
			.name = spec->name,
			.has_arg = spec->value ? required_argument : no_argument,
			.val = spec->key,
		};
		if (spec->key >= OPTIONS_LONG_ONLY)
			continue;
		*letter++ = (char)spec->key;
		if (spec->value)
			*letter++ = ':';
	}
	options->longs[rows] = (struct option){ 0 };
	*letter = '\0';
	/* 1 would do for a first command line, but leave getopt inside a word of the one before. */
	optind = 0;
}

int options_next(struct options *options, int argc, char **argv, const char **value)
{
	char *path = argv[0], *slash = path ? strrchr(path, '/') : NULL;
	int key;

	/* It begins its messages with argv[0]; all others begin with the name alone. */
	if (slash)
		argv[0] = slash + 1;
	key = getopt_long(argc, argv, options->shorts, options->longs, NULL);
	argv[0] = path;
	*value = optarg;
	return key;
}

void options_help(const struct option_spec *specs, struct text *text)
{
	for (const struct option_spec *spec = specs; spec->key; spec++) {
		char left[64];
		int width = 0;

		if (spec->key < OPTIONS_LONG_ONLY)
			width = snprintf(left, sizeof(left), "  -%c, --%s", spec->key,
					 spec->name);
		else
			width = snprintf(left, sizeof(left), "      --%s", spec->name);
		if (spec->value)
			snprintf(left + width, sizeof(left) - (size_t)width, " %s",
				 spec->value);
		text_add(text, "%-*s %s\n", HELP_COLUMN, left, spec->help);
	}
}
