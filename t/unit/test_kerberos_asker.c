/* What is asked of a real KDC, and what is made of its answers. */
#include "smtpd/kerberos/asker.h"

#include <dlfcn.h>

#include "gss_kdc.h"
#include "t/unit/suite.h"

static struct kdc kdc;

/* In place of the realms that the KDC gave in its answer, once that is proven; NULL = as they are. */
static const char *user_realm, *kdc_realm;

static void replace_realm(krb5_principal principal, const char *realm)
{
	if (!realm)
		return;
	krb5_free_data_contents(NULL, &principal->realm);
	principal->realm = (krb5_data){.length = (unsigned)strlen(realm), .data = strdup(realm)};
}

/* Stands before that of the library: a KDC that has our key, but says what it should not. */
krb5_error_code krb5_verify_init_creds(krb5_context context, krb5_creds *ticket, krb5_principal service,
				       krb5_keytab keytab, krb5_ccache *cache, krb5_verify_init_creds_opt *how)
{
	krb5_error_code (*library)(krb5_context, krb5_creds *, krb5_principal, krb5_keytab, krb5_ccache *,
				   krb5_verify_init_creds_opt *) = NULL;
	*(void **)&library = dlsym(RTLD_NEXT, "krb5_verify_init_creds");
	krb5_error_code error = library(context, ticket, service, keytab, cache, how);
	replace_realm(ticket->client, user_realm);
	replace_realm(ticket->server, kdc_realm);
	return error;
}

static void open_keys(const char *keytab, struct keytab *keys)
{
	char path[128], why[400];
	kdc_path(&kdc, keytab, path);
	ck_assert_msg(keytab_open(path, NULL, keys, why, sizeof(why)), "%s", why);
}

static struct verdict ask_with(const char *keytab, const char *principal, const struct asker_question *q)
{
	struct verdict verdict;
	struct keytab keys;
	open_keys(keytab, &keys);
	asker_ask(&keys, principal, q, &verdict);
	keytab_close(&keys);
	return verdict;
}

static const struct {
	struct asker_question question;
	enum passwords_event event;
	const char *text; /* the principal, or a part of the reason */
} questions[] = {
	{{"bob", "EXAMPLE.COM", "secret"}, PASSWORDS_RIGHT, "bob@EXAMPLE.COM"},
	{{"bob", "", "secret"}, PASSWORDS_RIGHT, "bob@EXAMPLE.COM"},
	{{"bob@EXAMPLE.COM", "", "secret"}, PASSWORDS_RIGHT, "bob@EXAMPLE.COM"},
	{{"bob@example.com", "OTHER.COM EXAMPLE.COM", "secret"}, PASSWORDS_UNAVAILABLE, "OTHER.COM"},
	{{"bob@example.com", "EXAMPLE.COM OTHER.COM", "secret"}, PASSWORDS_RIGHT, "bob@EXAMPLE.COM"},
	{{"bob", "EXAMPLE.COM", "Secret"}, PASSWORDS_WRONG, "wrong password"},
	{{"bob@example.com", "EXAMPLE.COM", "Secret"}, PASSWORDS_WRONG, "wrong password"},
	{{"bob@other.com", "EXAMPLE.COM", "secret"}, PASSWORDS_UNKNOWN, "does not know the user"},
	{{"nobody", "EXAMPLE.COM", "secret"}, PASSWORDS_UNKNOWN, "does not know the user"},
	{{"bob@", "EXAMPLE.COM", "secret"}, PASSWORDS_UNKNOWN, "does not know the user"},
	{{"bob/admin", "EXAMPLE.COM", "secret"}, PASSWORDS_UNKNOWN, "does not know the user"},
	{{"bob", "NOWHERE.TEST", "secret"}, PASSWORDS_UNAVAILABLE, "name a KDC of the realm in krb5.conf"},
	{{"late", "EXAMPLE.COM", "secret"}, PASSWORDS_REFUSED, "the password has expired"},
	{{"locked", "EXAMPLE.COM", "secret"}, PASSWORDS_REFUSED, "disabled, expired or locked"},
};

START_TEST(each_question)
{
	struct verdict verdict = ask_with("service", NULL, &questions[_i].question);
	ck_assert_int_eq(verdict.event, questions[_i].event);
	if (verdict.event == PASSWORDS_RIGHT)
		ck_assert_str_eq(verdict.principal, questions[_i].text);
	else
		ck_assert_msg(strstr(verdict.why, questions[_i].text), "%s", verdict.why);
	ck_assert((verdict.event == PASSWORDS_RIGHT) == (verdict.why[0] == '\0'));
	ck_assert((verdict.event == PASSWORDS_RIGHT) == (verdict.principal[0] != '\0'));
}
END_TEST

/* A right password proves nothing as long as the KDC does not know our key. */
START_TEST(the_kdc_is_proven)
{
	static const struct asker_question right = {"bob", "EXAMPLE.COM", "secret"};
	static const struct {
		const char *keytab, *principal, *why; /* NULL = the password counts */
	} proofs[] = {
		{"service", "smtp/mail.example.com@EXAMPLE.COM", NULL},
		{"service", "smtp/mail.example.com", NULL},
		{"client", "bob", NULL}, /* any key that the KDC shares with us */
		{"service", "smtp/other.example.com", "has no key of this name"},
		{"old-key", NULL, "write it again"},
	};
	for (size_t i = 0; i < sizeof(proofs) / sizeof(proofs[0]); i++) {
		struct verdict verdict = ask_with(proofs[i].keytab, proofs[i].principal, &right);
		ck_assert_int_eq(verdict.event, proofs[i].why ? PASSWORDS_UNAVAILABLE : PASSWORDS_RIGHT);
		if (proofs[i].why) {
			ck_assert_msg(strstr(verdict.why, proofs[i].why), "%s", verdict.why);
			ck_assert_ptr_nonnull(strstr(verdict.why, "can't be proven with the key tab"));
		}
	}
}
END_TEST

