#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/fd.h"
#include "common/base/language.h"
#include "common/ipc/rows.h"
#include "common/mail/address.h"
#include "ctl/alias.h"
#include "ctl/cmd.h"
#include "ctl/json.h"
#include "ctl/words.h"

/* The sections of an explained route, in their order. */
static const struct section {
	const char *row;
	const char *title; /* title of the section for people */
	const char *key;   /* name of its array in JSON */
	const char *keys[LINK_CELLS_MAX];
} sections[] = {
	{ROW_RULE,
	 N_("The rules, in the order in which they were tried; the last one decided:"),
	 "rules",
	 {"at", "rule"}},
	{ROW_PASSED, N_("Rules that match, too, but come later:"), "passed_over", {"at", "rule", "why"}},
	{ROW_SETTING, N_("Settings of the connection:"), "outbound", {"name", "value"}},
	{ROW_LOOKUP, N_("What DNS says:"), "dns", {"name", "type", "answer", "status", "text"}},
	{ROW_HOST,
	 N_("The hosts, in the order in which they are tried:"),
	 "hosts",
	 {"name", "address", "port", "tls", "turn", "state", "due_s", "weight"}},
	{ROW_LIMIT, N_("Limits:"), "limits", {"of", "most", "now", "setting"}},
	{ROW_NEXT_HOP,
	 N_("State of the next hop:"),
	 "health",
	 {"name", "waiting", "at_workers", "connections", "state", "next_try_s", "reason"}},
};
enum { SECTIONS = sizeof(sections) / sizeof(sections[0]) };

struct routed {
	bool as_json;
	bool seen;
	size_t section; /* the open section; SECTIONS = none yet */
	size_t next;    /* the first section not yet opened in JSON */
	unsigned rows;  /* in the open section */
	struct json json;
};

static void say_route(const struct span *cells)
{
	if (span_equal(cells[0], SPAN("none")))
		printf(_("mail can't be routed: %.*s\n"), SPAN_ARGS(words_cell(cells[4])));
	else
		printf(_("mail goes to %.*s%s%.*s\n"), SPAN_ARGS(cells[1]), cells[4].len ? ": " : "",
		       SPAN_ARGS(words_cell(cells[4])));
	if (cells[2].len)
		printf(_("  with the outbound settings of %.*s\n"), SPAN_ARGS(cells[2]));
	if (cells[3].len)
		printf(_("  with the user and password of %.*s, for the hosts that are written there\n"),
		       SPAN_ARGS(cells[3]));
	if (cells[5].len)
		printf(_("  with MAIL FROM:<%.*s>, by masquerade_domain\n"), SPAN_ARGS(cells[5]));
}

static void on_route(struct routed *r, const struct span *cells)
{
	static const char *const keys[] = {"kind", "next_hop",  "outbound_block", "credentials_block",
					   "why",  "masquerade"};
	r->seen = true;
	if (!r->as_json) {
		say_route(cells);
		return;
	}
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		json_key(&r->json, keys[i]);
		json_string(&r->json, cells[i]);
	}
}

/* JSON has every section, even if empty. */
static void open_sections(struct routed *r, size_t upto)
{
	for (; r->next < upto; r->next++) {
		if (r->next)
			json_end_array(&r->json);
		json_key(&r->json, sections[r->next].key);
		json_array(&r->json);
	}
}

static void say_host(const struct span *c)
{
	printf("  %.*s%s%.*s [%.*s]:%.*s  %.*s", SPAN_ARGS(c[4]), c[4].len ? ". " : "-  ", SPAN_ARGS(c[0]),
	       SPAN_ARGS(c[1]), SPAN_ARGS(c[2]), SPAN_ARGS(words_cell(c[3])));
	if (c[7].len)
		printf(_("; weight %.*s"), SPAN_ARGS(c[7]));
	if (span_equal(c[5], SPAN("sick")))
		printf(_("; did not answer recently, next try in %.*s s"), SPAN_ARGS(c[6]));
	else if (span_equal(c[5], SPAN("due")))
		fputs(_("; did not answer recently, to be tried again"), stdout);
	putchar('\n');
}

