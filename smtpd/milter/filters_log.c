#include "smtpd/milter/filters_log.h"

#include <stdio.h>

#include "common/base/log.h"

enum {
	ABOUT_MAX = 1200,
	WORDS_MAX = 6000,
	NAME_SHOWN_MAX = 80, /* octets of the name of a field */
	LIST_MAX = 250       /* then entries of a list are counted: a line of the log has 2000 octets */
};

/* Which message: its id, or before it has one, client and sender. */
static const char *about(const struct macros_facts *facts, char to[ABOUT_MAX])
{
	if (facts->id)
		snprintf(to, ABOUT_MAX, "id=%s client=%s", facts->id, facts->client_text);
	else if (facts->sender)
		snprintf(to, ABOUT_MAX, "client=%s from=<%.*s>", facts->client_text, SPAN_ARGS(facts->sender->text));
	else
		snprintf(to, ABOUT_MAX, "client=%s", facts->client_text);
	return to;
}

static const char *when_down_word(const struct filter *filter)
{
	static const char *const words[] = {
		[CONFIG_DOWN_TEMPFAIL] = "tempfail",
		[CONFIG_DOWN_ACCEPT] = "accept",
		[CONFIG_DOWN_REJECT] = "reject",
		[CONFIG_DOWN_HOLD] = "hold",
	};
	return filter->ours ? "tempfail" : words[filter->config.when_down];
}

void filters_log_down(const struct filter *filter, const struct macros_facts *facts)
{
	char which[ABOUT_MAX], why[FILTER_WHY_MAX];
	span_quotable(span_of(filter->why), why, sizeof(why));
	log_warning("%s filter=%s status=down when_down=%s reason=\"%s\"", about(facts, which), filter->name,
		    when_down_word(filter), why);
}

void filters_log_discard(const struct filter *filter, const struct macros_facts *facts)
{
	char which[ABOUT_MAX];
	log_info("%s filter=%s status=discarded reason=\"the filter discards the message; the client gets 250\"",
		 about(facts, which), filter->name);
}

void filters_log_nobody(const struct filter *filter, const struct macros_facts *facts)
{
	char which[ABOUT_MAX];
	log_info("%s filter=%s status=discarded reason=\"the filter has removed all recipients; the client gets 250\"",
		 about(facts, which), filter->name);
}

void filters_log_large(const struct filter *filter, const struct macros_facts *facts, uint64_t octets)
{
	char which[ABOUT_MAX];
	log_info("%s filter=%s status=not-shown size=%llu max_size=%lld", about(facts, which), filter->name,
		 (unsigned long long)octets, (long long)filter->config.max_size);
}

/* added=<a@example.com> added=<b@example.com> added_more=7 */
static void add_rcpts(struct str *to, const char *word, const struct edit_rcpt *rcpt)
{
	size_t more = 0, begin = to->len;
	for (; rcpt; rcpt = rcpt->next) {
		if (rcpt->cancelled)
			continue;
		if (to->len - begin > LIST_MAX)
			more++;
		else
			str_printf(to, " %s=<%.*s>", word, SPAN_ARGS(rcpt->address.text));
	}
	if (more)
		str_printf(to, " %s_more=%zu", word, more);
}

/* fields_added="X-Spam X-Score" fields_changed="Subject and 7 more" */
static void add_kind(struct str *to, const char *word, const struct edits *edits, bool changed, bool deleted)
{
	size_t n = 0, more = 0, begin = to->len;
	char name[NAME_SHOWN_MAX + 1];
	for (const struct edit_field *e = edits->fields; e; e = e->next) {
		bool removes = e->kind == EDIT_CHANGE && !e->value.len;
		if ((e->kind == EDIT_CHANGE) != changed || removes != deleted)
			continue;
		span_quotable(e->name, name, sizeof(name));
		if (to->len - begin > LIST_MAX)
			more++;
		else if (n++)
			str_printf(to, " %s", name);
		else
			str_printf(to, " %s=\"%s", word, name);
	}
	if (more)
		str_printf(to, " and %zu more", more);
	if (n)
		str_append_c(to, '"');
}

static void add_fields(struct str *to, const struct edits *edits)
{
	add_kind(to, "fields_added", edits, false, false);
	add_kind(to, "fields_changed", edits, true, false);
	add_kind(to, "fields_removed", edits, true, true);
}

void filters_log_edits(const struct filter *filter, const struct macros_facts *facts, const struct edits *edits)
{
	char which[ABOUT_MAX], remark[MILTER_WORDS_MAX], reason[EDITS_REASON_MAX + 1];
	struct str words;
	str_init(&words, WORDS_MAX);
	add_fields(&words, edits);
	if (edits->body)
		str_printf(&words, " body=replaced");
	if (edits->sender)
		str_printf(&words, " sender=<%.*s>", SPAN_ARGS(edits->new_sender.text));
	add_rcpts(&words, "added", edits->added);
	add_rcpts(&words, "removed", edits->removed);
	span_quotable(edits->reason, reason, sizeof(reason));
	if (edits->quarantine)
		str_printf(&words, " held=\"%s\"", reason);
	span_quotable(span_of(filter->machine.words), remark, sizeof(remark));
	log_info("%s filter=%s status=edited%s%s%s%s", about(facts, which), filter->name, str_text(&words),
		 remark[0] ? " remark=\"" : "", remark, remark[0] ? "\"" : "");
	str_free(&words);
}
