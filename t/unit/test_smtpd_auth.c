/* Exchanges of PLAIN, LOGIN and CRAM-MD5; guessing; how long an identity holds; which mechanisms a client may use. */
#include "t/unit/auth_fixture.h"

#include "common/base/clock.h"
#include "smtpd/auth/sasl.h"

static const struct {
	const char *text;
	size_t len;
	enum auth_result result;
	const char *user;
} plain[] = {
#define ROW(text, result, user)                                                                                        \
	{                                                                                                              \
		text, sizeof(text) - 1, result, user                                                                   \
	}
	ROW("\0user\0pencil", AUTH_DONE, "user"),
	ROW("user\0user\0pencil", AUTH_DONE, "user"),
	ROW("\0USER\0pencil", AUTH_DONE, "user"),
	ROW("\0EXAMPLE\\user\0pencil", AUTH_DONE, "user"),
	ROW("\0bob\0correct horse", AUTH_DONE, "Bob"),
	ROW("\0carol\0p\xc3\xa4sswort", AUTH_DONE, "carol@example.com"),
	ROW("\0carol@example.com\0pa\xcc\x88sswort", AUTH_DONE, "carol@example.com"), /* NFKC */
	ROW("\0carol@example.net\0p\xc3\xa4sswort", AUTH_FAILED, NULL),
	ROW("bob\0user\0pencil", AUTH_FAILED, NULL),
	ROW("\0user\0Pencil", AUTH_FAILED, NULL),
	ROW("\0user\0pencil ", AUTH_FAILED, NULL),
	ROW("\0user\0", AUTH_FAILED, NULL),
	ROW("\0\0pencil", AUTH_FAILED, NULL),
	ROW("\0\0", AUTH_FAILED, NULL),
	ROW("\0EXAMPLE\\\0pencil", AUTH_FAILED, NULL),
	ROW("", AUTH_FAILED, NULL),
	ROW("\0user", AUTH_FAILED, NULL),
	ROW("user\0pencil", AUTH_FAILED, NULL),
	ROW("\0user\0pencil\0", AUTH_FAILED, NULL),
	ROW("\0user\0pen\0cil", AUTH_FAILED, NULL),
	ROW("\0nobody\0pencil", AUTH_FAILED, NULL),
	ROW("\0us er\0pencil", AUTH_FAILED, NULL),
	ROW("\0user\0\xff\xfe", AUTH_FAILED, NULL),
#undef ROW
};

START_TEST(test_plain)
{
	struct auth_identity identity;
	enum auth_result result = begin(AUTH_METHOD_PLAIN, plain[_i].text, plain[_i].len);
	ck_assert_int_eq(result, plain[_i].result);
	ck_assert_uint_eq(challenge.len, 0);
	if (!plain[_i].user)
		return;
	auth_identify(exchange, &identity);
	ck_assert_str_eq(identity.user, plain[_i].user);
	ck_assert(identity.has_account && auth_holds(auth, &identity));
}
END_TEST

START_TEST(test_plain_without_initial_response)
{
	ck_assert_int_eq(begin(AUTH_METHOD_PLAIN, NULL, 0), AUTH_MORE);
	ck_assert_uint_eq(challenge.len, 0);
	ck_assert_int_eq(auth_step(exchange, true, SPAN("\0user\0pencil"), &challenge), AUTH_DONE);
}
END_TEST

/* The second time the cache has the password, and a wrong one still fails. */
START_TEST(test_cached)
{
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(PLAIN("\0user\0pencil"), AUTH_DONE);
	ck_assert_int_eq(PLAIN("\0user\0pencil1"), AUTH_FAILED);
	ck_assert_int_eq(PLAIN("\0bob\0pencil"), AUTH_FAILED);
	str_clear(&memory.text);
	auth_memory_add(&memory, "user", "new pencil", 4000);
	ck_assert_int_eq(PLAIN("\0user\0pencil"), AUTH_FAILED);
	ck_assert_int_eq(PLAIN("\0user\0new pencil"), AUTH_DONE);
	str_clear(&memory.text);
	auth_memory_add(&memory, "bob", "correct horse", 4000);
	from("192.0.2.2");
	ck_assert_int_eq(PLAIN("\0user\0new pencil"), AUTH_FAILED);
}
END_TEST

