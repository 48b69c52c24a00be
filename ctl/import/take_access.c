/* The tab Access: authentication, TLS, connection control and relay restrictions. */
#include <stdio.h>
#include <string.h>

#include "common/base/language.h"
#include "ctl/import/take.h"
#include "ctl/import/value.h"

enum {
	AUTH_FLAG_ANONYMOUS = 1,
	AUTH_FLAG_BASIC = 2,
	AUTH_FLAG_NTLM = 4,
	SSL_FLAG_REQUIRED = 8,
	WIDE_BITS = 8,
	V4_BITS = 96,
	LINE_MAX = 90
};

#define LOOPBACK "127.0.0.0/8 ::1"

static struct plan_node *block(struct take *t, const char *word)
{
	return plan_block(&t->plan, t->server, word);
}

/* TLS: whether clients must use it. */
static bool take_tls(struct take *t)
{
	struct metabase_property *flags = take_find(t, IIS_AccessSSLFlags), *hash = take_find(t, IIS_SSLCertHash);
	uint32_t bits = 0;
	char unknown[64];
	bool good = !flags || value_flags(flags->value, value_ssl_flags, &bits, unknown, sizeof(unknown));
	bool required = bits & SSL_FLAG_REQUIRED;
	/* In doubt, TLS is required. */
	if (!good) {
		take_say(t, flags, REPORT_DOUBT, N_("%s is unknown: TLS is required, to be on the safe side"), unknown);
		required = true;
	}
	if (required) {
		take_line(t, block(t, "access"), flags, REPORT_TAKEN, NULL, "tls_required yes");
		take_extra(t, block(t, "access"), "to be exported from Windows",
			   "tls_certificate /etc/mailroot/%s.pem /etc/mailroot/%s.key", t->name, t->name);
	} else if (flags && !flags->told) {
		take_say(t, flags, REPORT_TAKEN, N_("TLS is not required"));
	}
	if (hash && hash->value[0] && !required)
		take_off(t, block(t, "access"), hash, N_("Windows had a certificate"),
			 "tls_certificate /etc/mailroot/%s.pem /etc/mailroot/%s.key", t->name, t->name);
	else if (hash)
		take_say(t, hash, REPORT_NOT, N_("certificates can't be imported"));
	if (required || (hash && hash->value[0]))
		report_todo(
			&t->report,
			_("Certificate of virtual server %s: export it on Windows with its private key (PFX), then `openssl pkcs12 -in FILE.pfx -nokeys -out /etc/mailroot/%s.pem` and `openssl pkcs12 -in FILE.pfx -nocerts -nodes -out /etc/mailroot/%s.key`; or get a new one.%s"),
			t->name, t->name, t->name,
			required ? "" : _(" Then remove the # in front of tls_certificate."));
	return required;
}

static void take_logon_domain(struct take *t)
{
	struct metabase_property *both[] = {take_find(t, IIS_DefaultLogonDomain), take_find(t, IIS_SaslLogonDomain)};
	bool done = false;
	for (size_t i = 0; i < 2; i++) {
		const char *why;
		if (!both[i])
			continue;
		struct span text = span_trim(span_of(both[i]->value));
		const char *name = text.len ? take_domain_name(t, text, false, &why) : NULL;
		if (!text.len)
			take_say(t, both[i], REPORT_NOT, "empty");
		else if (done || !t->auth)
			take_say(t, both[i], REPORT_NOT,
				 done ? N_("DefaultLogonDomain takes precedence") : N_("no client authenticates"));
		else if (name && strchr(name, '.'))
			take_line(t, block(t, "access"), both[i], REPORT_TAKEN, NULL, "auth_domain %s", name);
		else
			take_say(t, both[i], REPORT_NOT,
				 N_("the short name of a Windows domain; users are those of mailrootctl user"));
		done = done || name;
	}
}

