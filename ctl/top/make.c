#include "ctl/top/make.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/language.h"
#include "ctl/session_rows.h"
#include "ctl/table.h"
#include "ctl/words.h"

enum { NAME_MAX_SHOWN = 1200, NUMBER_MAX = 24, NOTES_MAX = 1 << 16, GRAPH_LEAST = 11 };

const struct columns make_server_columns = {
	9,
	{
		{N_("SERVER"), COLUMNS_TEXT, 6, 0, 0},
		{N_("STATE"), COLUMNS_TEXT, 7, 0, 0},
		{N_("SESSIONS"), COLUMNS_NUMBER, 4, 0, 1},
		{N_("IN/s"), COLUMNS_NUMBER, 5, 0, 0},
		{N_("LAST MINUTE"), COLUMNS_GRAPH_IN, GRAPH_LEAST, RATES_SECONDS, 3},
		{N_("OUT/s"), COLUMNS_NUMBER, 5, 0, 0},
		{N_("LAST MINUTE"), COLUMNS_GRAPH_OUT, GRAPH_LEAST, RATES_SECONDS, 4},
		{N_("MAIL"), COLUMNS_NUMBER, 5, 0, 0},
		{N_("OLDEST"), COLUMNS_NUMBER, 6, 0, 2},
	},
};

const struct columns make_hop_columns = {
	6,
	{
		{N_("NEXT HOP"), COLUMNS_TEXT, 14, 0, 0},
		{N_("STATE"), COLUMNS_TEXT, 5, 0, 3},
		{N_("MAIL"), COLUMNS_NUMBER, 5, 0, 0},
		{N_("OLDEST"), COLUMNS_NUMBER, 6, 0, 2},
		{N_("OPEN"), COLUMNS_NUMBER, 4, 0, 4},
		{N_("WHY"), COLUMNS_TEXT, 10, 1000, 1},
	},
};

const struct columns make_session_columns = {
	6,
	{
		{N_("CLIENT"), COLUMNS_TEXT, 15, 0, 0},
		{N_("SINCE"), COLUMNS_NUMBER, 5, 0, 1},
		{N_("STATE"), COLUMNS_TEXT, 12, 0, 0},
		{N_("QUIET FOR"), COLUMNS_NUMBER, 6, 0, 2},
		{N_("MESSAGES"), COLUMNS_NUMBER, 4, 0, 3},
		{N_("HELO"), COLUMNS_TEXT, 8, 255, 4},
	},
};

static void number(uint64_t value, char to[NUMBER_MAX])
{
	snprintf(to, NUMBER_MAX, "%" PRIu64, value);
}

static void duration(uint64_t seconds, char to[CLOCK_TEXT_MAX])
{
	clock_duration((int64_t)seconds * 1000, to);
}

/* The age of the oldest of N messages. */
static void age(uint64_t n, uint64_t seconds, char to[CLOCK_TEXT_MAX])
{
	to[0] = '\0';
	if (n)
		duration(seconds, to);
}

static uint64_t fact(const struct service_facts *facts, const char *name)
{
	const char *text = service_fact(facts, name);
	uint64_t value = 0;
	return text && span_to_u64(span_of(text), INT64_MAX / 1000, &value) ? value : 0;
}

static void note(struct str *notes, const char *what, const char *text)
{
	if (text && text[0])
		str_printf(notes, "%s: %s\n", what, text);
}

/* What is wrong with SERVER, and what its mail waits for. */
static void server_notes(const struct service_server *server, struct str *notes)
{
	note(notes, _("listens at"), server->listeners);
	note(notes, _("trouble"), server->trouble);
	for (size_t i = 0; i < server->attention_count; i++)
		note(notes, server->attention[i].role, server->attention[i].text);
	note(notes, "smtpd", server->smtpd.warning);
	for (size_t i = 0; i < server->wait_count; i++)
		note(notes, _("mail waits for"), server->waits[i]);
	for (size_t i = 0; i < server->process_count; i++) {
		const struct service_process *process = &server->processes[i];
		note(notes, process->role, words_shown(process->state));
		note(notes, process->role, process->last_end);
	}
}