START_TEST(test_login)
{
	ck_assert_int_eq(begin(AUTH_METHOD_LOGIN, NULL, 0), AUTH_MORE);
	ck_assert_str_eq(str_text(&challenge), "Username:");
	ck_assert_int_eq(answer("bob"), AUTH_MORE);
	ck_assert_str_eq(str_text(&challenge), "Password:");
	ck_assert_int_eq(answer("correct horse"), AUTH_DONE);
	ck_assert_int_eq(begin(AUTH_METHOD_LOGIN, "nobody", 6), AUTH_MORE);
	ck_assert_str_eq(str_text(&challenge), "Password:");
	ck_assert_int_eq(answer("correct horse"), AUTH_FAILED);
	ck_assert_int_eq(begin(AUTH_METHOD_LOGIN, "", 0), AUTH_MORE);
	ck_assert_int_eq(answer(""), AUTH_FAILED);
	ck_assert_int_eq(begin(AUTH_METHOD_LOGIN, "bob", 3), AUTH_MORE);
	ck_assert_int_eq(answer(""), AUTH_FAILED);
}
END_TEST

/* RFC 2195 section 2. */
START_TEST(test_cram_vector)
{
	unsigned char context[ACCOUNT_KEY_OCTETS];
	char digest[SASL_CRAM_DIGEST];
	auth_memory_md5_state("tanstaaftanstaaf", 0x36, context);
	auth_memory_md5_state("tanstaaftanstaaf", 0x5c, context + 16);
	sasl_cram_digest(context, SPAN("<1896.697170952@postoffice.reston.mci.net>"), digest);
	ck_assert_str_eq(digest, "b913a602c7eda7a495b4e6e7334d3890");
}
END_TEST

static void cram(const char *name, const char *password, char *to, size_t size)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	ck_assert_int_eq(begin(AUTH_METHOD_CRAM_MD5, NULL, 0), AUTH_MORE);
	ck_assert(challenge.at[0] == '<' && strstr(challenge.at, "@mail.example.com>"));
	HMAC(EVP_md5(), password, (int)strlen(password), (unsigned char *)challenge.at, challenge.len, digest, NULL);
	int at = snprintf(to, size, "%s ", name);
	for (int i = 0; i < 16; i++)
		at += snprintf(to + at, size - (size_t)at, "%02x", digest[i]);
}

START_TEST(test_cram)
{
	char text[600], first[600];
	cram("user", "pencil", text, sizeof(text));
	snprintf(first, sizeof(first), "%s", str_text(&challenge));
	ck_assert_int_eq(answer(text), AUTH_DONE);
	ck_assert_int_eq(begin(AUTH_METHOD_CRAM_MD5, NULL, 0), AUTH_MORE);
	ck_assert_str_ne(str_text(&challenge), first);
	ck_assert_int_eq(answer(text), AUTH_FAILED); /* again */
	cram("user", "Pencil", text, sizeof(text));
	ck_assert_int_eq(answer(text), AUTH_FAILED);
	from("192.0.2.2");
	cram("nobody", "pencil", text, sizeof(text));
	ck_assert_int_eq(answer(text), AUTH_FAILED);
	cram("user", "pencil", text, sizeof(text));
	text[strlen(text) - 1] = '\0';
	ck_assert_int_eq(answer(text), AUTH_FAILED);
	from("192.0.2.3");
	ck_assert_int_eq(begin(AUTH_METHOD_CRAM_MD5, "x", 1), AUTH_FAILED);
	cram("", "pencil", text, sizeof(text));
	ck_assert_int_eq(answer(text), AUTH_FAILED);
	from("192.0.2.4");
	ck_assert_int_eq(begin(AUTH_METHOD_CRAM_MD5, NULL, 0), AUTH_MORE);
	ck_assert_int_eq(answer("user"), AUTH_FAILED);
	ck_assert_int_eq(begin(AUTH_METHOD_CRAM_MD5, NULL, 0), AUTH_MORE);
	ck_assert_int_eq(answer("user "), AUTH_FAILED);
}
END_TEST

/* After so many failures of one address its attempts are refused unchecked; those of other addresses are checked. */
START_TEST(test_refused)
{
	char name[64];
	const int64_t began = clock_mono_ms();
	for (int i = 0; i < GUESS_REFUSED; i++) {
		size_t len = 1 + (size_t)snprintf(name + 1, sizeof(name) - 1, "user%d", i);
		name[0] = name[len] = '\0';
		name[len + 1] = 'x';
		struct guess_who who;
		guess_name(auth->guess, &client.ip, span_of(name + 1), &who);
		if (i < 3)
			ck_assert_int_eq(begin(AUTH_METHOD_PLAIN, name, len + 2), AUTH_FAILED);
		else
			guess_failed(auth->guess, &who, clock_mono_ms());
	}
	ck_assert_int_ge(clock_mono_ms() - began, GUESS_WAIT_MS); /* the third attempt waited */
	ck_assert_int_eq(PLAIN("\0user\0pencil"), AUTH_REFUSED);
	ck_assert_int_eq(begin(AUTH_METHOD_LOGIN, "user", 4), AUTH_MORE);
	ck_assert_int_eq(answer("pencil"), AUTH_REFUSED);
	ck_assert_int_eq(begin(AUTH_METHOD_SCRAM_SHA_256, "n,,n=user,r=abc", 15), AUTH_REFUSED);
	from("192.0.2.2");
	ck_assert_int_eq(PLAIN("\0user\0pencil"), AUTH_DONE);
}
END_TEST

