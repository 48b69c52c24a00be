/*
 * Checks whether DNS knows a host, for `check`: a few questions by UDP with a time limit. Mail is resolved elsewhere
 * (delivery/resolver/dns.h).
 */
#ifndef CTL_LOOKUP_H
#define CTL_LOOKUP_H

#include "common/net/nameserver.h"

enum lookup_result {
	LOOKUP_FOUND,
	LOOKUP_MISSING,   /* every question was answered, without any record */
	LOOKUP_UNANSWERED /* in time */
};

/*
 * Asks SERVERS one after the other for addresses of NAME, and with MX for mail exchangers, until UNTIL (clock_mono_ms)
 * at most. Finds names in /etc/hosts, too.
 */
enum lookup_result lookup_host(const struct nameservers *servers, const char *name, bool mx, int64_t until);

enum { LOOKUP_QUESTION_MAX = 12 + 256 + 4 };

/* Makes the question for records of TYPE of NAME; returns its length, 0 when NAME is invalid. Pure. */
size_t lookup_question(uint16_t id, const char *name, uint16_t type, unsigned char to[LOOKUP_QUESTION_MAX]);

/* What PACKET answers to question ID. UNANSWERED: it is no answer to it, or the server could not find out. Pure. */
enum lookup_result lookup_judge(struct span packet, uint16_t id);

/* Whether TEXT, the contents of /etc/hosts, has NAME. Pure. */
bool lookup_in_hosts(struct span text, struct span name);

#endif
