/* serve() with a socket to the test as its client, and the spool on disk. */
#ifndef T_UNIT_SERVE_FIXTURE_H
#define T_UNIT_SERVE_FIXTURE_H

#include <check.h>
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/fd.h"
#include "common/base/log_level.h"
#include "common/ipc/ipc.h"
#include "smtpd/accept/store_spool.h"
#include "smtpd/serve.h"
#include "t/unit/smtpd_memory.h"
#include "t/unit/suite.h"

static char folder[] = "/tmp/test_smtpd_serve.XXXXXX";
static struct config config;
static struct spool spool;
static struct store_spool spool_store;
static struct store store;
static struct live live;
static struct serve_stop stop;
static int arrivals[2], ends[2];
static pthread_t server;
static struct str heard;
static _Atomic bool stress;
static int stop_at_start;              /* the order to stop comes before the session */
static struct record_writer *recorded; /* NULL = no transaction log */
static void (*before_serve)(void);     /* the serving thread calls it; NULL = nothing */

static inline bool let_wait(void *context)
{
	(void)context;
	return true;
}

static inline void *run(void *unused)
{
	struct ipaddr client = memory_address("127.0.0.1");
	const struct serve_services services = {.store = &store, .pause = let_wait, .stress = &stress};
	if (before_serve)
		before_serve();
	serve(ends[1], &client, NULL, &(struct serve_tls){0}, &live, &services, &stop,
	      &(struct serve_watch){.records = recorded});
	return unused;
}

static inline void start(const char *lines)
{
	strcpy(folder + sizeof(folder) - sizeof("XXXXXX"), "XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	memory_config(lines, &config);
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_eq(spool_probe(fd, &spool), 0);
	ck_assert_int_eq(ipc_pair(arrivals, 64 * 1024), 0);
	store_spool_init(&spool_store, &spool, NULL, arrivals[0]);
	store = store_spool_ops(&spool_store);
	live = (struct live){.snapshot = live.snapshot, .server = &config.servers[0]};
	stop = (struct serve_stop){.stop = stop_at_start, .waiting_fd = -1};
	str_init(&heard, 1 << 20);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	ck_assert_int_eq(pthread_create(&server, NULL, run, NULL), 0);
}

/* All text up to the end of the connection. */
static inline void hear_all(void)
{
	shutdown(ends[0], SHUT_WR);
	ck_assert_int_eq(fd_read_all(ends[0], &heard), 0);
}

static inline unsigned files(bool remove)
{
	unsigned n = 0;
	DIR *dir = opendir(folder);
	for (struct dirent *entry; (entry = readdir(dir));) {
		if (entry->d_name[0] == '.' && strlen(entry->d_name) <= 2)
			continue;
		n++;
		if (remove)
			unlinkat(dirfd(dir), entry->d_name, 0);
	}
	closedir(dir);
	return n;
}

static inline void finish(void)
{
	fd_close(&ends[0]);
	if (server)
		pthread_join(server, NULL);
	server = 0;
	fd_close(&arrivals[0]);
	fd_close(&arrivals[1]);
	store_spool_free(&spool_store);
	fd_close(&spool.new_fd);
	files(true);
	rmdir(folder);
	config_free(&config);
	str_free(&heard);
}

static inline void say(const char *text)
{
	ck_assert_int_eq(fd_write_all(ends[0], span_of(text)), 0);
}

/* Reads until TEXT has come. */
static inline void hear(const char *text)
{
	char octet;
	while (!strstr(str_text(&heard), text)) {
		ck_assert_msg(read(ends[0], &octet, 1) == 1, "not heard: %s\n%s", text, str_text(&heard));
		str_append_c(&heard, octet);
	}
}

static const char envelope[] = "EHLO c\r\nMAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.com>\r\n";

#endif
