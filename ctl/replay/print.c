#include "ctl/replay/print.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/language.h"
#include "ctl/replay/moment.h"
#include "ctl/replay/print_parts.h"
#include "ctl/table.h"

enum { LINES_SHOWN = 30, TEXT_MAX = 8192 };

void print_origin(const struct config_origin *origin, struct str *to)
{
	if (origin && origin->file)
		str_printf(to, "%s:%u", origin->file, origin->line);
	else
		str_append_text(to, _("the default"));
}

static void print_span(const struct replay *replay)
{
	char first[MOMENT_TEXT_MAX], last[MOMENT_TEXT_MAX];
	moment_format(replay->first_s, first);
	moment_format(replay->last_s, last);
	if (first[0])
		printf(_("  from %s to %s, by the clock of the logs\n"), first, last);
	if (replay->left_out)
		printf(_("  %llu rows before --since, or without a time, were left out\n"),
		       (unsigned long long)replay->left_out);
	if (replay->outbound)
		printf(_("  %llu rows are of connections to other hosts, and don't count here\n"),
		       (unsigned long long)replay->outbound);
}

static void print_counts(const struct replay *replay)
{
	printf(_("Recipients: %llu compared\n  %10llu decided alike\n  %10llu decided otherwise\n"),
	       (unsigned long long)replay_compared(replay), (unsigned long long)replay->same,
	       (unsigned long long)replay->otherwise);
	printf(_("  %10llu unknowable: the verdict depends on what the log does not tell\n"),
	       (unsigned long long)replay->unknowable);
	if (replay->undecided)
		printf(_("%llu more got another reply, such as 452 or 503: neither accepted nor refused by a rule\n"),
		       (unsigned long long)replay->undecided);
	if (replay->senders_refused)
		printf(_("%llu MAIL were refused before a recipient came, such as for lack of AUTH\n"),
		       (unsigned long long)replay->senders_refused);
	if (replay->unnamed)
		printf(_("%llu more have no address in the log: its fields lack cs-uri-query, the argument\n"),
		       (unsigned long long)replay->unnamed);
	if (replay->no_memory)
		puts(_("Memory was short: these numbers are not complete."));
}

static void append_domains(struct cases_line *line, struct str *to)
{
	struct cases_part top[CASES_TOP];
	size_t count = cases_top(line, false, top);
	for (size_t i = 0; i < CASES_TOP && top[i].count; i++) {
		const char *domain = top[i].group->domain;
		str_append_text(to, i ? ", " : "");
		if (domain[0])
			str_append_clean(to, span_of(domain));
		else
			str_append_text(to, _("(no domain)"));
		if (count > 1)
			str_printf(to, " (%llu)", (unsigned long long)top[i].count);
	}
	if (count > CASES_TOP)
		str_printf(to, _(" and %zu more"), count - CASES_TOP);
}

/* "10.1.2.3", "10.1.2.0/24", or "12 public networks (192.0.2.0/24: 31)" */
static void append_networks(struct cases_line *line, struct str *to)
{
	struct cases_part top[CASES_TOP];
	size_t count = cases_top(line, true, top);
	char text[CASES_NETWORK_TEXT_MAX];
	if (cases_one_client(line))
		ipaddr_format(&line->largest->example.client, text);
	else
		cases_network_format(&top[0].group->network, text);
	if (count > 1)
		str_printf(to, _("%zu public networks (%s: %llu)"), count, text, (unsigned long long)top[0].count);
	else
		str_append_text(to, text);
}

static void print_example(const struct example *example)
{
	char client[IPADDR_TEXT_MAX];
	ipaddr_format(&example->client, client);
	if (example->sender[0])
		printf(_("              %s:%llu: %s, from <%s> to <%s>\n"), example->place.file,
		       (unsigned long long)example->place.line, client, example->sender, example->recipient);
	else
		printf(_("              %s:%llu: %s, to <%s>\n"), example->place.file,
		       (unsigned long long)example->place.line, client, example->recipient);
}

