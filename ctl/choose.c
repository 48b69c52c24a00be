#include "ctl/choose.h"

#include <stdlib.h>
#include <string.h>

bool choose_by_name(const struct options *options, const char *const *ids, size_t count, const struct msgname *name,
		    int64_t now_s)
{
	bool named = !count;
	for (size_t i = 0; !named && i < count; i++)
		named = strcmp(ids[i], name->id) == 0;
	return named && (!options->older_s || now_s - msgid_time(name->id) >= (int64_t)options->older_s) &&
	       (!options->larger || name->size > options->larger);
}

bool choose_needs_file(const struct options *options)
{
	return *options->sender || *options->recipient || *options->domain || *options->reason || options->attempts;
}

/* What a journal says of one recipient. */
struct rcpt {
	bool done;
	unsigned tries;
};

static void note(struct rcpt *rcpt, const struct journal_line *line)
{
	switch (line->event) {
	case JOURNAL_DELIVERED:
	case JOURNAL_RELAYED:
	case JOURNAL_NOTICED:
	case JOURNAL_DELETED:
		rcpt->done = true;
		break;
	case JOURNAL_DELAYED:
		rcpt->tries++;
		break;
	case JOURNAL_RESENT:
		rcpt->tries = 0;
		break;
	default:
		break;
	}
}

/* Notes in *WHY the last failure, if there was one; else why the message is held. */
static void follow_reason(struct journal_line *why, const struct journal_line *line)
{
	bool failure = line->event == JOURNAL_DELAYED || line->event == JOURNAL_FAILED;
	bool hold = line->event == JOURNAL_HELD || line->event == JOURNAL_RELEASED;
	bool failed = why->event == JOURNAL_DELAYED || why->event == JOURNAL_FAILED;
	if (failure || (hold && !failed))
		*why = *line;
}

/* Fills RCPTS, and *WHY with the line that says why the message waits. */
static void read_journal(struct span journal, struct rcpt *rcpts, size_t count, struct journal_line *why)
{
	struct span rest = {journal.at, journal_whole(journal)}, text;
	struct journal_line line;
	*why = (struct journal_line){.event = JOURNAL_RELEASED};
	while (span_line(&rest, &text)) {
		if (!journal_parse(text, &line))
			continue;
		size_t end = line.last < count ? (size_t)line.last + 1 : count;
		for (size_t i = line.first; i < end; i++)
			note(&rcpts[i], &line);
		follow_reason(why, &line);
	}
}

static bool matches(const char *wanted, struct span text)
{
	return !*wanted || span_equal_nocase(span_of(wanted), text);
}

static bool contains(struct span text, struct span part)
{
	for (; text.len >= part.len && text.len; text = span_skip(text, 1))
		if (span_starts_nocase(text, part))
			return true;
	return false;
}

/* An open recipient that is wanted, and the most attempts of one. */
static bool has_open(const struct options *options, const struct envelope *envelope, const struct rcpt *rcpts)
{
	bool wanted = !*options->recipient && !*options->domain;
	unsigned tries = 0;
	for (size_t i = 0; i < envelope->rcpt_count; i++) {
		if (rcpts[i].done || envelope_expanded(envelope, i))
			continue;
		wanted |= matches(options->recipient, envelope->rcpts[i].text) &&
			  matches(options->domain, envelope->rcpts[i].domain);
		tries = rcpts[i].tries > tries ? rcpts[i].tries : tries;
	}
	return wanted && tries >= options->attempts;
}

bool choose_by_file(const struct options *options, const struct envelope *envelope, struct span journal)
{
	struct journal_line why;
	struct span part = span_of(options->reason),
		    sender = envelope->sender.text.len ? envelope->sender.text : SPAN("<>");
	struct rcpt *rcpts = calloc(envelope->rcpt_count + 1, sizeof(*rcpts));
	if (!rcpts)
		return false;
	read_journal(journal, rcpts, envelope->rcpt_count, &why);
	bool waits = why.event != JOURNAL_RELEASED;
	bool chosen = matches(options->sender, sender) && has_open(options, envelope, rcpts) &&
		      (!part.len || (waits && (contains(why.text, part) || contains(why.host, part))));
	free(rcpts);
	return chosen;
}
