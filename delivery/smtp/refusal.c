#include "delivery/smtp/refusal.h"

bool refusal_wants_proof(const struct reply *reply)
{
	return reply->code == 530 || reply->code == 534 || reply->code == 535 || reply->code == 538;
}

static bool has_words(const struct reply *reply, const char *words)
{
	struct span text = {reply->text, reply->text_len}, wanted = span_of(words);
	while (text.len && !span_starts_nocase(text, wanted))
		text = span_skip(text, 1);
	return text.len > 0 || !wanted.len;
}

bool refusal_wants_tls(const struct reply *reply)
{
	return reply->code == 538 || has_words(reply, "STARTTLS") || has_words(reply, "TLS ");
}

#define CONNECTOR                                                                                                      \
	"write auth xoauth2 with a block oauth, or remove auth and use a connector on their side that identifies us by address or client_certificate"

enum credential { ANY, PASSWORD, TOKEN };

/* Replies to AUTH. The first matching row counts: what was shown, code and detail of 5.7 (0 = any), words in the text.
 */
static const struct {
	enum credential shown;
	int code, detail;
	const char *words, *cure;
} cures[] = {
	{ANY, 0, 0, "basic authentication is", "the host no longer accepts passwords: " CONNECTOR},
	{TOKEN, 0, 0, "SmtpClientAuthentication is disabled",
	 "the token may be right: SMTP AUTH is disabled for this mailbox or for the whole organization, and their administrator can enable it"},
	{PASSWORD, 0, 0, "SmtpClientAuthentication is disabled",
	 "the password may be right: SMTP AUTH is disabled for this mailbox or for the whole organization, and their administrator can enable it"},
	{PASSWORD, 0, 0, "application-specific password",
	 "the user's own password does not work: create an application-specific password at the provider, and put it into password_file"},
	{TOKEN, 535, 3, "",
	 "the application has no permission to send as this mailbox, or the permission is not in force yet, which takes up to two hours"},
	{PASSWORD, 535, 3, "",
	 "Exchange gives this reply for a wrong username or password, and for a mailbox that may not use SMTP AUTH"},
	{ANY, 538, 0, "", "the host requires TLS for this auth: write tls verify"},
	{ANY, 534, 0, "", "the host requires a stronger auth than this one"},
	{ANY, 504, 0, "", "the host does not know this auth: write another one"},
	{TOKEN, 535, 0, "", "see what the token permits with mailrootctl oauth test, and correct username"},
	{PASSWORD, 535, 0, "", "correct username and password_file, then run mailrootctl reload"},
};

const char *refusal_cure(const struct reply *reply, bool token)
{
	enum credential shown = token ? TOKEN : PASSWORD;
	for (size_t i = 0; i < sizeof(cures) / sizeof(cures[0]); i++) {
		bool detail =
			!cures[i].detail || (reply->enhanced.subject == 7 && reply->enhanced.detail == cures[i].detail);
		if ((cures[i].shown == ANY || cures[i].shown == shown) &&
		    (!cures[i].code || cures[i].code == reply->code) && detail && has_words(reply, cures[i].words))
			return cures[i].cure;
	}
	return "";
}
