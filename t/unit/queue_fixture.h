/*
 * A queue in a folder of its own, whose loop the test runs step by step. The clock stands still unless the test moves
 * it. Workers and resolver are ends of socket pairs that the test holds.
 */
#ifndef T_UNIT_QUEUE_FIXTURE_H
#define T_UNIT_QUEUE_FIXTURE_H

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/fd.h"
#include "queue/arrivals.h"
#include "queue/attempt/attempt.h"
#include "queue/attempt/queue.h"
#include "queue/attempt/resolve.h"
#include "queue/attempt/resolved.h"
#include "queue/attempt/verdicts.h"
#include "queue/links.h"
#include "queue/loop.h"
#include "queue/model/job.h"
#include "queue/model/loaded.h"
#include "queue/reload.h"
#include "t/unit/suite.h"

enum { TURNS_MAX = 2000, MINUTE = 60 * 1000, HOUR = 60 * MINUTE };

struct fixture {
	char dir[64];
	char extra[2048];
	struct child child;
	struct loop loop;
	int64_t start_wall_ms; /* about now, because the kernel stamps files with the real time; a whole second */
	int arrivals[2], verdicts[2]; /* [0] is that of the queue */
	int resolver;                 /* the other end */
	uint32_t workers;
	unsigned made; /* message ids */
};
static struct fixture f;

/* A worker as the test plays it. */
struct hand {
	int fd;
	uint32_t number;
	char buffer[WIRE_PACKET_MAX];
	int message, journal; /* descriptor of the last job; -1 = none */
};

static inline const char *path_of(const char *format, ...) __attribute__((format(printf, 1, 2)));
static inline const char *path_of(const char *format, ...)
{
	static char path[512];
	va_list args;
	size_t n = (size_t)snprintf(path, sizeof(path), "%s/test/", f.dir);
	va_start(args, format);
	vsnprintf(path + n, sizeof(path) - n, format, args);
	va_end(args);
	return path;
}

static inline bool exists(const char *path)
{
	struct stat st;
	return lstat(path, &st) == 0;
}

static inline void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fd_write_all(fd, span_of(text)), 0);
	close(fd);
}

/* The content of a file, "" if there is none; valid until the next call. */
static inline const char *read_file(const char *path)
{
	static char text[65536];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);
	text[n > 0 ? n : 0] = '\0';
	if (fd >= 0)
		close(fd);
	return text;
}

static inline struct str config_text(const char *extra)
{
	struct str text;
	str_init(&text, 1 << 16);
	str_printf(&text,
		   "mailroot_dir %s\nvirtual_server test {\n listen 127.0.0.1:2525\n fqdn mx.example.com\n"
		   " default_domain example.com\n %s\n}\n",
		   f.dir, extra);
	return text;
}

static inline void build_config(const char *extra, struct config *out)
{
	struct config_report report = {0};
	struct str text = config_text(extra);
	str_init(&report.text, 1 << 16);
	struct config_tree *tree = config_read_text("test.conf", str_span(&text), &report);
	ck_assert_msg(config_build(tree, "mx.example.com", out, &report), "%s", str_text(&report.text));
	config_tree_free(tree);
	str_free(&report.text);
	str_free(&text);
}

/* Runs the loop until nothing is left to do at once. */
static inline void turn(void)
{
	for (int i = 0; i < TURNS_MAX; i++) {
		arrivals_receive(&f.loop);
		verdicts_receive(&f.loop.queue);
		if (loop_turn(&f.loop) > 0)
			return;
	}
	ck_abort_msg("the queue loops");
}

static inline void pass(int64_t ms)
{
	f.loop.queue.mono_ms += ms;
	f.loop.queue.wall_ms += ms;
	turn();
}

static inline void queue_begin(void)
{
	int64_t mono = f.loop.queue.mono_ms, wall = f.loop.queue.wall_ms;
	memset(&f.loop, 0, sizeof(f.loop));
	f.loop.queue.clock_stands = true;
	f.loop.queue.mono_ms = mono ? mono : 5000000;
	f.loop.queue.wall_ms = wall ? wall : f.start_wall_ms;
	ck_assert(loop_open(&f.loop, &f.child, f.arrivals[0], f.verdicts[0]));
}

/* The queue process dies and a new one starts; its loop has not run yet. */
static inline void restart(void)
{
	loop_close(&f.loop);
	fd_close(&f.resolver);
	queue_begin();
}

