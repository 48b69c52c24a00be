#include "common/tls/certificate.h"
#include "t/unit/suite.h"

#include <check.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NOW = 1800000000, DAY = 86400 };

static char folder[64], certificate_path[100], key_path[100];

/* The findings, one line each, with the initial of their grade. */
static struct str said;
static const char letters[] = {[CERTIFICATE_NOTE] = 'N', [CERTIFICATE_WARNING] = 'W', [CERTIFICATE_ERROR] = 'E'};

static void listen(void *context, enum certificate_grade grade, const char *text)
{
	(void)context;
	str_printf(&said, "%c %s\n", letters[grade], text);
}
static const struct certificate_listener to = {.say = listen};

static void hear(const char *begin)
{
	ck_assert_msg(strstr(str_text(&said), begin) != NULL, "no \"%s\" in:\n%s", begin, str_text(&said));
}

static void hear_nothing(void)
{
	ck_assert_str_eq(str_text(&said), "");
}

struct made {
	EVP_PKEY *key;
	X509 *certificate;
};

static EVP_PKEY *ecdsa(void)
{
	return EVP_EC_gen("P-256");
}

static void add_extension(X509 *certificate, int nid, const char *value)
{
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

	ck_assert_ptr_nonnull(extension);
	ck_assert_int_eq(X509_add_ext(certificate, extension, -1), 1);
	X509_EXTENSION_free(extension);
}

/* KEY becomes its key. ISSUER NULL: self-signed. */
static struct made make(EVP_PKEY *key, const char *name, const char *alt, const char *usage, const struct made *issuer)
{
	struct made made = {key, X509_new()};
	X509_NAME *subject = X509_get_subject_name(made.certificate);

	ck_assert_ptr_nonnull(key);
	X509_set_version(made.certificate, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(made.certificate), 7);
	ASN1_TIME_set(X509_getm_notBefore(made.certificate), NOW - 30 * DAY);
	ASN1_TIME_set(X509_getm_notAfter(made.certificate), NOW + 30 * DAY);
	X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, (const unsigned char *)name, -1, -1, 0);
	X509_set_issuer_name(made.certificate, issuer ? X509_get_subject_name(issuer->certificate) : subject);
	X509_set_pubkey(made.certificate, key);
	if (alt)
		add_extension(made.certificate, NID_subject_alt_name, alt);
	if (usage)
		add_extension(made.certificate, NID_ext_key_usage, usage);
	ck_assert_int_gt(X509_sign(made.certificate, issuer ? issuer->key : key, EVP_sha256()), 0);
	return made;
}

static struct made plain(void)
{
	return make(ecdsa(), "mail.example.com", "DNS:mail.example.com,DNS:*.example.net", NULL, NULL);
}

static void unmake(struct made *made)
{
	EVP_PKEY_free(made->key);
	X509_free(made->certificate);
}

static void append_bio(BIO *bio, struct str *text)
{
	char *at;
	long len = BIO_get_mem_data(bio, &at);

	ck_assert(str_append(text, (struct span){at, (size_t)len}));
	BIO_free(bio);
}

static void append_certificate(const struct made *made, struct str *text)
{
	BIO *bio = BIO_new(BIO_s_mem());

	ck_assert_int_eq(PEM_write_bio_X509(bio, made->certificate), 1);
	append_bio(bio, text);
}

static void append_key(const struct made *made, const char *passphrase, struct str *text)
{
	BIO *bio = BIO_new(BIO_s_mem());

	ck_assert_int_eq(PEM_write_bio_PrivateKey(bio, made->key, passphrase ? EVP_aes_128_cbc() : NULL, NULL, 0, NULL,
						  (void *)passphrase),
			 1);
	append_bio(bio, text);
}

static struct str certificate_text, key_text;
static struct certificate c;

