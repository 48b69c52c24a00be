#include "master/changes.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "common/base/language.h"
#include "common/config/oauth.h"
#include "common/config/value.h"
#include "common/mail/dnsbl.h"
#include "master/access.h"

/* WHERE_MAX holds a server's name, a domain and the names of blocks. ACCESS_MAX keeps a replaced list readable. */
enum { WHERE_MAX = 512, LINE_MAX_OCTETS = 8192, ACCESS_MAX = 200 };

/* When a change takes effect. COMMAND means "at once, in open sessions too", which is not mentioned. */
static const char *const acts_words[CONFIG_ACTS_COUNT] = {
	[CONFIG_COMMAND] = "",
	[CONFIG_CONNECTION] = N_("takes effect with the next connection"),
	[CONFIG_PROCESSES_NEW] = N_("takes effect with new processes, which start now; no session ends"),
};

struct tally {
	unsigned lines;
	unsigned roles; /* of changes that require new processes */
	unsigned mask;  /* roles that the compared block concerns */
};

struct report {
	struct tally *tally;
	struct str *to;
	const char *where; /* "server main: ", "server main: local_domain example.com: " */
};

static void tell(const struct report *report, const char *what, enum config_acts acts)
{
	report->tally->lines++;
	str_printf(report->to, "%s%s%s%s\n", report->where, what, acts_words[acts][0] ? "; " : "", acts_words[acts]);
}

static bool same_text(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool same_endpoints(const struct config_endpoints *a, const struct config_endpoints *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++) {
		const struct config_endpoint *x = &a->at[i], *y = &b->at[i];
		if (x->any != y->any || x->tls != y->tls || x->proxy != y->proxy || x->port != y->port ||
		    (!x->any && !ipaddr_equal(&x->ip, &y->ip)))
			return false;
	}
	return true;
}

/* Appends TEXT, the lists of dnsbl, without the keys of customers: the report goes to the log. */
static void hide_keys(struct span text, struct str *to)
{
	char shown[DOMAIN_MAX + 1];
	while (text.len) {
		dnsbl_shown(span_take(&text, ' '), shown);
		str_printf(to, "%s%s", shown, text.len ? " " : "");
	}
}

static void format(const struct config_setting *setting, const void *block, struct str *to)
{
	str_init(to, LINE_MAX_OCTETS);
	config_value_format(setting->type, (const char *)block + setting->offset, to);
	if (!to->len)
		str_append_text(to, "default");
}

static void append_value(const struct config_setting *setting, struct span text, struct str *to)
{
	if (setting->type == CONFIG_DNSBL || setting->type == CONFIG_DNSBLALLOW)
		hide_keys(text, to);
	else
		str_append(to, text);
}

/* Settings with several spellings are compared by value, the others by their text. */
static void compare_setting(const struct report *report, const struct config_setting *setting, const void *before,
			    const void *after)
{
	struct str was, is, now, then, line;
	const void *old = (const char *)before + setting->offset, *new = (const char *)after + setting->offset;
	if ((setting->type == CONFIG_LISTEN || setting->type == CONFIG_ENDPOINTS ||
	     setting->type == CONFIG_WEBLISTEN) &&
	    same_endpoints(old, new))
		return;
	format(setting, before, &was);
	format(setting, after, &is);
	if (!span_equal(str_span(&was), str_span(&is))) {
		str_init(&now, 2 * LINE_MAX_OCTETS);
		str_init(&then, LINE_MAX_OCTETS);
		str_init(&line, 4 * LINE_MAX_OCTETS);
		str_printf(&now, "%s ", setting->name);
		append_value(setting, str_span(&is), &now);
		append_value(setting, str_span(&was), &then);
		str_printf(&line, N_("%s (was %s)"), str_text(&now), str_text(&then));
		tell(report, str_text(&line), setting->acts);
		str_free(&now);
		str_free(&then);
		str_free(&line);
		if (setting->acts == CONFIG_PROCESSES_NEW)
			report->tally->roles |= setting->roles & report->tally->mask & ROLE_ALL;
	}
	str_free(&was);
	str_free(&is);
}

/* The blocks that hold `allow` and `list`, and what their lists permit. */
static const struct access_words {
	enum config_block block;
	const char *changes[ACCESS_CHANGE_COUNT];
} access_words[] = {
	{CONFIG_CONNECT,
	 {N_("%.300s may now connect"), N_("%.300s may no longer connect"), N_("%.300s may connect, as before"),
	  N_("%.300s may not connect, as before")}},
	{CONFIG_RELAY,
	 {N_("%.300s may now relay to any domain"), N_("%.300s may no longer relay (was: to any domain)"),
	  N_("%.300s may relay, as before"), N_("%.300s may not relay, as before")}},
};
enum { ACCESS_WORDS = sizeof(access_words) / sizeof(access_words[0]) };

