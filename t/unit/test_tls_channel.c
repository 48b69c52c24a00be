/* A session after its handshake: time-outs, ends, sends that don't block, renegotiation, key updates. */
#include "t/unit/channel_fixture.h"

#include <errno.h>
#include <poll.h>

#include "common/base/clock.h"
#include "common/base/fd.h"

/* A time-out ends a wait for the rest of a record too, and the last reply still arrives. */
START_TEST(test_time_out_then_last_words)
{
	struct span line;
	bool bare;
	SSL *ssl = secured();
	BIO *out = BIO_new(BIO_s_mem());
	char record[256];
	SSL_set0_wbio(ssl, out);
	SSL_write(ssl, "NOOP\r\n", 6);
	int len = BIO_read(out, record, sizeof(record));
	ck_assert_int_gt(len, 10);
	ck_assert_int_eq(send(ends[1], record, (size_t)len - 1, 0), len - 1);

	stream_deadline(&stream, HASTE_MS);
	ck_assert_int_eq(stream_line(&stream, 100, &line, &bare), STREAM_TIMEOUT);
	stream_write(&stream, SPAN("421 time\r\n"));
	ck_assert_int_eq(stream_flush(&stream), STREAM_OK);
	hear(ssl, "421 time\r\n");

	stream_deadline(&stream, PATIENCE_MS);
	ck_assert_int_eq(send(ends[1], record + len - 1, 1, 0), 1);
	expect_line("NOOP");
	SSL_free(ssl);
}
END_TEST

START_TEST(test_end_without_notify)
{
	struct span line;
	bool bare;
	SSL *ssl = secured();
	SSL_write(ssl, "last\r\nhalf", 10);
	shutdown(ends[1], SHUT_WR);
	expect_line("last");
	ck_assert_int_eq(stream_line(&stream, 100, &line, &bare), STREAM_EOF);
	stream_write(&stream, SPAN("421 bye\r\n"));
	ck_assert_int_eq(stream_flush(&stream), STREAM_OK);
	hear(ssl, "421 bye\r\n");
	SSL_free(ssl);
}
END_TEST

/* CVE-2026-45185: clear octets after close_notify are ignored. */
START_TEST(test_clear_behind_notify)
{
	struct span line;
	bool bare;
	SSL *ssl = secured();
	SSL_write(ssl, "half", 4);
	SSL_shutdown(ssl);
	send_octets(" a line\r\nMAIL FROM:<x@y>\r\n");
	ck_assert_int_eq(stream_line(&stream, 100, &line, &bare), STREAM_EOF);
	ck_assert_int_eq(stream_line(&stream, 100, &line, &bare), STREAM_EOF);
	SSL_free(ssl);
}
END_TEST

START_TEST(test_clear_without_notify)
{
	struct span line;
	bool bare;
	SSL *ssl = secured();
	send_octets("MAIL FROM:<x@y>\r\n");
	ck_assert_int_eq(stream_line(&stream, 100, &line, &bare), STREAM_ERROR);
	ck_assert_int_eq(errno, EPROTO);
	stream_write(&stream, SPAN("250 OK\r\n"));
	ck_assert_int_eq(stream_flush(&stream), STREAM_ERROR);
	SSL_free(ssl);
}
END_TEST

/* After the close: close_notify, then nothing; no octet is sent in clear, whatever function is called. */
START_TEST(test_close)
{
	char octets[256];
	struct span rest;
	SSL *ssl = secured();
	tls_channel_close(&channel);
	stream_write(&stream, SPAN("250 in clear\r\n"));
	ck_assert_int_eq(stream_flush(&stream), STREAM_ERROR);
	send_octets("raw");
	ck_assert_int_eq(SSL_read(ssl, octets, sizeof(octets)), 0);
	ck_assert_int_eq(SSL_get_error(ssl, 0), SSL_ERROR_ZERO_RETURN);
	ck_assert_int_eq(recv(ends[1], octets, sizeof(octets), MSG_DONTWAIT), -1);
	stream.failed = false;
	ck_assert_int_eq(stream_peek(&stream, &rest), STREAM_OK);
	ck_assert(span_equal(rest, SPAN("raw")));
	SSL_free(ssl);
}
END_TEST

/* The peer does not read, so close_notify finds no room: the close does not wait. */
START_TEST(test_close_without_room)
{
	char block[STREAM_OUT] = {0};
	SSL *ssl = secured();
	while (stream_send_now(&stream, (struct span){block, sizeof(block)}) > 0)
		;
	ck_assert_int_eq(errno, EAGAIN);
	int64_t began = clock_mono_ms();
	tls_channel_close(&channel);
	ck_assert_int_lt(clock_mono_ms() - began, PATIENCE_MS / 2);
	SSL_free(ssl);
}
END_TEST

START_TEST(test_silent)
{
	struct span line;
	bool bare;
	SSL *ssl = secured();
	ck_assert(stream_silent(&stream));
	SSL_write(ssl, "x\r\n", 3);
	ck_assert(!stream_silent(&stream));
	expect_line("x");
	ck_assert(stream_silent(&stream));
	SSL_shutdown(ssl);
	ck_assert(!stream_silent(&stream));
	ck_assert_int_eq(stream_line(&stream, 100, &line, &bare), STREAM_EOF);
	SSL_free(ssl);
}
END_TEST

struct reader {
	SSL *ssl;
	size_t wanted;
	bool right;
};

