#include "master/changes.h"

#include <stdio.h>
#include <string.h>

enum acts { COMMAND, CONNECTION, PROCESSES };

static const char *const acts_words[] = {
	[COMMAND] = "acts with the next command",
	[CONNECTION] = "acts with the next connection",
	[PROCESSES] = "acts after a restart of the service",
};

struct report {
	unsigned kinds;
	unsigned *count;
	struct str *to;
	const char *where; /* "server main: ", "server main: local_domain example.com: " */
};

static void tell(struct report *report, const char *name, const char *what, enum acts acts)
{
	if (!(report->kinds & (acts == PROCESSES ? CHANGES_RESTART : CHANGES_NOW)))
		return;
	++*report->count;
	str_printf(report->to, "%s%s %s; %s\n", report->where, name, what, acts_words[acts]);
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
		if (x->any != y->any || x->port != y->port || (!x->any && !ipaddr_equal(&x->ip, &y->ip)))
			return false;
	}
	return true;
}

static bool same_clients(const struct config_clients *a, const struct config_clients *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++) {
		if (a->at[i].net.bits != b->at[i].net.bits || !ipaddr_equal(&a->at[i].net.base, &b->at[i].net.base))
			return false;
	}
	return true;
}

static bool same_words(const struct config_words *a, const struct config_words *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++) {
		if (!same_text(a->at[i], b->at[i]))
			return false;
	}
	return true;
}

static bool same_durations(const struct config_durations *a, const struct config_durations *b)
{
	return a->n == b->n && (a->n == 0 || memcmp(a->ms, b->ms, a->n * sizeof(a->ms[0])) == 0);
}

static bool same_hosts(const struct config_hosts *a, const struct config_hosts *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++) {
		const struct config_host *x = &a->at[i], *y = &b->at[i];
		if (x->kind != y->kind || x->port != y->port)
			return false;
		if (x->kind == CONFIG_HOST_IP ? !ipaddr_equal(&x->ip, &y->ip) : !same_text(x->name, y->name))
			return false;
	}
	return true;
}

static bool same_route(const struct config_route *a, const struct config_route *b)
{
	return a->dns == b->dns && same_hosts(&a->hosts, &b->hosts);
}

static bool same_quota(const struct config_quota *a, const struct config_quota *b)
{
	return a->octets == b->octets && a->multiple == b->multiple;
}

#define SAME_YESNO(a, b)      (*(a) == *(b))
#define SAME_NUMBER(a, b)     (*(a) == *(b))
#define SAME_LIMIT(a, b)      (*(a) == *(b))
#define SAME_SIZE(a, b)       (*(a) == *(b))
#define SAME_SIZE_LIMIT(a, b) (*(a) == *(b))
#define SAME_DURATION(a, b)   (*(a) == *(b))
#define SAME_WORDS(a, b)      (*(a) == *(b))
#define SAME_BARE(a, b)       (*(a) == *(b))
#define SAME_ALLOW(a, b)      (*(a) == *(b))
#define SAME_NAME(a, b)       same_text(*(a), *(b))
#define SAME_PATH(a, b)       same_text(*(a), *(b))
#define SAME_DOMAIN(a, b)     same_text(*(a), *(b))
#define SAME_ADDRESS(a, b)    same_text(*(a), *(b))
#define SAME_TEXT(a, b)       same_text(*(a), *(b))
#define SAME_NAMES(a, b)      same_words(a, b)
#define SAME_DURATIONS(a, b)  same_durations(a, b)
#define SAME_CLIENTS(a, b)    same_clients(a, b)
#define SAME_LISTEN(a, b)     same_endpoints(a, b)
#define SAME_ENDPOINTS(a, b)  same_endpoints(a, b)
#define SAME_HOSTS(a, b)      same_hosts(a, b)
#define SAME_ROUTE(a, b)      same_route(a, b)
#define SAME_QUOTA(a, b)      same_quota(a, b)