static const struct {
	const char *user_realm, *kdc_realm, *realms, *keytab;
	enum passwords_event event;
	const char *text; /* as of questions */
} answers[] = {
	{"EXAMPLE.COM", "EXAMPLE.COM", "EXAMPLE.COM", "service", PASSWORDS_RIGHT, "bob@EXAMPLE.COM"},
	{"OTHER.COM", "EXAMPLE.COM", "EXAMPLE.COM OTHER.COM", "service", PASSWORDS_REFUSED, "a user of another realm"},
	{"EXAMPLE.COM", "OTHER.COM", "EXAMPLE.COM OTHER.COM", "service", PASSWORDS_REFUSED, "a user of another realm"},
	{"example.com", "EXAMPLE.COM", "EXAMPLE.COM", "service", PASSWORDS_REFUSED, "a user of another realm"},
	{"OTHER.COM", "OTHER.COM", "EXAMPLE.COM OTHER.COM", "service", PASSWORDS_RIGHT, "bob@OTHER.COM"},
	{"OTHER.COM", "OTHER.COM", "", "service", PASSWORDS_REFUSED, "list both realms in kerberos_realm"},
	{"OTHER.COM", "EXAMPLE.COM", "", "old-key", PASSWORDS_UNAVAILABLE, "can't be proven"},
};

/* A KDC is believed about users of its own realm alone; smtpd looks for that realm in kerberos_realm. */
START_TEST(only_users_of_its_own_realm)
{
	struct asker_question right = {.name = "bob", .password = "secret"};
	snprintf(right.realms, sizeof(right.realms), "%s", answers[_i].realms);
	user_realm = answers[_i].user_realm;
	kdc_realm = answers[_i].kdc_realm;
	struct verdict verdict = ask_with(answers[_i].keytab, NULL, &right);
	user_realm = kdc_realm = NULL;
	ck_assert_int_eq(verdict.event, answers[_i].event);
	const char *text = verdict.event == PASSWORDS_RIGHT ? verdict.principal : verdict.why;
	ck_assert_msg(strstr(text, answers[_i].text), "%s", text);
	ck_assert((verdict.event == PASSWORDS_RIGHT) == (verdict.principal[0] != '\0'));
}
END_TEST

START_TEST(an_empty_key_tab_proves_nothing)
{
	static const struct asker_question right = {"bob", "EXAMPLE.COM", "secret"};
	struct keytab keys = {.name = "MEMORY:empty"};
	struct verdict verdict;
	asker_ask(&keys, NULL, &right, &verdict);
	ck_assert_int_eq(verdict.event, PASSWORDS_UNAVAILABLE);
}
END_TEST

START_TEST(a_broken_krb5_conf_is_told)
{
	static const struct asker_question right = {"bob", "", "secret"};
	struct verdict verdict;
	struct keytab keys;
	char path[128];
	open_keys("service", &keys);
	kdc_path(&kdc, "broken.conf", path);
	FILE *file = fopen(path, "w");
	fputs("[libdefaults\n", file);
	fclose(file);
	setenv("KRB5_CONFIG", path, 1);
	asker_ask(&keys, NULL, &right, &verdict);
	kdc_path(&kdc, "krb5.conf", path);
	setenv("KRB5_CONFIG", path, 1);
	ck_assert_int_eq(verdict.event, PASSWORDS_UNAVAILABLE);
	ck_assert_str_ne(verdict.why, "");
	keytab_close(&keys);
}
END_TEST

START_TEST(clocks_are_named)
{
	static const krb5_error_code clocks[] = {KRB5KRB_AP_ERR_TKT_EXPIRED, KRB5KRB_AP_ERR_TKT_NYV,
						 KRB5KRB_AP_ERR_SKEW};
	struct verdict verdict;
	for (size_t i = 0; i < sizeof(clocks) / sizeof(clocks[0]); i++) {
		verdict_of_proof(NULL, clocks[i], &verdict);
		ck_assert_int_eq(verdict.event, PASSWORDS_UNAVAILABLE);
		ck_assert_ptr_nonnull(strstr(verdict.why, "the clocks of this host and the KDC differ"));
	}
	verdict_of_ticket(NULL, KRB5KRB_AP_ERR_SKEW, &verdict);
	ck_assert_int_eq(verdict.event, PASSWORDS_UNAVAILABLE);
	ck_assert_ptr_nonnull(strstr(verdict.why, "set the clocks"));
	verdict_of_ticket(NULL, KRB5_KDC_UNREACH, &verdict);
	ck_assert_ptr_nonnull(strstr(verdict.why, "is the KDC up"));
}
END_TEST

static void start(void)
{
	setenv("KRB5RCACHENAME", "none:", 1);
	kdc_start(&kdc);
}

static void stop(void)
{
	kdc_stop(&kdc);
}

int main(void)
{
	Suite *suite = suite_create("kerberos_asker");
	TCase *tcase = tcase_create("all");
	tcase_add_unchecked_fixture(tcase, start, stop);
	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase, each_question, 0, sizeof(questions) / sizeof(questions[0]));
	tcase_add_test(tcase, the_kdc_is_proven);
	tcase_add_loop_test(tcase, only_users_of_its_own_realm, 0, sizeof(answers) / sizeof(answers[0]));
	tcase_add_test(tcase, an_empty_key_tab_proves_nothing);
	tcase_add_test(tcase, a_broken_krb5_conf_is_told);
	tcase_add_test(tcase, clocks_are_named);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
