#include <string.h>

#include "common/config/table.h"
#include "common/config/value.h"

enum { ORIGIN_COLUMN = 48, INDENT = 4, VALUE_TEXT_MAX = 1 << 20, PATH_TEXT_MAX = 1024 };

/* A walk over all values of a configuration; `form` writes them as text or JSON. */
struct walk {
	const struct walk_form *form;
	struct str *to;
	struct str path; /* the enclosing blocks, for JSON: "virtual_server default/messages" */
	unsigned depth;
	size_t count; /* values so far */
};

struct walk_form {
	void (*open)(struct walk *w, const char *word, const char *name, const struct config_origin *origin);
	void (*close)(struct walk *w);
	/* VALUE is empty if the setting is not set. */
	void (*value)(struct walk *w, const char *name, struct span value, const struct config_origin *origin);
};

static void write_origin(struct str *to, const struct config_origin *origin)
{
	if (origin->line)
		str_printf(to, "# %s:%u\n", origin->file, origin->line);
	else
		str_append_text(to, "# default\n");
}

static void text_line(struct walk *w, const struct str *line, const struct config_origin *origin)
{
	int indent = (int)w->depth * INDENT;
	str_printf(w->to, "%*s%-*s ", indent, "", ORIGIN_COLUMN - indent, str_text(line));
	write_origin(w->to, origin);
}

static void text_open(struct walk *w, const char *word, const char *name, const struct config_origin *origin)
{
	struct str line;
	str_init(&line, PATH_TEXT_MAX);
	str_printf(&line, "%s%s%s {", word, *name ? " " : "", name);
	if (*name)
		text_line(w, &line, origin);
	else
		str_printf(w->to, "%*s%s\n", (int)w->depth * INDENT, "", str_text(&line));
	str_free(&line);
}

static void text_close(struct walk *w)
{
	str_printf(w->to, "%*s}\n", (int)w->depth * INDENT, "");
}

static void text_value(struct walk *w, const char *name, struct span value, const struct config_origin *origin)
{
	struct str line;
	str_init(&line, VALUE_TEXT_MAX);
	if (value.len)
		str_printf(&line, "%s %.*s", name, SPAN_ARGS(value));
	else
		str_printf(&line, "# %s is not set", name);
	text_line(w, &line, origin);
	str_free(&line);
}

static const struct walk_form text_form = {text_open, text_close, text_value};

static void json_string(struct str *to, struct span text)
{
	str_append_c(to, '"');
	for (size_t i = 0; i < text.len; i++) {
		unsigned char octet = (unsigned char)text.at[i];
		if (octet == '"' || octet == '\\')
			str_printf(to, "\\%c", octet);
		else if (octet < ' ' || octet > '~')
			str_printf(to, "\\u%04x", octet);
		else
			str_append_c(to, text.at[i]);
	}
	str_append_c(to, '"');
}

static void json_open(struct walk *w, const char *word, const char *name, const struct config_origin *origin)
{
	(void)origin;
	str_printf(&w->path, "%s%s%s%s", w->path.len ? "/" : "", word, *name ? " " : "", name);
}

static void json_close(struct walk *w)
{
	while (w->path.len && w->path.at[w->path.len - 1] != '/')
		w->path.at[--w->path.len] = '\0';
	if (w->path.len)
		w->path.at[--w->path.len] = '\0';
}

static void json_value(struct walk *w, const char *name, struct span value, const struct config_origin *origin)
{
	str_append_text(w->to, w->count++ ? ",\n {\"block\":" : " {\"block\":");
	json_string(w->to, str_span(&w->path));
	str_append_text(w->to, ",\"name\":");
	json_string(w->to, span_of(name));
	str_append_text(w->to, ",\"value\":");
	if (value.len)
		json_string(w->to, value);
	else
		str_append_text(w->to, "null");
	str_append_text(w->to, ",\"file\":");
	if (origin->line)
		json_string(w->to, span_of(origin->file));
	else
		str_append_text(w->to, "null");
	str_printf(w->to, ",\"line\":%u}", origin->line);
}

static const struct walk_form json_form = {json_open, json_close, json_value};