static char octet_at(size_t i)
{
	return (char)(i * 7 + i / 251);
}

static void *read_all(void *context)
{
	struct reader *r = context;
	char block[5000];
	size_t at = 0;
	r->right = true;
	while (at < r->wanted) {
		int n = SSL_read(r->ssl, block, sizeof(block));
		if (n <= 0)
			break;
		for (int i = 0; i < n; i++)
			r->right = r->right && block[i] == octet_at(at++);
	}
	r->right = r->right && at == r->wanted;
	return NULL;
}

/* A megabyte in pieces of all sizes, begun while the peer does not read: EAGAIN, the same octets again, and none
 * lost. */
START_TEST(test_send_now)
{
	enum { ALL = 1 << 20 };
	char *text = malloc(ALL);
	struct reader reader = {.ssl = secured(), .wanted = ALL};
	pthread_t thread = 0;
	unsigned refused = 0;
	for (size_t i = 0; i < ALL; i++)
		text[i] = octet_at(i);
	for (size_t at = 0; at < ALL;) {
		size_t size = at % 40000 + 1;
		ssize_t n = stream_send_now(&stream, (struct span){text + at, size < ALL - at ? size : ALL - at});
		ck_assert(n > 0 || errno == EAGAIN);
		if (n > 0) {
			at += (size_t)n;
			continue;
		}
		if (!refused++)
			ck_assert_int_eq(pthread_create(&thread, NULL, read_all, &reader), 0);
		poll(NULL, 0, 1);
	}
	ck_assert_uint_gt(refused, 0);
	pthread_join(thread, NULL);
	ck_assert(reader.right);
	SSL_free(reader.ssl);
	free(text);
}
END_TEST

/* The client asks for renegotiation again and again and is refused; the session continues. */
START_TEST(test_renegotiation)
{
	SSL_CTX_set_max_proto_version(client_context, TLS1_2_VERSION);
	SSL *ssl = secured();
	ck_assert_int_eq(SSL_renegotiate(ssl), 1);
	/* The new ClientHello is sent at once; it is not read yet. */
	ck_assert_int_eq(fd_set_nonblock(ends[1], true), 0);
	ck_assert_int_ne(SSL_do_handshake(ssl), 1);
	ck_assert(stream_silent(&stream));
	ck_assert(SSL_is_init_finished(channel.ssl));
	ck_assert_int_eq(SSL_num_renegotiations(channel.ssl), 0);
	stream_write(&stream, SPAN("250 OK\r\n"));
	ck_assert_int_eq(stream_flush(&stream), STREAM_OK);
	SSL_free(ssl);
}
END_TEST

enum { FLOOD = 3000, FEW = 50 };

struct flood {
	SSL *ssl;
	bool reads;
	_Atomic bool over; /* the other end has had enough */
};

/* The socket is full when the other end is slow. */
static bool wait_for_room(const struct flood *f)
{
	struct pollfd room = {.fd = ends[1], .events = POLLOUT};
	int ready = 0;
	while (!f->over && !ready)
		ready = poll(&room, 1, 10);
	return !f->over && ready > 0 && room.revents == POLLOUT;
}

/* Key updates again and again, each requesting one of ours, then a line. */
static void *ask_for_keys(void *context)
{
	const struct flood *f = context;
	char octet;
	fd_set_nonblock(ends[1], true);
	for (unsigned i = 0; i < (f->reads ? FEW : FLOOD); i++) {
		SSL_key_update(f->ssl, SSL_KEY_UPDATE_REQUESTED);
		int done;
		do
			done = SSL_do_handshake(f->ssl);
		while (done != 1 && SSL_get_error(f->ssl, done) == SSL_ERROR_WANT_WRITE && wait_for_room(f));
		if (done != 1)
			break;
		if (f->reads)
			SSL_read(f->ssl, &octet, 1);
	}
	if (f->reads)
		SSL_write(f->ssl, "NOOP\r\n", 6);
	return NULL;
}

/* A few are served; a client that continues is disconnected, although the layer above sees no input to count. */
START_TEST(test_key_updates)
{
	struct span line;
	bool bare;
	struct flood flood = {.ssl = secured(), .reads = _i};
	pthread_t thread;
	int64_t began = clock_mono_ms();
	stream_deadline(&stream, PATIENCE_MS);
	ck_assert_int_eq(pthread_create(&thread, NULL, ask_for_keys, &flood), 0);
	enum stream_result result = stream_line(&stream, 100, &line, &bare);
	int64_t took_ms = clock_mono_ms() - began;
	flood.over = true;
	pthread_join(thread, NULL);
	ck_assert_int_eq(result, flood.reads ? STREAM_OK : STREAM_ERROR);
	ck_assert_int_lt(took_ms, PATIENCE_MS / 2);
	SSL_free(flood.ssl);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("tls_channel");
	TCase *tcase = tcase_create("channel");
	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, test_time_out_then_last_words);
	tcase_add_test(tcase, test_end_without_notify);
	tcase_add_test(tcase, test_clear_behind_notify);
	tcase_add_test(tcase, test_clear_without_notify);
	tcase_add_test(tcase, test_close);
	tcase_add_test(tcase, test_close_without_room);
	tcase_add_test(tcase, test_silent);
	tcase_add_test(tcase, test_send_now);
	tcase_add_test(tcase, test_renegotiation);
	tcase_add_loop_test(tcase, test_key_updates, 0, 2);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
