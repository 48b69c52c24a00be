#include "common/config/check.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/language.h"

enum { QUOTA_TEXT_MAX = 32 };

/* A name and where it is used, to find names that are used twice. */
struct claim {
	const char *what;
	const char *name;
	const struct config_server *server;
	struct config_origin origin;
};

static int by_name(const void *a, const void *b)
{
	const struct claim *x = a, *y = b;
	int order = strcmp(x->name, y->name);
	return order ? order : (x->origin.token > y->origin.token) - (x->origin.token < y->origin.token);
}

static void check_processes(struct config_build *b, const struct config_server *server,
			    const struct config_processes *processes)
{
	if (processes->spare <= processes->max || config_build_failed(b, &processes->spare) ||
	    config_build_failed(b, &processes->max))
		return;
	config_error(b->findings,
		     config_build_at(b, server, processes->spare_at.line ? processes->spare_at : processes->max_at),
		     _("spare (%lld) is above max (%lld): lower spare or raise max"), (long long)processes->spare,
		     (long long)processes->max);
}

static void check_sizes(struct config_build *b, const struct config_server *server)
{
	const struct config_messages *messages = &server->messages;
	if (messages->max_session_size >= messages->max_message_size ||
	    config_build_failed(b, &messages->max_session_size) || config_build_failed(b, &messages->max_message_size))
		return;
	const struct config_setting *size = config_setting_find(CONFIG_MESSAGES, SPAN("max_message_size"));
	bool written = messages->max_message_size_at.line;
	config_error(
		b->findings, config_build_at(b, server, messages->max_session_size_at),
		written ? _("max_session_size is below max_message_size, so no session could send the largest message: raise max_session_size, or write max_session_size none")
			: _("max_session_size is below max_message_size (default %s), so no session could send the largest message: raise max_session_size, or write max_session_size none"),
		size->fallback);
}

static void check_quota(struct config_build *b, const struct config_server *server,
			const struct config_local_domain *domain)
{
	const int64_t largest = server->messages.max_message_size;
	struct config_at at = config_build_at(b, server, domain->drop_quota_at);
	struct str size;
	if (domain->drop_quota.multiple && largest == CONFIG_NONE)
		config_error(b->findings, at,
			     _("a multiple of max_message_size, which is none: write a size such as 500M"));
	if (domain->drop_quota.multiple || largest == CONFIG_NONE || domain->drop_quota.octets >= largest)
		return;
	str_init(&size, QUOTA_TEXT_MAX);
	config_value_format(CONFIG_SIZE, &largest, &size);
	config_warning(
		b->findings, at,
		_("drop_quota is below max_message_size (%s): a message larger than drop_quota never fits into the folder; raise drop_quota, or write a multiple such as 10x"),
		str_text(&size));
	str_free(&size);
}

static void check_quotas(struct config_build *b, const struct config_server *server)
{
	for (size_t i = 0; i < server->local_domain_count; i++)
		if (server->local_domains[i].drop_quota_at.line &&
		    !config_build_failed(b, &server->local_domains[i].drop_quota))
			check_quota(b, server, &server->local_domains[i]);
}

/* A default is no error: mail that expires before its delay notice is due has no delay notice. */
static void check_delay(struct config_build *b, const struct config_server *server, const char *name,
			const int64_t *notice, struct config_origin written, const int64_t *expire)
{
	if (!written.line || *notice <= *expire || config_build_failed(b, notice) || config_build_failed(b, expire))
		return;
	config_error(
		b->findings, config_build_at(b, server, written),
		_("%s is longer than %s, so the notice would never be sent: write a shorter time, or the same time for no notice"),
		name, strcmp(name, "delay_notice") == 0 ? "expire" : "local_expire");
}

static void check_delays(struct config_build *b, const struct config_server *server)
{
	const struct config_delivery *d = &server->delivery;
	check_delay(b, server, "delay_notice", &d->delay_notice, d->delay_notice_at, &d->expire);
	check_delay(b, server, "local_delay_notice", &d->local_delay_notice, d->local_delay_notice_at,
		    &d->local_expire);
}

static void add_claim(struct claim *list, size_t *n, const char *what, const char *name,
		      const struct config_server *server, struct config_origin origin)
{
	if (name)
		list[(*n)++] = (struct claim){what, name, server, origin};
}

