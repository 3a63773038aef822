// SPDX-License-Identifier: GPL-2.0-or-later
#include "conntrack/outlets.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conntrack/families.h"
#include "conntrack/spaces.h"
#include "conntrack/watch.h"
#include "lib/args.h"
#include "lib/exporter.h"
#include "lib/metrics.h"
#include "lib/text.h"

/* The collector reads what ends in .prom, so the file is made under another name. */
static const char FILE_NAME[] = "ctwatch.prom", DRAFT_NAME[] = "ctwatch.prom.new";

enum { FILE_MODE = 0644, QUOTE_MAX = 100 };

struct outlets {
	struct outlets_wanted wanted;
	struct spaces *spaces;
	struct exporter *exporter; /* NULL: none */
	char path[PATH_MAX], draft[PATH_MAX];
	struct families_table table[SPACES_MAX];
	struct reading reading[SPACES_MAX];
};

/* Takes a reading of all tables. Returns how many there are. */
static size_t glance(struct outlets *outlets, const struct reading **own)
{
	size_t own_index = spaces_own(outlets->spaces);
	size_t count = 0;

	for (size_t i = 0; i < spaces_count(outlets->spaces); i++) {
		struct families_table *table = &outlets->table[count];
		struct reading *reading = &outlets->reading[count];

		/* One that cannot be read now has no part in this page; the others have. */
		if (spaces_glance(outlets->spaces, i, reading, &table->labels) < 0)
			continue;
		table->netns = spaces_entry(outlets->spaces, i).label;
		table->reading = reading;
		if (i == own_index)
			*own = reading;
		count++;
	}
	return count;
}

/* node_exporter knows one table, that of its own namespace: no other takes its place. */
static void add_tables(struct outlets *outlets, struct text *text)
{
	const struct reading *own = NULL;
	size_t count = glance(outlets, &own);

	families_add(outlets->table, count, outlets->wanted.several, text);
	/* The one that was asked for by --netns is meant, wherever we are. */
	if (!own && count == 1 && !outlets->wanted.several)
		own = outlets->table[0].reading;
	if (outlets->wanted.node && own)
		families_add_node(own, text);
	metrics_gauge(text, "ctkit_conntrack_netns", "Network namespaces watched.",
		      (double)count);
	metrics_gauge(text, "ctkit_conntrack_netns_left_out",
		      "Network namespaces found but not watched: too many, or barred.",
		      (double)spaces_left_out(outlets->spaces));
	/* An empty page would look like a table that is well. */
	text->failed = text->failed || count == 0;
}

static void render(void *data, struct text *text)
{
	struct outlets *outlets = data;

	add_tables(outlets, text);
	metrics_counter(text, "ctkit_watch_metrics_pages_total",
			"Pages of metrics that were sent.",
			exporter_served(outlets->exporter));
	metrics_counter(text, "ctkit_watch_metrics_dropped_total",
			"Clients of the metrics that were too slow or too many.",
			exporter_dropped(outlets->exporter));
	metrics_build_info(text, "ctwatch");
	metrics_process(text);
}

static int set_paths(struct outlets *outlets, struct args_why *why)
{
	const char *directory = outlets->wanted.textfile;
	struct stat file;

	/* It stays so if there is something, but no directory. */
	errno = 0;
	if (stat(directory, &file) < 0 || !S_ISDIR(file.st_mode)) {
		int err = errno ? -errno : -ENOTDIR;

		snprintf(why->text, sizeof(why->text), "\"%.*s\": %s", QUOTE_MAX,
			 directory, strerror(-err));
		return err;
	}
	if (snprintf(outlets->draft, sizeof(outlets->draft), "%s/%s", directory,
		     DRAFT_NAME) >= (int)sizeof(outlets->draft)) {
		snprintf(why->text, sizeof(why->text), "\"%.*s...\" is too long",
			 QUOTE_MAX, directory);
		return -ENAMETOOLONG;
	}
	snprintf(outlets->path, sizeof(outlets->path), "%s/%s", directory, FILE_NAME);
	return 0;
}

/* Says which option it is that why complains of. */
static void blame(const char *option, struct args_why *why)
{
	const struct args_why cause = *why;

	snprintf(why->text, sizeof(why->text), "--%s: %.*s", option,
		 (int)(sizeof(why->text) - sizeof("--textfile: ")), cause.text);
}

/* Returns 0 or -errno with one sentence in *why. */
static int open_wanted(struct outlets *outlets, struct args_why *why)
{
	int err = 0;

	if (outlets->wanted.textfile) {
		err = set_paths(outlets, why);
		if (err)
			blame("textfile", why);
	}
	if (!err && outlets->wanted.metrics) {
		err = exporter_open(&outlets->exporter, outlets->wanted.metrics, why);
		if (err)
			blame("metrics", why);
	}
	return err;
}

int outlets_open(struct outlets **out, const struct outlets_wanted *wanted,
		 struct spaces *spaces, struct args_why *why)
{
	struct outlets *outlets = calloc(1, sizeof(*outlets));
	int err;

	if (!outlets) {
		snprintf(why->text, sizeof(why->text), "out of memory");
		return -ENOMEM;
	}
	outlets->wanted = *wanted;
	outlets->spaces = spaces;
	err = open_wanted(outlets, why);
	if (err) {
		free(outlets);
		return err;
	}
	*out = outlets;
	return 0;
}

void outlets_start(struct outlets *outlets, struct ev_loop *loop)
{
	if (outlets->exporter)
		exporter_start(outlets->exporter, loop, render, outlets);
}

static int write_all(int fd, const struct text *text)
{
	size_t done = 0;

	while (done < text->length) {
		ssize_t bytes = write(fd, text->data + done, text->length - done);

		if (bytes < 0 && errno != EINTR)
			return -errno;
		done += bytes > 0 ? (size_t)bytes : 0;
	}
	return 0;
}

/* What is there under the name of the draft was left by somebody, or put there. */
static int write_draft(const char *path, const struct text *text)
{
	int fd, err;

	if (unlink(path) < 0 && errno != ENOENT)
		return -errno;
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, FILE_MODE);
	if (fd < 0)
		return -errno;
	/* Whatever the umask is: node_exporter runs as another user. */
	err = fchmod(fd, FILE_MODE) < 0 ? -errno : write_all(fd, text);
	if (close(fd) < 0 && !err)
		err = -errno;
	if (err)
		unlink(path);
	return err;
}

int outlets_write(struct outlets *outlets, struct args_why *why)
{
	struct text text = { 0 };
	int err;

	if (!outlets->wanted.textfile)
		return 0;
	/* node_exporter has families of its own for the process and may not get others. */
	add_tables(outlets, &text);
	err = text_ok(&text) ? write_draft(outlets->draft, &text) : -ENODATA;
	if (!err && rename(outlets->draft, outlets->path) < 0)
		err = -errno;
	text_free(&text);
	if (err)
		snprintf(why->text, sizeof(why->text),
			 "--textfile: cannot write %.*s: %s", QUOTE_MAX, outlets->path,
			 strerror(-err));
	return err;
}

void outlets_stop(struct outlets *outlets)
{
	exporter_close(outlets->exporter);
	outlets->exporter = NULL;
	if (outlets->wanted.textfile)
		unlink(outlets->path);
}

void outlets_close(struct outlets *outlets)
{
	if (!outlets)
		return;
	exporter_close(outlets->exporter);
	free(outlets);
}
