#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/clock.h"
#include "common/base/fd.h"
#include "common/base/language.h"
#include "common/ipc/rows.h"
#include "ctl/json.h"
#include "ctl/queues.h"
#include "ctl/table.h"

enum { SHOWN = 20, NAME_MAX_OCTETS = 64, LIMIT_MAX_OCTETS = 64, CLIENTS_MAX = 200000 };

/* The numbers of ROW_CLIENT, in the order of their cells, and their keys; -1 = empty. */
enum number { OPEN, CONNECTIONS, MESSAGES, RECIPIENTS, OCTETS, ERRORS, REFUSED, IDLE, NUMBERS };
static const char *const keys[NUMBERS] = {"open",   "connections", "messages", "recipients",
					  "octets", "errors",      "refused",  "idle_s"};
enum { NAME, KIND, FIRST_NUMBER, LIMIT = FIRST_NUMBER + NUMBERS, PERCENT, WAIT };

struct client {
	const char *server;
	char name[NAME_MAX_OCTETS], kind[NAME_MAX_OCTETS], limit[LIMIT_MAX_OCTETS];
	int64_t numbers[NUMBERS], percent, wait_s;
};

struct clients {
	struct queues servers;
	struct client *all;
	size_t count, room;
	uint64_t next; /* where the next portion begins; 0 = none */
};

static int64_t number_of(struct span cell)
{
	uint64_t n;
	return span_to_u64(cell, INT64_MAX, &n) ? (int64_t)n : -1;
}

static bool grow(struct clients *c)
{
	size_t room = c->room ? 2 * c->room : 128;
	struct client *all = c->count < CLIENTS_MAX ? reallocarray(c->all, room, sizeof(*all)) : NULL;
	if (!all)
		return false;
	c->all = all;
	c->room = room;
	return true;
}

static void on_client_row(void *context, const struct link_row *row)
{
	struct clients *c = context;
	if (span_equal(row->kind, SPAN(ROW_NEXT)) && !span_to_u64(row->cells[0], UINT32_MAX, &c->next))
		c->next = 0;
	if (!span_equal(row->kind, SPAN(ROW_CLIENT)) || (c->count == c->room && !grow(c)))
		return;
	struct client *client = &c->all[c->count++];
	*client = (struct client){.server = c->servers.server};
	span_clean(row->cells[NAME], client->name, sizeof(client->name));
	span_clean(row->cells[KIND], client->kind, sizeof(client->kind));
	span_clean(row->cells[LIMIT], client->limit, sizeof(client->limit));
	for (size_t i = 0; i < NUMBERS; i++)
		client->numbers[i] = number_of(row->cells[FIRST_NUMBER + i]);
	client->percent = number_of(row->cells[PERCENT]);
	client->wait_s = number_of(row->cells[WAIT]);
}

/* Asks for one portion. Returns where the next begins; 0 = that was the last, or it failed with the reason in WHY. */
static uint64_t ask_portion(struct clients *c, int fd, uint64_t from, char *why)
{
	struct link_answer answer = {.row = on_client_row, .context = c};
	struct wire_smtpd_clients portion = {.from = from};
	struct str request;
	c->next = 0;
	str_init(&request, WIRE_PACKET_MAX);
	wire_encode_smtpd_clients(&portion, &request);
	bool good = link_ask(fd, &request, &answer);
	fd_close(&answer.fd);
	snprintf(why, LINK_TEXT_MAX + 1, "%s", good ? "" : answer.said);
	return good ? c->next : 0;
}

static void ask_server(struct clients *c)
{
	char why[LINK_TEXT_MAX + 1] = "";
	uint64_t from = 0, next;
	int fd = link_to_child(c->servers.run_dir, c->servers.server, CHILD_SMTPD, why);
	while (fd >= 0 && (next = ask_portion(c, fd, from, why)) > from)
		from = next;
	fd_close(&fd);
	if (!*why)
		return;
	c->servers.failed++;
	cmd_fail(_("server %s: %s"), c->servers.server, why);
}

/* Most messages first, then most octets, then most refusals. */
static int compare(const void *a, const void *b)
{
	static const enum number order[] = {MESSAGES, OCTETS, REFUSED, CONNECTIONS};
	const struct client *x = a, *y = b;
	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		int64_t p = x->numbers[order[i]], q = y->numbers[order[i]];
		if (p != q)
			return p > q ? -1 : 1;
	}
	return 0;
}

