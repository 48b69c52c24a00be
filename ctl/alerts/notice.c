#include "ctl/alerts/notice.h"

#include <inttypes.h>
#include <stdio.h>

#include "common/base/clock.h"

void notice_init(struct notice *notice)
{
	notice->subject[0] = '\0';
	str_init(&notice->body, NOTICE_BODY_MAX);
}

void notice_free(struct notice *notice)
{
	str_free(&notice->body);
}

/* The time of WHEN, and how long ago that was. */
static void append_time(struct str *body, const char *what, int64_t when, int64_t now)
{
	char date[CLOCK_TEXT_MAX], ago[CLOCK_TEXT_MAX];
	clock_rfc5322(when, date);
	clock_duration(now > when ? now - when : 0, ago);
	str_printf(body, "%-9s%s (%s ago)\n", what, date, ago);
}

bool notice_one(struct notice *notice, const struct watch_alert *alert, const char *host, int64_t now)
{
	struct str *body = &notice->body;
	bool over = alert->state == WATCH_OVER;
	str_clear(body);
	watch_subject(alert, notice->subject, sizeof(notice->subject));
	str_printf(body, "%s.\n\n", notice->subject);
	str_printf(body, "Machine: %s\n", host);
	append_time(body, "Since:", alert->since_ms, now);
	if (over)
		append_time(body, "Until:", alert->good_ms, now);
	if (alert->detail[0])
		str_printf(body, over ? "It was:  %s\n" : "Details: %s\n", alert->detail);
	if (over)
		str_append_text(body, "\nThere is nothing to do.\n");
	else
		str_printf(body, "\nWhat to do: %s\nAnother message follows when this has ended.\n",
			   watch_advice(alert->kind));
	return !body->failed;
}

/* The subjects of the news in state OVER, or of the others; at most ROOM of them. Returns how many there were. */
static size_t append_news(struct str *body, const struct watch *w, bool over, size_t room)
{
	size_t n = 0;
	for (size_t i = 0; i < w->n; i++) {
		const struct watch_alert *alert = &w->at[i];
		char subject[NOTICE_SUBJECT_MAX], since[CLOCK_TEXT_MAX];
		if ((alert->state == WATCH_OVER) != over || (!over && (alert->told || alert->state == WATCH_BEGINS)))
			continue;
		if (n++ >= room)
			continue;
		watch_subject(alert, subject, sizeof(subject));
		clock_rfc5322(over ? alert->good_ms : alert->since_ms, since);
		str_printf(body, "  %s: %s\n", since, subject);
	}
	return n;
}

bool notice_all(struct notice *notice, const struct watch *w, const char *host, int64_t now)
{
	struct str *body = &notice->body;
	char date[CLOCK_TEXT_MAX];
	clock_rfc5322(now, date);
	str_clear(body);
	snprintf(notice->subject, sizeof(notice->subject), "%" PRIu64 " more alerts of Mailroot",
		 (uint64_t)watch_due(w) + watch_untold(w));
	str_printf(body, "This message sums up the alerts for which no message of their own was sent.\n\n");
	str_printf(body, "Machine: %s\nTime:    %s\n\nWhat began:\n", host, date);
	size_t began = append_news(body, w, false, NOTICE_NAMED);
	str_printf(body, "\nWhat ended:\n");
	size_t room = began < NOTICE_NAMED ? NOTICE_NAMED - began : 0, ended = append_news(body, w, true, room);
	if (began + ended > NOTICE_NAMED)
		str_printf(body, "\nAlerts that are not named here: %zu\n", began + ended - NOTICE_NAMED);
	if (w->brief)
		str_printf(body, "\nConditions that began and ended before a message could be sent: %" PRIu64 "\n",
			   w->brief);
	if (w->lost)
		str_printf(body, "\nConditions seen beyond the first %d: %" PRIu64 "\n", WATCH_MAX, w->lost);
	str_append_text(body, "\nWhat to do: mailrootctl status shows what is wrong now.\n");
	return !body->failed;
}

bool notice_test(struct notice *notice, const char *host, int64_t now)
{
	char date[CLOCK_TEXT_MAX];
	clock_rfc5322(now, date);
	str_clear(&notice->body);
	snprintf(notice->subject, sizeof(notice->subject), "Test of the alerts of Mailroot on %s", host);
	str_printf(&notice->body,
		   "This is a test. Nothing is wrong, and there is nothing to do.\n\nMachine: %s\nTime:    %s\n", host,
		   date);
	return !notice->body.failed;
}

static void append_lines(struct str *mail, struct span text)
{
	struct span line;
	while (span_line(&text, &line)) {
		str_append(mail, line);
		str_append_text(mail, "\r\n");
	}
}

bool notice_mail(const struct notice *notice, const char *from, const char *to, const char *host, const char *id,
		 int64_t now, struct str *mail)
{
	char date[CLOCK_TEXT_MAX];
	clock_rfc5322(now, date);
	str_printf(mail, "From: Mailroot <%s>\r\nTo: <%s>\r\nSubject: [%s] %s\r\n", from, to, host, notice->subject);
	str_printf(mail, "Date: %s\r\nMessage-ID: <%s@%s>\r\n", date, id, host);
	str_append_text(mail, "Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n");
	str_append_text(mail, "Content-Type: text/plain; charset=us-ascii\r\n\r\n");
	append_lines(mail, str_span(&notice->body));
	return !mail->failed;
}