/* Lists with one entry per line in the file have an origin for each entry. */
static bool walk_entries(struct walk *w, const struct config_setting *setting, const void *value)
{
	const struct config_clients *clients = value;
	const struct config_endpoints *endpoints = value;
	const struct config_certificates *certificates = value;
	const struct config_spaces *spaces = value;
	const struct config_dnsbls *lists = value;
	const struct config_selectors *selectors = value;
	struct str text;
	if (setting->type == CONFIG_CLIENTS) {
		for (size_t i = 0; i < clients->n; i++)
			w->form->value(w, setting->name, span_of(clients->at[i].text), &clients->at[i].origin);
		return clients->n > 0;
	}
	str_init(&text, VALUE_TEXT_MAX);
	size_t n = setting->type == CONFIG_LISTEN ? endpoints->n : 0;
	for (size_t i = 0; i < n; i++) {
		str_clear(&text);
		config_format_endpoint(&text, &endpoints->at[i]);
		w->form->value(w, setting->name, str_span(&text), &endpoints->at[i].origin);
	}
	size_t pairs = setting->type == CONFIG_CERTIFICATES ? certificates->n : 0;
	for (size_t i = 0; i < pairs; i++) {
		str_clear(&text);
		config_format_certificate(&text, &certificates->at[i]);
		w->form->value(w, setting->name, str_span(&text), &certificates->at[i].origin);
	}
	size_t patterns = setting->type == CONFIG_SPACES ? spaces->n : 0;
	for (size_t i = 0; i < patterns; i++) {
		str_clear(&text);
		config_format_space(&text, &spaces->at[i]);
		w->form->value(w, setting->name, str_span(&text), &spaces->at[i].origin);
	}
	size_t zones = setting->type == CONFIG_DNSBL || setting->type == CONFIG_DNSBLALLOW ? lists->n : 0;
	for (size_t i = 0; i < zones; i++) {
		str_clear(&text);
		config_format_dnsbl(&text, &lists->at[i]);
		w->form->value(w, setting->name, str_span(&text), &lists->at[i].origin);
	}
	size_t keys = setting->type == CONFIG_SELECTORS ? selectors->n : 0;
	for (size_t i = 0; i < keys; i++) {
		str_clear(&text);
		config_format_selector(&text, &selectors->at[i]);
		w->form->value(w, setting->name, str_span(&text), &selectors->at[i].origin);
	}
	str_free(&text);
	return n || pairs || patterns || zones || keys;
}

static void walk_setting(struct walk *w, const struct config_setting *setting, const char *base)
{
	const struct config_route *route =
		setting->type == CONFIG_ROUTE ? (const void *)(base + setting->offset) : NULL;
	struct config_origin origin;
	struct str text;
	memcpy(&origin, base + setting->at_offset, sizeof(origin));
	if (walk_entries(w, setting, base + setting->offset))
		return;
	str_init(&text, VALUE_TEXT_MAX);
	if (!route || route->dns || route->hosts.n || origin.line)
		config_value_format(setting->type, base + setting->offset, &text);
	w->form->value(w, setting->name, str_span(&text), &origin);
	str_free(&text);
}

static void walk_block(struct walk *w, enum config_block block, const void *base);

static void walk_inside(struct walk *w, enum config_block block, const void *base, const char *name,
			const struct config_origin *origin)
{
	w->form->open(w, config_blocks[block].word, name, origin);
	w->depth++;
	if (base)
		walk_block(w, block, base);
	w->depth--;
	w->form->close(w);
}

static void walk_domains(struct walk *w, const struct config_server *server)
{
	for (size_t i = 0; i < server->local_domain_count; i++) {
		const struct config_local_domain *domain = &server->local_domains[i];
		walk_inside(w, CONFIG_LOCAL_DOMAIN, domain, domain->name, &domain->origin);
	}
	for (size_t i = 0; i < server->alias_domain_count; i++)
		walk_inside(w, CONFIG_ALIAS_DOMAIN, NULL, server->alias_domains[i].name,
			    &server->alias_domains[i].origin);
	for (size_t i = 0; i < server->remote_domain_count; i++) {
		const struct config_remote_domain *domain = &server->remote_domains[i];
		walk_inside(w, CONFIG_REMOTE_DOMAIN, domain, domain->name, &domain->origin);
	}
	for (size_t i = 0; i < server->connector_count; i++) {
		const struct config_connector *connector = &server->connectors[i];
		walk_inside(w, CONFIG_CONNECTOR, connector, connector->name, &connector->origin);
	}
	for (size_t i = 0; i < server->dkim_count; i++) {
		const struct config_dkim *dkim = &server->dkims[i];
		walk_inside(w, CONFIG_DKIM, dkim, dkim->name, &dkim->origin);
	}
	for (size_t i = 0; i < server->client_rule_count; i++) {
		const struct config_client_rule *rule = &server->client_rules[i];
		walk_inside(w, CONFIG_CLIENT_RULE, rule, rule->name, &rule->origin);
	}
	for (size_t i = 0; i < server->filter_count; i++) {
		const struct config_filter *filter = &server->filters[i];
		walk_inside(w, CONFIG_FILTER, filter, filter->name, &filter->origin);
	}
}

static void walk_block(struct walk *w, enum config_block block, const void *base)
{
	static const struct config_origin nowhere = {0};
	for (size_t i = 0; i < config_setting_count; i++)
		if (config_settings[i].block == block)
			walk_setting(w, &config_settings[i], base);
	for (size_t i = 0; i < config_place_count; i++)
		if (config_places[i].parent == block)
			walk_inside(w, config_places[i].block, (const char *)base + config_places[i].offset, "",
				    &nowhere);
	if (block == CONFIG_SERVER)
		walk_domains(w, base);
}

static void walk_all(const struct config *config, const struct walk_form *form, struct str *to)
{
	struct walk w = {.form = form, .to = to};
	str_init(&w.path, PATH_TEXT_MAX);
	walk_block(&w, CONFIG_GLOBAL, config);
	for (size_t i = 0; i < config->server_count; i++)
		walk_inside(&w, CONFIG_SERVER, &config->servers[i], config->servers[i].name,
			    &config->servers[i].origin);
	str_free(&w.path);
}

void config_show(const struct config *config, struct str *to)
{
	walk_all(config, &text_form, to);
}

void config_show_json(const struct config *config, struct str *to)
{
	str_append_text(to, "[\n");
	walk_all(config, &json_form, to);
	str_append_text(to, "\n]\n");
}
