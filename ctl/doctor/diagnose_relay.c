/* Who may relay: strangers, by the decision of smtpd and by a session with it; and a gateway that hides strangers. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/base/language.h"
#include "common/mail/address.h"
#include "ctl/doctor/diagnose.h"
#include "ctl/doctor/processes.h"
#include "ctl/doctor/routes.h"
#include "ctl/doctor/talk.h"
#include "smtpd/policy/explain.h"
#include "smtpd/policy/usage.h"

/* A domain that does not exist (RFC 2606), and an address for documentation (RFC 5737). */
#define OUTSIDE "relay-test.invalid"
#define FAR_IP  "198.51.100.77"

/* Names of our processes begin so. */
#define OURS "mailroot"

enum { TEXT_MAX = 2000, V4_AT = 12, FORM_MAX = 700 };

/* A public IPv4 address in each eighth of the octet space, and two of IPv6. False: there is no Ith, or it is private.
 */
static bool stranger(unsigned i, struct policy_client *out)
{
	static const char *const v6[] = {"2001:4860:7777::77", "2a02:7777::77"};
	enum { LAST_V4 = 223 };
	*out = (struct policy_client){.ip = {{[10] = 0xff, [11] = 0xff, [12] = (unsigned char)i, 77, 77, 77}},
				      .name_state = POLICY_NAME_CONFIRMED,
				      .name = "host.stranger.invalid"};
	if (i > LAST_V4)
		return ipaddr_parse(span_of(v6[(i - LAST_V4 - 1) % 2]), &out->ip);
	return i && !ipaddr_is_private(&out->ip);
}
enum { STRANGERS = 226 };

/* Whether CLIENT may send to OUTSIDE; *out has the decision. */
static bool may_relay(const struct config_server *server, const struct policy_client *client, struct explanation *out)
{
	const struct policy_mail mail = {0};
	const struct address outside = {SPAN("nobody@" OUTSIDE), SPAN("nobody"), SPAN(OUTSIDE)};
	explain_decide(server, client, &mail, &outside, out);
	return out->accepted;
}

static void examine_decision(struct doctor *d, const struct config_server *server)
{
	struct policy_client client, first;
	struct explanation e;
	struct policy_step step = {.origin = NULL};
	char address[IPADDR_TEXT_MAX];
	unsigned open = 0;
	for (unsigned i = 0; i < STRANGERS; i++) {
		if (!stranger(i, &client) || !may_relay(server, &client, &e) || open++)
			continue;
		first = client;
		step = e.relay.steps[e.relay.step_count - 1];
	}
	if (!open)
		return;
	ipaddr_format(&first.ip, address);
	struct str rule;
	str_init(&rule, TEXT_MAX);
	step.text = step.text ? step.text : "";
	policy_step_format(server, &step, &rule);
	doctor_find(d, FINDING_ERROR, doctor_place(d, step.origin),
		    doctor_text(d,
				_("server %s is an open relay: a stranger such as %s may send mail to any domain (%s)"),
				server->name, address, str_text(&rule)),
		    _("remove the rule; let in relay list only networks that are yours, and let others authenticate"));
	str_free(&rule);
}

/* Forms of an address outside (KB 304897, RFC 5321). Behind them comes one with a source route by our domain. */
static const char *const forms[] = {"<nobody@" OUTSIDE ">",  "<nobody@" OUTSIDE ".>",  "nobody@" OUTSIDE,
				    "<nobody@[" FAR_IP "]>", "< nobody@" OUTSIDE " >", "<\"nobody\"@" OUTSIDE ">"};
enum { FORMS = sizeof(forms) / sizeof(forms[0]) };

static void write_form(const struct config_server *server, size_t i, char form[FORM_MAX])
{
	if (i < FORMS)
		snprintf(form, FORM_MAX, "%s", forms[i]);
	else
		snprintf(form, FORM_MAX, "<@%s:nobody@" OUTSIDE ">", server->default_domain);
}

static void say_form(struct doctor *d, const struct config_server *server, const char *form)
{
	doctor_find(
		d, FINDING_ERROR, doctor_place(d, &server->origin),
		doctor_text(d, _("server %s takes RCPT TO:%s from a client that may not relay"), server->name, form),
		_("reload the configuration that doctor read; if it is in force, report this as a fault of Mailroot"));
}

