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

/* The first row that fits REPLY: code and detail of 5.7 (0 = any), and words that it holds. */
static const struct {
	int code, detail;
	const char *words, *cure;
} cures[] = {
	{0, 0, "basic authentication is disabled",
	 "no password will help, for the host takes none any more: take auth away and use a connector of theirs that "
	 "knows us by address or client_certificate, or another smart host"},
	{550, 30, "",
	 "no password will help, for the host takes none any more: take auth away and use a connector of theirs that "
	 "knows us by address or client_certificate, or another smart host"},
	{0, 0, "SmtpClientAuthentication is disabled",
	 "the password may be right: SMTP AUTH is switched off for this mailbox or all of them, and their "
	 "administrator can switch it on"},
	{0, 0, "application-specific password",
	 "the user's own password will not help: have the provider make an application-specific one, and put that "
	 "into password_file"},
	{535, 3, "", "Exchange says so of a wrong username or password, and of a mailbox that may not use SMTP AUTH"},
	{538, 0, "", "the host wants TLS for this auth: write tls verify"},
	{534, 0, "", "the host wants a stronger auth than this one"},
	{504, 0, "", "the host does not know this auth: write another one"},
	{535, 0, "", "put the right ones into username and password_file, then mailrootctl reload"},
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
