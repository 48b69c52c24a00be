/* What came out of a trial: as text, or as JSON. */
#include <stdio.h>

#include "common/base/language.h"
#include "ctl/filter/trial.h"
#include "ctl/json.h"

enum { SHOWN_MAX = 8 << 20 /* of one text of the filter: \xNN takes the place of an octet */ };

static const struct {
	uint32_t bit;
	const char *word;
} actions[] = {
	{MILTER_ADD_FIELDS, N_("add fields")},          {MILTER_CHANGE_FIELDS, N_("change fields")},
	{MILTER_CHANGE_BODY, N_("change the body")},    {MILTER_ADD_RCPTS | MILTER_ADD_RCPTS_PAR, N_("add recipients")},
	{MILTER_REMOVE_RCPTS, N_("remove recipients")}, {MILTER_CHANGE_SENDER, N_("change the sender")},
	{MILTER_QUARANTINE, N_("hold the message")},
};

static const struct {
	uint32_t bit;
	const char *word;
} unseen[] = {
	{MILTER_NO_CONNECT, "connect"},   {MILTER_NO_HELO, "EHLO"}, {MILTER_NO_MAIL, "MAIL"},
	{MILTER_NO_RCPT, "RCPT"},         {MILTER_NO_DATA, "DATA"}, {MILTER_NO_HEADER, "header"},
	{MILTER_NO_EOH, "end-of-header"}, {MILTER_NO_BODY, "body"},
};

static const char *const stages[MILTER_STAGE_COUNT] = {
	[MILTER_AT_CONNECT] = "connect",   [MILTER_AT_HELO] = "EHLO", [MILTER_AT_MAIL] = "MAIL",
	[MILTER_AT_RCPT] = "RCPT",         [MILTER_AT_DATA] = "DATA", [MILTER_AT_EOM] = "end-of-message",
	[MILTER_AT_EOH] = "end-of-header",
};

static const char *const edit_words[] = {[EDIT_ADD] = "add", [EDIT_INSERT] = "insert", [EDIT_CHANGE] = "change"};

enum ending { ACCEPTED, HELD, DISCARDED, REJECTED, DELAYED, REPLIED, SHUT_DOWN, TOO_LARGE, NO_MEMORY, IS_DOWN };

static const struct {
	const char *word; /* of JSON */
	const char *text; /* %s is the reason, or the reply */
} endings[] = {
	[ACCEPTED] = {"accepted", N_("The message is accepted.\n")},
	[HELD] = {"held", N_("The message is accepted, and held in the queue: %s\n")},
	[DISCARDED] = {"discarded",
		       N_("The message is discarded: the client gets 250, and no recipient gets the message.\n")},
	[REJECTED] = {"rejected", N_("It is rejected for good: 550 5.7.1.\n")},
	[DELAYED] = {"tempfail", N_("It is rejected for now: 451 4.7.1.\n")},
	[REPLIED] = {"reply", N_("The client gets this reply: %s\n")},
	[SHUT_DOWN] = {"shutdown", N_("The session ends with 421.\n")},
	[TOO_LARGE] = {"too_large", N_("The header is too large for filters, more than 1 MiB or 5000 fields: 552.\n")},
	[NO_MEMORY] = {"no_memory", N_("There is not enough memory.\n")},
	[IS_DOWN] = {"down", ""},
};

/* How it ends, and the reason or the reply. */
struct outcome {
	enum ending ending;
	struct str text;
};

static const struct filter *filter_of(const struct trial *t)
{
	return &t->filters.list[0];
}

/* It is there, so what it has said is known. */
static bool is_there(const struct trial *t)
{
	return t->filters.count && filter_of(t)->fd != -1;
}

static void reply_of(const struct trial *t, struct str *to)
{
	const struct milter_reply *reply = filters_reply(&t->filters);
	struct span rest = str_span(&reply->text), line;
	char enhanced[ENHANCED_TEXT_MAX];
	enhanced_format(reply->enhanced, enhanced);
	str_printf(to, enhanced[0] ? "%d %s" : "%d", reply->code, enhanced);
	while (span_line(&rest, &line))
		str_printf(to, " %.*s", SPAN_ARGS(line));
}

