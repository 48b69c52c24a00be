/*
 * Filters for tests of smtpd: threads at the other end of a socket pair, which answer each command of the milter
 * protocol as a table says, and note what they see.
 */
#ifndef T_UNIT_FILTER_FIXTURE_H
#define T_UNIT_FILTER_FIXTURE_H

#include <check.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "smtpd/milter/filters.h"

enum { FAKE_SEEN_MAX = 4 << 20, FAKE_ANSWER_MAX = 4 << 20, FAKE_CONNECTIONS_MAX = 64, FAKE_COUNT = 3 };

/* What a filter does at a command beside its answer. */
enum fake_deed { FAKE_ANSWERS, FAKE_DIES, FAKE_STALLS, FAKE_STOPS_US, FAKE_READS_NO_MORE };

struct fake {
	const char *name;
	int absent;                 /* it can't be reached: errno; 0: it can */
	uint32_t actions, protocol; /* of the negotiation; actions 0 = all */
	struct str answers[128];    /* packets; empty = `continue` */
	enum fake_deed deeds[128];
	struct str letters; /* of all commands, in their order, without D */
	struct str seen;    /* "X data" LF for each of them; NUL as | */
	struct str macros;  /* the same of D */
	pthread_t threads[FAKE_CONNECTIONS_MAX];
	int fds[FAKE_CONNECTIONS_MAX];
	unsigned connections;
};

static struct fake fakes[FAKE_COUNT];
static volatile sig_atomic_t fake_stop, fake_waiting_fd = -1;

/* The packet of an answer, at the end of what the filter sends for COMMAND. */
static inline void fake_answer(struct fake *f, char command, char letter, const char *data, size_t len)
{
	struct str *to = &f->answers[(unsigned char)command];
	size_t at = milter_wrap(to, letter);
	str_append(to, (struct span){data, len});
	milter_wrap_end(to, at);
}
#define FAKE_ANSWER(f, command, letter, literal) fake_answer(f, command, letter, literal, sizeof(literal) - 1)

static inline bool fake_read(int fd, char *to, size_t n)
{
	for (size_t got = 0; got < n;) {
		ssize_t part = read(fd, to + got, n - got);
		if (part <= 0)
			return false;
		got += (size_t)part;
	}
	return true;
}

static inline void fake_note(struct str *to, char letter, struct span data)
{
	str_printf(to, "%c ", letter);
	for (size_t i = 0; i < data.len; i++)
		str_append_c(to, data.at[i] ? data.at[i] : '|');
	str_append_c(to, '\n');
}

static inline bool fake_is_mute(const struct fake *f, char letter)
{
	const uint32_t bits[128] = {['C'] = MILTER_MUTE_CONNECT, ['H'] = MILTER_MUTE_HELO, ['M'] = MILTER_MUTE_MAIL,
				    ['R'] = MILTER_MUTE_RCPT,    ['T'] = MILTER_MUTE_DATA, ['U'] = MILTER_MUTE_UNKNOWN,
				    ['L'] = MILTER_MUTE_HEADER,  ['N'] = MILTER_MUTE_EOH,  ['B'] = MILTER_MUTE_BODY};
	return strchr("AQD", letter) || f->protocol & bits[(unsigned char)letter];
}

static inline void fake_negotiate(const struct fake *f, struct str *to)
{
	size_t at = milter_wrap(to, 'O');
	milter_put_u32(to, MILTER_VERSION);
	milter_put_u32(to, f->actions ? f->actions : MILTER_ACTIONS);
	milter_put_u32(to, f->protocol);
	milter_wrap_end(to, at);
}

