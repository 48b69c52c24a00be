#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/language.h"
#include "common/config/build.h"
#include "common/config/check.h"
#include "common/mail/domain.h"

/* Octets: enough for the largest configuration that can be read, with the defaults of CONFIG_SERVERS_MAX servers. */
enum { CONFIG_MEMORY_MAX = 128 << 20 };

/* The next named block of kind BLOCK from NODE on. */
static const struct config_node *next_named(const struct config_node *node, enum config_block block)
{
	while (node && (node->word_count < 2 || !config_node_is(node, config_blocks[block].word)))
		node = node->next;
	return node;
}

static size_t count_named(const struct config_node *parent, enum config_block block)
{
	size_t n = 0;
	for (const struct config_node *node = next_named(parent->first, block); node;
	     node = next_named(node->next, block))
		n++;
	return n;
}

static void build_local_domain(struct config_build *b, const struct config_server *server, const char *name,
			       struct config_origin origin, const struct config_node *node,
			       struct config_local_domain *out)
{
	out->name = name;
	out->origin = origin;
	config_build_block(b, CONFIG_LOCAL_DOMAIN, out, node, false);
	if (!out->drop_dir)
		out->drop_dir = config_build_print(b, server->dir, "/drop", "");
}

/* The default domain is the first, whether it has a block or not. */
static void build_local_domains(struct config_build *b, struct config_server *server, const struct config_node *parent)
{
	struct config_local_domain *list =
		config_build_allocate(b, 1 + count_named(parent, CONFIG_LOCAL_DOMAIN), sizeof(*list));
	struct config_parse parse = {.arena = &b->out->arena, .findings = b->findings};
	size_t n = 1;
	bool has_default = false;
	if (!list)
		return;
	for (const struct config_node *node = parent->first; (node = next_named(node, CONFIG_LOCAL_DOMAIN));
	     node = node->next) {
		struct config_item item = config_build_item(b, node, 1);
		const char *name = config_value_domain(&parse, &item);
		bool is_default =
			!has_default && name && server->default_domain && !strcmp(name, server->default_domain);
		has_default = has_default || is_default;
		build_local_domain(b, server, name, item.origin, node, &list[is_default ? 0 : n++]);
	}
	if (!has_default)
		build_local_domain(b, server, server->default_domain, server->default_domain_at, NULL, &list[0]);
	server->local_domains = list;
	server->local_domain_count = n;
}

static void build_alias_domains(struct config_build *b, struct config_server *server, const struct config_node *parent)
{
	struct config_alias_domain *list =
		config_build_allocate(b, count_named(parent, CONFIG_ALIAS_DOMAIN), sizeof(*list));
	struct config_parse parse = {.arena = &b->out->arena, .findings = b->findings};
	size_t n = 0;
	if (!list)
		return;
	for (const struct config_node *node = parent->first; (node = next_named(node, CONFIG_ALIAS_DOMAIN));
	     node = node->next) {
		struct config_item item = config_build_item(b, node, 1);
		config_build_block(b, CONFIG_ALIAS_DOMAIN, &list[n], node, false);
		list[n].origin = item.origin;
		list[n++].name = config_value_domain(&parse, &item);
	}
	server->alias_domains = list;
	server->alias_domain_count = n;
}

/* A remote domain before its block is built. */
struct pattern {
	const char *name;
	struct config_item item;
	const struct config_node *node;
};

/* Exact names first, then by descending weight, so that the first match is the best one. */
static int by_weight(const void *a, const void *b)
{
	const struct pattern *x = a, *y = b;
	if (!x->name || !y->name)
		return (x->name == NULL) - (y->name == NULL);
	if ((x->name[0] == '*') != (y->name[0] == '*'))
		return x->name[0] == '*' ? 1 : -1;
	size_t wx = domain_pattern_weight(span_of(x->name)), wy = domain_pattern_weight(span_of(y->name));
	if (wx != wy)
		return wx > wy ? -1 : 1;
	int order = strcmp(x->name, y->name);
	return order ? order : (x->node->token > y->node->token) - (x->node->token < y->node->token);
}

