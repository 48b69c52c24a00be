/* The signer: what it says of its keys, what it signs, and clients that were taken over. */
#include <errno.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "common/base/fd.h"
#include "common/ipc/ipc.h"
#include "delivery/auth/signer_process.h"
#include "t/unit/signer_fixture.h"
#include "t/unit/suite.h"

static const uint8_t hash[DKIM_HASH] = "thirty-two octets to be signed..";

static int ask(int link, size_t key, uint8_t *signature)
{
	return signer_ask(&signer, link, &signer.keys[key], hash, clock_mono_ms() + ANSWER_MS, signature);
}

/* The signer gives the signature that the key makes, on a link of LINK's. */
static void expect_service(int link)
{
	uint8_t got[DKIM_SIGNATURE_MAX], want[DKIM_SIGNATURE_MAX];
	size_t len;
	ck_assert(dkim_key_sign(rsa, hash, want, &len));
	ck_assert_int_eq(ask(link, 0, got), (int)len);
	ck_assert_mem_eq(got, want, len);
	ck_assert(dkim_key_sign(ed25519, hash, want, &len));
	ck_assert_int_eq(ask(link, 1, got), (int)len);
	ck_assert_mem_eq(got, want, len);
}

static void send_octets(int link, const void *octets, size_t len)
{
	ck_assert_int_eq(send(link, octets, len, MSG_NOSIGNAL), (ssize_t)len);
}

static void expect_closed(int link)
{
	char octet;
	ck_assert_int_eq(fd_await(link, clock_mono_ms() + ANSWER_MS), 0);
	ck_assert_int_le(recv(link, &octet, 1, 0), 0);
	close(link);
}

START_TEST(keys_are_known_without_being_had)
{
	struct str text;
	str_init(&text, 2000);
	ck_assert_uint_eq(signer.n, 4);
	ck_assert_int_eq(signer.keys[0].algorithm, DKIM_RSA_SHA256);
	ck_assert_int_eq(signer.keys[1].algorithm, DKIM_ED25519_SHA256);
	ck_assert_ptr_null(signer.keys[0].why);
	ck_assert_ptr_nonnull(strstr(signer.keys[2].why, "dkim b.test: selector gone: can't use "));
	ck_assert_ptr_nonnull(strstr(signer.keys[2].why, "No such file or directory (test.conf:4)"));
	ck_assert_ptr_eq(signer_keys(&signer, &config.servers[0].dkims[2]), &signer.keys[3]);
	signer_trouble(&signer, &text);
	ck_assert_ptr_nonnull(strstr(str_text(&text), "mail waits: dkim b.test: selector gone"));
	str_free(&text);
}
END_TEST

START_TEST(it_signs_for_each_client)
{
	int one = connect_client(), two = connect_client();
	expect_service(one);
	expect_service(two);
	expect_service(one);
	close(one);
	close(two);
}
END_TEST

START_TEST(a_key_that_is_missing_is_refused_and_the_link_stays)
{
	uint8_t signature[DKIM_SIGNATURE_MAX];
	int link = connect_client();
	ck_assert_int_eq(ask(link, 2, signature), -EKEYREJECTED);
	expect_service(link);
	close(link);
}
END_TEST

START_TEST(strange_questions_cost_the_link_and_nothing_else)
{
	const struct signer_question beyond = {.key = 4}, far = {.key = UINT32_MAX};
	const char large[4096] = {0};
	const struct {
		const void *octets;
		size_t len;
	} strange[] = {{"x", 1},
		       {&beyond, sizeof(beyond) - 1},
		       {large, sizeof(struct signer_question) + 1},
		       {large, sizeof(large)},
		       {&beyond, sizeof(beyond)},
		       {&far, sizeof(far)}};
	int good = connect_client();
	for (size_t i = 0; i < sizeof(strange) / sizeof(strange[0]); i++) {
		int link = connect_client();
		send_octets(link, strange[i].octets, strange[i].len);
		expect_closed(link);
		expect_service(good);
	}
	close(good);
}
END_TEST

/* A descriptor with a question is not kept: a thousand of them would be too many. */
START_TEST(descriptors_are_not_kept)
{
	struct signer_question question = {.key = 1};
	struct signer_answer answer;
	struct span packet = {(const char *)&question, sizeof(question)};
	int link = connect_client(), null = open("/dev/null", O_RDONLY);
	for (unsigned i = 0; i < 1000; i++) {
		ck_assert_int_eq(ipc_send(link, packet, &null, 1), 0);
		ck_assert_int_eq(recv(link, &answer, sizeof(answer), 0), SIGNER_ANSWER_HEAD + 64);
	}
	expect_service(link);
	close(null);
	close(link);
}
END_TEST