static void check_domains(struct config_build *b, const struct config_server *server)
{
	size_t n = 0, most = server->local_domain_count + server->alias_domain_count + server->remote_domain_count;
	struct claim *list = reallocarray(NULL, most + 1, sizeof(*list));
	if (!list) {
		b->findings->no_memory = true;
		return;
	}
	for (size_t i = 0; i < server->local_domain_count; i++)
		add_claim(list, &n, "local_domain", server->local_domains[i].name, server,
			  server->local_domains[i].origin);
	for (size_t i = 0; i < server->alias_domain_count; i++)
		add_claim(list, &n, "alias_domain", server->alias_domains[i].name, server,
			  server->alias_domains[i].origin);
	for (size_t i = 0; i < server->remote_domain_count; i++)
		add_claim(list, &n, "remote_domain", server->remote_domains[i].name, server,
			  server->remote_domains[i].origin);
	qsort(list, n, sizeof(*list), by_name);
	for (size_t i = 1; i < n; i++) {
		const struct claim *first = &list[i - 1], *again = &list[i];
		if (strcmp(first->name, again->name))
			continue;
		if (first->origin.line)
			config_error(b->findings, config_build_at(b, server, again->origin),
				     _("domain %s is given twice: first as %s at %s:%u"), again->name, first->what,
				     first->origin.file, first->origin.line);
		else
			config_error(
				b->findings, config_build_at(b, server, again->origin),
				_("domain %s is already the default domain (which is fqdn without default_domain)"),
				again->name);
	}
	free(list);
}

/* PATH is the folder of a virtual server, or one of its folders that belong to the spool alone. */
static bool is_spool(const struct config_server *server, const char *path)
{
	static const char *const own[] = {"", "/new", "/cur", "/maildrop", "/lock"};
	size_t len = strlen(server->dir);
	if (strncmp(path, server->dir, len))
		return false;
	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		if (!strcmp(path + len, own[i]))
			return true;
	return false;
}

static void check_folder(struct config_build *b, const struct config_server *server, const char *name, const char *path,
			 struct config_origin origin)
{
	for (size_t i = 0; origin.line && i < b->out->server_count; i++)
		if (is_spool(&b->out->servers[i], path))
			config_error(b->findings, config_build_at(b, server, origin),
				     _("%s can't be %s, which is part of the spool"), name, path);
}

/* No folder that the service writes files to may be the pickup folder: it would send them again. */
static void check_pickup(struct config_build *b, const struct config_server *server)
{
	const char *pickup = server->pickup_dir;
	struct config_at at = config_build_at(b, server, server->pickup_dir_at);
	check_folder(b, server, "pickup_dir", pickup, server->pickup_dir_at);
	for (const struct config_server *other = b->out->servers; other < b->out->servers + b->out->server_count;
	     other++) {
		const char *name = other->name ? other->name : "?";
		if (other < server && other->pickup_dir && strcmp(pickup, "off") && !strcmp(other->pickup_dir, pickup))
			config_error(
				b->findings, at,
				_("%s is already the pickup folder of virtual server %s: two servers can't share it"),
				pickup, name);
		if (other->badmail_dir && !strcmp(other->badmail_dir, pickup))
			config_error(b->findings, at,
				     _("%s is the pickup folder and the badmail folder: give each a folder of its own"),
				     pickup);
		for (size_t i = 0; i < other->local_domain_count; i++)
			if (!strcmp(other->local_domains[i].drop_dir, pickup))
				config_error(
					b->findings, at,
					_("%s is the pickup folder and the drop folder of %s, which is a mail loop: give each a folder of its own"),
					pickup, other->local_domains[i].name ? other->local_domains[i].name : "?");
	}
}

static void check_folders(struct config_build *b, const struct config_server *server)
{
	if (server->pickup_dir)
		check_pickup(b, server);
	check_folder(b, server, "badmail_dir", server->badmail_dir, server->badmail_dir_at);
	for (size_t i = 0; i < server->local_domain_count; i++) {
		const struct config_local_domain *domain = &server->local_domains[i];
		check_folder(b, server, "drop_dir", domain->drop_dir, domain->drop_dir_at);
		if (!strcmp(domain->drop_dir, server->badmail_dir))
			config_error(b->findings,
				     config_build_at(b, server,
						     domain->drop_dir_at.line ? domain->drop_dir_at
									      : server->badmail_dir_at),
				     _("%s is a drop folder and the badmail folder: give each a folder of its own"),
				     domain->drop_dir);
	}
}

