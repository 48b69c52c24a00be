/* The texts of a notice in each language, UTF-8. $1 and $2 stand for arguments. */
#ifndef DELIVERY_LOCAL_NOTICE_WORDS_H
#define DELIVERY_LOCAL_NOTICE_WORDS_H

#include "common/base/str.h"
#include "common/config/config.h"
#include "common/mail/reply.h"
#include "delivery/local/notice_facts.h"

enum notice_words {
	WORDS_FROM,    /* the sender's display name */
	WORDS_SERVER,  /* $1: our name */
	WORDS_GAVE_UP, /* $1: the time tried */
	WORDS_SAID,    /* $1: the host */
	WORDS_NO_WAY,  /* $1: the host */
	WORDS_OURS,
	WORDS_MORE, /* $1: how many */
	WORDS_LOGS, /* $1: the message's id, $2: the postmaster */
	WORDS_REST,
	WORDS_COUNT
};

const char *notice_words(enum config_language language, enum notice_words words);

/* The prefix of the subject, followed by the message's own. */
const char *notice_subject(enum config_language language, enum notice_action action);

/* The heading above the recipients with this action. $1: the date until which delayed ones are tried. */
const char *notice_heading(enum config_language language, enum notice_action action);

/* Advice for the reader about the reason CAUSE, by the enhanced code (RFC 3463) or by the words of a provider. */
const char *notice_advice(enum config_language language, const struct journal_line *cause);

/* Appends TEXT with its $1 and $2 replaced. */
void notice_say(struct str *to, const char *text, struct span first, struct span second);

#endif