static struct pattern *sorted_patterns(struct config_build *b, const struct config_node *parent, size_t *n)
{
	struct config_parse parse = {.arena = &b->out->arena, .findings = b->findings};
	struct pattern *list = config_build_allocate(b, count_named(parent, CONFIG_REMOTE_DOMAIN), sizeof(*list));
	*n = 0;
	if (!list)
		return NULL;
	for (const struct config_node *node = parent->first; (node = next_named(node, CONFIG_REMOTE_DOMAIN));
	     node = node->next) {
		struct pattern *pattern = &list[(*n)++];
		pattern->item = config_build_item(b, node, 1);
		pattern->name = config_value_pattern(&parse, &pattern->item);
		pattern->node = node;
	}
	qsort(list, *n, sizeof(*list), by_weight);
	return list;
}

static bool has_block(const struct config_node *parent, enum config_block block)
{
	for (const struct config_node *child = parent->first; child; child = child->next)
		if (config_node_is(child, config_blocks[block].word))
			return true;
	return false;
}

/* What a block inherits from that of the virtual server: all settings except those of CONFIG_OUTBOUND_USER. */
static struct config_outbound inherited(const struct config_outbound *outbound)
{
	const struct config_origin by_default = {0};
	struct config_outbound out = *outbound;
	out.auth = CONFIG_AUTH_OFF;
	out.username = out.password_file = NULL;
	out.auth_unverified = false;
	out.oauth = (struct config_oauth){0};
	out.send_as = out.notice_sender = NULL;
	out.send_as_header = out.send_as_keep_name = out.send_as_reply_to = true;
	out.send_as_at = out.notice_sender_at = out.send_as_header_at = by_default;
	out.send_as_keep_name_at = out.send_as_reply_to_at = by_default;
	out.auth_at = out.username_at = out.password_file_at = out.auth_unverified_at = by_default;
	return out;
}

static void build_remote_domains(struct config_build *b, struct config_server *server, const struct config_node *parent)
{
	size_t n;
	const struct pattern *patterns = sorted_patterns(b, parent, &n);
	struct config_remote_domain *list = config_build_allocate(b, n, sizeof(*list));
	if (!patterns || !list)
		return;
	for (size_t i = 0; i < n; i++) {
		list[i].name = patterns[i].name;
		list[i].origin = patterns[i].item.origin;
		list[i].outbound = inherited(&server->outbound);
		list[i].has_outbound = has_block(patterns[i].node, CONFIG_OUTBOUND);
		config_build_block(b, CONFIG_REMOTE_DOMAIN, &list[i], patterns[i].node, false);
	}
	server->remote_domains = list;
	server->remote_domain_count = n;
}

static void build_connectors(struct config_build *b, struct config_server *server, const struct config_node *parent)
{
	struct config_connector *list = config_build_allocate(b, count_named(parent, CONFIG_CONNECTOR), sizeof(*list));
	struct config_parse parse = {.arena = &b->out->arena, .findings = b->findings};
	size_t n = 0;
	if (!list)
		return;
	for (const struct config_node *node = parent->first; (node = next_named(node, CONFIG_CONNECTOR));
	     node = node->next) {
		struct config_item item = config_build_item(b, node, 1);
		struct config_connector *out = &list[n++];
		out->name = config_value_plain(&parse, &item, _("a connector"));
		out->origin = item.origin;
		out->outbound = inherited(&server->outbound);
		out->has_outbound = has_block(node, CONFIG_OUTBOUND);
		config_build_block(b, CONFIG_CONNECTOR, out, node, false);
	}
	server->connectors = list;
	server->connector_count = n;
}

static void build_dkims(struct config_build *b, struct config_server *server, const struct config_node *parent)
{
	struct config_dkim *list = config_build_allocate(b, count_named(parent, CONFIG_DKIM), sizeof(*list));
	struct config_parse parse = {.arena = &b->out->arena, .findings = b->findings};
	size_t n = 0;
	if (!list)
		return;
	for (const struct config_node *node = parent->first; (node = next_named(node, CONFIG_DKIM));
	     node = node->next) {
		struct config_item item = config_build_item(b, node, 1);
		struct config_dkim *out = &list[n++];
		out->name = config_value_domain(&parse, &item);
		out->origin = item.origin;
		config_build_block(b, CONFIG_DKIM, out, node, false);
	}
	server->dkims = list;
	server->dkim_count = n;
}

