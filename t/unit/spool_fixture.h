/* new/ of the spool in a folder of its own, and one message. */
#ifndef T_UNIT_SPOOL_FIXTURE_H
#define T_UNIT_SPOOL_FIXTURE_H

#include <check.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/spool/spool.h"
#include "t/unit/suite.h"

static char folder[64];
static struct spool spool;
static struct spool_file file;

static inline void setup(void)
{
	strcpy(folder, "/tmp/mailroot-spool-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	int fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(spool_probe(fd, &spool), 0);
	file = (struct spool_file){.text.fd = -1};
}

/* Messages are tested both ways: WAY is 0 where the kernel may use unnamed files, 1 with .ID and rename. */
static inline void choose_way(int way)
{
	if (way == 1)
		spool.unnamed = false;
}

/* The names in new/, at most MAX, in the order of the folder. */
static inline size_t list(char names[][256], size_t max)
{
	size_t n = 0;
	DIR *dir = opendir(folder);
	ck_assert_ptr_nonnull(dir);
	for (struct dirent *entry; (entry = readdir(dir));) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (n < max)
			snprintf(names[n], 256, "%s", entry->d_name);
		n++;
	}
	closedir(dir);
	return n;
}

static inline size_t count(void)
{
	return list(NULL, 0);
}

static inline void teardown(void)
{
	char names[256][256];
	spool_file_free(&file);
	size_t n = list(names, 256);
	for (size_t i = 0; i < n && i < 256; i++)
		unlinkat(spool.new_fd, names[i], 0);
	close(spool.new_fd);
	ck_assert_int_eq(rmdir(folder), 0);
}

static inline int write_text(const char *text)
{
	int err = spool_begin(&spool, NULL, &file);
	if (!err)
		err = spool_write(&file, span_of(text));
	return err ? err : spool_commit(&file);
}

#endif