static void say_limit(const struct span *c)
{
	printf(_("  %.*s: %.*s at most"), SPAN_ARGS(words_cell(c[0])), SPAN_ARGS(c[1]));
	if (c[2].len)
		printf(_(", %.*s now"), SPAN_ARGS(c[2]));
	if (c[3].len)
		printf(" (%.*s)", SPAN_ARGS(c[3]));
	putchar('\n');
}

static void say_row(const struct section *section, const struct span *c)
{
	if (!strcmp(section->row, ROW_RULE))
		printf("  %.*s: %.*s\n", SPAN_ARGS(c[0].len ? c[0] : span_of(_("the default"))),
		       SPAN_ARGS(words_cell(c[1])));
	else if (!strcmp(section->row, ROW_PASSED))
		printf("  %.*s: %.*s: %.*s\n", SPAN_ARGS(c[0]), SPAN_ARGS(c[1]), SPAN_ARGS(words_cell(c[2])));
	else if (!strcmp(section->row, ROW_LIMIT))
		say_limit(c);
	else if (!strcmp(section->row, ROW_SETTING))
		printf("  %.*s %.*s\n", SPAN_ARGS(c[0]), SPAN_ARGS(c[1]));
	else if (!strcmp(section->row, ROW_LOOKUP))
		printf("  %.*s (%.*s): %.*s%s%.*s%s%.*s\n", SPAN_ARGS(c[0]), SPAN_ARGS(words_cell(c[1])),
		       SPAN_ARGS(words_cell(c[2])), c[3].len ? " " : "", SPAN_ARGS(c[3]), c[4].len ? ", " : "",
		       SPAN_ARGS(words_cell(c[4])));
	else if (!strcmp(section->row, ROW_HOST))
		say_host(c);
	else
		printf(_("  %.*s%s%.*s; %.*s messages are ready to go, %.*s are being sent over %.*s connections\n"),
		       SPAN_ARGS(words_cell(c[4])), c[6].len ? ": " : "", SPAN_ARGS(words_cell(c[6])), SPAN_ARGS(c[1]),
		       SPAN_ARGS(c[2]), SPAN_ARGS(c[3]));
}

static void on_section(struct routed *r, size_t at, const struct span *cells)
{
	const struct section *section = &sections[at];
	r->rows = r->section == at ? r->rows + 1 : 1;
	r->section = at;
	if (!r->as_json) {
		if (r->rows == 1)
			puts(_(section->title));
		say_row(section, cells);
		return;
	}
	open_sections(r, at + 1);
	json_object(&r->json);
	for (size_t i = 0; section->keys[i]; i++) {
		json_key(&r->json, section->keys[i]);
		json_cell(&r->json, cells[i]);
	}
	json_end_object(&r->json);
}

static void on_route_row(void *context, const struct link_row *row)
{
	struct routed *r = context;
	if (span_equal(row->kind, SPAN(ROW_ROUTE)) && !r->seen)
		on_route(r, row->cells);
	for (size_t i = r->next ? r->next - 1 : 0; r->seen && i < SECTIONS; i++)
		if (span_equal(row->kind, span_of(sections[i].row)))
			on_section(r, i, row->cells);
}

static void finish_route(struct routed *r, const char *said)
{
	if (!r->as_json) {
		if (said[0])
			printf("%s\n", said);
		return;
	}
	open_sections(r, SECTIONS);
	json_end_array(&r->json);
	json_key(&r->json, "advice");
	json_string(&r->json, span_of(said));
	json_end_object(&r->json);
	json_finish(&r->json);
}

