#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/accounts/accounts.h"
#include "common/base/fd.h"
#include "common/base/language.h"
#include "common/ipc/rows.h"
#include "common/mail/address.h"
#include "common/mail/cidr.h"
#include "common/mail/domain.h"
#include "ctl/cmd.h"
#include "ctl/json.h"
#include "ctl/words.h"

struct explained {
	bool as_json;
	bool verdict_seen, accepted;
	unsigned rules, limits, lists, filters;
	struct json json;
};

static void on_verdict(struct explained *e, const struct span *cells)
{
	e->verdict_seen = true;
	e->accepted = span_equal(cells[0], SPAN("accepted"));
	if (!e->as_json) {
		printf("%.*s: %.*s\n", SPAN_ARGS(words_cell(cells[0])), SPAN_ARGS(words_cell(cells[1])));
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
			puts(_("The rules, in the order in which they were tried; the last one decided:"));
		printf("  %.*s: %.*s\n", SPAN_ARGS(cells[0].len ? cells[0] : span_of(_("the default"))),
		       SPAN_ARGS(words_cell(cells[1])));
		return;
	}
	json_object(&e->json);
	json_key(&e->json, "at");
	json_string(&e->json, cells[0]);
	json_key(&e->json, "rule");
	json_string(&e->json, cells[1]);
	json_end_object(&e->json);
}

/* The rules are all there; JSON has the limits even if there is none. */
static void open_limits(struct explained *e)
{
	json_end_array(&e->json);
	json_key(&e->json, "limits");
	json_array(&e->json);
}

static void say_client_limit(const struct span *c)
{
	const struct span at = c[0].len ? c[0] : span_of(_("the default"));
	const struct span exception_at = c[7].len ? c[7] : span_of(_("the default"));
	if (span_equal(c[5], SPAN("fits")))
		printf(_("  %.*s: %.*s %.*s, of which %.*s has used %.*s: one more fits\n"), SPAN_ARGS(at),
		       SPAN_ARGS(c[1]), SPAN_ARGS(c[3]), SPAN_ARGS(c[2]), SPAN_ARGS(c[4]));
	else if (span_equal(c[5], SPAN("refused")))
		printf(_("  %.*s: %.*s %.*s, of which %.*s has used %.*s: one more gets %.*s\n"), SPAN_ARGS(at),
		       SPAN_ARGS(c[1]), SPAN_ARGS(c[3]), SPAN_ARGS(c[2]), SPAN_ARGS(c[4]), SPAN_ARGS(c[6]));
	else if (span_equal(c[5], SPAN("logged")))
		printf(_("  %.*s: %.*s %.*s, of which %.*s has used %.*s: one more is only logged, by over log\n"),
		       SPAN_ARGS(at), SPAN_ARGS(c[1]), SPAN_ARGS(c[3]), SPAN_ARGS(c[2]), SPAN_ARGS(c[4]));
	else
		printf(_("  %.*s: %.*s %.*s, of which %.*s has used %.*s: no limit, by %.*s in except_list (%.*s)\n"),
		       SPAN_ARGS(at), SPAN_ARGS(c[1]), SPAN_ARGS(c[3]), SPAN_ARGS(c[2]), SPAN_ARGS(c[4]),
		       SPAN_ARGS(c[6]), SPAN_ARGS(exception_at));
}

static void on_client_limit(struct explained *e, const struct span *cells)
{
	enum { USED = 4 };
	static const char *const names[] = {"at", "limit", "of", "most", "used", "next", "text", "exception_at"};
	e->limits++;
	if (!e->as_json) {
		if (e->limits == 1)
			puts(_("The limits of the client:"));
		say_client_limit(cells);
		return;
	}
	if (e->limits == 1)
		open_limits(e);
	json_object(&e->json);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		json_key(&e->json, names[i]);
		if (i == USED)
			json_cell(&e->json, cells[i]);
		else
			json_string(&e->json, cells[i]);
	}
	json_end_object(&e->json);
}

