#include "common/mail/provider_reply.h"

/* All from Exchange Online. */
static const struct {
	enum provider_reply means;
	int code; /* 0 = any */
	const char *words;
} replies[] = {
	{PROVIDER_SEND_AS, 0, "SendAsDenied"},
	{PROVIDER_SEND_AS, 550, "not have permissions to send as"},
	{PROVIDER_CONNECTIONS, 432, "connections limit exceeded"},
	{PROVIDER_CONNECTIONS, 432, "sender thread limit exceeded"},
	{PROVIDER_QUOTA, 0, "SubmissionQuotaExceeded"},
};

enum provider_reply provider_reply_of(int code, struct enhanced enhanced, struct span text)
{
	for (size_t i = 0; i < sizeof(replies) / sizeof(replies[0]); i++)
		if ((!replies[i].code || replies[i].code == code) && reply_says(text, replies[i].words))
			return replies[i].means;
	return code == 554 && enhanced.subject == 2 && enhanced.detail == 270 ? PROVIDER_SIZE : PROVIDER_NOTHING;
}
