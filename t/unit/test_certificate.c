/* What is wrong with a certificate, its chain and its key, in memory. */
#include "common/tls/certificate.h"

#include "t/unit/certificate_fixture.h"

static bool judge(enum certificate_use use)
{
	return certificate_judge("/c.pem", str_span(&certificate_text), "/c.key", str_span(&key_text), use, &to, &c);
}

START_TEST(a_name_without_alternatives_counts)
{
	struct made made = make(ecdsa(), "old.example.com", NULL, NULL, NULL);

	append_certificate(&made, &certificate_text);
	append_key(&made, NULL, &key_text);
	ck_assert(judge(CERTIFICATE_SERVER));
	ck_assert(certificate_covers(&c, "old.example.com"));
	certificate_names(&c, &said);
	ck_assert_str_eq(str_text(&said), "CN = old.example.com");
	unmake(&made);
}
END_TEST

START_TEST(another_key_is_an_error)
{
	struct made one = plain(), other = plain();

	append_certificate(&one, &certificate_text);
	append_key(&other, NULL, &key_text);
	ck_assert(!judge(CERTIFICATE_SERVER));
	hear("E key /c.key does not fit certificate /c.pem");
	unmake(&one);
	unmake(&other);
}
END_TEST

START_TEST(a_chain_stands_in_order)
{
	struct made root = make(ecdsa(), "Root", NULL, NULL, NULL), own = make(ecdsa(), "own", NULL, NULL, &root);
	struct made stranger = make(ecdsa(), "Stranger", NULL, NULL, NULL);

	append_key(&own, NULL, &key_text);
	append_certificate(&own, &certificate_text);
	append_certificate(&root, &certificate_text);
	ck_assert(judge(CERTIFICATE_SERVER));
	hear_nothing();
	certificate_free(&c);
	append_certificate(&stranger, &certificate_text);
	ck_assert(judge(CERTIFICATE_SERVER));
	hear("W certificate /c.pem: number 3 in it (CN = Stranger) did not issue number 2");
	certificate_free(&c);
	str_clear(&certificate_text);
	str_clear(&said);
	append_certificate(&root, &certificate_text);
	append_certificate(&own, &certificate_text);
	ck_assert(!judge(CERTIFICATE_SERVER));
	hear("E key /c.key belongs to certificate number 2 in /c.pem: the server's own certificate must come first");
	unmake(&root);
	unmake(&own);
	unmake(&stranger);
}
END_TEST

START_TEST(a_passphrase_is_an_error_with_its_remedy)
{
	struct made made = plain();

	append_certificate(&made, &certificate_text);
	append_key(&made, "hush", &key_text);
	ck_assert(!judge(CERTIFICATE_SERVER));
	hear("E key /c.key is encrypted with a passphrase");
	hear("openssl pkey -in FILE -out NEWFILE");
	unmake(&made);
}
END_TEST

static const struct {
	const char *certificate, *key, *says;
} junk[] = {
	{"", "", "E certificate /c.pem is empty\nE key /c.key is empty\n"},
	{"hello", "hello",
	 "E certificate /c.pem holds no certificate in PEM (-----BEGIN CERTIFICATE-----)\nE key /c.key holds no "
	 "readable private key in PEM"},
	{"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "",
	 "E certificate /c.pem holds a private key and no certificate: were the two files exchanged?"},
	{"0\202\001\002xx", "", "E certificate /c.pem is not PEM but binary, maybe a PFX"},
	{"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "",
	 "E certificate /c.pem is broken: its certificate number 1 can't be read"},
};

START_TEST(files_that_are_not_pem_are_reported)
{
	str_append_text(&certificate_text, junk[_i].certificate);
	str_append_text(&key_text, junk[_i].key);
	ck_assert(!judge(CERTIFICATE_SERVER));
	hear(junk[_i].says);
	ck_assert_ptr_null(c.chain);
	certificate_dates(&c, NOW, &to);
	ck_assert_int_eq(certificate_until(&c), 0);
	ck_assert(!certificate_covers(&c, "mail.example.com"));
}
END_TEST

START_TEST(a_torn_second_certificate_is_an_error)
{
	struct made made = plain();

	append_certificate(&made, &certificate_text);
	append_key(&made, NULL, &key_text);
	size_t len = certificate_text.len;
	append_certificate(&made, &certificate_text);
	certificate_text.len = len + (certificate_text.len - len) / 2;
	ck_assert(!judge(CERTIFICATE_SERVER));
	hear("E certificate /c.pem is broken: its certificate number 2 can't be read");
	unmake(&made);
}
END_TEST

