/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef LIB_OPTIONS_H
#define LIB_OPTIONS_H

#include <getopt.h>

struct text;

/* Exit codes of every program (docs/design.md, "Shared grammar"). */
enum {
	EXIT_OK = 0,
	EXIT_FAILED = 1,      /* the operation failed */
	EXIT_USAGE = 2,       /* command line or configuration */
	EXIT_UNREACHABLE = 3, /* kernel not reachable: no netlink, no CAP_NET_ADMIN */
};

/* One option: a row of the table that getopt_long(), --help and the man-page check read. */
struct option_spec {
	int key; /* the short letter, or OPTIONS_LONG_ONLY and up; 0 ends the table */
	const char *name;  /* long name */
	const char *value; /* placeholder in the help; NULL if it takes no argument */
	const char *help;
};

enum { OPTIONS_LONG_ONLY = 256, OPTIONS_MAX = 40 };

/* The rows that every program has: put them at the end of each table. */
#define OPTIONS_COMMON                                                  \
	{ 'j', "json", NULL, "print JSON on stdout" },                  \
		{ 'v', "verbose", NULL, "say more" },                   \
		{ 'q', "quiet", NULL, "say only what is wrong" },       \
		{ 'h', "help", NULL, "print this help and exit" },      \
		{ 'V', "version", NULL, "print the version and exit" }, \
	{                                                               \
		0, NULL, NULL, NULL                                     \
	}

/* A command line on its way through getopt_long(). */
struct options {
	struct option longs[OPTIONS_MAX + 1];
	char shorts[2 * OPTIONS_MAX + 2];
};

/* Prepares getopt_long() for a table of at most OPTIONS_MAX rows. Restarts getopt at argv[1]. */
void options_init(struct options *options, const struct option_spec *specs);

/*
 * The next option's key, its argument in *value; -1 after the last (operands follow
 * at optind), '?' if it is unknown or lacks an argument: getopt has then told the
 * user which, in the name of argv[0] without its directories. Options may stand after operands.
 */
int options_next(struct options *options, int argc, char **argv, const char **value);

/* Adds one aligned line per option to text. */
void options_help(const struct option_spec *specs, struct text *text);

#endif