static void make_server(const struct service_server *server, const struct rates *rates, struct rows *to)
{
	char sessions[NUMBER_MAX], in[RATES_TEXT_MAX], out[RATES_TEXT_MAX], mail[NUMBER_MAX], oldest[CLOCK_TEXT_MAX];
	struct str notes;
	uint64_t messages = fact(&server->queue, "messages");
	str_init(&notes, NOTES_MAX);
	server_notes(server, &notes);
	number(server->sessions, sessions);
	number(messages, mail);
	age(messages, fact(&server->queue, "oldest_s"), oldest);
	rates_format(rates_mean(rates, RATES_IN), in);
	rates_format(rates_mean(rates, RATES_OUT), out);
	rows_add(to,
		 &(struct row){
			 .server = server->name,
			 .state = server->state,
			 .cells = {server->name, words_shown(server->state), server->smtpd.n ? sessions : "-", in, "",
				   out, "", server->queue.n ? mail : "-", oldest},
			 .notes = str_text(&notes),
			 .rates = rates,
			 .bad = strcmp(server->state, "running") != 0 || server->trouble[0] || server->attention_count,
		 });
	str_free(&notes);
}

void make_servers(const struct service *service, const struct make_rates *rates, struct rows *to)
{
	for (size_t i = 0; i < service->server_count; i++)
		make_server(&service->servers[i], &rates[i].rates, to);
}

/* NAME, or with SEVERAL servers "SERVER: NAME". */
static void full_name(const char *server, bool several, struct span name, char to[NAME_MAX_SHOWN])
{
	snprintf(to, NAME_MAX_SHOWN, "%s%s%.*s", several ? server : "", several ? ": " : "", SPAN_ARGS(name));
}

static void make_hop(const char *server, bool several, const struct service_hop *hop, struct rows *to)
{
	char name[NAME_MAX_SHOWN], mail[NUMBER_MAX], oldest[CLOCK_TEXT_MAX], open[NUMBER_MAX];
	uint64_t messages = hop->counted ? hop->messages : hop->jobs + hop->at_workers;
	full_name(server, several, span_of(hop->name), name);
	number(messages, mail);
	number(hop->connections, open);
	age(hop->counted ? messages : 0, hop->oldest_s, oldest);
	rows_add(to, &(struct row){
			     .server = server,
			     .name = hop->name,
			     .cells = {name, words_shown(hop->state), mail, oldest, open, hop->reason},
			     .weight = messages,
			     .bad = strcmp(hop->state, "down") == 0,
		     });
}

void make_hops(const struct service *service, struct rows *to)
{
	for (size_t i = 0; i < service->server_count; i++) {
		const struct service_server *server = &service->servers[i];
		for (size_t j = 0; j < server->hop_count; j++)
			make_hop(server->name, service->server_count > 1, &server->hops[j], to);
	}
	rows_sort(to);
}

void make_session(const char *server, bool several, const struct link_row *row, struct rows *to)
{
	const struct span *cells = row->cells;
	char client[NAME_MAX_SHOWN], id[LINK_TEXT_MAX], state[TABLE_CELL_MAX], messages[NUMBER_MAX],
		helo[TABLE_CELL_MAX];
	char since[CLOCK_TEXT_MAX], quiet[CLOCK_TEXT_MAX];
	full_name(server, several, cells[SESSION_ROWS_CLIENT], client);
	snprintf(id, sizeof(id), "%.*s", SPAN_ARGS(cells[SESSION_ROWS_ID]));
	snprintf(state, sizeof(state), "%.*s", SPAN_ARGS(words_cell(cells[SESSION_ROWS_STATE])));
	snprintf(messages, sizeof(messages), "%.*s", SPAN_ARGS(cells[SESSION_ROWS_MESSAGES]));
	snprintf(helo, sizeof(helo), "%.*s", SPAN_ARGS(cells[SESSION_ROWS_HELO]));
	table_duration(cells[SESSION_ROWS_SINCE], since);
	table_duration(cells[SESSION_ROWS_QUIET], quiet);
	rows_add(to, &(struct row){
			     .server = server,
			     .name = id,
			     .cells = {client, since, state, quiet, messages, helo},
		     });
}

void make_totals(const struct counters *page, uint64_t totals[RATES_KINDS])
{
	static const enum counter in[] = {COUNTER_RECEIVED_SMTP, COUNTER_RECEIVED_PICKUP, COUNTER_RECEIVED_SENDMAIL};
	static const enum counter out[] = {COUNTER_DELIVERED_DROP, COUNTER_DELIVERED_RELAY};
	memset(totals, 0, RATES_KINDS * sizeof(*totals));
	for (size_t i = 0; i < sizeof(in) / sizeof(in[0]); i++)
		totals[RATES_IN] += counters_value(page, in[i]);
	for (size_t i = 0; i < sizeof(out) / sizeof(out[0]); i++)
		totals[RATES_OUT] += counters_value(page, out[i]);
}
