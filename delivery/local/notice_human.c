/* The part of a notice for people: what happened to which recipients, the text of the host, and advice. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/mail/mime.h"
#include "common/mail/msgid.h"
#include "delivery/local/notice.h"
#include "delivery/local/notice_words.h"

enum { COLUMNS = 76, INDENT = 4, SUBJECT_SHOWN_MAX = 200 };

/* Wraps English text at COLUMNS. Japanese has no blanks and is left to the reader's program. */
static void append_lines(struct str *to, size_t indent, struct span text)
{
	struct span line;
	while (span_line(&text, &line)) {
		size_t column = 0;
		while (line.len) {
			struct span word = span_take(&line, ' ');
			bool begins = column == 0 || column + 1 + word.len > COLUMNS;
			str_printf(to, "%s%*s%.*s", column && begins ? "\r\n" : "", begins ? (int)indent : 1, "",
				   SPAN_ARGS(word));
			column = begins ? indent + word.len : column + 1 + word.len;
		}
		str_append_text(to, "\r\n");
	}
}

static void say(const struct notice *n, struct str *to, size_t indent, enum notice_words words, struct span first,
		struct span second)
{
	struct str text;
	str_init(&text, NOTICE_HUMAN_MAX);
	notice_say(&text, notice_words(n->language, words), first, second);
	append_lines(to, indent, str_span(&text));
	str_free(&text);
}

static bool same_words(const struct journal_line *a, const struct journal_line *b)
{
	return a->code == b->code && span_equal(a->host, b->host) && span_equal(a->text, b->text) &&
	       a->enhanced.class == b->enhanced.class && a->enhanced.subject == b->enhanced.subject &&
	       a->enhanced.detail == b->enhanced.detail;
}

static bool same_reason(const struct notice_fact *a, const struct notice_fact *b)
{
	return a->action == b->action && a->expired == b->expired && same_words(notice_cause(a), notice_cause(b));
}

static void append_cause(const struct notice *n, const struct notice_fact *fact, struct str *to)
{
	const struct journal_line *cause = notice_cause(fact);
	char enhanced[ENHANCED_TEXT_MAX], code[16] = "", id[MSGID_LEN + 1], age[CLOCK_TEXT_MAX];
	struct str words;
	str_init(&words, JOURNAL_LINE_MAX);
	enhanced_format(cause->enhanced, enhanced);
	if (fact->expired && span_copy(n->message_id, id, sizeof(id))) {
		clock_duration(fact->line.wall_ms - msgid_time(id) * 1000, age);
		say(n, to, INDENT, WORDS_GAVE_UP, span_of(age), (struct span){0});
	}
	say(n, to, INDENT,
	    !cause->host.len ? WORDS_OURS
	    : cause->code    ? WORDS_SAID
			     : WORDS_NO_WAY,
	    cause->host, (struct span){0});
	if (cause->code)
		snprintf(code, sizeof(code), "%d ", cause->code);
	str_printf(&words, "%s%s%s%.*s", code, enhanced, *enhanced ? " " : "", SPAN_ARGS(cause->text));
	append_lines(to, INDENT, str_span(&words));
	str_append_text(to, "\r\n");
	if (fact->action == NOTICE_FAILED)
		append_lines(to, INDENT, span_of(notice_advice(n->language, cause)));
	str_append_text(to, fact->action == NOTICE_FAILED ? "\r\n" : "");
	str_free(&words);
}

/* Lists the recipients with the same reason as FIRST; returns their number. */
static size_t append_group(const struct notice *n, size_t first, bool *told, struct str *to)
{
	const struct notice_fact *fact = &n->facts[first];
	size_t count = 0;
	for (size_t i = first; i < n->envelope->rcpt_count && to->len < NOTICE_HUMAN_MAX; i++) {
		if (told[i] || !same_reason(&n->facts[i], fact))
			continue;
		str_printf(to, "  <%.*s>\r\n", SPAN_ARGS(n->envelope->rcpts[i].text));
		told[i] = true;
		count++;
	}
	str_append_text(to, "\r\n");
	if (fact->action != NOTICE_DELIVERED && fact->action != NOTICE_EXPANDED)
		append_cause(n, fact, to);
	return count;
}

static void append_action(const struct notice *n, enum notice_action action, bool *told, struct str *to)
{
	char until[CLOCK_TEXT_MAX], more[32];
	size_t left = 0, total = n->envelope->rcpt_count;
	for (size_t i = 0; i < total; i++)
		left += n->facts[i].action == action;
	if (!left)
		return;
	struct str heading;
	str_init(&heading, NOTICE_HUMAN_MAX);
	clock_rfc5322(n->until_ms, until);
	notice_say(&heading, notice_heading(n->language, action), span_of(until), (struct span){0});
	append_lines(to, 0, str_span(&heading));
	str_append_text(to, "\r\n");
	str_free(&heading);
	for (size_t i = 0; i < total && to->len < NOTICE_HUMAN_MAX; i++)
		if (n->facts[i].action == action && !told[i])
			left -= append_group(n, i, told, to);
	snprintf(more, sizeof(more), "%zu", left);
	if (left)
		say(n, to, 2, WORDS_MORE, span_of(more), (struct span){0});
	str_append_text(to, left ? "\r\n" : "");
}

/* Identifies the message. A subject in encoded words would be unreadable here; the notice's own subject has it. */
static void append_summary(const struct notice *n, struct str *to)
{
	char id[MSGID_LEN + 1], date[CLOCK_TEXT_MAX];
	struct str subject;
	str_init(&subject, NOTICE_HEADERS_MAX);
	notice_original_subject(n, &subject);
	str_append_text(to, "\r\n");
	if (subject.len && !memmem(subject.at, subject.len, "=?", 2)) {
		size_t len = mime_utf8(str_span(&subject), SUBJECT_SHOWN_MAX);
		str_printf(to, "  Subject: %.*s\r\n", (int)len, subject.at);
	}
	if (span_copy(n->message_id, id, sizeof(id))) {
		clock_rfc5322(msgid_time(id) * 1000, date);
		str_printf(to, "  Date: %s\r\n", date);
	}
	str_append_text(to, "\r\n");
	str_free(&subject);
}

void notice_write_human(const struct notice *n, struct str *to)
{
	bool *told = calloc(n->envelope->rcpt_count, sizeof(*told));
	if (!told) {
		to->failed = true;
		return;
	}
	say(n, to, 0, WORDS_SERVER, span_of(n->fqdn), (struct span){0});
	append_summary(n, to);
	for (enum notice_action action = NOTICE_FAILED; action < NOTICE_ACTION_COUNT; action++)
		append_action(n, action, told, to);
	say(n, to, 0, WORDS_LOGS, n->message_id, span_of(n->postmaster));
	say(n, to, 0, WORDS_REST, (struct span){0}, (struct span){0});
	free(told);
}
