/*
 * Checks whether DNS knows a host, for `check`: a few questions by UDP with a time limit. Mail is resolved elsewhere
 * (common/dns/dns.h).
 */
#ifndef CTL_HOSTCHECK_H
#define CTL_HOSTCHECK_H

#include "common/net/nameserver.h"

enum hostcheck_result {
	HOSTCHECK_FOUND,
	HOSTCHECK_MISSING,   /* every question was answered, without any record */
	HOSTCHECK_UNANSWERED /* in time */
};

/*
 * Asks SERVERS one after the other for addresses of NAME, and with MX for mail exchangers, until UNTIL (clock_mono_ms)
 * at most. Finds names in /etc/hosts, too.
 */
enum hostcheck_result hostcheck_host(const struct nameservers *servers, const char *name, bool mx, int64_t until);

enum { HOSTCHECK_QUESTION_MAX = 12 + 256 + 4 };

/* Makes the question for records of TYPE of NAME; returns its length, 0 when NAME is invalid. Pure. */
size_t hostcheck_question(uint16_t id, const char *name, uint16_t type, unsigned char to[HOSTCHECK_QUESTION_MAX]);

/* What PACKET answers to question ID. UNANSWERED: it is no answer to it, or the server could not find out. Pure. */
enum hostcheck_result hostcheck_judge(struct span packet, uint16_t id);

/* Whether TEXT, the contents of /etc/hosts, has NAME. Pure. */
bool hostcheck_in_hosts(struct span text, struct span name);

#endif
