/* SCRAM-SHA-256 against the server side of libgsasl, and against malicious hosts. */
#include "delivery/auth/scram.h"

#include <gsasl.h>

#include "t/unit/sasl_fixture.h"

struct other_side {
	Gsasl *library;
	Gsasl_session *session;
};

static int tell(Gsasl *library, Gsasl_session *session, Gsasl_property wanted)
{
	(void)library;
	if (wanted == GSASL_PASSWORD)
		return gsasl_property_set(session, GSASL_PASSWORD, "p\303\244ssword,=");
	if (wanted == GSASL_SCRAM_ITER)
		return gsasl_property_set(session, GSASL_SCRAM_ITER, "4096");
	return GSASL_NO_CALLBACK;
}

static void other_side_begin(struct other_side *o)
{
	ck_assert_int_eq(gsasl_init(&o->library), GSASL_OK);
	gsasl_callback_set(o->library, tell);
	ck_assert_int_eq(gsasl_server_start(o->library, "SCRAM-SHA-256", &o->session), GSASL_OK);
}

static void other_side_end(struct other_side *o)
{
	gsasl_finish(o->session);
	gsasl_done(o->library);
}

/* The answer of the host to TEXT, in base64; *result is that of gsasl. */
static char *other_side_step(struct other_side *o, const char *text, int *result)
{
	char *out = NULL;
	*result = gsasl_step64(o->session, text, &out);
	return out;
}

static const struct sasl *scram(const char *password)
{
	static struct sasl_user user;
	user = user_of(CONFIG_AUTH_SCRAM_SHA_256, "us,er=", password);
	const struct sasl *s = sasl_open(&user, NULL, "host.test", 587);
	ck_assert(begin(s, "PLAIN SCRAM-SHA-256-PLUS SCRAM-SHA-256"));
	ck_assert(span_starts(str_span(&said), SPAN("SCRAM-SHA-256 "))); /* there is no TLS to bind to */
	return s;
}

START_TEST(scram_both_sides)
{
	struct other_side o;
	int result;
	const struct sasl *s = scram("p\303\244ssword,=");
	other_side_begin(&o);
	char *first = other_side_step(&o, str_text(&said) + strlen("SCRAM-SHA-256 "), &result);
	ck_assert_int_eq(result, GSASL_NEEDS_MORE);
	ck_assert(!s->finish(s->context, &why)); /* not yet */
	ck_assert(answer(s, first));
	char *last = other_side_step(&o, str_text(&said), &result);
	ck_assert_int_eq(result, GSASL_OK);
	ck_assert(!s->finish(s->context, &why));
	ck_assert(answer(s, last));
	ck_assert_uint_eq(said.len, 0);
	ck_assert(s->finish(s->context, &why));
	ck_assert(!answer(s, last)); /* nothing may follow */
	gsasl_free(first);
	gsasl_free(last);
	other_side_end(&o);
	sasl_close(s);
}
END_TEST

/* The host accepts any proof but does not know the password: its 235 does not count. */
START_TEST(scram_host_without_password)
{
	char text[256], nonce[64];
	const struct sasl *s = scram("secret");
	const char *r = strstr(decoded(), ",r=") + 1;
	ck_assert(strlen(r) < sizeof(nonce));
	snprintf(nonce, sizeof(nonce), "%s", r);
	snprintf(text, sizeof(text), "%sabc,s=c2FsdA==,i=4096", nonce);
	ck_assert(answer_text(s, text));
	ck_assert_ptr_nonnull(strstr(decoded(), ",p="));
	ck_assert(!s->finish(s->context, &why));
	ck_assert_ptr_nonnull(strstr(why, "without proof"));
	ck_assert(!answer_text(s, "v=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="));
	ck_assert_ptr_nonnull(strstr(why, "could not prove"));
	ck_assert(!s->finish(s->context, &why));
	sasl_close(s);
}
END_TEST

/* First messages that are malformed, that ask for endless work, or whose nonce is not ours. */
START_TEST(scram_bad_first)
{
	static const char *const bad[] = {"",
					  "r=x,s=c2FsdA==,i=4096",
					  "%s,s=c2FsdA==,i=4096",
					  "%sabc,s=c2FsdA==,i=0",
					  "%sabc,s=c2FsdA==,i=1000001",
					  "%sabc,s=c2FsdA==,i=99999999999999999999",
					  "%sabc,s=c2FsdA==,i=-1",
					  "%sabc,s=c2FsdA==,i=",
					  "%sabc,s=c2FsdA==",
					  "%sabc,i=4096,s=c2FsdA==",
					  "m=x,%sabc,s=c2FsdA==,i=4096",
					  "e=other-error"};
	char text[256], nonce[64];
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		const struct sasl *s = scram("secret");
		snprintf(nonce, sizeof(nonce), "%s", strstr(decoded(), ",r=") + 1);
		const char *at = strstr(bad[i], "%s");
		snprintf(text, sizeof(text), "%.*s%s%s", at ? (int)(at - bad[i]) : 0, bad[i], at ? nonce : "",
			 at ? at + 2 : bad[i]);
		bool taken = answer_text(s, text);
		/* A nonce to which the host adds nothing is bad style but harmless. */
		ck_assert_msg(!taken || i == 2, "%s was taken", text);
		ck_assert(!s->finish(s->context, &why));
		sasl_close(s);
	}
}
END_TEST

START_TEST(iteration_counts)
{
	ck_assert_uint_eq(scram_iterations(SPAN("r=a,s=b,i=4096")), 4096);
	ck_assert_uint_eq(scram_iterations(SPAN("r=a,s=b,i=1000000")), 1000000);
	ck_assert_uint_eq(scram_iterations(SPAN("r=a,s=b,i=4096,x=extension")), 4096);
	ck_assert_uint_eq(scram_iterations(SPAN("r=a,s=b,i=1000001")), 0);
	ck_assert_uint_eq(scram_iterations(SPAN("r=a,i=4096,s=b")), 0);
	ck_assert_uint_eq(scram_iterations(SPAN("r=a,s=b,j=4096")), 0);
	ck_assert_uint_eq(scram_iterations(SPAN("i=4096")), 0);
	ck_assert_uint_eq(scram_iterations(SPAN("")), 0);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		scram_both_sides,
		scram_host_without_password,
		scram_bad_first,
		iteration_counts,
	};
	return run_tests("delivery_scram", tests, sizeof(tests) / sizeof(tests[0]), fixture_open, fixture_close);
}
