#include "ctl/import/take.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/base/ascii.h"
#include "common/base/language.h"
#include "ctl/import/value.h"

enum { NAME_MAX = 40 };

static const char the_rest[] = N_("The rest of the metabase");

struct metabase_property *take_find(const struct take *t, enum iis_property which)
{
	return iis_find(t->at, which);
}

/* What is shown of a value: never a secret. */
static const char *shown(const struct metabase_property *p)
{
	const struct iis_row *row = iis_row_of(p);
	return p->secure || (row && row->take == IIS_SECRET) ? "(encrypted)" : p->value;
}

void take_say(struct take *t, struct metabase_property *p, enum report_outcome outcome, const char *format, ...)
{
	const struct metabase_key *key = t->at;
	va_list args;
	va_start(args, format);
	const char *text = plan_vtext(&t->plan, _(format), args);
	va_end(args);
	while (key && !(p >= key->properties && p < key->properties + key->count))
		key = key->parent;
	report_add(&t->report, t->part, outcome, key ? key : t->at, p, shown(p), text);
	p->told = p->told_ever = true;
}

static struct plan_node *add_line(struct take *t, struct plan_node *in, struct metabase_property *p,
				  enum report_outcome outcome, const char *remark, const char *text)
{
	const char *name = p->name[0] ? p->name : "Custom element";
	const char *comment = remark ? plan_text(&t->plan, "%s: %s", name, remark) : name;
	take_say(t, p, outcome, remark ? "%s (%s)" : "%s", text, remark ? _(remark) : "");
	return plan_line(&t->plan, in, text, comment);
}

struct plan_node *take_line(struct take *t, struct plan_node *in, struct metabase_property *p,
			    enum report_outcome outcome, const char *remark, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	const char *text = plan_vtext(&t->plan, format, args);
	va_end(args);
	return add_line(t, in, p, outcome, remark, text);
}

struct plan_node *take_off(struct take *t, struct plan_node *in, struct metabase_property *p, const char *remark,
			   const char *format, ...)
{
	va_list args;
	va_start(args, format);
	const char *text = plan_vtext(&t->plan, format, args);
	va_end(args);
	struct plan_node *node = add_line(t, in, p, REPORT_NOT, remark, text);
	node->off = true;
	return node;
}

void take_extra(struct take *t, struct plan_node *in, const char *comment, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	plan_line(&t->plan, in, plan_vtext(&t->plan, format, args), comment);
	va_end(args);
}

static void refuse(struct take *t, struct metabase_property *p, const char *what)
{
	take_say(t, p, REPORT_DOUBT, "not taken, because it is no %s", what);
}

bool take_number(struct take *t, enum iis_property which, struct metabase_property **p, uint32_t *value)
{
	*p = take_find(t, which);
	if (!*p)
		return false;
	if (value_number((*p)->value, value))
		return true;
	refuse(t, *p, "number");
	return false;
}

bool take_flag(struct take *t, enum iis_property which, struct metabase_property **p, bool *value)
{
	*p = take_find(t, which);
	if (!*p)
		return false;
	if (value_yesno((*p)->value, value))
		return true;
	refuse(t, *p, "TRUE or FALSE");
	return false;
}

bool take_claim(struct take *t, char kind, const char *what, bool shared)
{
	const unsigned server = t->key->server;
	for (size_t i = 0; i < t->claim_count; i++) {
		const struct take_claim *claim = &t->claims[i];
		if (claim->kind == kind && strcasecmp(claim->what, what) == 0 &&
		    !(shared && claim->shared && claim->server == server))
			return false;
	}
	if (t->claim_count == TAKE_CLAIMS_MAX)
		return false;
	t->claims[t->claim_count++] = (struct take_claim){kind, server, what, shared};
	return true;
}

