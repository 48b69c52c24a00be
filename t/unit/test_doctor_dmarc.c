/* DMARC records (RFC 7489, appendix B). */
#include "ctl/doctor/dmarc.h"

#include <check.h>
#include <stdlib.h>

#include "t/unit/suite.h"

static char why[DMARC_WHY_MAX];

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

int main(void)
{
	const TTest *const tests[] = {policies_are_read, faulty_policies_are_told, alignment_is_strict_or_relaxed};
	return run_tests("dmarc", tests, sizeof(tests) / sizeof(tests[0]), NULL, NULL);
}
