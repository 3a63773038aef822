// SPDX-License-Identifier: GPL-2.0-or-later
#include "conntrack/spaces.h"

#include <errno.h>
#include <stdlib.h>

#include "conntrack/watch.h"

enum { SPACES_MAX = 1 };

struct spaces {
	size_t count;
	struct watch *watch[SPACES_MAX];
};

int spaces_open(struct spaces **out, uint32_t sample_max)
{
	struct spaces *spaces = calloc(1, sizeof(*spaces));
	int err;

	if (!spaces)
		return -ENOMEM;
	err = watch_open(&spaces->watch[0], sample_max);
	if (err) {
		free(spaces);
		return err;
	}
	spaces->count = 1;
	*out = spaces;
	return 0;
}

void spaces_close(struct spaces *spaces)
{
	if (!spaces)
		return;
	for (size_t i = 0; i < spaces->count; i++)
		watch_close(spaces->watch[i]);
	free(spaces);
}

size_t spaces_count(const struct spaces *spaces)
{
	return spaces->count;
}

void spaces_poll(struct spaces *spaces)
{
	for (size_t i = 0; i < spaces->count; i++)
		(void)watch_poll(spaces->watch[i]);
}

int spaces_read(struct spaces *spaces, size_t index, struct reading *out)
{
	int err = watch_read(spaces->watch[index], out);

	if (!err)
		out->netns = "host";
	return err;
}