static enum ending conclude(const struct trial *t, struct str *text)
{
	static const enum ending by_verdict[] = {
		[FILTERS_PASS] = ACCEPTED,     [FILTERS_DISCARD] = DISCARDED,   [FILTERS_REJECT] = REJECTED,
		[FILTERS_TEMPFAIL] = DELAYED,  [FILTERS_REPLY] = REPLIED,       [FILTERS_SHUTDOWN] = SHUT_DOWN,
		[FILTERS_STOPPED] = SHUT_DOWN, [FILTERS_TOO_LARGE] = TOO_LARGE, [FILTERS_STORE] = NO_MEMORY,
	};
	if (!t->filters.count)
		return NO_MEMORY;
	if (filter_of(t)->failed || (t->verdict == FILTERS_PASS && !is_there(t))) {
		str_append_text(text, filter_of(t)->why);
		return IS_DOWN;
	}
	if (t->verdict == FILTERS_REPLY)
		reply_of(t, text);
	if (t->filters.discarded)
		return DISCARDED;
	if (t->verdict == FILTERS_PASS && t->filters.hold[0]) {
		str_append_text(text, t->filters.hold);
		return HELD;
	}
	return by_verdict[t->verdict];
}

/* The edits count, and are those of the machine. */
static const struct edits *edits_of(const struct trial *t)
{
	return t->verdict == FILTERS_PASS && is_there(t) && !filter_of(t)->failed ? &filter_of(t)->machine.edits : NULL;
}

static struct span message_of(const struct trial *t)
{
	struct arena arena;
	struct envelope envelope = {0};
	const char *why;
	arena_init(&arena, 1 << 20);
	envelope_parse(str_span(&t->text), true, &arena, &envelope, &why);
	arena_free(&arena);
	return span_skip(str_span(&t->text), envelope.body_at);
}

/* --- text --- */

/* TEXT for a terminal: what a filter says can be the text of a stranger. The caller frees it. */
static struct str shown(struct span text)
{
	struct str clean;
	str_init(&clean, SHOWN_MAX);
	str_append_clean(&clean, text);
	return clean;
}

/* One more word of a list that begins with TEXT. */
static void say_word(size_t *n, const char *text, const char *word)
{
	printf("%s%s", *n ? ", " : text, word);
	++*n;
}

static void end_words(size_t n)
{
	if (n)
		putchar('\n');
}

static void say_macros(const char *stage, struct span names)
{
	struct str clean = shown(names);
	printf(_("Macros that it asks for at %s: %s\n"), stage, str_text(&clean));
	str_free(&clean);
}

static void say_terms(const struct filter *filter)
{
	const struct milter *m = &filter->machine;
	size_t may = 0, not_seen = 0;
	printf(_("Filter %s speaks version %u of the milter protocol.\n"), filter->name, (unsigned)m->version);
	for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++)
		if (m->actions & actions[i].bit)
			say_word(&may, _("It may: "), _(actions[i].word));
	end_words(may);
	for (size_t i = 0; i < sizeof(unseen) / sizeof(unseen[0]); i++)
		if (m->protocol & unseen[i].bit)
			say_word(&not_seen, _("It does not see: "), unseen[i].word);
	end_words(not_seen);
	for (size_t i = 0; i < MILTER_STAGE_COUNT; i++)
		if (m->lists[i].at)
			say_macros(stages[i], m->lists[i]);
}

static void say_rcpts(const char *format, const struct edit_rcpt *rcpt)
{
	for (; rcpt; rcpt = rcpt->next)
		if (!rcpt->cancelled)
			printf(format, SPAN_ARGS(rcpt->address.text));
}

static void say_field(const struct edit_field *e)
{
	struct str name = shown(e->name), value = shown(span_trim(e->value));
	if (e->kind == EDIT_ADD)
		printf(_("  adds %s: %s\n"), str_text(&name), str_text(&value));
	else if (e->kind == EDIT_INSERT)
		printf(_("  inserts at place %u %s: %s\n"), (unsigned)e->index, str_text(&name), str_text(&value));
	else if (e->value.len)
		printf(_("  changes field %u of this name, %s: %s\n"), (unsigned)e->index, str_text(&name),
		       str_text(&value));
	else
		printf(_("  removes field %u of the name %s\n"), (unsigned)e->index, str_text(&name));
	str_free(&name);
	str_free(&value);
}

static void say_edits(const struct edits *edits)
{
	if (edits_none(edits))
		return;
	puts(_("It changes the message:"));
	for (const struct edit_field *e = edits->fields; e; e = e->next)
		say_field(e);
	if (edits->body)
		puts(_("  replaces the body"));
	if (edits->sender)
		printf(_("  makes the sender <%.*s>\n"), SPAN_ARGS(edits->new_sender.text));
	say_rcpts(_("  adds the recipient <%.*s>\n"), edits->added);
	say_rcpts(_("  removes the recipient <%.*s>\n"), edits->removed);
}

