// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * replay PATH...: gives files, and those in folders, to the fuzz target that it is linked
 * with, as libFuzzer would. So that what once was found stays found, whatever the compiler.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Returns whether the file could be read; what is wrong with it ends the process. */
static int replay_file(const char *path)
{
	FILE *file = fopen(path, "rb");
	uint8_t *data;
	long size;

	if (!file || fseek(file, 0, SEEK_END) < 0 || (size = ftell(file)) < 0)
		return 0;
	rewind(file);
	/* Exactly as long, so that a sanitizer sees the first byte beyond it. */
	data = malloc((size_t)size);
	if (!data || fread(data, 1, (size_t)size, file) != (size_t)size)
		return size == 0;
	printf("%s\n", path);
	fflush(stdout);
	LLVMFuzzerTestOneInput(data, (size_t)size);
	free(data);
	fclose(file);
	return 1;
}

/* Returns how many files of the folder were replayed. */
static unsigned replay_folder(const char *folder)
{
	DIR *dir = opendir(folder);
	const struct dirent *entry;
	unsigned files = 0;
	char path[4096];

	if (!dir)
		return 0;
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		files += (unsigned)replay_file(path);
	}
	closedir(dir);
	return files;
}

int main(int argc, char **argv)
{
	unsigned files = 0;

	for (int i = 1; i < argc; i++)
		files += replay_folder(argv[i]);
	printf("%u files\n", files);
	return files > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
