// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * replica COMMAND...: runs a command in a copy of this network namespace, as rehearsals have it. What could
 * not be copied is told on stderr.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "rules/copy.h"
#include "rules/scratch.h"
#include "rules/watch.h"

int main(int argc, char **argv)
{
	static struct scratch scratch;
	const struct watch watch = { 0 };
	struct copy_missing missing = { 0 };
	char why[COPY_TEXT_MAX] = "";
	struct copy *copy = NULL;
	int err, status = 1;
	pid_t child;

	if (argc < 2)
		return EXIT_FAILURE;
	err = copy_read(&copy);
	if (!err)
		err = scratch_enter(copy, &watch, &scratch, &missing, why);
	copy_free(copy);
	if (err) {
		fprintf(stderr, "replica: %s %s\n", strerror(-err), why);
		return EXIT_FAILURE;
	}
	for (size_t i = 0; i < missing.count && i < COPY_MISSING_MAX; i++)
		fprintf(stderr, "not copied: %s\n", missing.text[i]);
	/* Not at once: the interfaces go with this process. */
	child = fork();
	if (child == 0) {
		execvp(argv[1], argv + 1);
		_exit(EXIT_FAILURE);
	}
	if (child < 0 || waitpid(child, &status, 0) < 0)
		return EXIT_FAILURE;
	return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_FAILURE;
}
