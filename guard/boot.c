// SPDX-License-Identifier: GPL-2.0-or-later
#include "guard/boot.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "guard/symptoms.h"

/* No more of a directory, and of a file, is read. */
enum { FILES_MAX = 512, LINES_MAX = 4096, LINE_BYTES = 1024 };

/* Reads a setting from a line that was stripped of what is around it. */
typedef bool line_reader(char *line, uint64_t *value);

/* What is left of the line without white space around it, within the line. */
static char *strip(char *line)
{
	size_t length;

	while (isspace((unsigned char)*line))
		line++;
	length = strlen(line);
	while (length && isspace((unsigned char)line[length - 1]))
		line[--length] = '\0';
	return line;
}

static bool read_number(const char *text, uint64_t *value)
{
	char *end;

	/* strtoull() would take white space and a sign, too. */
	if (!isdigit((unsigned char)*text))
		return false;
	errno = 0;
	*value = strtoull(text, &end, 10);
	return !errno && *end == '\0';
}

/* "net.netfilter.nf_conntrack_max = 1", also with "/" for "." and "-" in front (sysctl.d(5)). */
static bool read_sysctl(char *line, uint64_t *value)
{
	char *equal = strchr(line, '=');
	char *name = line + (*line == '-');

	if (!equal)
		return false;
	*equal = '\0';
	name = strip(name);
	for (char *c = name; *c; c++)
		*c = *c == '/' ? '.' : *c;
	if (strcmp(name, "net.netfilter.nf_conntrack_max") != 0 &&
	    strcmp(name, "net.nf_conntrack_max") != 0)
		return false;
	return read_number(strip(equal + 1), value);
}

/* "options nf_conntrack hashsize=1 ..." */
static bool read_modprobe(char *line, uint64_t *value)
{
	char *cursor = NULL, *word = strtok_r(line, " \t", &cursor);

	if (!word || strcmp(word, "options") != 0)
		return false;
	word = strtok_r(NULL, " \t", &cursor);
	if (!word || strcmp(word, "nf_conntrack") != 0)
		return false;
	while ((word = strtok_r(NULL, " \t", &cursor))) {
		if (strncmp(word, "hashsize=", 9) == 0)
			return read_number(word + 9, value);
	}
	return false;
}

static bool read_module(char *line, uint64_t *value)
{
	*value = 1;
	return strcmp(line, "nf_conntrack") == 0;
}

/* The last line that sets it counts. A file that is not there, or may not be read, sets nothing. */
static void read_file(const char *path, line_reader *reader, struct symptoms_setting *out)
{
	FILE *file = fopen(path, "re");
	char line[LINE_BYTES];
	uint64_t value;

	for (int i = 0; file && i < LINES_MAX && fgets(line, sizeof(line), file); i++) {
		char *text = strip(line);

		if (*text == '#' || *text == ';' || !reader(text, &value))
			continue;
		out->found = true;
		out->value = value;
		snprintf(out->file, sizeof(out->file), "%s", path);
	}
	if (file)
		fclose(file);
}

/* Whether the name ends as these folders want it; ".conf" alone is none. */
static int is_conf(const struct dirent *entry)
{
	size_t length = strlen(entry->d_name);

	return length > 5 && strcmp(entry->d_name + length - 5, ".conf") == 0;
}

static void read_folder(const char *folder, line_reader *reader,
			struct symptoms_setting *out)
{
	struct dirent **names;
	int count = scandir(folder, &names, is_conf, alphasort);

	for (int i = 0; i < count; i++) {
		char path[SYMPTOMS_TEXT_MAX];
		int length =
			snprintf(path, sizeof(path), "%s/%s", folder, names[i]->d_name);

		if (i < FILES_MAX && length < (int)sizeof(path))
			read_file(path, reader, out);
		free(names[i]);
	}
	if (count >= 0)
		free(names);
}

/* Those of the distribution first: what an administrator says goes over them. */
static void read_folders(const char *name, line_reader *reader,
			 struct symptoms_setting *out)
{
	static const char *const PLACES[] = { "/usr/lib", "/usr/local/lib", "/run",
					      "/etc" };
	char folder[SYMPTOMS_TEXT_MAX];

	for (size_t i = 0; i < sizeof(PLACES) / sizeof(PLACES[0]); i++) {
		snprintf(folder, sizeof(folder), "%s/%s", PLACES[i], name);
		read_folder(folder, reader, out);
	}
}

void boot_read(struct symptoms *out)
{
	read_folders("sysctl.d", read_sysctl, &out->kept_limit);
	/*
	 * sysctl(8) --system reads it last; systemd-sysctl(8) only where a link of sysctl.d
	 * says so.
	 */
	read_file("/etc/sysctl.conf", read_sysctl, &out->kept_limit);
	read_folders("modprobe.d", read_modprobe, &out->kept_hashsize);
	read_folders("modules-load.d", read_module, &out->kept_module);
	/* Debian's list, older than modules-load.d, and still read by a link there. */
	read_file("/etc/modules", read_module, &out->kept_module);
	/* What is part of the kernel has no state of loading. */
	out->module = access("/sys/module/nf_conntrack/initstate", F_OK) == 0;
}