/* Several domains of one server may share a drop folder. Two servers may not, because each has its own queue. */
static void check_drop_folders(struct config_build *b)
{
	const struct config *config = b->out;
	size_t n = 0, most = 0;
	for (size_t i = 0; i < config->server_count; i++)
		most += config->servers[i].local_domain_count;
	struct claim *list = reallocarray(NULL, most + 1, sizeof(*list));
	if (!list) {
		b->findings->no_memory = true;
		return;
	}
	for (size_t i = 0; i < config->server_count; i++)
		for (size_t j = 0; j < config->servers[i].local_domain_count; j++) {
			const struct config_local_domain *domain = &config->servers[i].local_domains[j];
			add_claim(list, &n, "drop_dir", domain->drop_dir, &config->servers[i], domain->drop_dir_at);
		}
	qsort(list, n, sizeof(*list), by_name);
	for (size_t i = 1; i < n; i++) {
		const struct claim *first = &list[i - 1], *again = &list[i];
		if (first->server != again->server && !strcmp(first->name, again->name))
			config_error(b->findings, config_build_at(b, again->server, again->origin),
				     _("%s is already a drop folder of virtual server %s: two servers can't share it"),
				     again->name, first->server->name ? first->server->name : "?");
	}
	free(list);
}

/* SERVER puts mail into FOLDER, so it can't be a log folder. */
static bool is_mail_folder(const struct config_server *server, const char *folder)
{
	bool found = (server->badmail_dir && !strcmp(server->badmail_dir, folder)) ||
		     (server->pickup_dir && !strcmp(server->pickup_dir, folder));
	for (size_t i = 0; i < server->local_domain_count; i++)
		found = found || !strcmp(server->local_domains[i].drop_dir, folder);
	return found;
}

/* Names of log files have only the time, so two servers with one log folder would write to the same file. */
static void check_log_folder(struct config_build *b, const struct config_server *server)
{
	const struct config_log *log = &server->log;
	struct config_at at = config_build_at(b, server, log->dir_at);
	check_folder(b, server, "dir", log->dir, log->dir_at);
	for (const struct config_server *other = b->out->servers; other < b->out->servers + b->out->server_count;
	     other++) {
		if (other < server && other->log.format && !strcmp(other->log.dir, log->dir))
			config_error(b->findings, at,
				     _("%s is already the log folder of virtual server %s: two servers can't share it"),
				     log->dir, other->name ? other->name : "?");
		if (is_mail_folder(other, log->dir))
			config_error(b->findings, at, _("%s can't be the log folder: it is a folder for mail"),
				     log->dir);
	}
}

static void check_log(struct config_build *b, const struct config_server *server)
{
	const struct config_log *log = &server->log;
	if (!log->format || config_build_failed(b, &log->format))
		return;
	check_log_folder(b, server);
	if (log->fields_at.line && log->format != CONFIG_LOG_W3C)
		config_error(b->findings, config_build_at(b, server, log->fields_at),
			     _("fields can be chosen only for w3c: write format w3c, or remove fields"));
	if (log->local_time_at.line && log->format == CONFIG_LOG_NCSA)
		config_error(b->findings, config_build_at(b, server, log->local_time_at),
			     _("ncsa files always use local time: remove local_time"));
}

static bool same_endpoint(const struct config_endpoint *a, const struct config_endpoint *b)
{
	return a->port == b->port && a->any == b->any && (a->any || ipaddr_equal(&a->ip, &b->ip));
}

static const struct config_endpoint *find_endpoint(const struct config_server *server,
						   const struct config_endpoint *where)
{
	for (size_t i = 0; i < server->listen.n; i++)
		if (same_endpoint(&server->listen.at[i], where))
			return &server->listen.at[i];
	return NULL;
}

/* Reports endpoint N of server S if an earlier one is equal. */
static void check_endpoint(struct config_build *b, size_t s, size_t n)
{
	const struct config_server *server = &b->out->servers[s];
	const struct config_endpoint *endpoint = &server->listen.at[n];
	for (size_t i = 0; i <= s; i++) {
		const struct config_server *other = &b->out->servers[i];
		const struct config_endpoint *first = other->enabled ? find_endpoint(other, endpoint) : NULL;
		if (!first || first == endpoint)
			continue;
		config_error(b->findings, config_build_at(b, server, endpoint->origin),
			     _("virtual server %s already listens on %s port %u"), other->name ? other->name : "?",
			     first->any ? "*" : first->text, first->port);
		return;
	}
}

static void check_listen(struct config_build *b)
{
	for (size_t s = 0; s < b->out->server_count; s++)
		for (size_t n = 0; b->out->servers[s].enabled && n < b->out->servers[s].listen.n; n++)
			check_endpoint(b, s, n);
}

/* SERVER listens at IP and PORT: at this address, or at * if IP is a loopback address that no other server uses. */
static bool is_self(const struct config_build *b, const struct config_server *server, const struct ipaddr *ip,
		    uint16_t port)
{
	struct config_endpoint exact = {.ip = *ip, .port = port}, any = {.any = true, .port = port};
	if (find_endpoint(server, &exact))
		return true;
	if (!find_endpoint(server, &any) || !ipaddr_is_loopback(ip))
		return false;
	for (size_t i = 0; i < b->out->server_count; i++)
		if (b->out->servers[i].enabled && find_endpoint(&b->out->servers[i], &exact))
			return false;
	return true;
}