/* AuthFlags; without it, anonymous access only. */
static uint32_t auth_flags(struct take *t, struct metabase_property *p)
{
	uint32_t flags = AUTH_FLAG_ANONYMOUS;
	char unknown[64];
	if (p && !value_flags(p->value, value_auth_flags, &flags, unknown, sizeof(unknown))) {
		take_say(t, p, REPORT_DOUBT, N_("%s is unknown: clients have to authenticate, to be on the safe side"),
			 unknown);
		return AUTH_FLAG_BASIC;
	}
	return flags;
}

void take_auth(struct take *t)
{
	struct metabase_property *p = take_find(t, IIS_AuthFlags);
	struct plan_node *access = block(t, "access");
	uint32_t flags = auth_flags(t, p);
	bool anonymous = flags & AUTH_FLAG_ANONYMOUS, ntlm = flags & AUTH_FLAG_NTLM;
	bool kerberos = ntlm && !anonymous && !(flags & AUTH_FLAG_BASIC);
	bool basic = !kerberos && (flags & AUTH_FLAG_BASIC || !anonymous);
	bool tls = take_tls(t);
	if (!anonymous)
		take_line(t, access, p, REPORT_TAKEN, NULL, "anonymous no");
	if (basic) {
		take_line(t, access, p, REPORT_TAKEN, N_("basic authentication"), "auth plain login");
		if (!tls)
			take_extra(t, access, "as in Windows; remove it once there is a certificate",
				   "auth_requires_tls no");
		report_todo(
			&t->report,
			_("Users of virtual server %s: they were Windows accounts. Those of an Active Directory domain need no second list of passwords: write `passwords kerberos` and a key tab; see \"Kerberos\" in mailroot.conf(5). Or add the accounts that devices and programs use, with `mailrootctl user add NAME`."),
			t->name);
	}
	if (kerberos) {
		take_line(t, access, p, REPORT_CHANGED, N_("integrated authentication; NTLM is not spoken"),
			  "auth gssapi");
		take_extra(t, access, "to be made in the Windows domain", "keytab /etc/mailroot/smtp.keytab");
		report_todo(
			&t->report,
			_("Integrated authentication on virtual server %s needs a Kerberos key tab; see \"Kerberos\" in mailroot.conf(5). Or write auth plain login, and add users."),
			t->name);
	} else if (ntlm) {
		take_off(t, access, p, N_("integrated authentication: needs a key tab, and NTLM is not spoken"),
			 "auth %sgssapi", basic ? "plain login " : "");
	}
	t->auth = basic || kerberos;
	if (p && !p->told)
		take_say(t, p, REPORT_TAKEN, N_("anonymous access only, which is the default"));
	take_logon_domain(t);
}

/* Reads the list of P. The caller frees *list. */
static void read_list(const struct metabase_property *p, struct iplist *list)
{
	struct str data;
	str_init(&data, IPLIST_OCTETS_MAX);
	*list = (struct iplist){0};
	if (!value_binary(p->value, &data))
		list->why = "it is not hexadecimal, or too long";
	else
		iplist_read(str_span(&data), list);
	str_free(&data);
}

static const char *format_net(struct take *t, const struct cidr *net)
{
	char text[IPADDR_TEXT_MAX];
	ipaddr_format(&net->base, text);
	return net->bits == V4_BITS + 32 ? plan_text(&t->plan, "%s", text)
					 : plan_text(&t->plan, "%s/%u", text, net->bits - V4_BITS);
}

/* Writes NETS as lines `list ...`. */
static void write_nets(struct take *t, struct plan_node *in, const struct metabase_property *p, const struct cidr *nets,
		       size_t n)
{
	for (size_t i = 0; i < n;) {
		const char *line = plan_text(&t->plan, "list %s", format_net(t, &nets[i++]));
		while (i < n && strlen(line) < LINE_MAX - 20)
			line = plan_text(&t->plan, "%s %s", line, format_net(t, &nets[i++]));
		plan_line(&t->plan, in, line, p->name);
	}
}

