#include "delivery/local/notice_facts.h"

static const char *const action_names[NOTICE_ACTION_COUNT] = {
	[NOTICE_NOTHING] = "",        [NOTICE_FAILED] = "failed",     [NOTICE_DELAYED] = "delayed",
	[NOTICE_RELAYED] = "relayed", [NOTICE_EXPANDED] = "expanded", [NOTICE_DELIVERED] = "delivered",
};

const char *notice_action_name(enum notice_action action)
{
	return action_names[action];
}

static bool is_expiry(const struct journal_line *line)
{
	const struct enhanced *e = &line->enhanced;
	return !line->host.len && e->class == 4 && e->subject == 4 && e->detail == 7;
}

static void note_failure(struct notice_fact *fact, const struct journal_line *line)
{
	fact->expired = is_expiry(line) && fact->attempt.wall_ms;
	fact->action = NOTICE_FAILED;
	fact->line = *line;
}

static void note(struct notice_fact *fact, const struct journal_line *line)
{
	switch (line->event) {
	case JOURNAL_DELAYED:
		fact->action = fact->warned ? NOTICE_NOTHING : NOTICE_DELAYED;
		fact->line = fact->attempt = *line;
		break;
	case JOURNAL_FAILED:
		note_failure(fact, line);
		break;
	case JOURNAL_RELAYED:
		fact->action = NOTICE_RELAYED;
		fact->line = *line;
		break;
	case JOURNAL_DELIVERED:
		fact->action = line->host.len ? NOTICE_NOTHING : NOTICE_DELIVERED;
		fact->line = *line;
		break;
	case JOURNAL_WARNED:
		fact->warned = true;
		fact->action = fact->action == NOTICE_DELAYED ? NOTICE_NOTHING : fact->action;
		break;
	case JOURNAL_NOTICED:
	case JOURNAL_DELETED:
		fact->action = NOTICE_NOTHING;
		break;
	case JOURNAL_RESENT:
		*fact = (struct notice_fact){.warned = fact->warned};
		break;
	default:
		break;
	}
}

size_t notice_facts(struct span journal, const struct envelope *envelope, struct notice_fact *facts)
{
	size_t count = envelope->rcpt_count;
	struct span rest = {journal.at, journal_whole(journal)};
	struct span text;
	struct journal_line line;
	size_t found = 0;
	for (size_t i = 0; i < count; i++)
		facts[i] = (struct notice_fact){.action = envelope_expanded(envelope, i) ? NOTICE_EXPANDED
											 : NOTICE_NOTHING};
	while (span_line(&rest, &text))
		if (journal_parse(text, &line))
			for (size_t i = line.first; i <= line.last && i < count; i++)
				note(&facts[i], &line);
	for (size_t i = 0; i < count; i++)
		found += facts[i].action != NOTICE_NOTHING;
	return found;
}

const struct journal_line *notice_cause(const struct notice_fact *fact)
{
	return fact->expired ? &fact->attempt : &fact->line;
}

struct enhanced notice_status(const struct notice_fact *fact)
{
	static const uint8_t classes[NOTICE_ACTION_COUNT] = {2, 5, 4, 2, 2, 2};
	const struct enhanced e = fact->line.enhanced;
	bool fits = e.class == classes[fact->action] || (fact->action == NOTICE_FAILED && e.class == 4);
	return fits ? e : (struct enhanced){.class = classes[fact->action]};
}