/* One comparison for each setting of the block that `before` and `after` of the surrounding function are. */
#define COMPARE(prefix, name, type, acts)                                                                              \
	if (!SAME_##type(&before->name, &after->name))                                                                 \
		tell(report, prefix #name, "changed", acts);

static void compare_global(struct report *report, const struct config *before, const struct config *after)
{
#define SETTING_GLOBAL(name, type, fallback, min, max, acts, ...) COMPARE("", name, type, acts)
#include "common/host/settings.def"
}

static void compare_processes(struct report *report, const struct config_processes *before,
			      const struct config_processes *after)
{
#define SETTING_PROCESSES(name, type, fallback, min, max, acts, ...) COMPARE("processes ", name, type, acts)
#include "common/host/settings.def"
}

static void compare_connect(struct report *report, const struct config_connect *before,
			    const struct config_connect *after)
{
#define SETTING_CONNECT(name, type, fallback, min, max, acts, ...) COMPARE("connect ", name, type, acts)
#include "common/host/settings.def"
}

static void compare_relay(struct report *report, const struct config_relay *before, const struct config_relay *after)
{
#define SETTING_RELAY(name, type, fallback, min, max, acts, ...) COMPARE("relay ", name, type, acts)
#include "common/host/settings.def"
}

static void compare_messages(struct report *report, const struct config_messages *before,
			     const struct config_messages *after)
{
#define SETTING_MESSAGES(name, type, fallback, min, max, acts, ...) COMPARE("messages ", name, type, acts)
#include "common/host/settings.def"
}

static void compare_delivery(struct report *report, const struct config_delivery *before,
			     const struct config_delivery *after)
{
#define SETTING_DELIVERY(name, type, fallback, min, max, acts, ...) COMPARE("delivery ", name, type, acts)
#include "common/host/settings.def"
	char where[160];
	snprintf(where, sizeof(where), "%.140sdelivery ", report->where);
	struct report inner = {report->kinds, report->count, report->to, where};
	compare_processes(&inner, &before->processes, &after->processes);
}

static void compare_outbound(struct report *report, const struct config_outbound *before,
			     const struct config_outbound *after)
{
#define SETTING_OUTBOUND(name, type, fallback, min, max, acts, ...) COMPARE("outbound ", name, type, acts)
#include "common/host/settings.def"
}

static void compare_local_domain(struct report *report, const struct config_local_domain *before,
				 const struct config_local_domain *after)
{
#define SETTING_LOCAL_DOMAIN(name, type, fallback, min, max, acts, ...) COMPARE("", name, type, acts)
#include "common/host/settings.def"
}

static void compare_alias_domain(struct report *report, const struct config_alias_domain *before,
				 const struct config_alias_domain *after)
{
	(void)report, (void)before, (void)after;
}

static void compare_remote_domain(struct report *report, const struct config_remote_domain *before,
				  const struct config_remote_domain *after)
{
#define SETTING_REMOTE_DOMAIN(name, type, fallback, min, max, acts, ...) COMPARE("", name, type, acts)
#include "common/host/settings.def"
	compare_outbound(report, &before->outbound, &after->outbound);
}

static void tell_named(struct report *report, const char *kind, const char *name, const char *what)
{
	char text[320];

	snprintf(text, sizeof(text), "%s %.255s", kind, name);
	tell(report, text, what, COMMAND);
}

/* Blocks with a name: which came, which went, and what changed inside those that stayed. */
#define COMPARE_NAMED(kind)                                                                                            \
	static const struct config_##kind *find_##kind(const struct config_server *server, const char *name)           \
	{                                                                                                              \
		for (size_t i = 0; i < server->kind##_count; i++) {                                                    \
			if (same_text(server->kind##s[i].name, name))                                                  \
				return &server->kind##s[i];                                                            \
		}                                                                                                      \
		return NULL;                                                                                           \
	}                                                                                                              \
	static void compare_##kind##s(struct report *report, const struct config_server *before,                       \
				      const struct config_server *after)                                               \
	{                                                                                                              \
		for (size_t i = 0; i < before->kind##_count; i++) {                                                    \
			const struct config_##kind *old = &before->kind##s[i];                                         \
			const struct config_##kind *new = find_##kind(after, old->name);                               \
			char where[512];                                                                               \
			snprintf(where, sizeof(where), "%s%s %.255s: ", report->where, #kind, old->name);              \
			struct report inner = {report->kinds, report->count, report->to, where};                       \
			if (new)                                                                                       \
				compare_##kind(&inner, old, new);                                                      \
			else                                                                                           \
				tell_named(report, #kind, old->name, "removed");                                       \
		}                                                                                                      \
		for (size_t i = 0; i < after->kind##_count; i++) {                                                     \
			if (!find_##kind(before, after->kind##s[i].name))                                              \
				tell_named(report, #kind, after->kind##s[i].name, "added");                            \
		}                                                                                                      \
	}

COMPARE_NAMED(local_domain)
COMPARE_NAMED(alias_domain)
COMPARE_NAMED(remote_domain)

static void compare_server(struct report *report, const struct config_server *before, const struct config_server *after)
{
#define SETTING_SERVER(name, type, fallback, min, max, acts, ...) COMPARE("", name, type, acts)
#include "common/host/settings.def"
	compare_processes(report, &before->processes, &after->processes);
	compare_connect(report, &before->connect, &after->connect);
	compare_relay(report, &before->relay, &after->relay);
	compare_messages(report, &before->messages, &after->messages);
	compare_delivery(report, &before->delivery, &after->delivery);
	compare_outbound(report, &before->outbound, &after->outbound);
	compare_local_domains(report, before, after);
	compare_alias_domains(report, before, after);
	compare_remote_domains(report, before, after);
}

static void compare_servers(struct report *report, const struct config *before, const struct config *after)
{
	char where[128];
	struct report inner = {report->kinds, report->count, report->to, where};

	for (size_t i = 0; i < before->server_count; i++) {
		const struct config_server *old = &before->servers[i];
		const struct config_server *new = config_server_find(after, span_of(old->name));
		snprintf(where, sizeof(where), "server %.64s: ", old->name);
		if (new)
			compare_server(&inner, old, new);
		else
			tell(&inner, "the whole server", "removed", PROCESSES);
	}
	for (size_t i = 0; i < after->server_count; i++) {
		snprintf(where, sizeof(where), "server %.64s: ", after->servers[i].name);
		if (!config_server_find(before, span_of(after->servers[i].name)))
			tell(&inner, "the whole server", "added", PROCESSES);
	}
}

unsigned changes_describe(const struct config *before, const struct config *after, unsigned kinds, struct str *to)
{
	unsigned count = 0;
	struct report report = {kinds, &count, to, ""};

	compare_global(&report, before, after);
	compare_servers(&report, before, after);
	return count;
}

const char *changes_forbidden(const struct config *before, const struct config *after)
{
	const struct {
		const char *name, *before, *after;
	} forbidden[] = {
		{"user", before->user, after->user},
		{"smtpd_user", before->smtpd_user, after->smtpd_user},
		{"delivery_user", before->delivery_user, after->delivery_user},
		{"mailroot_dir", before->mailroot_dir, after->mailroot_dir},
		{"run_dir", before->run_dir, after->run_dir},
	};

	for (size_t i = 0; i < sizeof(forbidden) / sizeof(forbidden[0]); i++) {
		if (!same_text(forbidden[i].before, forbidden[i].after))
			return forbidden[i].name;
	}
	return NULL;
}
