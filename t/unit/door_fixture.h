/* A pickup folder with one claimed file, and new/, where its message goes. */
#ifndef T_UNIT_DOOR_FIXTURE_H
#define T_UNIT_DOOR_FIXTURE_H

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/fd.h"
#include "smtpd/pickup/pickup_file.h"
#include "t/unit/smtpd_memory.h"

static struct known known;
static const char claimed[] = ".mailroot-0123456789ABCDEFGHJKMNPQ-a.eml";
static const char id_text[] = "0123456789ABCDEFGHJKMNPQ";

struct door {
	struct config config;
	char folder[64];
	int folder_fd, new_fd, arrivals[2];
	struct spool spool;
	struct store_spool store;
	struct pickup_file file;
};

static inline int make_folder(const char *parent, const char *name)
{
	char path[128];
	snprintf(path, sizeof(path), "%s/%s", parent, name);
	ck_assert_int_eq(mkdir(path, 0755), 0);
	return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* LINES: of the configuration. */
static inline void door_open_as(struct door *d, const char *lines)
{
	memory_config(lines, &d->config);
	strcpy(d->folder, "/tmp/mailroot-pickup-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(d->folder));
	d->folder_fd = make_folder(d->folder, "pickup");
	d->new_fd = make_folder(d->folder, "new");
	ck_assert_int_eq(spool_probe(d->new_fd, &d->spool), 0);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, d->arrivals), 0);
	store_spool_init(&d->store, &d->spool, NULL, d->arrivals[0]);
	ck_assert(pickup_file_init(&d->file, d->folder_fd, &known, &d->store));
	d->file.server = &d->config.servers[0];
}

static inline void door_open(struct door *d)
{
	door_open_as(d, "");
}

static inline void door_close(struct door *d)
{
	char command[128];
	pickup_file_free(&d->file);
	store_spool_free(&d->store);
	config_free(&d->config);
	known_free(&known);
	for (size_t i = 0; i < 2; i++)
		fd_close(&d->arrivals[i]);
	fd_close(&d->folder_fd);
	fd_close(&d->new_fd);
	snprintf(command, sizeof(command), "rm -r %s", d->folder);
	ck_assert_int_eq(system(command), 0);
}

static inline void put(const struct door *d, struct span text)
{
	int fd = openat(d->folder_fd, claimed, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	ck_assert_int_eq(fd_write_all(fd, text), 0);
	fd_close(&fd);
}

static inline bool is_there(const struct door *d)
{
	return faccessat(d->folder_fd, claimed, F_OK, 0) == 0;
}

static inline size_t read_sent(const struct door *d, char *to, size_t size)
{
	int fd = openat(d->new_fd, d->store.file.name, O_RDONLY | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	ssize_t got = read(fd, to, size);
	ck_assert_int_ge(got, 0);
	fd_close(&fd);
	ck_assert_int_eq(unlinkat(d->new_fd, d->store.file.name, 0), 0);
	return (size_t)got;
}

#endif
