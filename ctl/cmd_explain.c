#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/fd.h"
#include "common/host/accounts.h"
#include "common/host/rows.h"
#include "common/mail/address.h"
#include "common/mail/cidr.h"
#include "common/mail/domain.h"
#include "ctl/commands.h"
#include "ctl/json.h"
#include "ctl/service.h"

struct explained {
	bool as_json;
	bool verdict_seen, accepted;
	unsigned rules;
	struct json json;
};

static void on_verdict(struct explained *e, const struct span *cells)
{
	e->verdict_seen = true;
	e->accepted = span_equal(cells[0], SPAN("accepted"));
	if (!e->as_json) {
		printf("%.*s: %.*s\n", SPAN_ARGS(cells[0]), SPAN_ARGS(cells[1]));
		return;
	}
	json_key(&e->json, "accepted");
	json_bool(&e->json, e->accepted);
	json_key(&e->json, "reply");
	json_string(&e->json, cells[1]);
	json_key(&e->json, "rules");
	json_array(&e->json);
}

static void on_rule(struct explained *e, const struct span *cells)
{
	e->rules++;
	if (!e->as_json) {
		if (e->rules == 1)
			puts("The rules, in the order in which they were looked at; the last decided:");
		printf("  %.*s%s%.*s\n", SPAN_ARGS(cells[0].len ? cells[0] : SPAN("the default")), ": ",
		       SPAN_ARGS(cells[1]));
		return;
	}
	json_object(&e->json);
	json_key(&e->json, "at");
	json_string(&e->json, cells[0]);
	json_key(&e->json, "rule");
	json_string(&e->json, cells[1]);
	json_end_object(&e->json);
}

static void on_row(void *context, const struct link_row *row)
{
	struct explained *e = context;

	if (span_equal(row->kind, SPAN(ROW_VERDICT)) && !e->verdict_seen)
		on_verdict(e, row->cells);
	else if (span_equal(row->kind, SPAN(ROW_RULE)) && e->verdict_seen)
		on_rule(e, row->cells);
}

/* Faults of the command line are found here, where they can be shown best. */
static bool arguments_good(const struct ctl *ctl)
{
	struct ipaddr client;
	struct address to;
	const char *why;

	if (!ctl->options.client[0] || !ctl->options.to[0])
		commands_fail("who sends to whom? It is: explain relay --client 192.0.2.1 --to user@example.net");
	else if (!ipaddr_parse(span_of(ctl->options.client), &client))
		commands_fail("--client %s: an IPv4 or IPv6 address is wanted", ctl->options.client);
	else if (ctl->options.name[0] && !domain_valid(span_of(ctl->options.name)))
		commands_fail("--name %s: a host name is wanted, such as host.example.com", ctl->options.name);
	else if (strlen(ctl->options.user) > ACCOUNT_NAME_MAX)
		commands_fail("--user %s: the name of an account is wanted", ctl->options.user);
	else if (!address_parse(span_of(ctl->options.to), &to, &why))
		commands_fail("--to %s: %s", ctl->options.to, why);
	else
		return true;
	return false;
}

/* The server to ask: --server, or the only one. Owned by the caller; NULL when the reason was told. */
static char *choose_server(struct ctl *ctl, int *status)
{
	static struct service service;
	char said[LINK_TEXT_MAX + 1];
	char *name = NULL;

	int fd = commands_connect(ctl, status);
	if (fd < 0)
		return NULL;
	*status = EXIT_FAILED;
	if (!service_ask(fd, &service, said))
		commands_fail("%s", said);
	else if (ctl->options.server[0])
		name = strdup(ctl->options.server);
	else if (service.server_count == 1)
		name = strdup(service.servers[0].name);
	else
		commands_fail("there are %zu virtual servers: add --server NAME (`mailrootctl status` lists them)",
			      service.server_count);
	service_free(&service);
	fd_close(&fd);
	return name;
}

static void finish(struct explained *e, const char *said)
{
	if (!e->as_json) {
		if (said[0])
			printf("%s\n", said);
		return;
	}
	json_end_array(&e->json);
	json_key(&e->json, "advice");
	json_string(&e->json, span_of(said));
	json_end_object(&e->json);
	json_finish(&e->json);
}

static int ask(struct ctl *ctl, const char *server)
{
	struct wire_explain_relay explain = {
		.client = span_of(ctl->options.client),
		.name = span_of(ctl->options.name),
		.user = span_of(ctl->options.user),
		.tls = ctl->options.given & OPTION_TLS,
		.sender = span_of(ctl->options.from),
		.recipient = span_of(ctl->options.to),
	};
	struct explained e = {.as_json = ctl->options.given & OPTION_JSON};
	struct link_answer answer = {.row = on_row, .context = &e};
	char why[LINK_TEXT_MAX + 1] = "no memory";
	char *run_dir = commands_run_dir(ctl);
	struct str request;

	int fd = run_dir ? link_to_child(run_dir, server, CHILD_SMTPD, why) : -1;
	free(run_dir);
	if (fd < 0)
		return commands_fail("%s", why);
	json_init(&e.json, stdout);
	if (e.as_json)
		json_object(&e.json);
	str_init(&request, WIRE_PACKET_MAX);
	wire_encode_explain_relay(&explain, &request);
	bool good = link_ask(fd, &request, &answer) && e.verdict_seen;
	fd_close(&answer.fd);
	fd_close(&fd);
	if (!good)
		return commands_fail("%s", answer.said[0] ? answer.said : "no verdict came");
	finish(&e, answer.said);
	return EXIT_DONE;
}

int cmd_explain_relay(struct ctl *ctl)
{
	int status;

	if (!arguments_good(ctl))
		return EXIT_USAGE;
	char *server = choose_server(ctl, &status);
	if (!server)
		return status;
	status = ask(ctl, server);
	free(server);
	return status;
}