static void build_client_rules(struct config_build *b, struct config_server *server, const struct config_node *parent)
{
	struct config_client_rule *list =
		config_build_allocate(b, count_named(parent, CONFIG_CLIENT_RULE), sizeof(*list));
	struct config_parse parse = {.arena = &b->out->arena, .findings = b->findings};
	size_t n = 0;
	if (!list)
		return;
	for (const struct config_node *node = parent->first; (node = next_named(node, CONFIG_CLIENT_RULE));
	     node = node->next) {
		struct config_item item = config_build_item(b, node, 1);
		struct config_client_rule *out = &list[n++];
		out->name = config_value_plain(&parse, &item, _("a client rule"));
		out->origin = item.origin;
		config_build_block(b, CONFIG_CLIENT_RULE, out, node, false);
	}
	server->client_rules = list;
	server->client_rule_count = n;
}

static void build_filters(struct config_build *b, struct config_server *server, const struct config_node *parent)
{
	struct config_filter *list = config_build_allocate(b, count_named(parent, CONFIG_FILTER), sizeof(*list));
	struct config_parse parse = {.arena = &b->out->arena, .findings = b->findings};
	size_t n = 0;
	if (!list)
		return;
	for (const struct config_node *node = parent->first; (node = next_named(node, CONFIG_FILTER));
	     node = node->next) {
		struct config_item item = config_build_item(b, node, 1);
		struct config_filter *out = &list[n++];
		out->name = config_value_plain(&parse, &item, _("a filter"));
		out->origin = item.origin;
		config_build_block(b, CONFIG_FILTER, out, node, false);
	}
	server->filters = list;
	server->filter_count = n;
}

/* fqdn defaults to the name of the machine, default_domain to fqdn. */
static void fill_names(struct config_build *b, struct config_server *server, const struct config_node *node)
{
	struct config_parse parse = {.arena = &b->out->arena, .findings = b->findings};
	struct config_item host = {.text = span_of(b->hostname), .at = config_word_at(node, 0)};
	if (!server->fqdn && !config_build_failed(b, &server->fqdn)) {
		if (domain_valid(host.text))
			server->fqdn = config_value_domain(&parse, &host);
		else
			config_error(
				b->findings, host.at,
				_("fqdn is missing, and the name of this machine, \"%.*s\", is not a domain name: write fqdn"),
				SPAN_ARGS(host.text));
	}
	if (!server->default_domain && !config_build_failed(b, &server->default_domain))
		server->default_domain = server->fqdn;
	if (!server->postmaster && server->default_domain)
		server->postmaster = config_build_print(b, "postmaster", "@", server->default_domain);
}

/* A log block turns the log on, even if it is empty. */
static void fill_log(struct config_build *b, struct config_server *server, const struct config_node *node)
{
	struct config_log *log = &server->log;
	for (const struct config_node *child = node->first; child && !log->format; child = child->next)
		if (config_node_is(child, config_blocks[CONFIG_LOG].word) && !log->format_at.line)
			log->format = CONFIG_LOG_W3C;
	if (!log->dir)
		log->dir = config_build_print(b, b->out->log_dir, "/", server->name ? server->name : "");
}

/* The default is yes only if clients can authenticate, so that `config show` shows the value in force. */
static void fill_authenticated(struct config_server *server)
{
	struct config_relay *relay = &server->relay;
	relay->authenticated = relay->authenticated && (server->access.auth || relay->authenticated_at.line);
}

static void build_server(struct config_build *b, struct config_server *server, const struct config_node *node)
{
	struct config_parse parse = {.arena = &b->out->arena, .findings = b->findings};
	struct config_item item = config_build_item(b, node, 1);
	server->name = config_value_plain(&parse, &item, _("a virtual server"));
	server->origin = item.origin;
	server->dir = config_build_print(b, b->out->mailroot_dir, "/", server->name ? server->name : "");
	server->oauth_dir = config_build_print(b, b->out->state_dir, "/oauth/", server->name ? server->name : "");
	config_build_block(b, CONFIG_SERVER, server, node, false);
	fill_names(b, server, node);
	fill_log(b, server, node);
	fill_authenticated(server);
	if (!server->badmail_dir)
		server->badmail_dir = config_build_print(b, server->dir ? server->dir : "", "/badmail", "");
	if (!server->pickup_dir)
		server->pickup_dir = config_build_print(b, server->dir ? server->dir : "", "/pickup", "");
	build_local_domains(b, server, node);
	build_alias_domains(b, server, node);
	build_remote_domains(b, server, node);
	build_connectors(b, server, node);
	build_dkims(b, server, node);
	build_client_rules(b, server, node);
	build_filters(b, server, node);
}