static void tell_names(struct take *t, const struct metabase_property *p, const struct iplist *list,
		       const char *setting)
{
	struct str names;
	str_init(&names, REPORT_VALUE_MAX);
	for (size_t i = 0; i < list->guess_count; i++)
		str_printf(&names, "%s%s", i ? ", " : "", list->guesses[i]);
	report_todo(
		&t->report,
		_("%s of virtual server %s has names of domains, whose layout Microsoft has not published. Look them up in the Windows console, and write them into %s list: host.example.com, or *.example.com for all hosts below it.%s%s"),
		p->name, t->name, setting, names.len ? _(" The value contains these texts: ") : "", str_text(&names));
	str_free(&names);
}

/* The granted networks of LIST; entries that are no networks are left out, and large ones, too, unless WIDE. */
static size_t granted_nets(struct take *t, struct metabase_property *p, const struct iplist *list, bool wide,
			   struct cidr *nets)
{
	size_t n = 0;
	for (size_t i = 0; i < list->count; i++) {
		bool exact = iplist_network(&list->entries[i], &nets[n]);
		bool too_wide = nets[n].bits < V4_BITS + WIDE_BITS && !cidr_is_private(&nets[n]);
		if (exact && (wide || !too_wide))
			n++;
		else
			take_say(
				t, p, REPORT_DOUBT, N_("%s was left out: %s"), format_net(t, &nets[n]),
				exact ? _("it is a large part of the Internet")
				      : _("its mask does not fit its address, so it is unclear which clients are meant"));
	}
	return n;
}

/* Only this machine may connect, because the list can't be read. */
static void connect_this_machine(struct take *t, struct metabase_property *p, const char *why)
{
	struct plan_node *connect = block(t, "connect");
	take_line(t, connect, p, REPORT_DOUBT, why, "allow only-listed");
	take_extra(t, connect, "to be on the safe side: add your networks", "list " LOOPBACK);
	report_todo(
		&t->report,
		_("Connection control of virtual server %s could not be read (%s), so only this machine may connect. Look it up in the Windows console, and write it into the block connect."),
		t->name, why);
}

void take_connect(struct take *t)
{
	struct metabase_property *p = take_find(t, IIS_IPSecurity);
	struct plan_node *connect = block(t, "connect");
	struct iplist list;
	if (!p)
		return;
	read_list(p, &list);
	t->connects_only = !list.grants_by_default;
	t->connect_count = t->connects_only ? granted_nets(t, p, &list, true, t->connects) : 0;
	if (list.why) {
		connect_this_machine(t, p, list.why);
	} else if (list.names && (list.grants_by_default || !t->connect_count)) {
		connect_this_machine(t, p, N_("it has names"));
	} else if (t->connects_only) {
		take_line(t, connect, p, REPORT_TAKEN, NULL, "allow only-listed");
		write_nets(t, connect, p, t->connects, t->connect_count);
		if (!t->connect_count)
			take_extra(t, connect, "Windows lets no client connect", "list " LOOPBACK);
	} else if (list.count) {
		take_line(t, connect, p, REPORT_TAKEN, NULL, "allow all-except-listed");
		for (size_t i = 0; i < list.count; i++)
			iplist_network(&list.entries[i], &t->connects[i]);
		write_nets(t, connect, p, t->connects, list.count);
	} else {
		take_say(t, p, REPORT_TAKEN, N_("all clients may connect, which is the default"));
	}
	if (list.names)
		tell_names(t, p, &list, "connect");
	iplist_free(&list);
}

static bool overlap(const struct cidr *a, const struct cidr *b)
{
	return cidr_contains(a, &b->base) || cidr_contains(b, &a->base);
}

