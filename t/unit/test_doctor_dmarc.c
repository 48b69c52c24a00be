/* DMARC records (RFC 7489, appendix B) and DKIM key records (RFC 6376, RFC 8463). */
#include "ctl/doctor/dmarc.h"

#include <check.h>
#include <stdlib.h>

#include "ctl/doctor/dkim.h"
#include "t/unit/suite.h"

static char why[DKIM_WHY_MAX];

START_TEST(policies_are_read)
{
	struct dmarc d;
	ck_assert(dmarc_is(SPAN("v=DMARC1; p=none")) && dmarc_is(SPAN("v = DMARC1 ;p=none")));
	ck_assert(!dmarc_is(SPAN("v=DMARC10; p=none")) && !dmarc_is(SPAN("p=none; v=DMARC1")) && !dmarc_is(SPAN("")));
	/* B.2.1, B.2.3, B.2.4 */
	ck_assert(dmarc_parse(SPAN("v=DMARC1; p=none; rua=mailto:dmarc-feedback@example.com"), &d, why));
	ck_assert(d.policy == DMARC_NONE && d.subdomain_policy == DMARC_NONE && d.percent == 100 && !d.strict_spf &&
		  !d.strict_dkim && span_equal(d.reports, SPAN("mailto:dmarc-feedback@example.com")));
	ck_assert(dmarc_parse(
		SPAN("v=DMARC1; p=quarantine; rua=mailto:a@example.com,mailto:b@thirdparty.example.net!10m; pct=25"),
		&d, why));
	ck_assert(d.policy == DMARC_QUARANTINE && d.percent == 25);
	ck_assert(dmarc_parse(SPAN("v=DMARC1;p=reject;sp=none;adkim=s;aspf=s;fo=1;"), &d, why));
	ck_assert(d.policy == DMARC_REJECT && d.subdomain_policy == DMARC_NONE && d.strict_spf && d.strict_dkim);
}
END_TEST

START_TEST(faulty_policies_are_told)
{
	const struct span bad[] = {
		SPAN("v=DMARC1"),
		SPAN("v=DMARC1; rua=mailto:a@b"),
		SPAN("v=DMARC1; p=rejct"),
		SPAN("v=DMARC1; p=none; sp=x"),
		SPAN("v=DMARC1; p=none; aspf=x"),
		SPAN("v=DMARC1; p=none; adkim="),
		SPAN("v=DMARC1; p=none; pct=101"),
	};
	struct dmarc d;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		why[0] = '\0';
		ck_assert_msg(!dmarc_parse(bad[i], &d, why) && why[0], "%s", bad[i].at);
	}
}
END_TEST

START_TEST(alignment_is_strict_or_relaxed)
{
	ck_assert(dmarc_aligned(SPAN("example.com"), SPAN("Example.com"), true));
	ck_assert(dmarc_aligned(SPAN("mail.example.com"), SPAN("example.com"), false));
	ck_assert(dmarc_aligned(SPAN("example.com"), SPAN("a.example.com"), false));
	ck_assert(!dmarc_aligned(SPAN("mail.example.com"), SPAN("example.com"), true));
	ck_assert(!dmarc_aligned(SPAN("badexample.com"), SPAN("example.com"), false));
	ck_assert(!dmarc_aligned(SPAN("example.net"), SPAN("example.com"), false));
}
END_TEST

/* RFC 6376, appendix C, and RFC 8463, appendix A. */
#define RSA                                                                                                            \
	"MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDwIRP/UC3SBsEmGqZ9ZJW3/DkMoGeLnQg1fWn7/zYtIxN2SnFCjxOCKG9v3b4jYfcTNh5i" \
	"jSsq631uBItLa7od+v/RtdC2UzJ1lWT947qR+Rcac2gbto/NMqJ0fzfVjH4OuKhitdY9tf6mcwGjaNBcWToIMmPSPDdQPNUYckcQ2QIDAQAB"
#define ED25519 "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="

START_TEST(keys_are_read)
{
	struct dkim_key key;
	ck_assert_msg(dkim_parse(SPAN("v=DKIM1; p=" RSA), &key, why), "%s", why);
	ck_assert(key.bits == 1024 && !key.ed25519 && !key.testing && !key.revoked && !key.sha1_only && !key.not_email);
	ck_assert_msg(dkim_parse(SPAN("v=DKIM1; k=ed25519; t=y:s; p=" ED25519), &key, why), "%s", why);
	ck_assert(key.ed25519 && key.testing);
	ck_assert(dkim_parse(SPAN("k=rsa; h=sha1; s=other; p= " ED25519), &key, why) == false);
	ck_assert(dkim_parse(SPAN("h=sha1; s=tlsrpt; p=" RSA ";"), &key, why) && key.sha1_only && key.not_email);
	ck_assert(dkim_parse(SPAN("v=DKIM1; p="), &key, why) && key.revoked);
}
END_TEST

START_TEST(faulty_keys_are_told)
{
	const struct span bad[] = {
		SPAN("v=DKIM2; p=" RSA),
		SPAN("v=DKIM1; k=rsa"),
		SPAN("v=DKIM1; k=dsa; p=" RSA),
		SPAN("v=DKIM1; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCB"),
		SPAN("v=DKIM1; p=!!"),
		SPAN("k=ed25519; p=" RSA),
		SPAN(""),
	};
	struct dkim_key key;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		why[0] = '\0';
		ck_assert_msg(!dkim_parse(bad[i], &key, why) && why[0], "%s", bad[i].at);
	}
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {policies_are_read, faulty_policies_are_told, alignment_is_strict_or_relaxed,
				      keys_are_read, faulty_keys_are_told};
	return run_tests("dmarc", tests, sizeof(tests) / sizeof(tests[0]), NULL, NULL);
}
