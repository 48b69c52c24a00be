#include <stdio.h>

#include "ctl/json.h"
#include "ctl/replay/moment.h"
#include "ctl/replay/print.h"

enum { TEXT_MAX = 8192 };

static void text(struct json *json, const char *key, const char *value)
{
	json_key(json, key);
	json_string(json, span_of(value));
}

static void flag(struct json *json, const char *key, bool value)
{
	json_key(json, key);
	json_bool(json, value);
}

/* null for a time that is not known */
static void moment(struct json *json, const char *key, int64_t time_s)
{
	char value[MOMENT_TEXT_MAX];
	moment_format(time_s, value);
	json_key(json, key);
	json_cell(json, span_of(value));
}

static void address(struct json *json, const char *key, const struct ipaddr *ip)
{
	char value[IPADDR_TEXT_MAX];
	ipaddr_format(ip, value);
	text(json, key, value);
}

static void network(struct json *json, const char *key, const struct ipaddr *ip)
{
	char value[CASES_NETWORK_TEXT_MAX];
	cases_network_format(ip, value);
	text(json, key, value);
}

static void place(struct json *json, const struct place *place)
{
	text(json, "file", place->file);
	json_key_number(json, "line", place->line);
}

static void example(struct json *json, const struct example *example)
{
	json_key(json, "first");
	json_object(json);
	place(json, &example->place);
	address(json, "client", &example->client);
	text(json, "sender", example->sender);
	text(json, "recipient", example->recipient);
	json_end_object(json);
}

static void group(struct json *json, const struct replay *replay, const struct cases_group *group)
{
	static const char *const depends[] = {"", "name", "user", "tls"};
	struct str why;
	json_object(json);
	json_key_number(json, "recipients", group->count);
	network(json, "network", &group->network);
	text(json, "domain", group->domain);
	text(json, "old", verdict_word(group->old));
	text(json, "new", verdict_word(group->now.outcome));
	text(json, "depends_on", depends[group->now.depends]);
	str_init(&why, TEXT_MAX);
	if (!group->now.fault)
		print_origin(group->now.step.origin, &why);
	text(json, "at", str_text(&why));
	str_clear(&why);
	verdict_format(replay->server, &group->now, &why);
	text(json, "rule", str_text(&why));
	str_free(&why);
	moment(json, "from", group->first_s);
	moment(json, "to", group->last_s);
	example(json, &group->example);
	json_end_object(json);
}

static void groups(struct json *json, const struct replay *replay, const char *key, bool unknowable)
{
	struct cases_line *lines;
	size_t count = cases_lines(&replay->cases, unknowable, &lines);
	json_key(json, key);
	json_array(json);
	for (size_t i = 0; i < count; i++)
		for (size_t at = 0; at < lines[i].group_count; at++)
			group(json, replay, lines[i].groups[at]);
	json_end_array(json);
	cases_lines_free(lines);
}

static void clients(struct json *json, const struct replay *replay)
{
	json_key(json, "clients");
	json_array(json);
	for (const struct client *client = replay->census.all; client; client = client->hh.next) {
		json_object(json);
		address(json, "client", &client->ip);
		text(json, "helo", client->name);
		json_key_number(json, "sessions", client->sessions);
		json_key_number(json, "messages", client->messages);
		json_key_number(json, "accepted", client->accepted);
		json_key_number(json, "refused", client->refused);
		json_key_number(json, "relayed", client->relayed);
		json_key_number(json, "relayed_after_auth", client->authenticated);
		moment(json, "last", client->last_s);
		json_end_object(json);
	}
	json_end_array(json);
	json_key_number(json, "rows_of_other_clients", replay->census.others);
}