static int ask_route(struct ctl *ctl, const char *server, const char *address, uint64_t size)
{
	const struct wire_explain_route explain = {
		.recipient = span_of(address), .sender = span_of(ctl->options.from), .size = size};
	struct routed r = {.as_json = ctl->options.given & OPTION_JSON, .section = SECTIONS};
	struct link_answer answer = {.row = on_route_row, .context = &r};
	char why[LINK_TEXT_MAX + 1] = "";
	char *run_dir = cmd_run_dir(ctl);
	struct str request;
	int fd = run_dir ? link_to_child(run_dir, server, CHILD_QUEUE, why) : -1;
	free(run_dir);
	if (fd < 0)
		return cmd_fail("%s", why[0] ? why : _("no memory"));
	json_init(&r.json, stdout);
	if (r.as_json)
		json_object(&r.json);
	str_init(&request, WIRE_PACKET_MAX);
	wire_encode_explain_route(&explain, &request);
	bool good = link_ask(fd, &request, &answer) && r.seen;
	fd_close(&answer.fd);
	fd_close(&fd);
	if (!good)
		return cmd_fail("%s", answer.said[0] ? answer.said : _("no answer came"));
	finish_route(&r, answer.said);
	return EXIT_DONE;
}

static void say_alias_json(const char *address, const struct ctl_alias *alias)
{
	struct json json;
	struct span rest = str_span(&alias->members), member;
	json_init(&json, stdout);
	json_object(&json);
	json_key(&json, "kind");
	json_string(&json, SPAN("alias"));
	json_key(&json, "alias");
	json_string(&json, span_of(address));
	json_key(&json, "at");
	json_string(&json, str_span(&alias->at));
	json_key(&json, "members");
	json_array(&json);
	while (span_line(&rest, &member))
		json_string(&json, member);
	json_end_array(&json);
	json_key(&json, "why");
	json_string(&json, span_of(alias->fault));
	json_end_object(&json);
	json_finish(&json);
}

/* The routes of the members, which get the mail of the alias. */
static int explain_members(struct ctl *ctl, const char *server, const char *address, const struct ctl_alias *alias,
			   uint64_t size)
{
	enum { SHOWN_MAX = 10 };
	char one[ADDRESS_MAX + 1];
	struct span rest = str_span(&alias->members), member;
	int status = EXIT_DONE;
	if (ctl->options.given & OPTION_JSON) {
		say_alias_json(address, alias);
		return alias->n ? EXIT_DONE : EXIT_FAILED;
	}
	if (!alias->n) {
		printf(_("%s is an alias (%s) that can't be expanded: it %s\n"), address, str_text(&alias->at),
		       alias->fault);
		return EXIT_FAILED;
	}
	printf(ngettext("%s is an alias (%s); its mail goes to %zu address:\n",
			"%s is an alias (%s); its mail goes to %zu addresses:\n", alias->n),
	       address, str_text(&alias->at), alias->n);
	for (size_t i = 0; i < SHOWN_MAX && status == EXIT_DONE && span_line(&rest, &member); i++) {
		span_copy(member, one, sizeof(one));
		printf("\n%s\n", one);
		status = ask_route(ctl, server, one, size);
	}
	if (alias->n > SHOWN_MAX)
		printf(_("\nand %zu more addresses\n"), alias->n - SHOWN_MAX);
	return status;
}

int cmd_explain_route(struct ctl *ctl)
{
	const char *address = ctl->args[0], *why = N_("which address? Write one such as user@example.net");
	struct address to;
	uint64_t size;
	int status;
	if (!address_parse(span_of(address), &to, &why) || !to.text.len) {
		cmd_fail("%s: %s", address, _(why));
		return EXIT_USAGE;
	}
	if (!cmd_mail_good(ctl, &size))
		return EXIT_USAGE;
	char *server = cmd_choose_server(ctl, &status);
	if (!server)
		return status;
	struct ctl_alias alias;
	ctl_alias_ask(ctl, server, address, &alias);
	status = alias.at.len ? explain_members(ctl, server, address, &alias, size)
			      : ask_route(ctl, server, address, size);
	ctl_alias_free(&alias);
	free(server);
	return status;
}
