/*
 * The texts of alerts: a subject and a body in plain English that say what, since when, where and what to do. The body
 * is also what the command reads; its lines end with LF. Pure.
 */
#ifndef CTL_ALERTS_NOTICE_H
#define CTL_ALERTS_NOTICE_H

#include "common/base/str.h"
#include "ctl/alerts/watch.h"

enum { NOTICE_SUBJECT_MAX = 512, NOTICE_BODY_MAX = 64 << 10 };

struct notice {
	char subject[NOTICE_SUBJECT_MAX];
	struct str body;
};

/* An empty notice, and the end of one. */
void notice_init(struct notice *notice);
void notice_free(struct notice *notice);

/* About one alert with news, on the machine HOST, at NOW (wall clock). False: no memory. */
bool notice_one(struct notice *notice, const struct watch_alert *alert, const char *host, int64_t now);

/* Sums up all news of W. Names at most NOTICE_NAMED alerts; the rest is a number. False: no memory. */
enum { NOTICE_NAMED = 50 };
bool notice_all(struct notice *notice, const struct watch *w, const char *host, int64_t now);

/* What `mailrootctl alert test` sends. False: no memory. */
bool notice_test(struct notice *notice, const char *host, int64_t now);

/* A mail of NOTICE: header fields with FROM, TO and an identifier made of ID and HOST, then the body, with CRLF. */
bool notice_mail(const struct notice *notice, const char *from, const char *to, const char *host, const char *id,
		 int64_t now, struct str *mail);

#endif
