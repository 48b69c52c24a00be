/*
 * A pool as a process, with the test as its master and its queue. For the tests of mailroot-delivery and
 * mailroot-local, which share only delivery/pool/.
 */
#ifndef T_UNIT_POOL_FIXTURE_H
#define T_UNIT_POOL_FIXTURE_H

#include <check.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/fd.h"
#include "common/ipc/ipc.h"
#include "common/mail/journal.h"
#include "common/spool/spool.h"
#include "delivery/pool/pool.h"
#include "t/unit/suite.h"

static const char id[] = "00000000AAAAAAAAAAAAAAAA";
#define HEAD "x-sender: a@example.com\r\nx-receiver: b@example.com\r\n"
#define BODY "Subject: x\r\n\r\ntext\r\n"

enum { WAIT_MS = 20000 };

struct fixture {
	struct child child;
	struct config_server server;
	struct config_local_domain domain;
	char base[64], folder[128];
	pid_t pool;
	struct spool spool;
	int control[2], verdicts[2], arrivals[2], tokens[2], link[2];
	char buffer[WIRE_PACKET_MAX];
	struct ipc_packet packet;
	struct str out;
};

/* The differences between the pools. */
struct pool_kind {
	enum child_role role;
	enum child_link link;
	enum wire_link jobs;
	int (*work)(const struct worker *worker, const void *context);
	const void *context; /* NULL = the spool of the fixture */
	struct spool *spool; /* the spool within context */
	void *lists;
	bool (*hear)(void *lists, const struct config_server *server, const struct ipc_packet *packet);
	struct config_local_domain domain;
};
static const struct pool_kind kind; /* each test has its own */

static _Noreturn void run_pool(struct fixture *f, size_t spare)
{
	struct spool *spool = kind.context && kind.spool ? kind.spool : &f->spool;
	const struct pool_setup setup = {.child = &f->child,
					 .kind = kind.link,
					 .spare = spare,
					 .max = 4,
					 .jobs = 3,
					 .hear = kind.hear,
					 .lists = kind.lists,
					 .work = kind.work,
					 .context = kind.context ? kind.context : spool};
	spool->new_fd = open(f->base, O_RDONLY | O_DIRECTORY);
	int high[4] = {fcntl(f->control[1], F_DUPFD, 50), fcntl(f->arrivals[0], F_DUPFD, 50),
		       fcntl(f->verdicts[0], F_DUPFD, 50), fcntl(f->tokens[0], F_DUPFD, 50)};
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (int fd = 3; fd < 50; fd++)
		if (fd != spool->new_fd)
			close(fd);
	spool->new_fd = fcntl(spool->new_fd, F_DUPFD, 60);
	dup2(high[0], CHILD_FD_CONTROL);
	dup2(high[1], CHILD_FD_ARRIVALS);
	dup2(high[2], CHILD_FD_VERDICTS);
	dup2(high[3], CHILD_FD_TOKENS);
	for (int i = 0; i < 4; i++)
		close(high[i]);
	if (spool_probe(spool->new_fd, spool) != 0)
		_exit(99);
	_exit(pool_run(&setup));
}

static void send_packet(struct fixture *f, int link, bool encoded, const int *fds, size_t n)
{
	ck_assert(encoded);
	ck_assert_int_eq(ipc_send(link, str_span(&f->out), fds, n), 0);
	str_clear(&f->out);
}

static void attach(struct fixture *f)
{
	struct wire_attach wire = {.kind = kind.link, .serial = 5};
	ck_assert_int_eq(ipc_pair(f->link, 100000), 0);
	send_packet(f, f->control[0], wire_encode_attach(&wire, &f->out), &f->link[1], 1);
	close(f->link[1]);
}

static void set_up(struct fixture *f, size_t spare)
{
	memset(f, 0, sizeof(*f));
	strcpy(f->base, "/tmp/mailroot-pool-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(f->base));
	snprintf(f->folder, sizeof(f->folder), "%s/drop", f->base);
	ck_assert(mkdir(f->folder, 0755) == 0);
	str_init(&f->out, WIRE_PACKET_MAX);
	f->server = (struct config_server){.name = "default", .dir = f->base, .fqdn = "relay.example.com"};
	f->domain = kind.domain;
	f->server.local_domains = &f->domain;
	f->server.local_domain_count = 1;
	f->child = (struct child){.role = kind.role, .server_name = "default", .server = &f->server};
	ck_assert_int_eq(ipc_pair(f->control, 100000), 0);
	ck_assert_int_eq(ipc_pair(f->verdicts, 100000), 0);
	ck_assert_int_eq(ipc_pair(f->arrivals, 100000), 0);
	ck_assert_int_eq(ipc_pair(f->tokens, 100000), 0);
	f->pool = fork();
	if (f->pool == 0)
		run_pool(f, spare);
	close(f->control[1]);
	attach(f);
}

static void receive(struct fixture *f, int link)
{
	struct pollfd pfd = {.fd = link, .events = POLLIN};
	ck_assert_int_eq(poll(&pfd, 1, WAIT_MS), 1);
	ck_assert_int_eq(ipc_receive(link, f->buffer, sizeof(f->buffer), 0, &f->packet), 0);
}

static int receive_worker(struct fixture *f, uint64_t *number)
{
	struct wire_worker worker;
	receive(f, f->link[0]);
	ck_assert(wire_decode_worker(f->packet.text, &worker) && f->packet.fd_count == 1);
	*number = worker.worker;
	return f->packet.fds[0];
}

static struct wire_verdict receive_verdict(struct fixture *f)
{
	struct wire_verdict verdict;
	receive(f, f->verdicts[1]);
	ck_assert(wire_decode_verdict(f->packet.text, &verdict) && span_equal(verdict.id, span_of(id)));
	return verdict;
}

static void expect_end(struct fixture *f, int link)
{
	receive(f, link);
	ck_assert(f->packet.eof);
	close(link);
}

static void tear_down(struct fixture *f, bool by_packet)
{
	struct wire_stop stop = {false};
	char command[128];
	int status;
	if (by_packet)
		send_packet(f, f->control[0], wire_encode_stop(&stop, &f->out), NULL, 0);
	else
		close(f->control[0]);
	ck_assert_int_eq(waitpid(f->pool, &status, 0), f->pool);
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	snprintf(command, sizeof(command), "rm -rf '%s'", f->base);
	ck_assert_int_eq(system(command), 0);
	str_free(&f->out);
}

static int message(void)
{
	int fd = memfd_create("message", 0);
	ck_assert_int_eq(fd_write_all(fd, SPAN(HEAD BODY)), 0);
	return fd;
}

#endif