START_TEST(a_flood_of_one_client_does_not_delay_another)
{
	struct signer_question question = {0};
	struct signer_answer answer;
	uint8_t signature[DKIM_SIGNATURE_MAX];
	int flood = connect_client(), link = connect_client();
	unsigned sent = 0, answered = 0;
	expect_service(link);
	ck_assert_int_eq(kill(signer.pid, SIGSTOP), 0);
	while (send(flood, &question, sizeof(question), MSG_DONTWAIT) > 0)
		sent++;
	ck_assert_uint_ge(sent, 10);
	question.serial = 7;
	send_octets(link, &question, sizeof(question));
	ck_assert_int_eq(kill(signer.pid, SIGCONT), 0);
	ck_assert_int_eq(fd_await(link, clock_mono_ms() + ANSWER_MS), 0);
	ck_assert_int_eq(kill(signer.pid, SIGSTOP), 0);
	while (recv(flood, &answer, sizeof(answer), MSG_DONTWAIT) > 0)
		answered++;
	ck_assert_msg(answered < sent, "all %u questions were answered first", sent);
	ck_assert_int_eq(kill(signer.pid, SIGCONT), 0);
	ck_assert_int_gt(recv(link, &answer, sizeof(answer), 0), 0);
	ck_assert_uint_eq(answer.serial, 7);
	/* Answers that were not read are lost, and nothing else. */
	while (send(flood, &question, sizeof(question), MSG_DONTWAIT) > 0)
		;
	expect_service(link);
	ck_assert_int_gt(ask(link, 3, signature), 0);
	close(flood);
	close(link);
}
END_TEST

START_TEST(an_answer_that_came_too_late_is_left_out)
{
	uint8_t signature[DKIM_SIGNATURE_MAX];
	int link = connect_client();
	ck_assert_int_eq(kill(signer.pid, SIGSTOP), 0);
	ck_assert_int_eq(signer_ask(&signer, link, &signer.keys[1], hash, clock_mono_ms() + 1, signature), -ETIMEDOUT);
	ck_assert_int_eq(kill(signer.pid, SIGCONT), 0);
	expect_service(link);
	close(link);
}
END_TEST

START_TEST(clients_beyond_the_bound_get_nothing)
{
	int links[CLIENTS + 1];
	uint8_t signature[DKIM_SIGNATURE_MAX];
	for (size_t i = 0; i < CLIENTS; i++) {
		links[i] = connect_client();
		expect_service(links[i]);
	}
	links[CLIENTS] = connect_client();
	ck_assert_int_eq(ask(links[CLIENTS], 0, signature) < 0, 1);
	close(links[CLIENTS]);
	close(links[0]);
	do { /* the signer sees the end of a link some time later */
		close(links[CLIENTS]);
		links[CLIENTS] = connect_client();
	} while (ask(links[CLIENTS], 1, signature) < 0);
	expect_service(links[CLIENTS]);
	for (size_t i = 1; i <= CLIENTS; i++)
		close(links[i]);
}
END_TEST

/* Its parent may end while SMTP clients finish their work. */
START_TEST(it_lives_as_long_as_its_clients)
{
	char why[SIGNER_WHY_MAX];
	int link = connect_client();
	expect_service(link);
	ck_assert_int_eq(kill(signer.pid, SIGTERM), 0);
	fd_close(&signer.link);
	expect_service(link);
	ck_assert(!signer_ended(&signer, why));
	close(link);
	while (!signer_ended(&signer, why))
		usleep(1000);
	ck_assert_str_eq(why, "the process that signs mail (DKIM) ended with status 0");
}
END_TEST

START_TEST(its_death_is_noticed)
{
	char why[SIGNER_WHY_MAX];
	uint8_t signature[DKIM_SIGNATURE_MAX];
	int link = connect_client();
	expect_service(link);
	ck_assert_int_eq(kill(signer.pid, SIGKILL), 0);
	while (!signer_ended(&signer, why))
		usleep(1000);
	ck_assert_str_eq(why, "the process that signs mail (DKIM) was ended by signal 9: Killed");
	ck_assert_int_lt(ask(link, 0, signature), 0);
	ck_assert_int_lt(ask(-1, 0, signature), 0);
	close(link);
}
END_TEST

START_TEST(without_keys_there_is_no_signer)
{
	const struct config_server server = {0};
	const struct signer_jail jail = {.user = "nobody", .clients = 1};
	struct signer none;
	char why[SIGNER_WHY_MAX];
	signer_start(&none, &server, &jail);
	ck_assert(none.pid == 0 && none.n == 0);
	ck_assert_int_eq(signer_connect(&none), -1);
	ck_assert(!signer_ended(&none, why));
	signer_free(&none);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("signer");
	TCase *tc = tcase_create("signer");
	tcase_add_checked_fixture(tc, start_signer, stop_signer);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, keys_are_known_without_being_had);
	tcase_add_test(tc, it_signs_for_each_client);
	tcase_add_test(tc, a_key_that_is_missing_is_refused_and_the_link_stays);
	tcase_add_test(tc, strange_questions_cost_the_link_and_nothing_else);
	tcase_add_test(tc, descriptors_are_not_kept);
	tcase_add_test(tc, a_flood_of_one_client_does_not_delay_another);
	tcase_add_test(tc, an_answer_that_came_too_late_is_left_out);
	tcase_add_test(tc, clients_beyond_the_bound_get_nothing);
	tcase_add_test(tc, it_lives_as_long_as_its_clients);
	tcase_add_test(tc, its_death_is_noticed);
	tcase_add_test(tc, without_keys_there_is_no_signer);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