/* The name of a virtual server from the name in the Windows console. */
static void make_name(const char *comment, unsigned number, char *to, size_t size)
{
	size_t len = 0;
	if (number == 1 && (!comment[0] || strcasestr(comment, "SMTP Virtual Server"))) {
		snprintf(to, size, "default");
		return;
	}
	for (const char *at = comment; *at && len < NAME_MAX; at++) {
		if (isalnum((unsigned char)*at) && !(*at & 0x80))
			to[len++] = ascii_lower(*at);
		else if (len && to[len - 1] != '-')
			to[len++] = '-';
	}
	while (len && to[len - 1] == '-')
		len--;
	to[len] = '\0';
	if (!len)
		snprintf(to, size, "server-%u", number);
}

static const char *chosen_name(const struct take *t)
{
	for (size_t i = 0; i < t->choices->name_count; i++)
		if (t->choices->names[i].server == t->key->server)
			return t->choices->names[i].name;
	return NULL;
}

static void open_server(struct take *t)
{
	struct metabase_property *comment = iis_own(t->key, IIS_ServerComment);
	const char *chosen = chosen_name(t);
	char name[NAME_MAX + 40];
	if (chosen)
		snprintf(name, sizeof(name), "%s", chosen);
	else
		make_name(comment ? comment->value : "", t->key->server, name, sizeof(name));
	t->name = plan_text(&t->plan, "%s", name);
	if (!take_claim(t, 'n', t->name, false)) {
		t->name = plan_text(&t->plan, "%s-%u", name, t->key->server);
		take_claim(t, 'n', t->name, false);
	}
	t->part = plan_text(&t->plan, _("Virtual server %s (%s)"), t->name, t->key->location);
	t->server = plan_block(&t->plan, &t->plan.root, plan_text(&t->plan, "virtual_server %s", t->name));
	char clean[200];
	span_clean(span_of(comment ? comment->value : ""), clean, sizeof(clean));
	t->server->comment =
		plan_text(&t->plan, "%s%s%s%s", t->key->location, comment ? ", \"" : "", clean, comment ? "\"" : "");
	if (comment)
		take_say(t, comment, REPORT_TAKEN, "virtual_server %s", t->name);
}

/* Blocks in the order in which they are to be written. */
static void open_blocks(struct take *t)
{
	static const enum config_block order[] = {CONFIG_CONNECT,  CONFIG_RELAY, CONFIG_ACCESS,  CONFIG_MESSAGES,
						  CONFIG_DELIVERY, CONFIG_LOG,   CONFIG_OUTBOUND};
	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++)
		plan_block(&t->plan, t->server, config_blocks[order[i]].word);
}

/* Each virtual server tells anew what it inherits. */
static void forget_told(struct take *t)
{
	for (size_t i = 0; i < t->metabase->count; i++) {
		struct metabase_key *key = t->metabase->keys[i];
		for (size_t j = 0; j < key->count && (!key->server || key->server == t->key->server); j++)
			key->properties[j].told = false;
	}
}

static void take_server(struct take *t)
{
	forget_told(t);
	t->default_domain = NULL;
	t->default_has_key = false;
	t->auth = t->smart_host = t->smart_host_named = t->connects_only = false;
	t->connect_count = 0;
	open_server(t);
	take_listen(t);
	take_names(t);
	for (size_t i = 0; i < IIS_COUNT; i++) {
		struct metabase_property *p = take_find(t, (enum iis_property)i);
		if (p && iis_rows[i].take < IIS_GROUP && iis_rows[i].block == CONFIG_SERVER)
			take_row(t, &iis_rows[i], p);
	}
	take_without(t);
	take_folders(t);
	take_smart_host(t);
	t->direct |= !t->smart_host;
	open_blocks(t);
	take_auth(t);
	take_connect(t);
	take_relay(t);
	for (size_t i = 0; i < IIS_COUNT; i++) {
		struct metabase_property *p = take_find(t, (enum iis_property)i);
		if (p && iis_rows[i].take < IIS_GROUP && iis_rows[i].block != CONFIG_SERVER)
			take_row(t, &iis_rows[i], p);
	}
	take_messages(t);
	take_delivery(t);
	take_log(t);
	take_server_outbound(t);
	take_domains(t);
}

