#include "ctl/replay/print.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/replay/moment.h"
#include "ctl/replay/print_parts.h"
#include "ctl/table.h"

enum { LINES_SHOWN = 30, TEXT_MAX = 8192 };

void print_origin(const struct config_origin *origin, struct str *to)
{
	if (origin && origin->file)
		str_printf(to, "%s:%u", origin->file, origin->line);
	else
		str_append_text(to, "the default");
}

static void print_span(const struct replay *replay)
{
	char first[MOMENT_TEXT_MAX], last[MOMENT_TEXT_MAX];
	moment_format(replay->first_s, first);
	moment_format(replay->last_s, last);
	if (first[0])
		printf("  from %s to %s, by the clock of the logs\n", first, last);
	if (replay->left_out)
		printf("  %llu rows before --since, or without a time, were left out\n",
		       (unsigned long long)replay->left_out);
	if (replay->outbound)
		printf("  %llu rows are of connections to other hosts, and don't count here\n",
		       (unsigned long long)replay->outbound);
}

static void print_counts(const struct replay *replay)
{
	printf("Recipients: %llu compared\n  %10llu decided alike\n  %10llu decided otherwise\n",
	       (unsigned long long)replay_compared(replay), (unsigned long long)replay->same,
	       (unsigned long long)replay->otherwise);
	printf("  %10llu unknowable: the verdict depends on what the log does not tell\n",
	       (unsigned long long)replay->unknowable);
	if (replay->undecided)
		printf("%llu more got another reply, such as 452 or 503: neither accepted nor refused by a rule\n",
		       (unsigned long long)replay->undecided);
	if (replay->unnamed)
		printf("%llu more have no address in the log: its fields lack cs-uri-query, the argument\n",
		       (unsigned long long)replay->unnamed);
	if (replay->no_memory)
		puts("Memory was short: these numbers are not complete.");
}

static void print_domains(struct cases_line *line)
{
	struct cases_part top[CASES_TOP];
	size_t count = cases_top(line, false, top);
	for (size_t i = 0; i < CASES_TOP && top[i].count; i++) {
		const char *domain = top[i].group->domain;
		char clean[CASES_TEXT_MAX];
		span_clean(span_of(domain[0] ? domain : "(no domain)"), clean, sizeof(clean));
		printf("%s%s", i ? ", " : "", clean);
		if (count > 1)
			printf(" (%llu)", (unsigned long long)top[i].count);
	}
	if (count > CASES_TOP)
		printf(" and %zu more", count - CASES_TOP);
}

/* "10.1.2.3", "10.1.2.0/24", or "12 public networks (192.0.2.0/24: 31)" */
static void print_networks(struct cases_line *line)
{
	struct cases_part top[CASES_TOP];
	size_t count = cases_top(line, true, top);
	char text[CASES_NETWORK_TEXT_MAX];
	if (cases_one_client(line))
		ipaddr_format(&line->largest->example.client, text);
	else
		cases_network_format(&top[0].group->network, text);
	if (count > 1)
		printf("%zu public networks (%s: %llu)", count, text, (unsigned long long)top[0].count);
	else
		printf("%s", text);
}

static void print_example(const struct example *example)
{
	char client[IPADDR_TEXT_MAX];
	ipaddr_format(&example->client, client);
	printf("              %s:%llu: %s, ", example->place.file, (unsigned long long)example->place.line, client);
	if (example->sender[0])
		printf("from <%s> to <%s>\n", example->sender, example->recipient);
	else
		printf("to <%s>\n", example->recipient);
}

static void print_line(const struct replay *replay, struct cases_line *line)
{
	static const char *const turns[][3] = {
		[OUTCOME_ACCEPTED] = {"", "accepted before, refused now", "accepted before, unknowable now"},
		[OUTCOME_REFUSED] = {"refused before, accepted now", "", "refused before, unknowable now"},
	};
	const struct cases_group *group = line->largest;
	struct str why;
	printf("  %10llu  %s: from ", (unsigned long long)line->count, turns[group->old][group->now.outcome]);
	print_networks(line);
	printf(" to ");
	print_domains(line);
	str_init(&why, TEXT_MAX);
	if (!group->now.fault) {
		print_origin(group->now.step.origin, &why);
		str_append_text(&why, ": ");
	}
	verdict_format(replay->server, &group->now, &why);
	printf("\n              %s\n", str_text(&why));
	str_free(&why);
	print_example(&group->example);
}

static void print_cases(const struct replay *replay, bool unknowable)
{
	struct cases_line *lines;
	size_t count = cases_lines(&replay->cases, unknowable, &lines);
	if (count)
		printf("\n%s, by network of the client and by the line that decides, with an example:\n",
		       unknowable ? "Unknowable" : "Decided otherwise");
	for (size_t i = 0; i < count && i < LINES_SHOWN; i++)
		print_line(replay, &lines[i]);
	if (count > LINES_SHOWN)
		printf("  and %zu more groups; --json has all\n", count - LINES_SHOWN);
	cases_lines_free(lines);
}

/* What may explain differences at once. */
static void print_hints(const struct replay *replay)
{
	if (replay->cases.others)
		printf("%llu recipients are in no group, because there are more than %d groups\n",
		       (unsigned long long)replay->cases.others, CASES_MAX);
	if (replay->otherwise && !replay->authenticated)
		puts("\nNo row has reply 235, so the logs don't tell which clients authenticated: clients that did so are among those above.");
	print_missing_domains(replay);
}

static void print_bad(const struct reader *reader)
{
	if (!reader->bad)
		return;
	printf("\n%llu lines are no rows:\n", (unsigned long long)reader->bad);
	for (size_t i = 0; i < reader->bad && i < READER_BAD_KEPT; i++) {
		const struct bad_line *bad = &reader->kept[i];
		printf("  %s:%llu: %s: %s\n", bad->place.file, (unsigned long long)bad->place.line, bad->why,
		       bad->text);
	}
	if (reader->bad > READER_BAD_KEPT)
		printf("  and %llu more\n", (unsigned long long)reader->bad - READER_BAD_KEPT);
}

void print_text(const struct replay *replay, const char *file)
{
	printf("%llu rows of %llu log file%s, replayed against virtual server %s of %s\n",
	       (unsigned long long)replay->reader.rows, (unsigned long long)replay->reader.files,
	       replay->reader.files == 1 ? "" : "s", replay->server->name, file);
	print_span(replay);
	if (!replay_compared(replay) && !replay->undecided && !replay->unnamed) {
		puts("No row is a RCPT of a client: nothing could be compared.");
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