static void setup(void)
{
	str_init(&said, 100000);
	str_init(&certificate_text, 100000);
	str_init(&key_text, 100000);
	c = (struct certificate){0};
	strcpy(folder, "/tmp/certificate-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(certificate_path, sizeof(certificate_path), "%s/mail.pem", folder);
	snprintf(key_path, sizeof(key_path), "%s/mail.key", folder);
}

static void teardown(void)
{
	str_free(&said);
	str_free(&certificate_text);
	str_free(&key_text);
	certificate_free(&c);
	unlink(certificate_path);
	unlink(key_path);
	rmdir(folder);
}

static bool judge(enum certificate_use use)
{
	return certificate_judge("/c.pem", str_span(&certificate_text), "/c.key", str_span(&key_text), use, &to, &c);
}

static void save(const char *path, const struct str *text, mode_t mode)
{
	FILE *file = fopen(path, "w");

	ck_assert_ptr_nonnull(file);
	ck_assert_uint_eq(fwrite(str_text(text), 1, text->len, file), text->len);
	fclose(file);
	ck_assert_int_eq(chmod(path, mode), 0);
}

static void save_plain(mode_t mode)
{
	struct made made = plain();

	append_certificate(&made, &certificate_text);
	append_key(&made, NULL, &key_text);
	save(certificate_path, &certificate_text, 0644);
	save(key_path, &key_text, mode);
	unmake(&made);
}

START_TEST(a_good_pair_has_no_finding)
{
	save_plain(0640);
	ck_assert(certificate_examine(certificate_path, key_path, CERTIFICATE_SERVER, &to, &c));
	certificate_dates(&c, NOW, &to);
	hear_nothing();
	ck_assert(certificate_covers(&c, "mail.example.com"));
	ck_assert(certificate_covers(&c, "MAIL.example.COM"));
	ck_assert(certificate_covers(&c, "a.example.net"));
	ck_assert(!certificate_covers(&c, "a.b.example.net"));
	ck_assert(!certificate_covers(&c, "example.net"));
	ck_assert(!certificate_covers(&c, "example.com"));
	certificate_names(&c, &said);
	ck_assert_str_eq(str_text(&said), "mail.example.com, *.example.net");
}
END_TEST

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

START_TEST(a_world_readable_key_is_reported)
{
	save_plain(0644);
	ck_assert(certificate_examine(certificate_path, key_path, CERTIFICATE_SERVER, &to, &c));
	hear("may be read by every user: chmod 600");
	ck_assert_int_eq(strncmp(str_text(&said), "W key ", 6), 0);
}
END_TEST

START_TEST(files_that_are_not_there_are_errors)
{
	ck_assert(!certificate_examine(certificate_path, key_path, CERTIFICATE_SERVER, &to, &c));
	hear("/mail.pem can't be read: No such file or directory. The systemd unit hides /home");
	certificate_free(&c);
	str_clear(&said);
	ck_assert(!certificate_examine(folder, "/dev/null", CERTIFICATE_SERVER, &to, &c));
	hear("can't be read: Is a directory");
	hear("E key /dev/null can't be read: ");
	ck_assert_int_eq(mkfifo(certificate_path, 0600), 0);
	certificate_free(&c);
	ck_assert(!certificate_examine(certificate_path, "/dev/null", CERTIFICATE_SERVER, &to, &c));
}
END_TEST

/* In a process of its own, because it drops its privileges. */
START_TEST(a_user_without_permission_is_told_so)
{
	const struct certificate_listener guest = {.say = listen, .guest = true};

	save_plain(0600);
	ck_assert_int_eq(chmod(folder, 0755), 0);
	if (geteuid() == 0)
		ck_assert_int_eq(seteuid(65534), 0);
	else
		ck_assert_int_eq(chmod(key_path, 0), 0);
	ck_assert(certificate_examine(certificate_path, key_path, CERTIFICATE_SERVER, &guest, &c));
	hear("N key ");
	hear("you may not read it; run the command as root\n");
	ck_assert(certificate_covers(&c, "mail.example.com"));
	certificate_free(&c);
	ck_assert(!certificate_examine(certificate_path, key_path, CERTIFICATE_SERVER, &to, &c));
	hear("E key ");
	if (getuid() == 0)
		ck_assert_int_eq(seteuid(0), 0);
}
END_TEST

START_TEST(authorities_are_counted)
{
	struct made made = plain();

	append_certificate(&made, &certificate_text);
	append_certificate(&made, &certificate_text);
	save(certificate_path, &certificate_text, 0644);
	ck_assert(certificate_authorities("tls_ca", certificate_path, &to));
	hear_nothing();
	append_key(&made, NULL, &key_text);
	save(key_path, &key_text, 0600);
	ck_assert(!certificate_authorities("tls_ca", key_path, &to));
	hear("E tls_ca ");
	ck_assert(!certificate_authorities("tls_ca", "/nonexistent", &to));
	hear("E tls_ca /nonexistent can't be read: No such file");
	unmake(&made);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("certificate");
	TCase *tc = tcase_create("certificate");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_good_pair_has_no_finding);
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
	tcase_add_test(tc, a_world_readable_key_is_reported);
	tcase_add_test(tc, files_that_are_not_there_are_errors);
	tcase_add_test(tc, a_user_without_permission_is_told_so);
	tcase_add_test(tc, authorities_are_counted);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