static void say_ending(const struct trial *t, const struct outcome *o)
{
	if (o->ending > HELD)
		printf(_("The filter decides at %s.\n"), _(t->stage));
	if (o->ending == HELD || o->ending == REPLIED)
		printf(_(endings[o->ending].text), str_text(&o->text));
	else
		fputs(_(endings[o->ending].text), stdout);
}

static void say_all(const struct trial *t, const struct outcome *o)
{
	if (is_there(t))
		say_terms(filter_of(t));
	say_ending(t, o);
	if (edits_of(t))
		say_edits(edits_of(t));
	if (t->ctl->options.given & OPTION_MESSAGE && t->verdict == FILTERS_PASS)
		printf("\n%.*s", SPAN_ARGS(message_of(t)));
}

/* --- JSON --- */

static void json_words(struct json *json, const char *key, const char *word)
{
	json_key(json, key);
	json_string(json, span_of(word));
}

static void json_terms(struct json *json, const struct milter *m)
{
	json_key(json, "version");
	json_number(json, m->version);
	json_key(json, "may");
	json_array(json);
	for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++)
		if (m->actions & actions[i].bit)
			json_string(json, span_of(actions[i].word));
	json_end_array(json);
	json_key(json, "unseen");
	json_array(json);
	for (size_t i = 0; i < sizeof(unseen) / sizeof(unseen[0]); i++)
		if (m->protocol & unseen[i].bit)
			json_string(json, span_of(unseen[i].word));
	json_end_array(json);
	json_key(json, "macros");
	json_object(json);
	for (size_t i = 0; i < MILTER_STAGE_COUNT; i++)
		if (m->lists[i].at) {
			json_key(json, stages[i]);
			json_string(json, m->lists[i]);
		}
	json_end_object(json);
}

static void json_edit(struct json *json, const char *edit, struct span name, struct span value, int64_t index)
{
	json_object(json);
	json_words(json, "edit", edit);
	json_key(json, "name");
	json_string(json, name);
	json_key(json, "value");
	json_string(json, value);
	json_key(json, "index");
	json_number(json, index);
	json_end_object(json);
}

static void json_rcpts(struct json *json, const char *edit, const struct edit_rcpt *rcpt)
{
	for (; rcpt; rcpt = rcpt->next)
		if (!rcpt->cancelled)
			json_edit(json, edit, rcpt->address.text, SPAN(""), 0);
}

static void json_edits(struct json *json, const struct edits *edits)
{
	json_key(json, "edits");
	json_array(json);
	for (const struct edit_field *e = edits ? edits->fields : NULL; e; e = e->next)
		json_edit(json, e->kind == EDIT_CHANGE && !e->value.len ? "remove" : edit_words[e->kind], e->name,
			  e->value, e->index);
	if (edits && edits->body)
		json_edit(json, "body", SPAN(""), SPAN(""), 0);
	if (edits && edits->sender)
		json_edit(json, "sender", edits->new_sender.text, SPAN(""), 0);
	json_rcpts(json, "add_recipient", edits ? edits->added : NULL);
	json_rcpts(json, "remove_recipient", edits ? edits->removed : NULL);
	json_end_array(json);
}

static void print_json(const struct trial *t, const struct outcome *o)
{
	struct json json;
	json_init(&json, stdout);
	json_object(&json);
	json_words(&json, "filter", t->filter.name);
	json_words(&json, "address", t->filter.address.text);
	if (is_there(t))
		json_terms(&json, &filter_of(t)->machine);
	json_words(&json, "verdict", endings[o->ending].word);
	json_words(&json, "stage", t->stage);
	json_words(&json, "text", str_text(&o->text));
	json_edits(&json, edits_of(t));
	if (t->ctl->options.given & OPTION_MESSAGE) {
		json_key(&json, "message");
		json_string(&json, message_of(t));
	}
	json_end_object(&json);
	json_finish(&json);
}

int trial_show(struct trial *t)
{
	struct outcome o;
	str_init(&o.text, MILTER_REPLY_MAX + FILTERS_REASON_MAX);
	o.ending = conclude(t, &o.text);
	if (t->ctl->options.given & OPTION_JSON)
		print_json(t, &o);
	else if (o.ending == IS_DOWN)
		cmd_fail(_("filter %s can't be used: %s"), t->filter.name, _(str_text(&o.text)));
	else
		say_all(t, &o);
	str_free(&o.text);
	return o.ending == IS_DOWN ? EXIT_FAILED : EXIT_DONE;
}
