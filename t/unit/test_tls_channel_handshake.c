/* Handshakes with good, old, bad and slow clients, and what a channel tells of them. */
#include "t/unit/channel_fixture.h"

#include <poll.h>

#include "common/base/clock.h"

START_TEST(test_facts_and_bindings)
{
	unsigned char ours[TLS_BINDING_MAX], theirs[TLS_BINDING_MAX];
	struct tls_facts facts;
	bool tls13 = _i;
	SSL_CTX_set_max_proto_version(client_context, tls13 ? TLS1_3_VERSION : TLS1_2_VERSION);
	ck_assert_uint_eq(tls_channel_binding(&channel, true, ours), 0);
	SSL *ssl = secured();
	tls_channel_facts(&channel, &facts);
	ck_assert_str_eq(facts.version, tls13 ? "TLSv1.3" : "TLSv1.2");
	ck_assert_str_eq(facts.cipher, SSL_get_cipher_name(ssl));
	ck_assert_int_eq(facts.bits, 256);
	ck_assert(!facts.resumed);

	size_t len = tls_channel_binding(&channel, tls13, ours);
	ck_assert_uint_eq(tls_channel_binding(&channel, !tls13, theirs), 0);
	if (tls13)
		ck_assert_int_eq(
			SSL_export_keying_material(ssl, theirs, 32, "EXPORTER-Channel-Binding", 24, NULL, 0, 0), 1);
	else
		ck_assert_uint_eq(SSL_get_finished(ssl, theirs, sizeof(theirs)), len);
	ck_assert_uint_eq(len, tls13 ? 32 : 12);
	ck_assert_mem_eq(ours, theirs, len);

	SSL_write(ssl, "hello\r\n", 7);
	expect_line("hello");
	ck_assert_int_eq(stream_write(&stream, SPAN("250 OK\r\n")), STREAM_OK);
	ck_assert_int_eq(stream_flush(&stream), STREAM_OK);
	hear(ssl, "250 OK\r\n");
	SSL_free(ssl);
}
END_TEST

START_TEST(test_garbage)
{
	static const char *const garbage[] = {"EHLO client.example.com\r\n", "GET / HTTP/1.0\r\n\r\n",
					      "\x16\x03\x01\xff\xff\x01",
					      "\x99\x99\x99\x99\x99\x99\x99\x99\x99\x99\x99"};
	stream_deadline(&stream, HASTE_MS * 10);
	ck_assert_int_eq(against(send_octets, (void *)garbage[_i]), TLS_FAILED);
	ck_assert_msg(why[0], "no reason is given");
	if (_i < 2)
		ck_assert_str_eq(why, "the client does not speak TLS");
}
END_TEST

static void fail_to_shake(void *ssl)
{
	SSL_set_fd(ssl, ends[1]);
	ck_assert_int_ne(SSL_connect(ssl), 1);
}

START_TEST(test_old_client)
{
	SSL_CTX_set_security_level(client_context, 0);
	SSL_CTX_set_min_proto_version(client_context, TLS1_VERSION);
	SSL_CTX_set_max_proto_version(client_context, TLS1_1_VERSION);
	SSL_CTX_set_cipher_list(client_context, "ALL:@SECLEVEL=0");
	SSL *ssl = SSL_new(client_context);
	ck_assert_int_eq(against(fail_to_shake, ssl), TLS_FAILED);
	ck_assert_str_eq(why, "the client supports only TLSv1.1; the oldest version permitted here is TLSv1.2 "
			      "(tls_min)");
	SSL_free(ssl);
}
END_TEST

START_TEST(test_no_cipher)
{
	SSL_CTX_set_max_proto_version(client_context, TLS1_2_VERSION);
	SSL_CTX_set_cipher_list(client_context, "AES128-SHA");
	SSL *ssl = SSL_new(client_context);
	ck_assert_int_eq(against(fail_to_shake, ssl), TLS_FAILED);
	ck_assert_ptr_nonnull(strstr(why, "no permitted cipher"));
	SSL_free(ssl);
}
END_TEST

/* A client that rejects our certificate sends an alert. */
START_TEST(test_alert)
{
	SSL_CTX_set_verify(client_context, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_max_proto_version(client_context, TLS1_2_VERSION);
	SSL *ssl = SSL_new(client_context);
	ck_assert_int_eq(against(fail_to_shake, ssl), TLS_FAILED);
	ck_assert_ptr_nonnull(strstr(why, "it does not accept our certificate"));
	SSL_free(ssl);
}
END_TEST

static void hang_up(void *how)
{
	send_octets("\x16\x03\x01");
	shutdown(ends[1], *(int *)how);
}

START_TEST(test_hung_up)
{
	int how = SHUT_WR;
	ck_assert_int_eq(against(hang_up, &how), TLS_CLOSED);
	ck_assert_ptr_nonnull(strstr(why, "closed the connection"));
}
END_TEST

static void client_hello(unsigned char *to, size_t size, size_t *len)
{
	SSL *ssl = SSL_new(client_context);
	BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());
	SSL_set_bio(ssl, in, out);
	SSL_connect(ssl);
	int n = BIO_read(out, to, (int)size);
	ck_assert_int_gt(n, 100);
	*len = (size_t)n;
	SSL_free(ssl);
}

/* One octet at a time, each within the idle time. */
static void trickle(void *ended)
{
	unsigned char hello[4096];
	size_t len;
	client_hello(hello, sizeof(hello), &len);
	for (size_t i = 0; i < len && !*(volatile bool *)ended; i++) {
		if (send(ends[1], hello + i, 1, MSG_NOSIGNAL) != 1)
			return;
		poll(NULL, 0, 10);
	}
}

static void *accept_and_note(void *ended)
{
	enum tls_result result = tls_channel_accept(&channel, why);
	*(volatile bool *)ended = true;
	return (void *)(intptr_t)result;
}

START_TEST(test_trickle)
{
	volatile bool ended = false;
	pthread_t thread;
	void *result;
	int64_t began = clock_mono_ms();
	stream_deadline(&stream, HASTE_MS);
	ck_assert_int_eq(pthread_create(&thread, NULL, accept_and_note, (void *)&ended), 0);
	trickle((void *)&ended);
	pthread_join(thread, &result);
	ck_assert_int_eq((intptr_t)result, TLS_TIMEOUT);
	ck_assert_str_eq(why, "the client did not finish the handshake in time");
	ck_assert_int_ge(clock_mono_ms() - began, HASTE_MS);
	ck_assert_int_lt(clock_mono_ms() - began, HASTE_MS * 20);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("tls_channel_handshake");
	TCase *tcase = tcase_create("channel");
	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_loop_test(tcase, test_facts_and_bindings, 0, 2);
	tcase_add_loop_test(tcase, test_garbage, 0, 4);
	tcase_add_test(tcase, test_old_client);
	tcase_add_test(tcase, test_no_cipher);
	tcase_add_test(tcase, test_alert);
	tcase_add_test(tcase, test_hung_up);
	tcase_add_test(tcase, test_trickle);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