static void print_line(const struct replay *replay, struct cases_line *line)
{
	static const char *const turns[][3] = {
		[OUTCOME_ACCEPTED] = {"", N_("accepted before, refused now"), N_("accepted before, unknowable now")},
		[OUTCOME_REFUSED] = {N_("refused before, accepted now"), "", N_("refused before, unknowable now")},
	};
	const struct cases_group *group = line->largest;
	struct str networks, domains, why;
	str_init(&networks, TEXT_MAX);
	str_init(&domains, TEXT_MAX);
	str_init(&why, TEXT_MAX);
	append_networks(line, &networks);
	append_domains(line, &domains);
	if (!group->now.fault) {
		print_origin(group->now.step.origin, &why);
		str_append_text(&why, ": ");
	}
	verdict_format(replay->server, &group->now, &why);
	printf(_("  %10llu  %s: from %s to %s\n"), (unsigned long long)line->count,
	       _(turns[group->old][group->now.outcome]), str_text(&networks), str_text(&domains));
	printf("              %s\n", str_text(&why));
	print_example(&group->example);
	str_free(&networks);
	str_free(&domains);
	str_free(&why);
}

static void print_cases(const struct replay *replay, bool unknowable)
{
	struct cases_line *lines;
	size_t count = cases_lines(&replay->cases, unknowable, &lines);
	if (count)
		puts(unknowable
			     ? _("\nUnknowable, by network of the client and by the line that decides, with an example:")
			     : _("\nDecided otherwise, by network of the client and by the line that decides, with an example:"));
	for (size_t i = 0; i < count && i < LINES_SHOWN; i++)
		print_line(replay, &lines[i]);
	if (count > LINES_SHOWN)
		printf(_("  and %zu more groups; --json has all\n"), count - LINES_SHOWN);
	cases_lines_free(lines);
}

/* What may explain differences at once. */
static void print_hints(const struct replay *replay)
{
	if (replay->cases.others)
		printf(_("%llu recipients are in no group, because there are more than %d groups\n"),
		       (unsigned long long)replay->cases.others, CASES_MAX);
	if (replay->otherwise && !replay->authenticated)
		puts(_("\nNo row has reply 235, so the logs don't tell which clients authenticated: clients that did so are among those above."));
	print_missing_domains(replay);
}

static void print_bad(const struct reader *reader)
{
	if (!reader->bad)
		return;
	printf(ngettext("\n%llu line is no row:\n", "\n%llu lines are no rows:\n", reader->bad),
	       (unsigned long long)reader->bad);
	for (size_t i = 0; i < reader->bad && i < READER_BAD_KEPT; i++) {
		const struct bad_line *bad = &reader->kept[i];
		printf("  %s:%llu: %s: %s\n", bad->place.file, (unsigned long long)bad->place.line, _(bad->why),
		       bad->text);
	}
	if (reader->bad > READER_BAD_KEPT)
		printf(_("  and %llu more\n"), (unsigned long long)reader->bad - READER_BAD_KEPT);
}

void print_text(const struct replay *replay, const char *file)
{
	printf(ngettext("%llu rows of %llu log file, replayed against virtual server %s of %s\n",
			"%llu rows of %llu log files, replayed against virtual server %s of %s\n",
			replay->reader.files),
	       (unsigned long long)replay->reader.rows, (unsigned long long)replay->reader.files, replay->server->name,
	       file);
	print_span(replay);
	if (!replay_compared(replay) && !replay->undecided && !replay->unnamed) {
		puts(_("No row is a RCPT of a client: nothing could be compared."));
	} else {
		print_counts(replay);
		print_cases(replay, false);
		print_cases(replay, true);
		print_hints(replay);
		print_clients(replay);
		print_relay(replay);
		print_limits(replay);
	}
	print_bad(&replay->reader);
}
