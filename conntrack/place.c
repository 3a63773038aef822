// SPDX-License-Identifier: GPL-2.0-or-later
#include "conntrack/place.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/args.h"

/* What a complaint repeats; and digits that are a process: the largest has 7 (PID_MAX_LIMIT). */
enum { QUOTE_MAX = 60, PID_DIGITS_MAX = 10 };

static bool is_process(const char *spec)
{
	size_t digits = strspn(spec, "0123456789");

	return digits > 0 && digits <= PID_DIGITS_MAX && spec[digits] == '\0';
}

/* A name has none: ip-netns(8) refuses those with a slash, too. */
static bool is_path(const char *spec)
{
	return strchr(spec, '/');
}

int place_parse(const char *spec, struct place *out, struct args_why *why)
{
	const char *before = is_path(spec)      ? ""
			     : is_process(spec) ? "/proc/"
						: NETNS_NAMES "/";
	const char *after = is_process(spec) ? "/ns/net" : "";

	/* Which would be the directory of names, or the one above it. */
	if (*spec == '\0' || strcmp(spec, ".") == 0 || strcmp(spec, "..") == 0) {
		snprintf(why->text, sizeof(why->text),
			 "\"%s\" is no name, path or process", spec);
		return -EINVAL;
	}
	if (strlen(before) + strlen(spec) + strlen(after) >= sizeof(out->path)) {
		snprintf(why->text, sizeof(why->text), "\"%.*s...\" is too long",
			 QUOTE_MAX, spec);
		return -EINVAL;
	}
	*out = (struct place){ .spec = spec, .process_fd = -1 };
	snprintf(out->path, sizeof(out->path), "%s%s%s", before, spec, after);
	return 0;
}

int place_hold(struct place *place)
{
	char directory[sizeof("/proc/") + PID_DIGITS_MAX];

	if (!is_process(place->spec))
		return 0;
	/* A descriptor of the directory stays that process's, whoever gets its number next. */
	snprintf(directory, sizeof(directory), "/proc/%s", place->spec);
	place->process_fd = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (place->process_fd < 0)
		return -errno;
	snprintf(place->path, sizeof(place->path), "/proc/self/fd/%d/ns/net",
		 place->process_fd);
	return 0;
}

void place_release(struct place *place)
{
	if (place->process_fd >= 0)
		close(place->process_fd);
	place->process_fd = -1;
}

const char *place_name(const struct place *place)
{
	return is_path(place->spec) || is_process(place->spec) ? NULL : place->spec;
}

static const char *missing(const char *spec)
{
	if (is_process(spec))
		return "there is no such process";
	if (is_path(spec))
		return "there is no such file";
	return "there is no such name in " NETNS_NAMES;
}

void place_refusal(const char *spec, int err, struct args_why *why)
{
	const char *what;

	switch (err) {
	case -ENOENT:
	case -ENOTDIR:
	case -ESRCH: what = missing(spec); break;
	case -EINVAL: what = "it is not a network namespace"; break;
	case -EACCES: what = "looking at it needs root (CAP_SYS_PTRACE)"; break;
	case -EPERM: what = "entering it needs CAP_SYS_ADMIN"; break;
	default: what = strerror(-err);
	}
	snprintf(why->text, sizeof(why->text), "\"%.*s%s\": %s", QUOTE_MAX, spec,
		 strlen(spec) > QUOTE_MAX ? "..." : "", what);
}
