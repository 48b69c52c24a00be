/* Exchanges of SCRAM-SHA-256, with and without channel binding: the vector of the RFC, and attacks. */
#include "t/unit/auth_fixture.h"

#include <unistd.h>

static const unsigned char binding[] = "0123456789abcdef0123456789abcdef";

/* RFC 7677 section 3, for the client of these tests. */
START_TEST(test_scram_vector)
{
	struct str proof, signature;
	str_init(&proof, 100);
	str_init(&signature, 100);
	auth_memory_proof("pencil", "n=user,r=rOprNGfwEbeRWgbNEkqO",
			  "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
			  "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0", &proof, &signature);
	ck_assert_str_eq(str_text(&proof), "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=");
	ck_assert_str_eq(str_text(&signature), "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
	str_free(&proof);
	str_free(&signature);
}
END_TEST

struct scram {
	enum auth_method method;
	const char *header; /* GS2 */
	const char *bound;  /* the text after the header in c=, NULL = none */
	const char *name, *password;
	bool keep_nonce; /* false: the client sends a different nonce */
};

static struct span channel_data(const struct scram *s, struct str *to)
{
	str_append_text(to, s->header);
	if (s->bound)
		str_append_text(to, s->bound);
	return str_span(to);
}

/* Everything but the last, empty response; the signature is checked. */
static enum auth_result scram(const struct scram *s)
{
	struct str first, final, proof, signature, data;
	str_init(&first, 1000);
	str_init(&final, 4000);
	str_init(&proof, 100);
	str_init(&signature, 100);
	str_init(&data, 1000);
	str_printf(&first, "%sn=%s,r=abcdefghijkl", s->header, s->name);
	enum auth_result result = begin(s->method, first.at, first.len);
	if (result == AUTH_MORE) {
		char server[2000];
		snprintf(server, sizeof(server), "%s", str_text(&challenge));
		ck_assert(strncmp(server, "r=abcdefghijkl", 14) == 0);
		struct span bound = channel_data(s, &data);
		str_append_text(&final, "c=");
		base64_append(&final, bound.at, bound.len);
		str_printf(&final, ",r=%.*s%s", (int)(strchr(server, ',') - server - 2), server + 2,
			   s->keep_nonce ? "" : "x");
		auth_memory_proof(s->password, first.at + strlen(s->header), server, str_text(&final), &proof,
				  &signature);
		str_printf(&final, ",p=%s", str_text(&proof));
		result = answer(str_text(&final));
	}
	if (result == AUTH_MORE)
		ck_assert(strncmp(str_text(&challenge), "v=", 2) == 0 &&
			  strcmp(str_text(&challenge) + 2, str_text(&signature)) == 0);
	str_free(&first);
	str_free(&final);
	str_free(&proof);
	str_free(&signature);
	str_free(&data);
	return result;
}

enum { NONE, EXPORTER, UNIQUE };

static const struct {
	int binding;
	struct scram scram;
	bool passes;
} scrams[] = {
#define PLAINLY AUTH_METHOD_SCRAM_SHA_256
#define PLUS    AUTH_METHOD_SCRAM_SHA_256_PLUS
#define BOUND   "0123456789abcdef0123456789abcdef"
	{NONE, {PLAINLY, "n,,", NULL, "user", "pencil", true}, true},
	{NONE, {PLAINLY, "n,a=user,", NULL, "user", "pencil", true}, true},
	{NONE, {PLAINLY, "n,,", NULL, "EXAMPLE\\USER", "pencil", true}, true},
	{NONE, {PLAINLY, "n,,", NULL, "carol", "p\xc3\xa4sswort", true}, true},
	{NONE, {PLAINLY, "y,,", NULL, "user", "pencil", true}, true},
	{EXPORTER, {PLAINLY, "n,,", NULL, "user", "pencil", true}, true},
	{EXPORTER, {PLUS, "p=tls-exporter,,", BOUND, "user", "pencil", true}, true},
	{UNIQUE, {PLUS, "p=tls-unique,,", BOUND, "user", "pencil", true}, true},
	{NONE, {PLAINLY, "n,,", NULL, "user", "Pencil", true}, false},
	{NONE, {PLAINLY, "n,,", NULL, "nobody", "pencil", true}, false},
	{NONE, {PLAINLY, "n,,", NULL, "", "pencil", true}, false},
	{NONE, {PLAINLY, "n,a=bob,", NULL, "user", "pencil", true}, false},
	{NONE, {PLAINLY, "n,,", NULL, "user", "pencil", false}, false},
	{NONE, {PLAINLY, "n,,", "x", "user", "pencil", true}, false},
	{EXPORTER,
	 {PLAINLY, "y,,", NULL, "user", "pencil", true},
	 false}, /* an attacker removed -PLUS from the reply to EHLO */
	{UNIQUE, {PLAINLY, "y,,", NULL, "user", "pencil", true}, false},
	{EXPORTER, {PLUS, "p=tls-exporter,,", "another channel, of one between", "user", "pencil", true}, false},
	{EXPORTER, {PLUS, "p=tls-exporter,,", NULL, "user", "pencil", true}, false},
	{EXPORTER, {PLUS, "p=tls-unique,,", BOUND, "user", "pencil", true}, false},
	{EXPORTER, {PLUS, "p=nonsense,,", BOUND, "user", "pencil", true}, false},
	{EXPORTER, {PLUS, "n,,", NULL, "user", "pencil", true}, false},
	{EXPORTER, {PLUS, "y,,", NULL, "user", "pencil", true}, false},
	{EXPORTER, {PLAINLY, "p=tls-exporter,,", BOUND, "user", "pencil", true}, false},
};

START_TEST(test_scram)
{
	peer.binding = binding;
	peer.binding_len = scrams[_i].binding == NONE ? 0 : 32;
	peer.binding_exporter = scrams[_i].binding == EXPORTER;
	enum auth_result result = scram(&scrams[_i].scram);
	ck_assert_int_eq(result, scrams[_i].passes ? AUTH_MORE : AUTH_FAILED);
	if (scrams[_i].passes)
		ck_assert_int_eq(answer(""), AUTH_DONE);
}
END_TEST

START_TEST(test_scram_acknowledgement_is_empty)
{
	const struct scram good = {PLAINLY, "n,,", NULL, "user", "pencil", true};
	ck_assert_int_eq(scram(&good), AUTH_MORE);
	ck_assert_int_eq(answer("x"), AUTH_FAILED);
}
END_TEST

/* An unknown user has a salt too, always the same, with the usual length and cost. */
START_TEST(test_scram_unknown)
{
	char first[2000], second[2000];
	ck_assert_int_eq(begin(PLAINLY, "n,,n=nobody,r=abc", 17), AUTH_MORE);
	snprintf(first, sizeof(first), "%s", strstr(str_text(&challenge), ",s="));
	ck_assert_int_eq(begin(PLAINLY, "n,,n=NOBODY,r=abc", 17), AUTH_MORE);
	snprintf(second, sizeof(second), "%s", strstr(str_text(&challenge), ",s="));
	ck_assert_str_eq(first, second);
	ck_assert_int_eq(begin(PLAINLY, "n,,n=nobudy,r=abc", 17), AUTH_MORE);
	ck_assert_str_ne(strstr(str_text(&challenge), ",s="), first);
	ck_assert_int_eq(begin(PLAINLY, "n,,n=user,r=abc", 15), AUTH_MORE);
	ck_assert_uint_eq(strlen(strstr(str_text(&challenge), ",s=")), strlen(first));
}
END_TEST

static void salt_of(const char *name, char to[200])
{
	char first[100];
	int len = snprintf(first, sizeof(first), "n,,n=%s,r=abc", name);
	ck_assert_int_eq(begin(PLAINLY, first, (size_t)len), AUTH_MORE);
	snprintf(to, 200, "%s", strstr(str_text(&challenge), ",s="));
}

/* The salts of accounts are the same at each virtual server and after a restart, and with or without auth_domain. */
START_TEST(test_scram_unknown_everywhere)
{
	static const char *const same[][2] = {
		{"nobody", "nobody"},
		{"nobody", "Nobody@Example.com"},
		{"carol", "carol@example.com"},
		{"user", "user@example.com"},
		{"nobody@example.net", "nobody@example.net"},
	};
	char first[200], second[200];
	struct auth *ours = auth;
	if (access("/etc/machine-id", R_OK)) {
		puts("this machine has no /etc/machine-id: its made-up salts last as long as a process");
		return;
	}
	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
		salt_of(same[i][0], first);
		auth = auth_new(&users, NULL, 10);
		salt_of(same[i][1], second);
		auth_end(exchange);
		exchange = NULL;
		auth_free(auth);
		auth = ours;
		ck_assert_msg(strcmp(first, second) == 0, "%s %s", same[i][0], same[i][1]);
	}
	ck_assert_int_eq(PLAIN("\0user@example.com\0pencil"), AUTH_FAILED);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("smtpd_scram");
	TCase *tcase = tcase_create("exchanges");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, test_scram_vector);
	tcase_add_loop_test(tcase, test_scram, 0, sizeof(scrams) / sizeof(scrams[0]));
	tcase_add_test(tcase, test_scram_acknowledgement_is_empty);
	tcase_add_test(tcase, test_scram_unknown);
	tcase_add_test(tcase, test_scram_unknown_everywhere);
	tcase_set_timeout(tcase, 60);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
