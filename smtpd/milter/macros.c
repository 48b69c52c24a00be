#include "smtpd/milter/macros.h"

#include <stdarg.h>
#include <stdio.h>

#include "common/base/installed.h"

static void add(struct macros *m, const char *name, struct span value)
{
	if (m->count < MACROS_MAX)
		m->list[m->count++] = (struct milter_macro){name, value};
}

static void add_text(struct macros *m, const char *name, const char *value)
{
	if (value)
		add(m, name, span_of(value));
}

/* A value that does not fit is left out; all are short. */
static __attribute__((format(printf, 3, 4))) void add_made(struct macros *m, const char *name, const char *format, ...)
{
	char *at = m->text + m->used;
	size_t room = sizeof(m->text) - m->used;
	va_list args;
	va_start(args, format);
	int len = vsnprintf(at, room, format, args);
	va_end(args);
	if (len < 0 || (size_t)len >= room)
		return;
	m->used += (size_t)len + 1;
	add(m, name, (struct span){at, (size_t)len});
}

static void add_client(struct macros *m, const struct macros_facts *f)
{
	bool named = f->client->name_state == POLICY_NAME_CONFIRMED;
	const char *name = named ? f->client->name : "unknown";
	add_made(m, "_", "%s [%s]", name, f->client_text);
	add_made(m, "{client_addr}", "%s%s", ipaddr_is_v4(&f->client->ip) ? "" : "IPv6:", f->client_text);
	add_made(m, "{client_port}", "%u", (unsigned)f->client_port);
	add_text(m, "{client_name}", name);
	add_text(m, "{client_ptr}", name);
	add_text(m, "{client_resolve}", named ? "OK" : "FAIL");
}

static void add_daemon(struct macros *m, const struct macros_facts *f)
{
	add_text(m, "j", f->config->fqdn);
	add_text(m, "{daemon_name}", f->config->fqdn);
	add_text(m, "{daemon_addr}", f->daemon);
	if (f->daemon)
		add_made(m, "{daemon_port}", "%u", (unsigned)f->daemon_port);
	add(m, "v", SPAN("Mailroot " MAILROOT_VERSION));
}

static void add_tls(struct macros *m, const struct macros_facts *f)
{
	if (!f->tls_version)
		return;
	add_text(m, "{tls_version}", f->tls_version);
	add_text(m, "{cipher}", f->tls_cipher);
	add_made(m, "{cipher_bits}", "%d", f->tls_bits);
}

/* The way that Postfix would name: "local" for domains of ours, else "smtp". */
static struct span mailer(const struct config_server *config, struct span domain)
{
	for (size_t i = 0; i < config->local_domain_count; i++)
		if (span_equal_nocase(span_of(config->local_domains[i].name), domain))
			return SPAN("local");
	return SPAN("smtp");
}

static void add_sender(struct macros *m, const struct macros_facts *f)
{
	if (!f->sender)
		return;
	/* Postfix takes the null sender for one of this host. */
	struct span host = f->sender->text.len ? f->sender->domain : span_of(f->config->fqdn);
	add(m, "{mail_addr}", f->sender->text);
	add(m, "{mail_host}", host);
	add(m, "{mail_mailer}", mailer(f->config, host));
}

/* "550 5.1.1 User unknown": filters get the enhanced code as the host, and the text as the address. */
static void add_refused(struct macros *m, struct span reply)
{
	struct span rest = reply;
	span_take(&rest, ' ');
	struct span enhanced = span_take(&rest, ' ');
	add(m, "{rcpt_addr}", rest);
	add(m, "{rcpt_host}", enhanced);
	add(m, "{rcpt_mailer}", SPAN("error"));
}

static void add_recipient(struct macros *m, const struct macros_facts *f)
{
	if (!f->rcpt)
		return;
	if (f->refusal.len) {
		add_refused(m, f->refusal);
		return;
	}
	add(m, "{rcpt_addr}", f->rcpt->text);
	add(m, "{rcpt_host}", f->rcpt->domain);
	add(m, "{rcpt_mailer}", mailer(f->config, f->rcpt->domain));
}

void macros_make(struct macros *m, const struct macros_facts *facts)
{
	m->count = m->used = 0;
	add_daemon(m, facts);
	add_client(m, facts);
	add_tls(m, facts);
	add_text(m, "i", facts->id);
	add_text(m, "{auth_type}", facts->auth_type);
	add_text(m, "{auth_authen}", facts->client->user);
	add_sender(m, facts);
	add_recipient(m, facts);
}