/* The limits are all there; JSON has the lists even if there is none. */
static void open_lists(struct explained *e)
{
	if (!e->limits)
		open_limits(e);
	json_end_array(&e->json);
	json_key(&e->json, "lists");
	json_array(&e->json);
}

static void say_client_list(const struct span *c)
{
	static const struct {
		const char *effect, *format;
	} texts[] = {
		{"asked", N_("  %.*s: %.*s %.*s: it is asked about the client\n")},
		{"waits", N_("  %.*s: %.*s %.*s: the client waits for the greeting\n")},
		{"excepted", N_("  %.*s: %.*s %.*s: not for this client, which is in dnsbl_except\n")},
		{"authenticated", N_("  %.*s: %.*s %.*s: not for a client that has authenticated\n")},
		{"may_relay", N_("  %.*s: %.*s %.*s: not for this client, which may relay\n")},
		{"postmaster", N_("  %.*s: %.*s %.*s: not for postmaster, which takes the mail of every client\n")},
	};
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (span_equal(c[3], span_of(texts[i].effect)))
			printf(_(texts[i].format), SPAN_ARGS(c[0]), SPAN_ARGS(c[1]), SPAN_ARGS(c[2]));
}

static void on_client_list(struct explained *e, const struct span *cells)
{
	static const char *const names[] = {"at", "setting", "value", "effect"};
	e->lists++;
	if (!e->as_json) {
		if (e->lists == 1)
			puts(_("DNS lists of clients, and the pause before the greeting:"));
		say_client_list(cells);
		return;
	}
	if (e->lists == 1)
		open_lists(e);
	json_object(&e->json);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		json_key(&e->json, names[i]);
		json_string(&e->json, cells[i]);
	}
	json_end_object(&e->json);
}

/* The lists are all there; JSON has the filters even if there is none. */
static void open_filters(struct explained *e)
{
	if (!e->lists)
		open_lists(e);
	json_end_array(&e->json);
	json_key(&e->json, "filters");
	json_array(&e->json);
}

static void say_filter(const struct span *c)
{
	static const struct {
		const char *effect, *format;
	} texts[] = {
		{"shown", N_("  %.*s: filter %.*s would see the message\n")},
		{"commands", N_("  %.*s: filter %.*s would not see the content, which is larger than max_size\n")},
		{"source", N_("  %.*s: filter %.*s sees no mail of clients, by only\n")},
		{"authenticated", N_("  %.*s: filter %.*s would not see it, by skip_authenticated\n")},
	};
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (span_equal(c[2], span_of(texts[i].effect)))
			printf(_(texts[i].format), SPAN_ARGS(c[0]), SPAN_ARGS(c[1]));
	if (span_equal(c[2], SPAN("skip_list")))
		printf(_("  %.*s: filter %.*s would not see it, by %.*s in skip_list (%.*s)\n"), SPAN_ARGS(c[0]),
		       SPAN_ARGS(c[1]), SPAN_ARGS(c[3]), SPAN_ARGS(c[4]));
}

static void on_filter(struct explained *e, const struct span *cells)
{
	static const char *const names[] = {"at", "filter", "effect", "entry", "entry_at"};
	e->filters++;
	if (!e->as_json) {
		if (e->filters == 1)
			puts(_("Filters, in the order in which they are asked:"));
		say_filter(cells);
		return;
	}
	if (e->filters == 1)
		open_filters(e);
	json_object(&e->json);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		json_key(&e->json, names[i]);
		json_string(&e->json, cells[i]);
	}
	json_end_object(&e->json);
}

