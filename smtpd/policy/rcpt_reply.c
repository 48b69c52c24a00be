#include "smtpd/policy/rcpt_reply.h"

enum reply_id rcpt_reply_known(enum known_verdict verdict)
{
	if (verdict == KNOWN_NO)
		return REPLY_NO_RECIPIENT;
	return verdict == KNOWN_LATER ? REPLY_RECIPIENT_LATER : REPLY_NONE;
}

enum reply_id rcpt_reply_alias(enum alias_result result)
{
	static const enum reply_id replies[ALIAS_RESULT_COUNT] = {
		[ALIAS_EXPANDED] = REPLY_NONE,         [ALIAS_LOOP] = REPLY_ALIAS_BROKEN,
		[ALIAS_TOO_DEEP] = REPLY_ALIAS_BROKEN, [ALIAS_TOO_MANY] = REPLY_ALIAS_BROKEN,
		[ALIAS_LATER] = REPLY_RECIPIENT_LATER, [ALIAS_NO_MEMORY] = REPLY_NO_MEMORY,
	};
	return replies[result];
}