struct access_report {
	const struct report *report;
	const struct access_words *words;
	enum config_acts acts;
	unsigned said;
};

static void say_access(void *context, const struct config_client *entry, enum access_change change)
{
	struct access_report *access = context;
	char line[WHERE_MAX];
	if (++access->said > ACCESS_MAX && entry)
		return;
	snprintf(line, sizeof(line), access->words->changes[change], entry ? entry->text : N_("every other client"));
	tell(access->report, line, access->acts);
}

static const struct access_words *find_words(enum config_block block)
{
	for (size_t i = 0; i < ACCESS_WORDS; i++) {
		if (access_words[i].block == block)
			return &access_words[i];
	}
	return NULL;
}

static struct access access_in(enum config_block block, const void *at)
{
	const struct config_setting *allow = config_setting_find(block, SPAN("allow"));
	const struct config_setting *list = config_setting_find(block, SPAN("list"));
	return (struct access){*(const enum config_allow *)(const void *)((const char *)at + allow->offset),
			       (const struct config_clients *)(const void *)((const char *)at + list->offset)};
}

/* Compares the list of a block; REPORT is about the enclosing block. */
static void compare_access(const struct report *report, enum config_block block, const void *before, const void *after)
{
	struct access_report access = {report, find_words(block), CONFIG_COMMAND, 0};
	char line[100];
	if (!access.words)
		return;
	access.acts = config_setting_find(block, SPAN("list"))->acts;
	const struct access old = access_in(block, before), new = access_in(block, after);
	access_compare(&old, &new, say_access, &access);
	if (access.said <= ACCESS_MAX)
		return;
	snprintf(line, sizeof(line), N_("%s list has %u more changes"), config_blocks[block].word,
		 access.said - ACCESS_MAX);
	tell(report, line, access.acts);
}

static void compare_block(const struct report *report, enum config_block block, const void *before, const void *after)
{
	for (size_t i = 0; i < config_setting_count; i++) {
		const struct config_setting *setting = &config_settings[i];
		if (setting->block == block && !(setting->type == CONFIG_CLIENTS && find_words(block)))
			compare_setting(report, setting, before, after);
	}
	for (size_t i = 0; i < config_place_count; i++) {
		const struct config_place *place = &config_places[i];
		const void *old = (const char *)before + place->offset, *new = (const char *)after + place->offset;
		char where[WHERE_MAX];
		if (place->parent != block)
			continue;
		snprintf(where, sizeof(where), "%s%s ", report->where, config_blocks[place->block].word);
		const struct report inner = {report->tally, report->to, where};
		if (place->block == CONFIG_PROCESSES)
			report->tally->mask = block == CONFIG_SERVER ? ROLE_SMTPD : ~(unsigned)ROLE_SMTPD;
		compare_block(&inner, place->block, old, new);
		report->tally->mask = ~0U;
		compare_access(report, place->block, old, new);
	}
}

static const char *name_of(const void *block)
{
	const char *name;
	memcpy(&name, block, sizeof(name));
	return name;
}

static const void *named_find(const struct config_named *kind, const struct config_server *server, const char *name)
{
	const void *block;
	for (size_t i = 0; (block = config_named_at(kind, server, i)); i++) {
		if (same_text(name_of(block), name))
			return block;
	}
	return NULL;
}

/* Reports "remote_domain a.net added: relay yes, route [192.0.2.1]": with its settings. */
static void tell_named(const struct report *report, enum config_block kind, const void *block, const char *what)
{
	struct str line, value;
	const char *separator = ": ";
	char named[WHERE_MAX];
	str_init(&line, LINE_MAX_OCTETS);
	snprintf(named, sizeof(named), "%s %.255s", config_blocks[kind].word, name_of(block));
	str_printf(&line, what, named);
	for (size_t i = 0; i < config_setting_count; i++) {
		const struct config_setting *setting = &config_settings[i];
		if (setting->block != kind)
			continue;
		const struct config_origin *at = (const void *)((const char *)block + setting->at_offset);
		if (!at->line)
			continue;
		format(setting, block, &value);
		str_printf(&line, "%s%s %s", separator, setting->name, str_text(&value));
		separator = ", ";
		str_free(&value);
	}
	tell(report, str_text(&line), CONFIG_COMMAND);
	str_free(&line);
}

/* The outbound block that is written in BLOCK; NULL = none. */
static const struct config_outbound *outbound_of(enum config_block kind, const void *block)
{
	const struct config_remote_domain *remote = block;
	const struct config_connector *connector = block;
	if (block && kind == CONFIG_REMOTE_DOMAIN && remote->has_outbound)
		return &remote->outbound;
	return block && kind == CONFIG_CONNECTOR && connector->has_outbound ? &connector->outbound : NULL;
}

/*
 * SMTP clients load the outbound blocks by name when they start, and the process that fetches tokens those with one.
 * The signer loads the keys of all blocks dkim.
 */