static void check_hosts(struct config_build *b, const struct config_server *server, const struct config_hosts *hosts,
			const struct config_outbound *outbound)
{
	for (size_t i = 0; i < hosts->n; i++) {
		const struct config_host *host = &hosts->at[i];
		uint16_t port = host->port ? host->port : (uint16_t)outbound->port;
		if (host->kind == CONFIG_HOST_IP && is_self(b, server, &host->ip, port))
			config_error(b->findings, config_build_at(b, server, host->origin),
				     _("this virtual server itself listens on [%s]:%u, which is a mail loop"),
				     host->name, port);
	}
}

static void check_direct(struct config_build *b, const struct config_server *server)
{
	if (server->direct_first && !server->smart_host.n && !config_build_failed(b, &server->smart_host))
		config_error(
			b->findings, config_build_at(b, server, server->direct_first_at),
			_("direct_first yes has no effect without smart_host: write smart_host HOST, or remove direct_first"));
}

/* A connector takes the mail of all domains that nothing else of SERVER matches. */
static bool has_connector_for_all(const struct config_server *server)
{
	for (size_t i = 0; i < server->connector_count; i++)
		for (size_t j = 0; j < server->connectors[i].address_space.n; j++)
			if (!strcmp(server->connectors[i].address_space.at[j].pattern, "*"))
				return true;
	return false;
}

/* A virtual server inherits nothing from another one, which is easily forgotten. */
static void check_own_smart_host(struct config_build *b, const struct config_server *server)
{
	if (!server->enabled || server->smart_host_at.line || has_connector_for_all(server))
		return;
	for (const struct config_server *other = b->out->servers; other < b->out->servers + b->out->server_count;
	     other++) {
		if (!other->enabled || !other->smart_host.n)
			continue;
		config_warning(
			b->findings, config_build_at(b, server, server->origin),
			_("virtual server %s has no smart_host of its own, so its mail does not go to the smart host of virtual server %s but to the hosts of each domain (MX); write smart_host here, or smart_host none if this is intended"),
			server->name ? server->name : "?", other->name ? other->name : "?");
		return;
	}
}

static void check_loops(struct config_build *b, const struct config_server *server)
{
	check_hosts(b, server, &server->smart_host, &server->outbound);
	for (size_t i = 0; i < server->remote_domain_count; i++)
		check_hosts(b, server, &server->remote_domains[i].route.hosts, &server->remote_domains[i].outbound);
	for (size_t i = 0; i < server->connector_count; i++)
		check_hosts(b, server, &server->connectors[i].route.hosts, &server->connectors[i].outbound);
}

static void check_server(struct config_build *b, const struct config_server *server)
{
	check_processes(b, server, &server->processes);
	check_processes(b, server, &server->delivery.processes);
	check_sizes(b, server);
	check_quotas(b, server);
	check_delays(b, server);
	check_domains(b, server);
	check_folders(b, server);
	check_loops(b, server);
	check_direct(b, server);
	check_own_smart_host(b, server);
	config_check_connect(b, server);
	check_log(b, server);
	config_check_relay(b, server);
	config_check_client(b, server);
	config_check_client_rules(b, server);
	config_check_filters(b, server);
	config_check_dnsbl(b, server);
	config_check_recipients(b, server);
	config_check_access(b, server);
	config_check_connectors(b, server);
	config_check_etrn(b, server);
	config_check_outbound(b, server);
	config_check_oauth(b, server);
	config_check_dkim(b, server);
	config_check_names(b, server);
}

static void check_sendmail_server(struct config_build *b)
{
	const struct config *config = b->out;
	if (!config->sendmail_server || strcasecmp(config->sendmail_server, "off") == 0 || config_server_local(config))
		return;
	config_error(
		b->findings, config_origin_at(b->tree, config->sendmail_server_at),
		_("sendmail_server %s: there is no virtual server with this name; write the name of a virtual server, or off"),
		config->sendmail_server);
}

void config_check(struct config_build *b)
{
	if (!b->out->server_count)
		config_error(b->findings, config_word_at(&b->tree->root, 0),
			     _("no virtual server: write virtual_server default { }"));
	for (size_t i = 0; i < b->out->server_count; i++)
		check_server(b, &b->out->servers[i]);
	check_drop_folders(b);
	check_listen(b);
	check_sendmail_server(b);
	config_check_metrics(b);
	config_check_alert(b);
}
