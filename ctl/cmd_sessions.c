#include <stdio.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/fd.h"
#include "common/base/language.h"
#include "common/ipc/rows.h"
#include "ctl/json.h"
#include "ctl/queues.h"
#include "ctl/session_rows.h"
#include "ctl/table.h"
#include "ctl/words.h"

/* The cells of ROW_SESSION, as keys. For people the server's name precedes the id. */
static const char *const session_keys[SESSION_ROWS_CELLS] = {"id",      "client",   "since_s", "state",
							     "quiet_s", "messages", "helo"};

struct sessions {
	struct queues servers;
	struct table table;
	struct json json;
	size_t count;
	bool full;
};

static void session_json(struct sessions *sessions, const struct link_row *row, const char *id)
{
	struct json *json = &sessions->json;
	json_object(json);
	json_key(json, "server");
	json_string(json, span_of(sessions->servers.server));
	json_key(json, "id");
	json_string(json, span_of(id));
	for (size_t i = SESSION_ROWS_CLIENT; i < SESSION_ROWS_CELLS; i++) {
		json_key(json, session_keys[i]);
		if (i == SESSION_ROWS_CLIENT || i == SESSION_ROWS_STATE || i == SESSION_ROWS_HELO)
			json_string(json, row->cells[i]);
		else
			json_cell(json, row->cells[i]);
	}
	json_end_object(json);
}

static void session_line(struct sessions *sessions, const struct link_row *row, const char *id)
{
	char since[CLOCK_TEXT_MAX], quiet[CLOCK_TEXT_MAX];
	struct span cells[] = {
		span_of(id),
		row->cells[SESSION_ROWS_CLIENT],
		table_duration(row->cells[SESSION_ROWS_SINCE], since),
		words_cell(row->cells[SESSION_ROWS_STATE]),
		table_duration(row->cells[SESSION_ROWS_QUIET], quiet),
		row->cells[SESSION_ROWS_MESSAGES],
		row->cells[SESSION_ROWS_HELO],
	};
	if (!table_add(&sessions->table, cells))
		sessions->full = true;
}

static bool on_session_row(void *context, const struct link_row *row)
{
	struct sessions *sessions = context;
	char id[200];
	snprintf(id, sizeof(id), "%s:%.*s", sessions->servers.server, SPAN_ARGS(row->cells[SESSION_ROWS_ID]));
	sessions->count++;
	if (sessions->servers.ctl->options.given & OPTION_JSON)
		session_json(sessions, row, id);
	else
		session_line(sessions, row, id);
	return true;
}

static void fail(struct queues *servers, const char *said)
{
	servers->failed++;
	cmd_fail(_("server %s: %s"), servers->server, said);
}

static void list_server(struct sessions *sessions)
{
	char why[LINK_TEXT_MAX + 1];
	if (!session_rows_ask(sessions->servers.run_dir, sessions->servers.server, on_session_row, sessions, why))
		fail(&sessions->servers, why);
}

static void finish(struct sessions *sessions)
{
	if (sessions->servers.ctl->options.given & OPTION_JSON) {
		json_end_array(&sessions->json);
		json_end_object(&sessions->json);
		json_finish(&sessions->json);
		return;
	}
	if (!sessions->count && !sessions->servers.failed)
		puts(_("No client is connected."));
	if (sessions->count)
		table_print(&sessions->table, 0, stdout);
	if (sessions->count)
		printf(ngettext("%zu session. `mailrootctl kick SESSION` ends one.\n",
				"%zu sessions. `mailrootctl kick SESSION` ends one.\n", sessions->count),
		       sessions->count);
	if (sessions->full)
		puts(_("This is not all: --json has every session."));
}