static void note_outbound(const struct report *report, const struct config_named *kind, const void *old,
			  const void *new)
{
	if (kind->block == CONFIG_DKIM && !old != !new)
		report->tally->roles |= ROLE_DELIVERY;
	const struct config_outbound *before = outbound_of(kind->block, old), *after = outbound_of(kind->block, new);
	if (!before == !after)
		return;
	report->tally->roles |= ROLE_DELIVERY;
	if (config_oauth_used(before ? before : after))
		report->tally->roles |= ROLE_WEB;
}

static void compare_named(const struct report *report, const struct config_named *kind,
			  const struct config_server *before, const struct config_server *after)
{
	const void *old, *new;
	char where[WHERE_MAX];
	for (size_t i = 0; (old = config_named_at(kind, before, i)); i++) {
		new = named_find(kind, after, name_of(old));
		snprintf(where, sizeof(where), "%s%s %.255s: ", report->where, config_blocks[kind->block].word,
			 name_of(old));
		const struct report inner = {report->tally, report->to, where};
		note_outbound(report, kind, old, new);
		if (new)
			compare_block(&inner, kind->block, old, new);
		else
			tell_named(report, kind->block, old, N_("%s removed"));
	}
	for (size_t i = 0; (new = config_named_at(kind, after, i)); i++) {
		if (named_find(kind, before, name_of(new)))
			continue;
		note_outbound(report, kind, NULL, new);
		tell_named(report, kind->block, new, N_("%s added"));
	}
}

static void compare_server(const struct config_server *before, const struct config_server *after, struct tally *tally,
			   struct str *to)
{
	char where[WHERE_MAX];
	const struct report report = {tally, to, where};
	int len = snprintf(where, sizeof(where), N_("server %.64s"), before ? before->name : after->name);
	snprintf(where + len, sizeof(where) - (size_t)len, ": ");
	if (!after) {
		tell(&report,
		     N_("the whole server removed: its sessions finish, then it stops; its mail stays in its folder"),
		     CONFIG_COMMAND);
		return;
	}
	if (!before) {
		tell(&report, after->enabled ? N_("the whole server added") : N_("the whole server added, not enabled"),
		     CONFIG_COMMAND);
		return;
	}
	compare_block(&report, CONFIG_SERVER, before, after);
	for (size_t kind = 0; kind < config_named_count; kind++)
		compare_named(&report, &config_named[kind], before, after);
}

unsigned changes_describe(const struct config *before, const struct config *after, struct str *to)
{
	struct tally tally = {.mask = ~0U};
	const struct report report = {&tally, to, ""};
	compare_block(&report, CONFIG_GLOBAL, before, after);
	for (size_t i = 0; i < before->server_count; i++) {
		const struct config_server *old = &before->servers[i];
		compare_server(old, config_server_find(after, span_of(old->name)), &tally, to);
	}
	for (size_t i = 0; i < after->server_count; i++) {
		if (!config_server_find(before, span_of(after->servers[i].name)))
			compare_server(NULL, &after->servers[i], &tally, to);
	}
	return tally.lines;
}

unsigned changes_roles(const struct config *before, const struct config *after, const char *name)
{
	const struct config_server *old = config_server_find(before, span_of(name));
	const struct config_server *new = config_server_find(after, span_of(name));
	struct tally tally = {.mask = ~0U};
	struct str unread;
	const struct report report = {&tally, &unread, ""};
	str_init(&unread, 0);
	compare_block(&report, CONFIG_GLOBAL, before, after);
	if (old && new)
		compare_server(old, new, &tally, &unread);
	str_free(&unread);
	return tally.roles;
}

static const struct {
	const char *name;
	size_t at; /* in struct config */
} fixed[CHANGES_FIXED] = {
	{"user", offsetof(struct config, user)},
	{"smtpd_user", offsetof(struct config, smtpd_user)},
	{"delivery_user", offsetof(struct config, delivery_user)},
	{"web_user", offsetof(struct config, web_user)},
	{"kerberos_user", offsetof(struct config, kerberos_user)},
	{"filters_user", offsetof(struct config, filters_user)},
	{"mailroot_dir", offsetof(struct config, mailroot_dir)},
	{"state_dir", offsetof(struct config, state_dir)},
	{"run_dir", offsetof(struct config, run_dir)},
};

const char *changes_fixed_name(size_t i)
{
	return fixed[i].name;
}

const char *changes_fixed_value(size_t i, const struct config *config)
{
	const char *value;
	memcpy(&value, (const char *)config + fixed[i].at, sizeof(value));
	return value;
}

const char *changes_forbidden(const struct config *before, const struct config *after)
{
	for (size_t i = 0; i < CHANGES_FIXED; i++) {
		if (!same_text(changes_fixed_value(i, before), changes_fixed_value(i, after)))
			return fixed[i].name;
	}
	return NULL;
}