static void print_json(const struct clients *c)
{
	struct json json;
	json_init(&json, stdout);
	json_object(&json);
	json_key(&json, "clients");
	json_array(&json);
	for (size_t i = 0; i < c->count; i++) {
		const struct client *client = &c->all[i];
		json_object(&json);
		json_key(&json, "server");
		json_string(&json, span_of(client->server));
		json_key(&json, "client");
		json_string(&json, span_of(client->name));
		json_key(&json, "kind");
		json_string(&json, span_of(client->kind));
		for (size_t k = 0; k < NUMBERS; k++) {
			json_key(&json, keys[k]);
			if (client->numbers[k] < 0)
				json_null(&json);
			else
				json_number(&json, client->numbers[k]);
		}
		json_key(&json, "limit");
		if (*client->limit)
			json_string(&json, span_of(client->limit));
		else
			json_null(&json);
		json_key(&json, "percent");
		json_number(&json, client->percent);
		json_key(&json, "wait_s");
		json_number(&json, client->wait_s);
		json_end_object(&json);
	}
	json_end_array(&json);
	json_end_object(&json);
	json_finish(&json);
}

static void add_line(struct table *table, const struct client *client)
{
	char texts[REFUSED + 1][24] = {""}, octets[TABLE_OCTETS_MAX], percent[24] = "", wait[CLOCK_TEXT_MAX] = "";
	for (size_t i = 0; i <= REFUSED; i++)
		if (client->numbers[i] >= 0)
			snprintf(texts[i], sizeof(texts[i]), "%" PRId64, client->numbers[i]);
	if (*client->limit)
		snprintf(percent, sizeof(percent), "%" PRId64 "%%", client->percent);
	if (client->wait_s > 0)
		clock_duration(client->wait_s * 1000, wait);
	const struct span cells[] = {
		span_of(client->server),
		span_of(client->name),
		span_of(texts[OPEN]),
		span_of(texts[CONNECTIONS]),
		span_of(texts[MESSAGES]),
		span_of(texts[RECIPIENTS]),
		table_octets(span_of(texts[OCTETS]), octets),
		span_of(texts[ERRORS]),
		span_of(texts[REFUSED]),
		span_of(client->limit),
		span_of(percent),
		span_of(wait),
	};
	table_add(table, cells);
}

static void print_table(const struct clients *c, bool all)
{
	static const char *const headings[] = {N_("SERVER"),   N_("CLIENT"),        N_("OPEN"),   N_("CONNECTIONS"),
					       N_("MESSAGES"), N_("RECIPIENTS"),    N_("OCTETS"), N_("ERRORS"),
					       N_("REFUSED"),  N_("NEAREST LIMIT"), N_("FULL"),   N_("NEXT IN")};
	enum { COLUMNS = sizeof(headings) / sizeof(headings[0]) };
	const unsigned right = 0x1fc | 1U << 10 | 1U << 11; /* numbers */
	struct table table;
	size_t shown = all || c->count < SHOWN ? c->count : SHOWN;
	if (!c->count && !c->servers.failed)
		puts(_("No client did anything in the last hour."));
	if (!c->count)
		return;
	table_init(&table, COLUMNS, right, headings);
	for (size_t i = 0; i < shown; i++)
		add_line(&table, &c->all[i]);
	table_print(&table, 0, stdout);
	table_free(&table);
	if (shown < c->count)
		printf(ngettext("%zu more client: `mailrootctl clients --all`\n",
				"%zu more clients: `mailrootctl clients --all`\n", c->count - shown),
		       c->count - shown);
}

int cmd_clients(struct ctl *ctl)
{
	struct clients clients = {0};
	int status;
	if (!queues_open(ctl, &clients.servers, &status))
		return status;
	for (size_t i = 0; i < clients.servers.count; i++) {
		clients.servers.server = clients.servers.names[i];
		ask_server(&clients);
	}
	if (clients.count)
		qsort(clients.all, clients.count, sizeof(*clients.all), compare);
	if (ctl->options.given & OPTION_JSON)
		print_json(&clients);
	else
		print_table(&clients, ctl->options.given & OPTION_ALL);
	free(clients.all);
	queues_close(&clients.servers);
	return clients.servers.failed ? EXIT_FAILED : EXIT_DONE;
}