/* All clients except those of LIST may relay: with connection control, this means the clients that may connect. */
static void relay_except(struct take *t, struct metabase_property *p, const struct iplist *list)
{
	struct plan_node *relay = block(t, "relay");
	size_t n = 0;
	for (size_t i = 0; i < t->connect_count && !list->names; i++) {
		const struct cidr *net = &t->connects[i];
		bool free_of = net->bits >= V4_BITS + WIDE_BITS || cidr_is_private(net);
		for (size_t j = 0; j < list->count; j++) {
			struct cidr denied;
			iplist_network(&list->entries[j], &denied);
			free_of = free_of && !overlap(net, &denied);
		}
		if (free_of)
			t->connects[n++] = *net;
	}
	if (n && !t->choices->strict) {
		take_line(
			t, relay, p, n == t->connect_count ? REPORT_CHANGED : REPORT_DOUBT,
			n == t->connect_count
				? N_("it let all clients relay that may connect")
				: N_("it let all clients relay that may connect, but for some, whose networks are left out"),
			"allow only-listed");
		write_nets(t, relay, p, t->connects, n);
		return;
	}
	take_line(t, relay, p, REPORT_DOUBT, N_("all except the list could relay, which makes an open relay"),
		  "list none");
	report_todo(
		&t->report,
		_("Virtual server %s let every client relay, except the listed ones. This is an open relay, and was not taken: no client may relay without authentication. Write your networks into relay list, such as `list 10.0.0.0/8 192.168.0.0/16`."),
		t->name);
}

/* Programs on the old server came from its loopback address. They don't any more if they stay there. */
static void tell_loopback(struct take *t, const struct cidr *nets, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (!ipaddr_is_loopback(&nets[i].base))
			continue;
		report_todo(
			&t->report,
			_("Programs on the old server itself could relay through virtual server %s, because the relay list has 127.0.0.1. If they stay on that machine, add its address to relay list, and name the new server in them."),
			t->name);
		return;
	}
}

static void relay_only(struct take *t, struct metabase_property *p, const struct iplist *list)
{
	struct cidr *nets = arena_alloc(&t->plan.arena, (list->count + 1) * sizeof(*nets));
	size_t n = nets ? granted_nets(t, p, list, false, nets) : 0;
	struct plan_node *relay = block(t, "relay");
	take_line(t, relay, p, REPORT_TAKEN, NULL, "allow only-listed");
	if (n && !t->choices->strict) {
		write_nets(t, relay, p, nets, n);
		tell_loopback(t, nets, n);
		return;
	}
	take_extra(t, relay, n ? "the list would make an open relay" : "the list is empty", "list none");
	if (n)
		report_todo(
			&t->report,
			_("The relay list of virtual server %s would make an open relay, and was not taken. Write your own networks into relay list."),
			t->name);
}

static void take_relay_list(struct take *t)
{
	struct metabase_property *p = take_find(t, IIS_RelayIpList);
	struct iplist list;
	if (!p) {
		take_extra(t, block(t, "relay"), "there is no RelayIpList: no client is listed", "list none");
		return;
	}
	read_list(p, &list);
	if (list.why) {
		take_line(t, block(t, "relay"), p, REPORT_DOUBT, list.why, "list none");
		report_todo(
			&t->report,
			_("RelayIpList of virtual server %s could not be read (%s), so no client may relay without authentication. Look it up in the Windows console, and write the clients into relay list."),
			t->name, _(list.why));
	} else if (list.grants_by_default) {
		relay_except(t, p, &list);
	} else {
		relay_only(t, p, &list);
	}
	if (list.names)
		tell_names(t, p, &list, "relay");
	iplist_free(&list);
}

void take_relay(struct take *t)
{
	struct metabase_property *p;
	uint32_t value = 0;
	bool good = take_number(t, IIS_RelayForAuth, &p, &value);
	take_relay_list(t);
	if (good && value && !t->auth)
		take_say(t, p, REPORT_NOT, N_("no client can authenticate"));
	else if (good)
		take_line(t, block(t, "relay"), p, REPORT_TAKEN, NULL, "authenticated %s", value ? "yes" : "no");
	else if (t->auth)
		take_extra(t, block(t, "relay"), p ? "RelayForAuth is no number" : "there is no RelayForAuth",
			   "authenticated no");
}
