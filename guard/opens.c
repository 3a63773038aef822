// SPDX-License-Identifier: GPL-2.0-or-later
#include "guard/opens.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "lib/clock.h"

/* /proc/net would be that of the first thread of the process (fs/proc/proc_net.c). */
static const char PATH[] = "/proc/thread-self/net/snmp";

/* A rate over less is chance. */
static const double LEAST_S = 0.5;

/* The file is two lines for each protocol, of 1.5 KiB in all. */
enum { FILE_MAX_BYTES = 8192 };

static const char *const NAMES[] = {
	[OPENS_IN] = "PassiveOpens",
	[OPENS_OUT] = "ActiveOpens",
};

/* The word that is number n of a line, from 0 on; NULL if it has fewer. */
static const char *word(const char *line, int n)
{
	for (; n > 0; n--) {
		line += strcspn(line, " \n");
		if (*line != ' ')
			return NULL;
		line++;
	}
	return line;
}

/* Number of the word that is name, or -ENOENT. */
static int find(const char *names, const char *name)
{
	size_t length = strlen(name);
	const char *at;

	for (int n = 0; (at = word(names, n)); n++) {
		if (strncmp(at, name, length) == 0 && strchr(" \n", at[length]))
			return n;
	}
	return -ENOENT;
}

int opens_parse(const char *text, uint64_t out[2])
{
	/* A line of names and, below it, one of numbers (net/ipv4/proc.c, snmp_seq_show()). */
	const char *names = strstr(text, "Tcp: ");
	const char *values = names ? strchr(names, '\n') : NULL;
	uint64_t count[2];

	if (!values || strncmp(++values, "Tcp: ", strlen("Tcp: ")) != 0)
		return -EBADMSG;
	for (size_t i = 0; i < 2; i++) {
		int n = find(names, NAMES[i]);
		const char *value = n < 0 ? NULL : word(values, n);

		if (!value || sscanf(value, "%" SCNu64, &count[i]) != 1)
			return -EBADMSG;
	}
	memcpy(out, count, sizeof(count));
	return 0;
}

static int read_counts(uint64_t out[2])
{
	FILE *file = fopen(PATH, "re");
	char text[FILE_MAX_BYTES + 1];
	size_t length;

	if (!file)
		return -errno;
	length = fread(text, 1, FILE_MAX_BYTES, file);
	fclose(file);
	text[length] = '\0';
	return opens_parse(text, out);
}

int opens_read(struct opens *opens, uint64_t now_ns)
{
	double elapsed_s = clock_between_s(opens->read_ns, now_ns);
	struct opens now = { .read_ns = now_ns };
	int err;

	if (opens->read_ns && elapsed_s < LEAST_S)
		return 0;
	err = read_counts(now.count);
	for (size_t i = 0; !err && i < 2; i++) {
		uint64_t more = opens->read_ns ? now.count[i] - opens->count[i] : 0;

		now.opened[i] = opens->opened[i] + more;
		now.per_s[i] = opens->read_ns ? (double)more / elapsed_s : INFINITY;
	}
	if (err)
		now = (struct opens){ 0 };
	*opens = now;
	return err;
}