/* No DATA follows, so no mail is sent. */
static void try_forms(struct doctor *d, const struct config_server *server, struct talk *t)
{
	char form[FORM_MAX], line[FORM_MAX + 16];
	if (!talk_read(t) || t->code != 220 || !talk_hello(t, server->fqdn, false) || !talk_say(t, "MAIL FROM:<>") ||
	    t->code != 250)
		return; /* TLS or a user may be required; then strangers can't relay */
	for (size_t i = 0; i <= FORMS; i++) {
		write_form(server, i, form);
		snprintf(line, sizeof(line), "RCPT TO:%s", form);
		if (!talk_say(t, line))
			return;
		if (t->code / 100 == 2)
			say_form(d, server, form);
	}
	talk_say(t, "QUIT");
}

/* The processes of Mailroot that run now have this port. */
static bool is_served(const struct config_endpoint *endpoint)
{
	static struct process_listener all[PROCESS_LISTENERS_MAX];
	char name[PROCESS_NAME_MAX];
	size_t n = processes_listeners(all);
	for (size_t i = 0; i < n; i++)
		if (all[i].port == endpoint->port && (all[i].any == endpoint->any) &&
		    (endpoint->any || ipaddr_equal(&all[i].ip, &endpoint->ip)))
			return processes_owner(all[i].inode, OURS, name) && strncmp(name, OURS, strlen(OURS)) == 0;
	return false;
}

/* From this machine, if that is no client that may relay. */
static void examine_session(struct doctor *d, const struct config_server *server)
{
	for (size_t i = 0; i < server->listen.n; i++) {
		const struct config_endpoint *endpoint = &server->listen.at[i];
		struct policy_client client = {.ip = endpoint->ip, .name_state = POLICY_NAME_UNASKED};
		struct explanation e;
		struct talk t;
		if (endpoint->any)
			ipaddr_parse(SPAN("127.0.0.1"), &client.ip);
		if (endpoint->tls || endpoint->proxy || may_relay(server, &client, &e) || e.relay.wants_name ||
		    !is_served(endpoint))
			continue;
		if (talk_open(&t, NULL, &client.ip, endpoint->port) == 0)
			try_forms(d, server, &t);
		talk_close(&t);
		return;
	}
}

void diagnose_relay(struct doctor *d)
{
	for (size_t i = 0; i < d->config->server_count; i++) {
		examine_decision(d, &d->config->servers[i]);
		examine_session(d, &d->config->servers[i]);
	}
}

/* Marks that container managers leave. */
static bool in_container(void)
{
	return access("/.dockerenv", F_OK) == 0 || access("/run/.containerenv", F_OK) == 0;
}

static void examine_gateway(struct doctor *d, const struct config_server *server, const struct ipaddr *gateway)
{
	const struct policy_client client = {.ip = *gateway, .name_state = POLICY_NAME_UNCONFIRMED};
	char address[IPADDR_TEXT_MAX];
	ipaddr_format(gateway, address);
	for (size_t i = 0; server->relay.allow == CONFIG_ONLY_LISTED && i < server->relay.list.n; i++) {
		const struct config_client *entry = &server->relay.list.at[i];
		if (!policy_client_match(entry, &client))
			continue;
		bool alone = !entry->name && entry->net.bits == 128;
		doctor_find(
			d, alone || in_container() ? FINDING_WARNING : FINDING_NOTE, doctor_place(d, &entry->origin),
			doctor_text(
				d,
				_("relay list %s has %s, the gateway of this network: if it replaces the addresses of clients (NAT, a published port of a container), all the world may relay"),
				entry->text, address),
			_("let the gateway keep the clients' addresses (host network, no userland proxy), or take it out of relay list"));
		return;
	}
}

/* Hosts behind a gateway that replaces their addresses share the limits of one client. */
static void examine_limits(struct doctor *d, const struct config_server *server, const struct ipaddr *gateway)
{
	const struct config_origin *limit = usage_written(server, gateway);
	char address[IPADDR_TEXT_MAX];
	if (!limit)
		return;
	ipaddr_format(gateway, address);
	doctor_find(
		d, FINDING_NOTE, doctor_place(d, limit),
		doctor_text(
			d,
			_("the limits of client hold for %s, the gateway of this network: if it replaces the addresses of clients (NAT, a published port of a container), all clients behind it share them"),
			address),
		doctor_text(d, _("let the gateway keep the clients' addresses, or add %s to except_list in client"),
			    address));
}

void diagnose_gateway(struct doctor *d)
{
	struct ipaddr gateways[ROUTES_GATEWAYS_MAX];
	size_t n = routes_gateways(gateways);
	for (size_t i = 0; i < d->config->server_count; i++)
		for (size_t j = 0; j < n; j++) {
			examine_gateway(d, &d->config->servers[i], &gateways[j]);
			examine_limits(d, &d->config->servers[i], &gateways[j]);
		}
}
