/* Exchanges of each mechanism: the vectors of the RFCs, and attacks. */
#include "smtpd/auth/auth.h"

#include <check.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/log_level.h"
#include "smtpd/auth/sasl.h"
#include "t/unit/auth_memory.h"
#include "t/unit/smtpd_memory.h"
#include "t/unit/suite.h"

static struct auth_memory memory;
static struct auth_users users;
static struct auth *auth;
static struct config config;
static struct policy_client client;
static struct auth_peer peer;
static struct auth_exchange *exchange;
static struct str challenge;

static const unsigned char binding[] = "0123456789abcdef0123456789abcdef";

static void configure(const char *lines)
{
	config_free(&config);
	memory_config(lines, &config);
	peer = (struct auth_peer){.config = &config.servers[0], .client = &client};
}

static void setup(void)
{
	log_set_level(LOG_LEVEL_ERROR);
	memory_config(
		"access { auth plain login scram-sha-256 cram-md5; auth_requires_tls no; auth_domain example.com }",
		&config);
	client = (struct policy_client){.ip = memory_address("192.0.2.1")};
	peer = (struct auth_peer){.config = &config.servers[0], .client = &client};
	users = auth_memory_users(&memory);
	auth_memory_add(&memory, "user", "pencil", 1000);
	auth_memory_add(&memory, "Bob", "correct horse", 2000);
	auth_memory_add(&memory, "carol@example.com", "p\xc3\xa4sswort", 3000);
	auth = auth_new(&users, NULL, 10);
	ck_assert(auth != NULL);
	str_init(&challenge, AUTH_CHALLENGE_MAX);
	exchange = NULL;
}

static void teardown(void)
{
	auth_end(exchange);
	auth_free(auth);
	auth_memory_free(&memory);
	config_free(&config);
	str_free(&challenge);
}

static enum auth_result begin(enum auth_method method, const char *initial, size_t len)
{
	auth_end(exchange);
	exchange = auth_begin(auth, &peer, method);
	ck_assert(exchange != NULL);
	return auth_step(exchange, initial != NULL, (struct span){initial, len}, &challenge);
}

static enum auth_result answer(const char *text)
{
	return auth_step(exchange, true, span_of(text), &challenge);
}

static void from(const char *address)
{
	client.ip = memory_address(address);
}

#define PLAIN(text) begin(AUTH_METHOD_PLAIN, text, sizeof(text) - 1)

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
	ck_assert_int_eq(begin(PLAINLY, "n,,n=user,r=abc", 15), AUTH_REFUSED);
	from("192.0.2.2");
	ck_assert_int_eq(PLAIN("\0user\0pencil"), AUTH_DONE);
}
END_TEST

START_TEST(test_delays)
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
	tcase_add_test(tcase, test_scram_vector);
	tcase_add_loop_test(tcase, test_scram, 0, sizeof(scrams) / sizeof(scrams[0]));
	tcase_add_test(tcase, test_scram_acknowledgement_is_empty);
	tcase_add_test(tcase, test_scram_unknown);
	tcase_add_test(tcase, test_scram_unknown_everywhere);
	tcase_add_test(tcase, test_refused);
	tcase_add_test(tcase, test_delays);
	tcase_add_test(tcase, test_permits);
	tcase_set_timeout(tcase, 60);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
