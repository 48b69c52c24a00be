#include "delivery/smtp/refusal.h"

#include <stdio.h>
#include <string.h>

#include "common/base/language.h"
#include "common/mail/provider_reply.h"

bool refusal_wants_proof(const struct reply *reply)
{
	return reply->code == 530 || reply->code == 534 || reply->code == 535 || reply->code == 538;
}

static struct span text_of(const struct reply *reply)
{
	return (struct span){reply->text, reply->text_len};
}

bool refusal_wants_tls(const struct reply *reply)
{
	return reply->code == 538 || reply_says(text_of(reply), "STARTTLS") || reply_says(text_of(reply), "TLS ");
}

bool refusal_will_pass(const struct reply *reply)
{
	return reply->code / 100 == 5 &&
	       provider_reply_of(reply->code, reply->enhanced, text_of(reply)) == PROVIDER_QUOTA;
}

#define NO_PASSWORDS                                                                                                   \
	N_("the host no longer accepts passwords: write auth xoauth2 with a block oauth, or remove auth and use a connector on their side that identifies us by address or client_certificate")

enum credential { ANY, PASSWORD, TOKEN };

/* Replies to AUTH. The first matching row counts: what was shown, code and detail of 5.7 (0 = any), words in the text.
 */
static const struct {
	enum credential shown;
	int code, detail;
	const char *words, *cure;
} cures[] = {
	{ANY, 0, 0, "basic authentication is", NO_PASSWORDS},
	{TOKEN, 0, 0, "SmtpClientAuthentication is disabled",
	 N_("the token may be right: SMTP AUTH is disabled for this mailbox or for the whole organization, and their administrator can enable it")},
	{PASSWORD, 0, 0, "SmtpClientAuthentication is disabled",
	 N_("the password may be right: SMTP AUTH is disabled for this mailbox or for the whole organization, and their administrator can enable it")},
	{PASSWORD, 0, 0, "application-specific password",
	 N_("the user's own password does not work: create an application-specific password at the provider, and put it into password_file")},
	{TOKEN, 535, 3, "",
	 N_("the application has no permission to send as this mailbox, or the permission is not in force yet, which takes up to two hours")},
	{PASSWORD, 535, 3, "",
	 N_("Exchange gives this reply for a wrong username or password, and for a mailbox that may not use SMTP AUTH")},
	{ANY, 538, 0, "", N_("the host requires TLS for this auth: write tls verify")},
	{ANY, 534, 0, "", N_("the host requires a stronger auth than this one")},
	{ANY, 504, 0, "", N_("the host does not know this auth: write another one")},
	{TOKEN, 535, 0, "", N_("see what the token permits with mailrootctl oauth test, and correct username")},
	{PASSWORD, 535, 0, "", N_("correct username and password_file, then run mailrootctl reload")},
};

const char *refusal_cure(const struct reply *reply, bool token)
{
	enum credential shown = token ? TOKEN : PASSWORD;
	for (size_t i = 0; i < sizeof(cures) / sizeof(cures[0]); i++) {
		bool detail =
			!cures[i].detail || (reply->enhanced.subject == 7 && reply->enhanced.detail == cures[i].detail);
		if ((cures[i].shown == ANY || cures[i].shown == shown) &&
		    (!cures[i].code || cures[i].code == reply->code) && detail &&
		    reply_says(text_of(reply), cures[i].words))
			return cures[i].cure;
	}
	return "";
}

void refusal_explain(struct reply *reply)
{
	static const char *const remedies[PROVIDER_REPLY_COUNT] = {
		[PROVIDER_SEND_AS] = N_("postmaster: write send_as with the mailbox of username"),
		[PROVIDER_CONNECTIONS] = N_("postmaster: write max_connections 3"),
		[PROVIDER_QUOTA] = N_(
			"postmaster: this mailbox has sent as much as it may in a day; mail waits until it may send again"),
		[PROVIDER_SIZE] = N_("postmaster: this provider takes smaller messages only; set max_message_size"),
	};
	const char *remedy = remedies[provider_reply_of(reply->code, reply->enhanced, text_of(reply))];
	if (!remedy)
		return;
	size_t len = strlen(remedy) + strlen(" ()"), most = REPLY_TEXT_MAX - len,
	       kept = reply->text_len < most ? reply->text_len : most;
	snprintf(reply->text + kept, sizeof(reply->text) - kept, " (%s)", remedy);
	reply->text_len = kept + len;
}