/* False: the connection ends. */
static inline bool fake_react(struct fake *f, int fd, char letter)
{
	struct str usual, *answer = &f->answers[(unsigned char)letter];
	bool ok = true;
	str_init(&usual, FAKE_ANSWER_MAX);
	if (f->deeds[(unsigned char)letter] == FAKE_DIES)
		return false;
	if (f->deeds[(unsigned char)letter] == FAKE_STOPS_US) {
		while (fake_waiting_fd == -1)
			usleep(100);
		fake_stop = 1;
		shutdown(fake_waiting_fd, SHUT_RD);
	}
	if (f->deeds[(unsigned char)letter] == FAKE_READS_NO_MORE) {
		struct pollfd end = {.fd = fd};
		poll(&end, 1, -1);
		return false;
	}
	if (f->deeds[(unsigned char)letter] != FAKE_ANSWERS)
		return true;
	if (letter == 'O')
		fake_negotiate(f, &usual);
	else if (!fake_is_mute(f, letter))
		milter_wrap_end(&usual, milter_wrap(&usual, 'c'));
	if (!answer->len)
		answer = &usual;
	size_t len = answer->len; /* a test may change the answers as soon as this one is sent */
	if (len)
		ok = send(fd, answer->at, len, MSG_NOSIGNAL) == (ssize_t)len;
	str_free(&usual);
	return ok && letter != 'Q';
}

struct fake_connection {
	struct fake *fake;
	int fd;
};

static inline void *fake_serve(void *context)
{
	struct fake_connection c = *(struct fake_connection *)context;
	static _Thread_local char data[MILTER_PACKET_MAX];
	char head[MILTER_HEAD];
	bool goes_on = true;
	free(context);
	while (goes_on && fake_read(c.fd, head, sizeof(head))) {
		struct span size = {head, 4};
		uint32_t length = 0;
		milter_get_u32(&size, &length);
		if (!fake_read(c.fd, data, length - 1))
			break;
		fake_note(head[4] == 'D' ? &c.fake->macros : &c.fake->seen, head[4], (struct span){data, length - 1});
		if (head[4] == 'D')
			continue;
		str_append_c(&c.fake->letters, head[4]);
		goes_on = fake_react(c.fake, c.fd, head[4]);
	}
	shutdown(c.fd, SHUT_RDWR);
	return NULL;
}

static inline struct fake *fake_find(const char *name)
{
	for (size_t i = 0; i < FAKE_COUNT; i++)
		if (fakes[i].name && !strcmp(fakes[i].name, name))
			return &fakes[i];
	return NULL;
}

static inline int fake_dial(void *context, const struct config_filter *filter, int64_t until, char *why, size_t size)
{
	struct fake *f = fake_find(filter->name);
	int ends[2];
	(void)context;
	(void)until;
	ck_assert_ptr_nonnull(f);
	if (f->absent) {
		snprintf(why, size, "nobody listens");
		return -f->absent;
	}
	ck_assert_uint_lt(f->connections, FAKE_CONNECTIONS_MAX);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	struct fake_connection *c = malloc(sizeof(*c));
	*c = (struct fake_connection){f, ends[1]};
	f->fds[f->connections] = ends[1];
	ck_assert_int_eq(pthread_create(&f->threads[f->connections++], NULL, fake_serve, c), 0);
	return ends[0];
}

static const struct filter_services fake_services = {
	.dial = fake_dial, .stop = &fake_stop, .waiting_fd = &fake_waiting_fd};

static inline struct fake *fake_begin(size_t i, const char *name)
{
	struct fake *f = &fakes[i];
	*f = (struct fake){.name = name};
	for (size_t letter = 0; letter < 128; letter++)
		str_init(&f->answers[letter], FAKE_ANSWER_MAX);
	str_init(&f->letters, FAKE_SEEN_MAX);
	str_init(&f->seen, FAKE_SEEN_MAX);
	str_init(&f->macros, FAKE_SEEN_MAX);
	return f;
}

/* Waits for the ends of all connections: call it after filters_end. Then `letters` and the like may be read. */
static inline void fake_join(void)
{
	for (size_t i = 0; i < FAKE_COUNT; i++) {
		for (unsigned n = 0; n < fakes[i].connections; n++) {
			pthread_join(fakes[i].threads[n], NULL);
			close(fakes[i].fds[n]);
		}
		fakes[i].connections = 0;
	}
}

static inline void fake_free(void)
{
	fake_join();
	for (size_t i = 0; i < FAKE_COUNT; i++) {
		for (size_t letter = 0; letter < 128; letter++)
			str_free(&fakes[i].answers[letter]);
		str_free(&fakes[i].letters);
		str_free(&fakes[i].seen);
		str_free(&fakes[i].macros);
		fakes[i].name = NULL;
	}
	fake_stop = 0;
}

#endif
