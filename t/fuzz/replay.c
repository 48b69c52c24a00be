/*
 * Replaces libFuzzer in ordinary builds: runs a fuzz target on every file of the folders on the command line, on the
 * empty input, and on a fixed number of mutations of each, made by a small generator with a fixed seed.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { INPUT_MAX = 64 * 1024, MUTATIONS = 400 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint32_t next_random(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 8;
}

/* A copy of the exact size, so that a sanitizer detects a read past the end. */
static void run_exact(const uint8_t *data, size_t size)
{
	uint8_t *copy = calloc(1, size ? size : 1);
	if (!copy)
		abort();
	memcpy(copy, data, size);
	LLVMFuzzerTestOneInput(copy, size);
	free(copy);
}

static void run_mutations(const uint8_t *data, size_t size)
{
	uint8_t *work = malloc(INPUT_MAX);
	uint32_t seed = 1;
	if (!work)
		abort();
	for (int round = 0; round < MUTATIONS; round++) {
		size_t len = size;
		memcpy(work, data, size);
		for (uint32_t edits = 1 + next_random(&seed) % 4; edits && len; edits--) {
			size_t at = next_random(&seed) % len;
			switch (next_random(&seed) % 4) {
			case 0:
				work[at] = (uint8_t)next_random(&seed);
				break;
			case 1:
				work[at] = (uint8_t) "\0\r\n.<>@\"\\{};# 9-"[next_random(&seed) % 16];
				break;
			case 2:
				len = at;
				break;
			default:
				memmove(work + at, work + at / 2, len - at);
			}
		}
		run_exact(work, len);
	}
	free(work);
}

static void run_file(const char *path)
{
	uint8_t *data = malloc(INPUT_MAX);
	FILE *file = fopen(path, "rb");
	if (!data || !file)
		abort();
	size_t size = fread(data, 1, INPUT_MAX, file);
	fclose(file);
	run_exact(data, size);
	run_mutations(data, size);
	free(data);
}

int main(int argc, char **argv)
{
	unsigned files = 0;
	run_exact((const uint8_t *)"", 0);
	for (int i = 1; i < argc; i++) {
		DIR *dir = opendir(argv[i]);
		for (struct dirent *entry; dir && (entry = readdir(dir));) {
			char path[4096];
			if (entry->d_name[0] == '.')
				continue;
			snprintf(path, sizeof(path), "%s/%s", argv[i], entry->d_name);
			run_file(path);
			files++;
		}
		if (dir)
			closedir(dir);
	}
	if (!files) {
		fprintf(stderr, "no corpus: give folders with at least one file\n");
		return 1;
	}
	printf("%u inputs and %u mutations\n", files, files * MUTATIONS);
	return 0;
}