START_TEST(test_holds)
{
	struct auth_identity identity;
	ck_assert_int_eq(PLAIN("\0user\0pencil"), AUTH_DONE);
	auth_identify(exchange, &identity);
	auth_memory_add(&memory, "dave", "x", 5000);
	ck_assert(auth_holds(auth, &identity));
	ck_assert_uint_eq(identity.generation, memory.generation);
	str_clear(&memory.text);
	auth_memory_add(&memory, "user", "pencil", 5001);
	ck_assert(!auth_holds(auth, &identity));
	auth_identify(exchange, &identity);
	str_clear(&memory.text);
	auth_memory_add(&memory, "dave", "x", 5002);
	ck_assert(!auth_holds(auth, &identity));
	memory.missing = true;
	ck_assert(!auth_holds(auth, &identity));
	identity.has_account = false;
	ck_assert(auth_holds(auth, &identity));
}
END_TEST

static void configure(const char *lines)
{
	config_free(&config);
	memory_config(lines, &config);
	peer = (struct auth_peer){.config = &config.servers[0], .client = &client};
}

START_TEST(test_permits)
{
	configure("access { auth plain scram-sha-256; auth_clear_list 10.0.0.0/8 *.example.net }");
	ck_assert_int_eq(auth_permits(auth, &peer, AUTH_METHOD_PLAIN), AUTH_WANTS_NAME);
	client.name_state = POLICY_NAME_UNCONFIRMED;
	ck_assert_int_eq(auth_permits(auth, &peer, AUTH_METHOD_PLAIN), AUTH_NEEDS_TLS);
	client.name_state = POLICY_NAME_CONFIRMED;
	strcpy(client.name, "copier.example.net");
	ck_assert_int_eq(auth_permits(auth, &peer, AUTH_METHOD_PLAIN), AUTH_PERMITTED);
	client.name_state = POLICY_NAME_UNASKED;
	from("10.1.2.3");
	ck_assert_int_eq(auth_permits(auth, &peer, AUTH_METHOD_PLAIN), AUTH_PERMITTED);
	from("192.0.2.1");
	client.tls = true;
	ck_assert_int_eq(auth_permits(auth, &peer, AUTH_METHOD_PLAIN), AUTH_PERMITTED);
	ck_assert_int_eq(auth_permits(auth, &peer, AUTH_METHOD_LOGIN), AUTH_UNKNOWN);
	ck_assert_int_eq(auth_permits(auth, &peer, AUTH_METHOD_CRAM_MD5), AUTH_UNKNOWN);
	ck_assert_int_eq(auth_permits(auth, &peer, AUTH_METHOD_GSSAPI), AUTH_UNKNOWN);
	ck_assert_int_eq(auth_permits(auth, &peer, AUTH_METHOD_SCRAM_SHA_256), AUTH_PERMITTED);
	ck_assert_int_eq(auth_permits(auth, &peer, AUTH_METHOD_SCRAM_SHA_256_PLUS), AUTH_UNKNOWN);
	peer.binding_len = 32;
	ck_assert_int_eq(auth_permits(auth, &peer, AUTH_METHOD_SCRAM_SHA_256_PLUS), AUTH_PERMITTED);
	ck_assert_int_eq(auth_permits(auth, &peer, AUTH_METHOD_COUNT), AUTH_UNKNOWN);
	ck_assert_int_eq(auth_permits(NULL, &peer, AUTH_METHOD_PLAIN), AUTH_UNKNOWN);
	memory.missing = true;
	ck_assert_int_eq(auth_permits(auth, &peer, AUTH_METHOD_PLAIN), AUTH_UNKNOWN);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("smtpd_auth");
	TCase *tcase = tcase_create("exchanges");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, test_plain, 0, sizeof(plain) / sizeof(plain[0]));
	tcase_add_test(tcase, test_plain_without_initial_response);
	tcase_add_test(tcase, test_cached);
	tcase_add_test(tcase, test_login);
	tcase_add_test(tcase, test_cram_vector);
	tcase_add_test(tcase, test_cram);
	tcase_add_test(tcase, test_refused);
	tcase_add_test(tcase, test_holds);
	tcase_add_test(tcase, test_permits);
	tcase_set_timeout(tcase, 60);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