static inline void fixture_open(const char *extra)
{
	static const char *const folders[] = {"", "new", "cur", "drop", "badmail", "sales"};
	memset(&f, 0, sizeof(f));
	f.resolver = -1;
	f.start_wall_ms = clock_wall_ms() / 1000 * 1000;
	strcpy(f.dir, "/tmp/mailroot-queue-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(f.dir));
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
		ck_assert_int_eq(mkdir(path_of("%s", folders[i]), 0755), 0);
	snprintf(f.extra, sizeof(f.extra), "%s", extra);
	build_config(f.extra, &f.child.config);
	f.child.role = CHILD_QUEUE;
	f.child.server_name = "test";
	f.child.server = &f.child.config.servers[0];
	ck_assert_int_eq(ipc_pair(f.arrivals, 1 << 20), 0);
	ck_assert_int_eq(ipc_pair(f.verdicts, 1 << 20), 0);
	queue_begin();
	turn();
}

static inline int remove_entry(const char *path, const struct stat *st, int type, struct FTW *walk)
{
	(void)st, (void)type, (void)walk;
	return remove(path);
}

static inline void fixture_close(void)
{
	loop_close(&f.loop);
	fd_close(&f.resolver);
	for (int i = 0; i < 2; i++) {
		fd_close(&f.arrivals[i]);
		fd_close(&f.verdicts[i]);
	}
	config_free(&f.child.config);
	nftw(f.dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

/* A fresh id, made AGE_MS ago. */
static inline void make_id(int64_t age_ms, char *to)
{
	unsigned char random[MSGID_RANDOM] = {0};
	f.made++;
	memcpy(random, &f.made, sizeof(f.made));
	msgid_make(f.loop.queue.wall_ms - age_ms, random, to);
}

static inline const char *name_of(const char *id, size_t size)
{
	static char name[MSGNAME_MAX];
	struct msgname parts = {.size = size};
	memcpy(parts.id, id, sizeof(parts.id));
	msgname_format(&parts, name);
	return name;
}

/*
 * Writes a message from SENDER to RCPTS (separated by spaces; "!" behind one: an expanded alias) as a file in FOLDER.
 * REASON: its envelope says that it is held; NULL = it is not. Returns its size.
 */
static inline size_t put_held(const char *folder, const char *id, const char *sender, const char *rcpts,
			      const char *reason)
{
	struct str text;
	struct span rest = span_of(rcpts);
	str_init(&text, 1 << 20);
	envelope_write_sender(&text, span_of(sender));
	if (reason)
		envelope_write_hold(&text, span_of(reason));
	while (rest.len) {
		struct span rcpt = span_take(&rest, ' ');
		const struct dsn_rcpt dsn = {.expanded = rcpt.at[rcpt.len - 1] == '!'};
		rcpt.len -= dsn.expanded;
		envelope_write_rcpt(&text, rcpt);
		envelope_write_dsn_rcpt(&text, &dsn);
	}
	str_append_text(&text,
			"Received: from test by mx.example.com; Sat, 21 Nov 2026 10:00:00 +0000\r\n\r\nhello\r\n");
	size_t size = text.len;
	write_file(path_of("%s/%s", folder, name_of(id, size)), str_text(&text));
	str_free(&text);
	return size;
}

static inline size_t put_message(const char *folder, const char *id, const char *sender, const char *rcpts)
{
	return put_held(folder, id, sender, rcpts, NULL);
}

static inline void say_arrived(const char *id, size_t size)
{
	const struct wire_arrived arrived = {.name = span_of(name_of(id, size))};
	struct str packet;
	str_init(&packet, 256);
	ck_assert(wire_encode_arrived(&arrived, &packet));
	ck_assert_int_eq(ipc_send(f.arrivals[1], str_span(&packet), NULL, 0), 0);
	str_free(&packet);
}

/* Puts a message that was accepted AGE_MS ago into new/, and announces it. Fills in ID and returns the size. */
static inline size_t accept_message(char *id, int64_t age_ms, const char *sender, const char *rcpts)
{
	make_id(age_ms, id);
	size_t size = put_message("new", id, sender, rcpts);
	say_arrived(id, size);
	turn();
	return size;
}

static inline struct hand *hire(struct pool *pool)
{
	struct hand *hand = calloc(1, sizeof(*hand));
	int ends[2];
	ck_assert_ptr_nonnull(hand);
	ck_assert_int_eq(ipc_pair(ends, 1 << 18), 0);
	fd_set_nonblock(ends[0], true);
	hand->fd = ends[1];
	hand->number = ++f.workers;
	hand->message = hand->journal = -1;
	ck_assert_ptr_nonnull(pool_add(pool, hand->number, ends[0], f.loop.queue.mono_ms));
	return hand;
}

static inline void let_go(struct hand *hand)
{
	fd_close(&hand->message);
	fd_close(&hand->journal);
}

/* The next job of HAND, WIRE_NONE if there is none; its text is in hand->buffer. */
static inline enum wire_type next_job(struct hand *hand, struct span *text)
{
	struct ipc_packet packet;
	turn();
	if (ipc_receive(hand->fd, hand->buffer, sizeof(hand->buffer), MSG_DONTWAIT, &packet) < 0)
		return WIRE_NONE;
	let_go(hand);
	hand->message = packet.fd_count > 0 ? packet.fds[0] : -1;
	hand->journal = packet.fd_count > 1 ? packet.fds[1] : -1;
	*text = packet.text;
	return wire_type_of(packet.text);
}

static inline void expect_smtp(struct hand *hand, struct wire_job_smtp *job)
{
	struct span text;
	ck_assert_int_eq(next_job(hand, &text), WIRE_job_smtp);
	ck_assert(wire_decode_job_smtp(text, job));
	ck_assert_int_ge(hand->message, 0);
}

static inline void expect_nothing(struct hand *hand)
{
	struct span text;
	ck_assert_int_eq(next_job(hand, &text), WIRE_NONE);
}

/* Sends a verdict on the link; the loop has not run yet. */
static inline void send_verdict(const struct wire_verdict *verdict)
{
	struct str packet;
	str_init(&packet, 4096);
	ck_assert(wire_encode_verdict(verdict, &packet));
	ck_assert_int_eq(ipc_send(f.verdicts[1], str_span(&packet), NULL, 0), 0);
	str_free(&packet);
}

/* HAND reports on recipients FIRST to LAST of ID and, at the end of its job, releases the message. */
static inline void report(struct hand *hand, const char *id, unsigned first, unsigned last, enum journal_event event,
			  unsigned code, bool last_of_job)
{
	const struct wire_verdict verdict = {.id = span_of(id),
					     .worker = hand->number,
					     .first = first,
					     .last = last,
					     .event = event,
					     .code = code,
					     .enhanced = code >= 500   ? SPAN("5.1.1")
							 : code >= 400 ? SPAN("4.2.0")
								       : SPAN("2.0.0"),
					     .host = SPAN("host.test[192.0.2.1]:25"),
					     .text = SPAN("said so"),
					     .last_of_job = last_of_job,
					     .connected = code != 0};
	send_verdict(&verdict);
	if (last_of_job)
		let_go(hand);
	turn();
}

/* The worker's process ends. */
static inline void die(struct hand *hand, struct pool *pool)
{
	struct worker_list *const lists[] = {&pool->busy, &pool->connected, &pool->fresh};
	struct worker *w = NULL;
	let_go(hand);
	fd_close(&hand->fd);
	for (size_t i = 0; i < 3 && !w; i++)
		TAILQ_FOREACH(w, lists[i], place)
	if (w->number == hand->number)
		break;
	ck_assert_ptr_nonnull(w);
	ck_assert(!links_worker(&f.loop.queue, w));
	free(hand);
	turn();
}

static inline void dismiss(struct hand *hand)
{
	let_go(hand);
	fd_close(&hand->fd);
	free(hand);
}

/* log_kept reads what is logged from now on. */
static inline void log_keep(void)
{
	int fd = memfd_create("log", MFD_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_ge(dup2(fd, STDERR_FILENO), 0);
	close(fd);
}

static inline const char *log_kept(void)
{
	static char text[65536];
	ssize_t n = pread(STDERR_FILENO, text, sizeof(text) - 1, 0);
	text[n > 0 ? n : 0] = '\0';
	return text;
}

static inline struct message *known(const char *id)
{
	return message_find(&f.loop.queue.messages, id);
}

/* Another process that holds the lock of a message file. */
static inline bool locked(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	bool taken = flock(fd, LOCK_EX | LOCK_NB) < 0;
	close(fd);
	return taken;
}

/* Sends the configuration EXTRA as master does. */
static inline int canonical(const char *extra)
{
	struct config_report told = {0};
	struct str text = config_text(extra), to;
	str_init(&told.text, 1 << 16);
	str_init(&to, 1 << 20);
	struct config_tree *tree = config_read_text("test.conf", str_span(&text), &told);
	config_tree_write(tree, "mx.example.com", "test", ROLE_QUEUE, &to);
	int fd = fd_sealed("config", str_span(&to));
	ck_assert_int_ge(fd, 0);
	config_tree_free(tree);
	str_free(&told.text);
	str_free(&text);
	str_free(&to);
	return fd;
}

#endif
