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

/* The first matching row counts: code and detail of 5.7 (0 = any), and words in the text. */
static const struct {
	int code, detail;
	const char *words, *cure;
} cures[] = {
	{0, 0, "basic authentication is disabled",
	 "the host no longer accepts passwords: remove auth and use a connector on their side that identifies us by address or client_certificate, or another smart host"},
	{550, 30, "",
	 "the host no longer accepts passwords: remove auth and use a connector on their side that identifies us by address or client_certificate, or another smart host"},
	{0, 0, "SmtpClientAuthentication is disabled",
	 "the password may be right: SMTP AUTH is disabled for this mailbox or for the whole organization, and their administrator can enable it"},
	{0, 0, "application-specific password",
	 "the user's own password does not work: create an application-specific password at the provider, and put it into password_file"},
	{535, 3, "",
	 "Exchange gives this reply for a wrong username or password, and for a mailbox that may not use SMTP AUTH"},
	{538, 0, "", "the host requires TLS for this auth: write tls verify"},
	{534, 0, "", "the host requires a stronger auth than this one"},
	{504, 0, "", "the host does not know this auth: write another one"},
	{535, 0, "", "correct username and password_file, then run mailrootctl reload"},
};

const char *refusal_cure(const struct reply *reply)
{
	for (size_t i = 0; i < sizeof(cures) / sizeof(cures[0]); i++) {
		bool detail =
			!cures[i].detail || (reply->enhanced.subject == 7 && reply->enhanced.detail == cures[i].detail);
		if ((!cures[i].code || cures[i].code == reply->code) && detail && has_words(reply, cures[i].words))
			return cures[i].cure;
	}
	return "";
}