/* Rows for all that no function has used. */
static void tell_rest(struct take *t, const struct metabase_key *key)
{
	t->key = t->at = key;
	for (size_t i = 0; i < key->count; i++) {
		struct metabase_property *p = &key->properties[i];
		const struct iis_row *row = iis_row_of(p);
		if (p->told_ever)
			continue;
		if (!row)
			take_say(t, p, REPORT_UNKNOWN, N_("no documented property of the SMTP service; not taken"));
		else if (row->take == IIS_NOT || row->take == IIS_SECRET)
			take_say(t, p, REPORT_NOT, "%s", _(row->doc));
		else
			take_say(t, p, REPORT_NOT, N_("no virtual server uses it here"));
	}
}

static bool has_server(const struct metabase *metabase, unsigned number)
{
	for (size_t i = 0; i < metabase->count; i++)
		if (metabase->keys[i]->level == METABASE_SERVER && metabase->keys[i]->server == number)
			return true;
	return false;
}

/* Names for virtual servers that are not there. */
static void tell_unused_names(struct take *t)
{
	for (size_t i = 0; i < t->choices->name_count; i++) {
		unsigned number = t->choices->names[i].server;
		if (!has_server(t->metabase, number))
			report_todo(
				&t->report,
				_("The option --server %u=%s had no effect: the metabase has no virtual server /LM/SmtpSvc/%u."),
				number, t->choices->names[i].name, number);
	}
}

/* What holds for every move. */
static void add_todos(struct take *t)
{
	const struct take_choices *choices = t->choices;
	report_todo(
		&t->report,
		_("Compare with the logs of the old server: `mailrootctl replay %s --config %s` shows which recipients are decided otherwise, and the relay list that the clients need."),
		choices->log ? choices->log : _("LOGS"), choices->out ? choices->out : "mailroot.conf");
	report_todo(
		&t->report,
		_("Devices and programs know the old server by its name or address. Give this machine the same address, or change the record in DNS; where an address was typed into a printer, change it there."));
	report_todo(
		&t->report,
		_("Firewall: let TCP port 25 and the other ports of listen in, and let this machine out to TCP port 25, to the port of the smart host, and to DNS."));
	if (t->direct)
		report_todo(
			&t->report,
			_("Mail goes directly to other hosts, and the old server could not sign it. Large receivers want SPF, DKIM and DMARC: begin with `mailrootctl dkim keygen DOMAIN`; `mailrootctl doctor` says what is missing."));
	report_todo(
		&t->report,
		_("Mail in the queue of the old server is not taken over: let the old server send it before it is switched off."));
}

static int by_number(const void *a, const void *b)
{
	const struct metabase_key *x = *(struct metabase_key *const *)a, *y = *(struct metabase_key *const *)b;
	return (x->server > y->server) - (x->server < y->server);
}

bool take_metabase(struct take *t, const struct metabase *metabase, const struct take_choices *choices)
{
	struct metabase_key *servers[METABASE_SERVERS_MAX];
	size_t n = 0;
	*t = (struct take){.metabase = metabase, .choices = choices};
	plan_init(&t->plan);
	report_init(&t->report);
	t->connects = reallocarray(NULL, TAKE_NETS_MAX, sizeof(*t->connects));
	t->claims = reallocarray(NULL, TAKE_CLAIMS_MAX, sizeof(*t->claims));
	if (!t->connects || !t->claims) {
		t->plan.no_memory = true;
		return true;
	}
	for (size_t i = 0; i < metabase->count; i++) {
		struct metabase_key *key = metabase->keys[i];
		if (key->level == METABASE_SERVER)
			servers[n++] = key;
		for (size_t j = 0; j < key->count; j++)
			key->properties[j].told_ever = false;
	}
	qsort(servers, n, sizeof(servers[0]), by_number);
	for (size_t i = 0; i < n; i++) {
		t->key = t->at = servers[i];
		take_server(t);
	}
	tell_unused_names(t);
	if (n)
		add_todos(t);
	t->part = the_rest;
	for (size_t i = 0; i < metabase->count; i++)
		tell_rest(t, metabase->keys[i]);
	return n > 0;
}

void take_free(struct take *t)
{
	plan_free(&t->plan);
	report_free(&t->report);
	free(t->connects);
	free(t->claims);
}