int cmd_sessions(struct ctl *ctl)
{
	static const char *const headings[] = {N_("SESSION"),   N_("CLIENT"),   N_("SINCE"), N_("STATE"),
					       N_("QUIET FOR"), N_("MESSAGES"), N_("HELO")};
	struct sessions sessions = {0};
	int status;
	if (!queues_open(ctl, &sessions.servers, &status))
		return status;
	table_init(&sessions.table, SESSION_ROWS_CELLS,
		   1U << SESSION_ROWS_SINCE | 1U << SESSION_ROWS_QUIET | 1U << SESSION_ROWS_MESSAGES, headings);
	json_init(&sessions.json, stdout);
	if (ctl->options.given & OPTION_JSON) {
		json_object(&sessions.json);
		json_key(&sessions.json, "sessions");
		json_array(&sessions.json);
	}
	for (size_t i = 0; i < sessions.servers.count; i++) {
		sessions.servers.server = sessions.servers.names[i];
		list_server(&sessions);
	}
	finish(&sessions);
	table_free(&sessions.table);
	queues_close(&sessions.servers);
	return sessions.servers.failed ? EXIT_FAILED : EXIT_DONE;
}

static void on_count_row(void *context, const struct link_row *row)
{
	uint64_t *count = context, n;
	if (span_equal(row->kind, SPAN(ROW_COUNT)) && span_to_u64(row->cells[0], UINT32_MAX, &n))
		*count += n;
}

static void kick_of(struct queues *servers, int fd, const char *id, uint64_t *count)
{
	struct link_answer answer = {.row = on_count_row, .context = count};
	struct wire_smtpd_kick kick = {.id = span_of(id)};
	struct str request;
	str_init(&request, WIRE_PACKET_MAX);
	wire_encode_smtpd_kick(&kick, &request);
	if (!link_ask(fd, &request, &answer))
		fail(servers, answer.said);
	fd_close(&answer.fd);
	fd_close(&fd);
}

/* Ends session ID of servers->server, or with "" all of its sessions. Returns their number. */
static uint64_t kick(struct queues *servers, const char *id)
{
	char why[LINK_TEXT_MAX + 1];
	uint64_t count = 0;
	size_t older = 0;
	for (int fd; (fd = session_rows_link(servers->run_dir, servers->server, older, why)) >= 0; older++)
		kick_of(servers, fd, id, &count);
	if (!older)
		fail(servers, why);
	return count;
}

/* SESSION is SERVER:ID. */
static uint64_t kick_one(struct queues *servers, const char *session)
{
	const char *colon = strrchr(session, ':');
	uint64_t count = 0;
	for (size_t i = 0; colon && colon[1] && i < servers->count; i++) {
		servers->server = servers->names[i];
		if (span_equal((struct span){session, (size_t)(colon - session)}, span_of(servers->server)))
			count += kick(servers, colon + 1);
	}
	if (!count) {
		servers->failed++;
		cmd_fail(_("there is no session %.100s; it may have ended: `mailrootctl sessions` lists them"),
			 session);
	}
	return count;
}

int cmd_kick(struct ctl *ctl)
{
	bool all = ctl->options.given & OPTION_ALL;
	struct queues servers;
	uint64_t count = 0;
	int status;
	if (all == (ctl->arg_count > 0)) {
		cmd_fail(_("which sessions? Name them as in `mailrootctl sessions`, or write --all"));
		return EXIT_USAGE;
	}
	if (!queues_open(ctl, &servers, &status))
		return status;
	for (size_t i = 0; all && i < servers.count; i++) {
		servers.server = servers.names[i];
		count += kick(&servers, "");
	}
	for (size_t i = 0; i < ctl->arg_count; i++)
		count += kick_one(&servers, ctl->args[i]);
	if (ctl->options.given & OPTION_JSON)
		printf("{\"told\":%llu}\n", (unsigned long long)count);
	else if (count || all)
		printf(ngettext("%llu session told to end\n", "%llu sessions told to end\n", count),
		       (unsigned long long)count);
	queues_close(&servers);
	return servers.failed ? EXIT_FAILED : EXIT_DONE;
}