static void relay(struct json *json, const struct replay *replay)
{
	const struct client *next = replay->census.all;
	struct relay_entry entry;
	json_key(json, "relay_list");
	json_array(json);
	while (census_next_entry(replay->server, &next, &entry)) {
		struct ipaddr ip = cases_network(&entry.first->ip);
		json_object(json);
		if (entry.network)
			network(json, "list", &ip);
		else
			address(json, "list", &entry.first->ip);
		json_key_number(json, "clients", entry.clients);
		json_key_number(json, "recipients", entry.recipients);
		flag(json, "private", entry.ours);
		flag(json, "listed", entry.listed);
		moment(json, "last", entry.last_s);
		json_end_object(json);
	}
	json_end_array(json);
}

static void hours_and_senders(struct json *json, const struct traffic *traffic)
{
	json_key(json, "hours");
	json_array(json);
	for (const struct traffic_hour *hour = traffic->hours; hour; hour = hour->hh.next) {
		json_object(json);
		moment(json, "from", hour->hour * MOMENT_HOUR_S);
		json_key_number(json, "messages", hour->messages);
		json_end_object(json);
	}
	json_end_array(json);
	json_key(json, "senders");
	json_array(json);
	for (const struct traffic_sender *sender = traffic->senders; sender; sender = sender->hh.next) {
		json_object(json);
		text(json, "sender", sender->address);
		json_key_number(json, "messages", sender->messages);
		json_key_number(json, "octets", sender->octets);
		json_end_object(json);
	}
	json_end_array(json);
}

static void traffic(struct json *json, const struct traffic *traffic)
{
	json_key(json, "mail");
	json_object(json);
	json_key_number(json, "messages", traffic->messages);
	json_key_number(json, "octets", traffic->octets);
	json_key_number(json, "largest_octets", traffic->sized ? (uint64_t)traffic->largest : 0);
	json_key_number(json, "octets_of_99_percent", (uint64_t)traffic_usual_size(traffic));
	json_key_number(json, "exceed_max_message_size", traffic->too_large);
	json_key_number(json, "most_recipients", traffic->most_recipients);
	json_key_number(json, "exceed_max_recipients", traffic->too_many);
	json_key_number(json, "messages_of_busiest_minute", traffic->busiest);
	hours_and_senders(json, traffic);
	json_key_number(json, "messages_of_other_senders", traffic->other_senders);
	json_end_object(json);
}

static void bad_lines(struct json *json, const struct reader *reader)
{
	json_key_number(json, "bad_lines", reader->bad);
	json_key(json, "first_bad_lines");
	json_array(json);
	for (size_t i = 0; i < reader->bad && i < READER_BAD_KEPT; i++) {
		json_object(json);
		place(json, &reader->kept[i].place);
		text(json, "why", reader->kept[i].why);
		text(json, "text", reader->kept[i].text);
		json_end_object(json);
	}
	json_end_array(json);
}

void print_json(const struct replay *replay, const char *file)
{
	struct json json;
	json_init(&json, stdout);
	json_object(&json);
	text(&json, "configuration", file);
	text(&json, "server", replay->server->name);
	json_key_number(&json, "files", replay->reader.files);
	json_key_number(&json, "unread", replay->reader.unread);
	json_key_number(&json, "rows", replay->reader.rows);
	moment(&json, "from", replay->first_s);
	moment(&json, "to", replay->last_s);
	json_key_number(&json, "outbound_rows", replay->outbound);
	json_key_number(&json, "left_out_rows", replay->left_out);
	json_key_number(&json, "compared", replay_compared(replay));
	json_key_number(&json, "same", replay->same);
	json_key_number(&json, "otherwise", replay->otherwise);
	json_key_number(&json, "unknowable", replay->unknowable);
	json_key_number(&json, "undecided", replay->undecided);
	json_key_number(&json, "senders_refused", replay->senders_refused);
	json_key_number(&json, "without_address", replay->unnamed);
	flag(&json, "complete", !replay->no_memory);
	groups(&json, replay, "groups_otherwise", false);
	groups(&json, replay, "groups_unknowable", true);
	json_key_number(&json, "recipients_without_group", replay->cases.others);
	clients(&json, replay);
	relay(&json, replay);
	traffic(&json, &replay->traffic);
	bad_lines(&json, &replay->reader);
	json_end_object(&json);
	json_finish(&json);
}
