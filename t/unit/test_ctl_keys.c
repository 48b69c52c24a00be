/* Stored password keys against the vectors of the RFCs. t/system/test_users.py computes them again in Python. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "ctl/keys.h"

#include <check.h>
#include <crypt.h>
#include <openssl/md5.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/base64.h"
#include "t/unit/suite.h"

static struct account account_of(const char *salt, unsigned iterations)
{
	struct account account = {.iterations = iterations};
	ck_assert(base64_decode(span_of(salt), account.salt, sizeof(account.salt), &account.salt_len));
	return account;
}

static void ck_key(const unsigned char *key, const char *text)
{
	unsigned char wanted[ACCOUNT_KEY_OCTETS];
	size_t n;
	ck_assert(base64_decode(span_of(text), wanted, sizeof(wanted), &n));
	ck_assert_uint_eq(n, sizeof(wanted));
	ck_assert_int_eq(memcmp(key, wanted, n), 0);
}

/* RFC 7677 3: user "user", password "pencil". */
START_TEST(scram_of_the_rfc)
{
	struct account account = account_of("W22ZaJ0SNY7soEsUEjb6gQ==", 4096);
	ck_assert(keys_scram("pencil", &account));
	ck_key(account.stored_key, "WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=");
	ck_key(account.server_key, "wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=");
}
END_TEST

START_TEST(scram_depends_on_all_it_is_made_of)
{
	struct account a = account_of("W22ZaJ0SNY7soEsUEjb6gQ==", 4096), b = a, c = a, d = a;
	b.iterations++;
	c.salt[0] ^= 1;
	ck_assert(keys_scram("pencil", &a) && keys_scram("pencil", &b) && keys_scram("pencil", &c));
	ck_assert(keys_scram("pencil ", &d));
	const struct account *const others[] = {&b, &c, &d};
	for (size_t i = 0; i < 3; i++) {
		ck_assert_int_ne(memcmp(a.stored_key, others[i]->stored_key, ACCOUNT_KEY_OCTETS), 0);
		ck_assert_int_ne(memcmp(a.server_key, others[i]->server_key, ACCOUNT_KEY_OCTETS), 0);
	}
}
END_TEST

/* MD5 of a block that led to STATE, followed by TEXT. */
static void resume(const unsigned char *state, const void *text, size_t len, unsigned char *digest)
{
	MD5_CTX md5;
	MD5_LONG words[4];
	for (size_t i = 0; i < 4; i++)
		words[i] = (MD5_LONG)state[4 * i] | (MD5_LONG)state[4 * i + 1] << 8 | (MD5_LONG)state[4 * i + 2] << 16 |
			   (MD5_LONG)state[4 * i + 3] << 24;
	MD5_Init(&md5);
	md5.A = words[0];
	md5.B = words[1];
	md5.C = words[2];
	md5.D = words[3];
	md5.Nl = MD5_CBLOCK * 8;
	MD5_Update(&md5, text, len);
	MD5_Final(digest, &md5);
}

static void ck_cram(const char *password, const char *challenge, const char *wanted)
{
	unsigned char context[ACCOUNT_KEY_OCTETS], inner[MD5_DIGEST_LENGTH], outer[MD5_DIGEST_LENGTH];
	char text[2 * MD5_DIGEST_LENGTH + 1];
	ck_assert(keys_cram(password, context));
	resume(context, challenge, strlen(challenge), inner);
	resume(context + MD5_DIGEST_LENGTH, inner, sizeof(inner), outer);
	for (size_t i = 0; i < sizeof(outer); i++)
		snprintf(text + 2 * i, 3, "%02x", outer[i]);
	ck_assert_str_eq(text, wanted);
}

/* RFC 2195 2; RFC 2202 2, a key of one block and more. */
START_TEST(cram_of_the_rfcs)
{
	char key[81] = "";
	memset(key, 0xaa, 80);
	ck_cram("tanstaaftanstaaf", "<1896.697170952@postoffice.reston.mci.net>", "b913a602c7eda7a495b4e6e7334d3890");
	ck_cram("Jefe", "what do ya want for nothing?", "750c783e6ab0b503eaa86e310a5db738");
	ck_cram(key, "Test Using Larger Than Block-Size Key - Hash Key First", "6b1ab7fe4bd7bf8f0b62e6ce61b9d0cd");
}
END_TEST

START_TEST(yescrypt_knows_its_password)
{
	char hash[ACCOUNT_HASH_MAX + 1], other[ACCOUNT_HASH_MAX + 1];
	static struct crypt_data data;
	ck_assert(keys_yescrypt("correct horse", hash) && keys_yescrypt("correct horse", other));
	ck_assert_int_eq(strncmp(hash, "$y$", 3), 0);
	ck_assert_str_ne(hash, other);
	ck_assert_str_eq(crypt_r("correct horse", hash, &data), hash);
	ck_assert_str_ne(crypt_r("correct horsf", hash, &data), hash);
}
END_TEST

/* The longest password and name make a line that can be read. */
START_TEST(the_longest_line_can_be_read)
{
	char password[129] = "", name[ACCOUNT_NAME_MAX + 1] = "", hash[ACCOUNT_HASH_MAX + 1];
	struct account account;
	struct accounts accounts;
	struct arena arena;
	struct str line, again, trouble;
	memset(password, 'p', 128);
	memset(name, 'n', ACCOUNT_NAME_MAX);
	str_init(&line, ACCOUNT_LINE_MAX);
	str_init(&again, ACCOUNT_LINE_MAX);
	str_init(&trouble, 100);
	arena_init(&arena, 1 << 16);
	ck_assert(keys_make(password, hash, &account));
	account.name = name;
	account.changed_ms = 1;
	account_format(&account, &line);
	ck_assert(accounts_parse(str_span(&line), &arena, &accounts, &trouble));
	ck_assert_uint_eq(accounts.n, 1);
	account_format(&accounts.at[0], &again);
	ck_assert_str_eq(str_text(&line), str_text(&again));
	arena_free(&arena);
	str_free(&line);
	str_free(&again);
	str_free(&trouble);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ctl_keys");
	TCase *tests = tcase_create("all");
	tcase_add_test(tests, scram_of_the_rfc);
	tcase_add_test(tests, scram_depends_on_all_it_is_made_of);
	tcase_add_test(tests, cram_of_the_rfcs);
	tcase_add_test(tests, yescrypt_knows_its_password);
	tcase_add_test(tests, the_longest_line_can_be_read);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
