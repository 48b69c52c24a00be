/* The signatures of a message: which domain signs, and when it goes unsigned or waits. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "delivery/smtp/sign.h"
#include "t/unit/signer_fixture.h"
#include "t/unit/suite.h"

static struct signing signing;
static struct str fields;
static char signed_by[SIGN_NAMES_MAX];
static struct outcome why;
static const char *rest; /* of the message, behind its header */

static void setup(void)
{
	start_signer();
	signing = (struct signing){&signer, connect_client()};
	str_init(&fields, 100000);
	rest = "\r\ntext\r\n";
	signed_by[0] = '\0';
}

static void teardown(void)
{
	close(signing.link);
	str_free(&fields);
	stop_signer();
}

/* A few octets at a time. */
static struct span read_rest(void *context, uint64_t at)
{
	(void)context;
	struct span left = span_skip(span_of(rest), (size_t)at);
	errno = EPIPE;
	return (struct span){left.at, left.len < 3 ? left.len : 3};
}

static bool sign_sized(const char *header, uint64_t size)
{
	const struct sign_text text = {
		.signing = &signing, .id = SPAN("ID"), .header = span_of(header), .size = size, .read = read_rest};
	return sign_message(&text, &fields, signed_by, &why);
}

static bool sign(const char *header)
{
	return sign_sized(header, strlen(rest));
}

static size_t count(const char *word)
{
	size_t n = 0;
	for (const char *at = str_text(&fields); (at = strstr(at, word)); at++)
		n++;
	return n;
}

START_TEST(each_selector_signs)
{
	ck_assert(sign("From: X <x@A.test>\r\nSubject: s\r\n"));
	ck_assert_str_eq(signed_by, "a.test/rsa,ed");
	ck_assert_uint_eq(count("DKIM-Signature: v=1;"), 2);
	ck_assert_uint_eq(count("a=rsa-sha256;"), 1);
	ck_assert_uint_eq(count("a=ed25519-sha256;"), 1);
	ck_assert_mem_eq(fields.at + fields.len - 2, "\r\n", 2);
}
END_TEST

START_TEST(the_block_above_signs_for_subdomains)
{
	ck_assert(sign("From: x@y.c.test\r\n"));
	ck_assert_str_eq(signed_by, "c.test/ed");
	ck_assert_uint_eq(count("d=c.test; s=ed;"), 1);
}
END_TEST

static void expect_unsigned(const char *header)
{
	ck_assert_msg(sign(header), "%s waits", header);
	ck_assert_msg(!fields.len && !signed_by[0], "%s is signed", header);
}

START_TEST(other_mail_is_not_signed)
{
	expect_unsigned("From: x@other.test\r\n");
	expect_unsigned("From: x@y.a.test\r\n");
	expect_unsigned("From: x@a.test\r\nFrom: x@a.test\r\n");
	expect_unsigned("From: x@a.test, y@a.test\r\n");
	expect_unsigned("From: <>\r\n");
	expect_unsigned("Subject: x@a.test\r\n");
	expect_unsigned("");
	rest = "text without an empty line in front\r\n";
	expect_unsigned("From: x@a.test\r\n");
}
END_TEST

static void expect_waiting(const char *header, unsigned detail, const char *text)
{
	ck_assert(!sign(header));
	ck_assert(why.event == JOURNAL_DELAYED && why.code == 451);
	ck_assert(why.enhanced.class == 4 && why.enhanced.subject == 3 && why.enhanced.detail == detail);
	ck_assert_msg(memmem(why.text.at, why.text.len, text, strlen(text)) != NULL, "%.*s", SPAN_ARGS(why.text));
	ck_assert_str_eq(signed_by, "");
}

START_TEST(mail_waits_for_a_key)
{
	expect_waiting("From: x@b.test\r\n", 5, "dkim b.test: selector gone: can't use");
}
END_TEST

START_TEST(mail_waits_for_the_signer)
{
	ck_assert_int_eq(kill(signer.pid, SIGKILL), 0);
	ck_assert_int_eq(waitpid(signer.pid, NULL, 0), signer.pid);
	expect_waiting("From: x@a.test\r\n", 0, "the process that signs mail (DKIM) gives no signature: ");
}
END_TEST

START_TEST(mail_waits_when_its_file_is_too_short)
{
	ck_assert(!sign_sized("From: x@a.test\r\n", strlen(rest) + 1));
	ck_assert_ptr_nonnull(memmem(why.text.at, why.text.len, "shorter than its name says", 26));
}
END_TEST

#if !defined(__SANITIZE_ADDRESS__)
/* The address space of this process, in octets. */
static size_t address_space(void)
{
	size_t pages = 0;
	FILE *file = fopen("/proc/self/statm", "r");
	ck_assert_ptr_nonnull(file);
	ck_assert_int_eq(fscanf(file, "%zu", &pages), 1);
	fclose(file);
	return pages * (size_t)sysconf(_SC_PAGESIZE);
}

START_TEST(mail_waits_for_memory)
{
	enum { LONG = 250 * 1024 };
	static char header[LONG + 100];
	struct rlimit before, small;
	memset(header, 'x', LONG);
	memcpy(header, "From: x@a.test\r\nX: ", strlen("From: x@a.test\r\nX: "));
	memcpy(header + LONG, "\r\n", 3);
	ck_assert_int_eq(getrlimit(RLIMIT_AS, &before), 0);
	small = (struct rlimit){address_space(), before.rlim_max};
	ck_assert_int_eq(setrlimit(RLIMIT_AS, &small), 0);
	bool went_on = sign(header);
	ck_assert_int_eq(setrlimit(RLIMIT_AS, &before), 0);
	ck_assert(!went_on);
	ck_assert_msg(span_equal(why.text, span_of(strerror(ENOMEM))), "%.*s", SPAN_ARGS(why.text));
	ck_assert(sign(header));
	ck_assert_str_eq(signed_by, "a.test/rsa,ed");
}
END_TEST
#endif

int main(void)
{
	Suite *suite = suite_create("sign");
	TCase *tc = tcase_create("sign");
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, each_selector_signs);
	tcase_add_test(tc, the_block_above_signs_for_subdomains);
	tcase_add_test(tc, other_mail_is_not_signed);
	tcase_add_test(tc, mail_waits_for_a_key);
	tcase_add_test(tc, mail_waits_for_the_signer);
	tcase_add_test(tc, mail_waits_when_its_file_is_too_short);
#if !defined(__SANITIZE_ADDRESS__)
	tcase_add_test(tc, mail_waits_for_memory);
#endif
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