static void on_row(void *context, const struct link_row *row)
{
	struct explained *e = context;
	if (span_equal(row->kind, SPAN(ROW_VERDICT)) && !e->verdict_seen)
		on_verdict(e, row->cells);
	else if (span_equal(row->kind, SPAN(ROW_RULE)) && e->verdict_seen && !e->limits)
		on_rule(e, row->cells);
	else if (span_equal(row->kind, SPAN(ROW_CLIENT_LIMIT)) && e->verdict_seen && !e->lists)
		on_client_limit(e, row->cells);
	else if (span_equal(row->kind, SPAN(ROW_CLIENT_LIST)) && e->verdict_seen && !e->filters)
		on_client_list(e, row->cells);
	else if (span_equal(row->kind, SPAN(ROW_CLIENT_FILTER)) && e->verdict_seen)
		on_filter(e, row->cells);
}

/* Checks the arguments here, where errors can be explained best. */
static bool arguments_good(const struct ctl *ctl)
{
	struct ipaddr client;
	struct address to;
	const char *why;
	if (!ctl->options.client[0] || !ctl->options.to[0])
		cmd_fail(_(
			"which client and which recipient? Usage: explain relay --client 192.0.2.1 --to user@example.net"));
	else if (!ipaddr_parse(span_of(ctl->options.client), &client))
		cmd_fail(_("--client %s: not an IPv4 or IPv6 address"), ctl->options.client);
	else if (ctl->options.name[0] && !domain_valid(span_of(ctl->options.name)))
		cmd_fail(_("--name %s: not a host name such as host.example.com"), ctl->options.name);
	else if (strlen(ctl->options.user) > ACCOUNT_NAME_MAX)
		cmd_fail(_("--user %s: not a valid account name"), ctl->options.user);
	else if (!address_parse(span_of(ctl->options.to), &to, &why))
		cmd_fail(_("--to %s: %s"), ctl->options.to, _(why));
	else
		return true;
	return false;
}

static void finish(struct explained *e, const char *said)
{
	if (!e->as_json) {
		if (said[0])
			printf("%s\n", said);
		return;
	}
	if (!e->filters)
		open_filters(e);
	json_end_array(&e->json);
	json_key(&e->json, "advice");
	json_string(&e->json, span_of(said));
	json_end_object(&e->json);
	json_finish(&e->json);
}

static int ask(struct ctl *ctl, const char *server, uint64_t size)
{
	struct wire_explain_relay explain = {
		.client = span_of(ctl->options.client),
		.name = span_of(ctl->options.name),
		.user = span_of(ctl->options.user),
		.tls = ctl->options.given & OPTION_TLS,
		.sender = span_of(ctl->options.from),
		.size = size,
		.recipient = span_of(ctl->options.to),
	};
	struct explained e = {.as_json = ctl->options.given & OPTION_JSON};
	struct link_answer answer = {.row = on_row, .context = &e};
	char why[LINK_TEXT_MAX + 1] = "";
	char *run_dir = cmd_run_dir(ctl);
	struct str request;
	int fd = run_dir ? link_to_child(run_dir, server, CHILD_SMTPD, why) : -1;
	free(run_dir);
	if (fd < 0)
		return cmd_fail("%s", why[0] ? why : _("no memory"));
	json_init(&e.json, stdout);
	if (e.as_json)
		json_object(&e.json);
	str_init(&request, WIRE_PACKET_MAX);
	wire_encode_explain_relay(&explain, &request);
	bool good = link_ask(fd, &request, &answer) && e.verdict_seen;
	fd_close(&answer.fd);
	fd_close(&fd);
	if (!good)
		return cmd_fail("%s", answer.said[0] ? answer.said : _("no verdict came"));
	finish(&e, answer.said);
	return EXIT_DONE;
}

int cmd_explain_relay(struct ctl *ctl)
{
	uint64_t size;
	int status;
	if (!arguments_good(ctl) || !cmd_mail_good(ctl, &size))
		return EXIT_USAGE;
	char *server = cmd_choose_server(ctl, &status);
	if (!server)
		return status;
	status = ask(ctl, server, size);
	free(server);
	return status;
}