/* Reports NODE if an earlier virtual server has the same name. Only the earlier one is used. */
static bool is_duplicate(struct config_build *b, const struct config_node *node)
{
	const struct config_server *first = config_server_find(b->out, node->words[1].text);
	if (first)
		config_error(b->findings, config_word_at(node, 1),
			     _("virtual_server %s is given twice: first at %s:%u"), first->name, first->origin.file,
			     first->origin.line);
	return first != NULL;
}

static void build_servers(struct config_build *b)
{
	const struct config_node *root = &b->tree->root;
	size_t n = count_named(root, CONFIG_SERVER);
	if (n > CONFIG_SERVERS_MAX) {
		config_error(b->findings, config_word_at(root, 0), _("more than %d virtual servers"),
			     CONFIG_SERVERS_MAX);
		return;
	}
	b->out->servers = config_build_allocate(b, n, sizeof(*b->out->servers));
	if (!b->out->servers)
		return;
	/* A duplicate is built at the end of the array and not counted, so that the errors in it are reported too. */
	struct config_server *duplicate = b->out->servers + n;
	for (const struct config_node *node = root->first; (node = next_named(node, CONFIG_SERVER)); node = node->next)
		build_server(b, is_duplicate(b, node) ? --duplicate : &b->out->servers[b->out->server_count++], node);
}

/* Builds *b->out, which has only its arena before. */
static void build_all(struct config_build *b)
{
	config_build_block(b, CONFIG_GLOBAL, b->out, &b->tree->root, false);
	if (b->out->mailroot_dir && b->out->log_dir && b->out->state_dir)
		build_servers(b);
}

bool config_build(const struct config_tree *tree, const char *hostname, struct config *out,
		  struct config_report *report)
{
	struct config_findings findings = {0};
	struct config_build build = {.tree = tree, .hostname = hostname, .out = out, .findings = &findings};
	*out = (struct config){0};
	arena_init(&out->arena, CONFIG_MEMORY_MAX);
	build_all(&build);
	if (tree->complete && !findings.no_memory)
		config_check(&build);
	config_build_release(&build);
	config_findings_flush(&findings, report);
	return !report->errors;
}

/* Builds *out, which has only its arena before. */
static bool parse_canonical(struct span text, struct config *out)
{
	struct config_findings findings = {0};
	struct config_report report = {0};
	struct config_build build = {.out = out, .findings = &findings};
	build.tree = config_read_canonical(text, &findings);
	if (build.tree)
		build_all(&build);
	bool good = build.tree && !findings.errors && !findings.no_memory;
	config_build_release(&build);
	config_findings_flush(&findings, &report); /* findings point into the tree */
	config_tree_free((struct config_tree *)build.tree);
	return good;
}

bool config_parse_canonical(struct span text, struct config *out)
{
	*out = (struct config){0};
	arena_init(&out->arena, CONFIG_MEMORY_MAX);
	return parse_canonical(text, out);
}

const struct config *config_parse_canonical_in(struct span text, void *memory, size_t size, size_t *used)
{
	const size_t head =
		(sizeof(struct config) + _Alignof(max_align_t) - 1) / _Alignof(max_align_t) * _Alignof(max_align_t);
	struct config *out = memory;
	if (size < head)
		return NULL;
	*out = (struct config){0};
	arena_init_in(&out->arena, (char *)memory + head, size - head);
	bool good = parse_canonical(text, out);
	*used = head + arena_extent(&out->arena);
	return good ? out : NULL;
}

void config_free(struct config *config)
{
	arena_free(&config->arena);
	memset(config, 0, sizeof(*config));
}
