/*
 * Replies of providers about the mailbox that mail is submitted with, not about the message: known by the words of the
 * host, because codes are shared with replies that mean something else. Pure.
 */
#ifndef COMMON_MAIL_PROVIDER_REPLY_H
#define COMMON_MAIL_PROVIDER_REPLY_H

#include "common/mail/reply.h"

enum provider_reply {
	PROVIDER_NOTHING,     /* any other reply */
	PROVIDER_SEND_AS,     /* the mailbox may not send as this sender */
	PROVIDER_CONNECTIONS, /* more connections at a time than it may have */
	PROVIDER_QUOTA,       /* more mail than it may send in a day */
	PROVIDER_SIZE,        /* a larger message than it may send */
	PROVIDER_REPLY_COUNT
};

enum provider_reply provider_reply_of(int code, struct enhanced enhanced, struct span text);

#endif
