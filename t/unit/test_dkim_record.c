/* The TXT record of a DKIM key (RFC 6376 3.6.1, RFC 8463). */
#include "common/dkim/dkim_record.h"

#include <check.h>
#include <string.h>

#include "common/base/str.h"
#include "t/unit/suite.h"

/* RFC 6376, appendix C, the same without its SubjectPublicKeyInfo, and RFC 8463, appendix A. */
#define RSA_BARE                                                                                                       \
	"MIGJAoGBAPAhE/9QLdIGwSYapn1klbf8OQygZ4udCDV9afv/Ni0jE3ZKcUKPE4Iob2/dviNh9xM2HmKNKyrrfW4Ei0truh36/9G10LZT"     \
	"MnWVZP3jupH5FxpzaBu2j80yonR/N9WMfg64qGK11j21/qZzAaNo0FxZOggyY9I8N1A81RhyRxDZAgMBAAE="
#define RSA                                                                                                            \
	"MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDwIRP/UC3SBsEmGqZ9ZJW3/DkMoGeLnQg1fWn7/zYtIxN2SnFCjxOCKG9v3b4jYfcTNh5i" \
	"jSsq631uBItLa7od+v/RtdC2UzJ1lWT947qR+Rcac2gbto/NMqJ0fzfVjH4OuKhitdY9tf6mcwGjaNBcWToIMmPSPDdQPNUYckcQ2QIDAQAB"
#define ED25519 "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="

static char why[DKIM_RECORD_WHY_MAX];

START_TEST(keys_are_read)
{
	struct dkim_record r;
	ck_assert_msg(dkim_record_parse(SPAN("v=DKIM1; p=" RSA), &r, why), "%s", why);
	ck_assert(r.bits == 1024 && !r.ed25519 && !r.testing && !r.strict && !r.revoked && !r.sha1_only &&
		  !r.not_email);
	ck_assert_msg(dkim_record_parse(SPAN("v=DKIM1; k=ed25519; t=y:s; p=" ED25519), &r, why), "%s", why);
	ck_assert(r.ed25519 && r.testing && r.strict && r.key_len == 32);
	ck_assert(dkim_record_parse(SPAN("h=sha1; s=tlsrpt; p=" RSA ";"), &r, why) && r.sha1_only && r.not_email);
	ck_assert(dkim_record_parse(SPAN("h=sha1 : sha256; s=* ; t=; p=" RSA), &r, why) && !r.sha1_only &&
		  !r.not_email);
	ck_assert(dkim_record_parse(SPAN("s=other:EMAIL; n=a note; zz-1=x; p=" RSA), &r, why) && !r.not_email);
}
END_TEST

START_TEST(a_revoked_key_has_no_octets)
{
	struct dkim_record r, other;
	ck_assert(dkim_record_parse(SPAN("v=DKIM1; p="), &r, why) && r.revoked && !r.key_len);
	ck_assert(dkim_record_parse(SPAN("v=DKIM1; p= "), &other, why) && other.revoked);
	ck_assert(!dkim_record_same(&r, &other));
}
END_TEST

START_TEST(white_space_does_not_matter)
{
	struct dkim_record a, b;
	ck_assert(dkim_record_parse(SPAN("v=DKIM1;k=ed25519;p=" ED25519), &a, why));
	ck_assert_msg(dkim_record_parse(
			      SPAN("v = DKIM1 ;\tk = ed25519 ; p = 11qYAYKxCrfVS/7TyWQHOg7h \t cvPapiMlrwIaaPcHURo= ;"),
			      &b, why),
		      "%s", why);
	ck_assert(dkim_record_same(&a, &b));
}
END_TEST

START_TEST(one_key_in_two_forms_is_the_same)
{
	struct dkim_record a, b, c;
	ck_assert(dkim_record_parse(SPAN("p=" RSA), &a, why));
	ck_assert_msg(dkim_record_parse(SPAN("p=" RSA_BARE), &b, why), "%s", why);
	ck_assert(dkim_record_parse(SPAN("k=ed25519; p=" ED25519), &c, why));
	ck_assert(dkim_record_same(&a, &b) && dkim_record_same(&a, &a));
	ck_assert(!dkim_record_same(&a, &c) && !dkim_record_same(&c, &b));
}
END_TEST

START_TEST(faulty_records_are_told)
{
	const struct {
		struct span text;
		const char *why;
	} bad[] = {
		{SPAN("v=DKIM2; p=" RSA), "v is not DKIM1"},
		{SPAN("v=dkim1; p=" RSA), "v is not DKIM1"},
		{SPAN("v=; p=" RSA), "v is not DKIM1"},
		{SPAN("v=spf1 -all"), "v is not DKIM1"},
		{SPAN("v=DKIM1; k=rsa"), "there is no p"},
		{SPAN(""), "there is no p"},
		{SPAN("v=DKIM1; k=dsa; p=" RSA), "k is neither"},
		{SPAN("v=DKIM1; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCB"), "was it cut"},
		{SPAN("v=DKIM1; p=!!"), "was it cut"},
		{SPAN("v=DKIM1; p=" ED25519), "was it cut"},
		{SPAN("k=ed25519; p=" RSA), "was it cut"},
		{SPAN("k=rsa; v=DKIM1; p=" RSA), "v is not the first tag"},
		{SPAN("v=DKIM1; p=" RSA "; p="), "twice"},
		{SPAN("v=DKIM1; P=" RSA), "there is no p"},
		{SPAN("v=DKIM1; k=rsa p=" RSA), "there is no p"},
		{SPAN("v=DKIM1; rsa; p=" RSA), "no tag"},
		{SPAN("=x; p=" RSA), "no tag"},
		{SPAN("\"v=DKIM1; p=" RSA "\""), "quotation marks"},
		{SPAN("v=DKIM1\\; p=" RSA), "backslashes"},
		{SPAN("v=DKIM1; k=\x01\xff; p=" RSA), "\\x01\\xff"},
	};
	struct dkim_record r;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		why[0] = '\0';
		ck_assert_msg(!dkim_record_parse(bad[i].text, &r, why), "%s", bad[i].text.at);
		ck_assert_msg(strstr(why, bad[i].why), "%s: %s", bad[i].text.at, why);
	}
}
END_TEST

/* 64 KiB is the most that a record has. */
START_TEST(a_huge_record_is_refused)
{
	struct dkim_record r;
	struct str text;
	str_init(&text, 1 << 17);
	str_append_text(&text, "v=DKIM1; p=");
	while (text.len < 65000)
		str_append_text(&text, "AAAA");
	ck_assert(!dkim_record_parse(str_span(&text), &r, why) && strstr(why, "was it cut"));
	str_clear(&text);
	while (text.len < 65000)
		str_append_text(&text, ";");
	str_append_text(&text, "p=" RSA);
	ck_assert(dkim_record_parse(str_span(&text), &r, why) && r.bits == 1024);
	str_free(&text);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {keys_are_read,
				      a_revoked_key_has_no_octets,
				      white_space_does_not_matter,
				      one_key_in_two_forms_is_the_same,
				      faulty_records_are_told,
				      a_huge_record_is_refused};
	return run_tests("dkim_record", tests, sizeof(tests) / sizeof(tests[0]), NULL, NULL);
}
