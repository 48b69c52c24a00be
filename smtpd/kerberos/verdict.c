#include "smtpd/kerberos/verdict.h"

#include <stdio.h>

#include "common/base/language.h"
#include "common/gss/words.h"

/* What a KDC says of a user. All other errors are those of the KDC, or of the way to it. */
static const struct {
	krb5_error_code code;
	enum passwords_event event;
	const char *why;
} answers[] = {
	{KRB5KDC_ERR_PREAUTH_FAILED, PASSWORDS_WRONG, "wrong password"},
	{KRB5KRB_AP_ERR_BAD_INTEGRITY, PASSWORDS_WRONG, "wrong password"},
	{KRB5KDC_ERR_C_PRINCIPAL_UNKNOWN, PASSWORDS_UNKNOWN, "the KDC does not know the user"},
	{KRB5KDC_ERR_KEY_EXP, PASSWORDS_REFUSED, "the password has expired: the user has to change it"},
	{KRB5KDC_ERR_NAME_EXP, PASSWORDS_REFUSED, "the account has expired"},
	{KRB5KDC_ERR_CLIENT_REVOKED, PASSWORDS_REFUSED,
	 "the account is disabled, expired or locked after too many wrong passwords"},
	{KRB5KDC_ERR_CLIENT_NOTYET, PASSWORDS_REFUSED, "the account is not valid yet"},
	{KRB5KDC_ERR_POLICY, PASSWORDS_REFUSED,
	 "the policy of the KDC forbids this login: look at the account's hours and computers"},
	{KRB5KDC_ERR_NULL_KEY, PASSWORDS_REFUSED, "the account has no key: set its password again"},
	{KRB5KDC_ERR_ETYPE_NOSUPP, PASSWORDS_REFUSED,
	 "the account has no key of a permitted encryption type: set its password again, or see permitted_enctypes of krb5.conf"},
};

/*
 * What proves nothing about a KDC, but hinders the proof. The ticket was made a moment ago, so its times tell of the
 * clocks.
 */
static const struct {
	krb5_error_code code;
	const char *why;
} hindrances[] = {
	{KRB5KRB_AP_ERR_TKT_EXPIRED, N_("the clocks of this host and the KDC differ: set them (NTP)")},
	{KRB5KRB_AP_ERR_TKT_NYV, N_("the clocks of this host and the KDC differ: set them (NTP)")},
	{KRB5KRB_AP_ERR_SKEW, N_("the clocks of this host and the KDC differ: set them (NTP)")},
	{KRB5KDC_ERR_S_PRINCIPAL_UNKNOWN,
	 N_("the KDC does not know the principals of the key tab: does klist -k list those of this realm?")},
	{KRB5KDC_ERR_MUST_USE_USER2USER,
	 N_("the principal of the key tab is an account without a service principal name: add one (setspn -A), or name another key with principal")},
};

void verdict_unavailable(const char *why, struct verdict *out)
{
	*out = (struct verdict){.event = PASSWORDS_UNAVAILABLE};
	snprintf(out->why, sizeof(out->why), "%s", why);
}

void verdict_refused(const char *why, struct verdict *out)
{
	*out = (struct verdict){.event = PASSWORDS_REFUSED};
	snprintf(out->why, sizeof(out->why), "%s", why);
}

void verdict_of_ticket(krb5_context context, krb5_error_code error, struct verdict *out)
{
	char words[GSS_WHY_MAX];
	for (size_t i = 0; i < sizeof(answers) / sizeof(*answers); i++) {
		if (answers[i].code != error)
			continue;
		*out = (struct verdict){.event = answers[i].event};
		snprintf(out->why, sizeof(out->why), "%s", answers[i].why);
		return;
	}
	gss_words_krb5(context, error, words, sizeof(words));
	verdict_unavailable(words, out);
}

void verdict_of_proof(krb5_context context, krb5_error_code error, struct verdict *out)
{
	char words[GSS_WHY_MAX];
	gss_words_krb5(context, error, words, sizeof(words));
	for (size_t i = 0; i < sizeof(hindrances) / sizeof(*hindrances); i++)
		if (hindrances[i].code == error)
			snprintf(words, sizeof(words), "%s", hindrances[i].why);
	*out = (struct verdict){.event = PASSWORDS_UNAVAILABLE};
	snprintf(out->why, sizeof(out->why), N_("the KDC's answer can't be proven with the key tab: %.340s"), words);
}
