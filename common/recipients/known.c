#include "common/recipients/known.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/language.h"
#include "common/base/log.h"

enum { TARGETS_MAX = 8 * ADDRESS_MAX };

static const struct known_list *find_list(const struct known_lists *lists, const char *file)
{
	for (size_t i = 0; lists && i < lists->n; i++)
		if (strcmp(lists->at[i].file, file) == 0)
			return &lists->at[i];
	return NULL;
}

static bool is_postmaster(const struct address *rcpt)
{
	return span_equal_nocase(rcpt->local, SPAN("postmaster"));
}

static void look_up(const struct recipient_map *map, const struct address *rcpt, struct known_decision *out)
{
	recipient_map_find(map, rcpt->local, rcpt->domain, out->list.tags, &out->found);
	if (out->found.answer == RECIPIENT_UNKNOWN) {
		out->verdict = out->list.unknown == CONFIG_UNKNOWN_ACCEPT ? KNOWN_TRIED : KNOWN_NO;
		out->origin = out->list.unknown_at->line ? *out->list.unknown_at : *out->list.at;
	} else {
		out->verdict = out->found.answer == RECIPIENT_LEADS ? KNOWN_LEADS : KNOWN_YES;
		out->origin = (struct config_origin){.file = out->list.file, .line = out->found.line};
	}
}

void known_decide(const struct config_server *server, const struct known_lists *lists, const struct address *rcpt,
		  struct known_decision *out)
{
	*out = (struct known_decision){.verdict = KNOWN_UNLISTED};
	if (!config_recipients_find(server, rcpt->domain, &out->list))
		return;
	const struct known_list *list = find_list(lists, out->list.file);
	out->origin = *out->list.at;
	out->verdict = KNOWN_LATER;
	if (list && list->map)
		look_up(list->map, rcpt, out);
	if (!is_postmaster(rcpt) || known_accepts(out->verdict))
		return;
	out->verdict = KNOWN_YES;
	out->origin = *out->list.at;
}

bool known_accepts(enum known_verdict verdict)
{
	return verdict != KNOWN_NO && verdict != KNOWN_LATER;
}

void known_log(const struct known_decision *d, const char *client, const char *sender, const struct address *rcpt)
{
	static const char *const remedies[] = {
		[KNOWN_TRIED] = "add it to the file, or write unknown reject",
		[KNOWN_NO] = "add it to the file if it exists",
		[KNOWN_LATER] = "mailrootctl status says what is wrong with the file",
	};
	char to[ADDRESS_MAX + 1], from[ADDRESS_MAX + 1];
	span_quotable(rcpt->text, to, sizeof(to));
	span_quotable(span_of(sender), from, sizeof(from));
	log_info("client=%s from=<%s> to=<%s> status=%s reason=\"%s recipients %s\" setting=%s:%u remedy=\"%s\"",
		 client, from, to, d->verdict == KNOWN_TRIED ? "accepted" : "refused",
		 d->verdict == KNOWN_LATER ? "can't use" : "not in", d->list.file, d->list.at->file, d->list.at->line,
		 remedies[d->verdict]);
}

void known_format_targets(const struct recipient_finding *found, struct str *to)
{
	enum { SHOWN_MAX = 5 };
	struct recipient_finding rest = *found;
	struct span target;
	for (size_t i = 0; i < SHOWN_MAX && recipient_map_target(&rest, &target); i++)
		str_printf(to, "%s%.*s", i ? " " : "", SPAN_ARGS(target));
	if (rest.targets)
		str_printf(to, " and %zu more", rest.targets);
}

/* Whole sentences: mailrootctl shows them in another language. */
static const char *sentence(const struct known_decision *d)
{
	switch (d->verdict) {
	case KNOWN_YES:
		return d->found.line ? N_("recipients %s of %s %s has it: accepted")
				     : N_("recipients %s of %s %s is not asked for a postmaster: accepted");
	case KNOWN_LEADS:
		return N_("recipients %s of %s %s leads to %s: accepted");
	case KNOWN_TRIED:
		return N_("recipients %s of %s %s does not have it, unknown is accept: accepted");
	case KNOWN_NO:
		return N_("recipients %s of %s %s does not have it, unknown is reject: refused");
	default:
		return N_("recipients %s of %s %s can't be used, see `mailrootctl status`: refused for now");
	}
}

void known_format(const struct known_decision *d, struct str *to)
{
	struct str targets;
	if (d->verdict == KNOWN_UNLISTED)
		return;
	str_init(&targets, TARGETS_MAX);
	known_format_targets(&d->found, &targets);
	str_printf(to, sentence(d), d->list.file, d->list.block, d->list.name, str_text(&targets));
	str_free(&targets);
}