static const struct {
	int64_t now;
	const char *says;
} times[] = {
	{NOW - 30 * DAY - 1, "W certificate /c.pem is not valid before 2026-12-16: is the clock"},
	{NOW - 30 * DAY, ""},
	{NOW + 16 * DAY - 1, ""},
	{NOW + 16 * DAY,
	 "W certificate /c.pem expires on 2027-02-14, in 14 days: renew it, then: mailrootctl reload\n"},
	{NOW + 28 * DAY + 1, "W certificate /c.pem expires on 2027-02-14, in 1 day: renew"},
	{NOW + 30 * DAY, "W certificate /c.pem expires on 2027-02-14, in 0 days"},
	{NOW + 30 * DAY + 1, "W certificate /c.pem expired on 2027-02-14: renew it, then: mailrootctl reload\n"},
};

START_TEST(expiry_is_reported_in_time)
{
	struct made made = plain();

	append_certificate(&made, &certificate_text);
	append_key(&made, NULL, &key_text);
	ck_assert(judge(CERTIFICATE_SERVER));
	certificate_dates(&c, times[_i].now, &to);
	if (times[_i].says[0])
		hear(times[_i].says);
	else
		hear_nothing();
	unmake(&made);
}
END_TEST

START_TEST(an_expired_chain_is_reported)
{
	struct made root = make(ecdsa(), "Root", NULL, NULL, NULL), own = make(ecdsa(), "own", NULL, NULL, &root);

	ASN1_TIME_set(X509_getm_notAfter(root.certificate), NOW - DAY);
	X509_sign(root.certificate, root.key, EVP_sha256());
	append_certificate(&own, &certificate_text);
	append_certificate(&root, &certificate_text);
	append_key(&own, NULL, &key_text);
	ck_assert(judge(CERTIFICATE_SERVER));
	certificate_dates(&c, NOW, &to);
	hear("W certificate /c.pem: number 2 in it (CN = Root) expired on 2027-01-14");
	ck_assert_int_eq(certificate_until(&c), NOW - DAY);
	unmake(&root);
	unmake(&own);
}
END_TEST

START_TEST(weak_and_misused_certificates_are_reported)
{
	struct made weak = make(EVP_RSA_gen(1024), "weak", NULL, "clientAuth", NULL);

	append_certificate(&weak, &certificate_text);
	append_key(&weak, NULL, &key_text);
	ck_assert(judge(CERTIFICATE_SERVER));
	hear("W certificate /c.pem has an RSA key of 1024 bits");
	hear("W certificate /c.pem was not issued for this use (its extended key usage lacks serverAuth)");
	certificate_free(&c);
	str_clear(&said);
	ck_assert(judge(CERTIFICATE_CLIENT));
	ck_assert_ptr_null(strstr(str_text(&said), "for this use"));
	unmake(&weak);
}
END_TEST

START_TEST(a_name_can_not_forge_a_line)
{
	struct made root = make(ecdsa(), "a\nE forged\x1f\xc3\xa9", NULL, NULL, NULL), own = plain();

	append_certificate(&own, &certificate_text);
	append_certificate(&root, &certificate_text);
	append_key(&own, NULL, &key_text);
	ck_assert(judge(CERTIFICATE_SERVER));
	for (size_t i = 0; i + 1 < said.len; i++)
		ck_assert_msg(said.at[i] >= ' ' && said.at[i] <= '~', "%s", str_text(&said));
	hear("did not issue");
	unmake(&root);
	unmake(&own);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("certificate");
	TCase *tc = tcase_create("certificate");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_name_without_alternatives_counts);
	tcase_add_test(tc, another_key_is_an_error);
	tcase_add_test(tc, a_chain_stands_in_order);
	tcase_add_test(tc, a_passphrase_is_an_error_with_its_remedy);
	tcase_add_loop_test(tc, files_that_are_not_pem_are_reported, 0, sizeof(junk) / sizeof(junk[0]));
	tcase_add_test(tc, a_torn_second_certificate_is_an_error);
	tcase_add_loop_test(tc, expiry_is_reported_in_time, 0, sizeof(times) / sizeof(times[0]));
	tcase_add_test(tc, an_expired_chain_is_reported);
	tcase_add_test(tc, weak_and_misused_certificates_are_reported);
	tcase_add_test(tc, a_name_can_not_forge_a_line);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
