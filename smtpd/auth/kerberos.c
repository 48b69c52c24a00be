#include "smtpd/auth/kerberos.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/accounts/accounts.h"
#include "common/ipc/ask.h"
#include "smtpd/auth/gss.h"

enum { QUESTION_MAX = 4096, ANSWER_MAX = 2048 };

const char *kerberos_refuses(struct span name, struct span password)
{
	struct span rest = name;
	span_take(&rest, '@');
	if (!name.len || name.len > PASSWORDS_NAME_MAX || name.at[0] == '@' || span_find(rest, '@') < rest.len ||
	    span_find(name, '/') < name.len)
		return "no user of a Kerberos realm has this name";
	if (!password.len)
		return "empty password";
	if (password.len > PASSWORDS_PASSWORD_MAX || memchr(password.at, '\0', password.len))
		return "the password is too long, or has a NUL";
	return NULL;
}

static void unavailable(struct kerberos_answer *out, const char *why)
{
	*out = (struct kerberos_answer){.event = PASSWORDS_UNAVAILABLE};
	snprintf(out->why, sizeof(out->why), "%s", why);
}

void kerberos_take(struct span packet, struct kerberos_answer *out)
{
	struct wire_password_fits fits;
	unavailable(out, "mailroot-kerberos sent a malformed answer");
	if (!wire_admit(WIRE_LINK_passwords, WIRE_DOWN, packet) || !wire_decode_password_fits(packet, &fits) ||
	    fits.event > PASSWORDS_UNAVAILABLE || (fits.event == PASSWORDS_RIGHT) != (fits.principal.len > 0))
		return;
	out->event = (enum passwords_event)fits.event;
	span_copy(fits.principal, out->principal, sizeof(out->principal));
	span_copy(fits.why, out->why, sizeof(out->why));
}

static bool encode(struct span name, const struct config_words *realms, struct span password, struct str *to)
{
	char list[PASSWORDS_REALMS_MAX + 1] = "";
	size_t len = 0;
	for (size_t i = 0; i < realms->n && len < sizeof(list); i++)
		len += (size_t)snprintf(list + len, sizeof(list) - len, "%s%s", i ? " " : "", realms->at[i]);
	const struct wire_password_of wire = {name, span_of(list), password};
	return len < sizeof(list) && wire_encode_password_of(&wire, to);
}

void kerberos_ask(int link, struct span name, const struct config_words *realms, struct span password, int64_t until,
		  struct kerberos_answer *out)
{
	char buffer[ANSWER_MAX];
	struct ipc_packet answer;
	struct str question;
	str_init(&question, QUESTION_MAX);
	int err = encode(name, realms, password, &question)
			  ? ask_once(link, str_span(&question), until, buffer, sizeof(buffer), &answer)
			  : -ENOMEM;
	str_wipe(&question);
	if (!err) {
		kerberos_take(answer.text, out);
		ipc_packet_close(&answer);
		return;
	}
	unavailable(out, err == -ETIMEDOUT    ? "mailroot-kerberos did not answer in time: does it run?"
			 : err == -ECONNRESET ? "mailroot-kerberos died over the question"
					      : "can't ask mailroot-kerberos");
	out->lost = err == -ECONNRESET;
}

const char *kerberos_user(const char *principal, const struct config_words *realms, char *user)
{
	struct span rest = span_of(principal);
	span_take(&rest, '@');
	bool ours = !realms->n;
	for (size_t i = 0; i < realms->n; i++)
		ours |= span_equal(rest, span_of(realms->at[i]));
	if (!ours)
		return "the user's realm is not in kerberos_realm";
	bool first = realms->n && span_equal(rest, span_of(realms->at[0]));
	return gss_user_of(span_of(principal), first ? realms->at[0] : NULL, user, ACCOUNT_NAME_MAX + 1);
}
