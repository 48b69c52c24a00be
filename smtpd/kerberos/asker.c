#include "smtpd/kerberos/asker.h"

#include <string.h>

#include "common/base/ascii.h"

enum {
	TICKET_S = 300,  /* it is thrown away at once; KDCs refuse shorter ones */
	SERVICES_MAX = 8 /* of the key tab that are tried; usual ones have two or three */
};

struct asker {
	krb5_context context;
	krb5_keytab keytab;
	const char *principal;
	const struct asker_question *q;
	char realm[PASSWORDS_REALMS_MAX + 1]; /* the first one */
};

static krb5_error_code set_first_realm(struct asker *a)
{
	struct span rest = span_of(a->q->realms), first = span_take(&rest, ' ');
	char *fallback;
	if (first.len)
		return span_copy(first, a->realm, sizeof(a->realm)) ? 0 : KRB5_CONFIG_BADFORMAT;
	krb5_error_code error = krb5_get_default_realm(a->context, &fallback);
	if (error)
		return error;
	bool fits = span_copy(span_of(fallback), a->realm, sizeof(a->realm));
	krb5_free_default_realm(a->context, fallback);
	return fits ? 0 : KRB5_CONFIG_BADFORMAT;
}

/* The realm that SUFFIX names in whatever case. Its length is 0 when users of it may not log in. */
static struct span realm_of(const struct asker *a, struct span suffix)
{
	struct span rest = span_of(a->q->realms[0] ? a->q->realms : a->realm);
	while (rest.len) {
		struct span realm = span_take(&rest, ' ');
		if (span_equal_nocase(realm, suffix))
			return realm;
	}
	return (struct span){0};
}

/* Not by parsing, so no character of NAME has a meaning. */
static krb5_error_code make_principal(const struct asker *a, struct span name, struct span realm, krb5_int32 type,
				      krb5_principal *out)
{
	krb5_error_code error = krb5_build_principal_ext(a->context, out, (unsigned)realm.len, realm.at,
							 (unsigned)name.len, name.at, 0);
	if (!error)
		krb5_princ_type(a->context, *out) = type;
	return error;
}

/*
 * Not krb5_get_init_creds_password: after a wrong password that would ask a second KDC, and so count twice in the
 * directory.
 */
static krb5_error_code get_ticket(const struct asker *a, krb5_principal client, krb5_creds *ticket)
{
	krb5_get_init_creds_opt *how = NULL;
	krb5_init_creds_context exchange = NULL;
	krb5_error_code error = krb5_get_init_creds_opt_alloc(a->context, &how);
	if (error)
		return error;
	krb5_get_init_creds_opt_set_canonicalize(how, 1);
	krb5_get_init_creds_opt_set_forwardable(how, 0);
	krb5_get_init_creds_opt_set_proxiable(how, 0);
	krb5_get_init_creds_opt_set_tkt_life(how, TICKET_S);
	error = krb5_init_creds_init(a->context, client, NULL, NULL, 0, how, &exchange);
	if (!error)
		error = krb5_init_creds_set_password(a->context, exchange, a->q->password);
	if (!error)
		error = krb5_init_creds_get(a->context, exchange);
	if (!error)
		error = krb5_init_creds_get_creds(a->context, exchange, ticket);
	krb5_init_creds_free(a->context, exchange);
	krb5_get_init_creds_opt_free(a->context, how);
	return error;
}

static krb5_error_code ask_as(const struct asker *a, struct span name, struct span realm, krb5_int32 type,
			      krb5_creds *ticket)
{
	krb5_principal client = NULL;
	krb5_error_code error = make_principal(a, name, realm, type, &client);
	if (!error)
		error = get_ticket(a, client, ticket);
	krb5_free_principal(a->context, client);
	return error;
}

static krb5_error_code ask_kdc(const struct asker *a, krb5_creds *ticket)
{
	struct span name = span_of(a->q->name), first = span_of(a->realm), suffix = name;
	struct span user = span_take(&suffix, '@');
	if (user.len == name.len)
		return ask_as(a, user, first, KRB5_NT_PRINCIPAL, ticket);
	krb5_error_code error = ask_as(a, name, first, KRB5_NT_ENTERPRISE_PRINCIPAL, ticket);
	struct span realm = realm_of(a, suffix);
	if (error != KRB5KDC_ERR_C_PRINCIPAL_UNKNOWN || !realm.len)
		return error;
	return ask_as(a, user, realm, KRB5_NT_PRINCIPAL, ticket);
}

static krb5_error_code prove_with(const struct asker *a, krb5_principal service, krb5_creds *ticket)
{
	krb5_verify_init_creds_opt how;
	krb5_verify_init_creds_opt_init(&how);
	krb5_verify_init_creds_opt_set_ap_req_nofail(&how, 1);
	return krb5_verify_init_creds(a->context, ticket, service, a->keytab, NULL, &how);
}

static bool is_known(const struct asker *a, const krb5_principal *all, size_t n, krb5_const_principal one)
{
	for (size_t i = 0; i < n; i++)
		if (krb5_principal_compare(a->context, all[i], one))
			return true;
	return false;
}

/* The principals of the key tab; returns their number. */
static size_t list_services(const struct asker *a, krb5_principal all[SERVICES_MAX])
{
	krb5_kt_cursor cursor;
	krb5_keytab_entry entry;
	size_t n = 0;
	if (krb5_kt_start_seq_get(a->context, a->keytab, &cursor))
		return 0;
	while (n < SERVICES_MAX && krb5_kt_next_entry(a->context, a->keytab, &entry, &cursor) == 0) {
		if (!is_known(a, all, n, entry.principal) &&
		    krb5_copy_principal(a->context, entry.principal, &all[n]) == 0)
			n++;
		krb5_free_keytab_entry_contents(a->context, &entry);
	}
	krb5_kt_end_seq_get(a->context, a->keytab, &cursor);
	return n;
}

/*
 * One of our keys proves the KDC. First those of the user's realm, for which the ticket needs no way through a second
 * realm.
 */
static krb5_error_code prove_with_any(const struct asker *a, krb5_creds *ticket)
{
	krb5_principal all[SERVICES_MAX];
	krb5_error_code error = KRB5_KT_NOTFOUND, first = 0;
	size_t n = list_services(a, all);
	for (krb5_boolean other = 0; other < 2 && error; other++)
		for (size_t i = 0; i < n && error; i++) {
			if (krb5_realm_compare(a->context, all[i], ticket->client) == other)
				continue;
			error = prove_with(a, all[i], ticket);
			first = first ? first : error;
		}
	for (size_t i = 0; i < n; i++)
		krb5_free_principal(a->context, all[i]);
	return error ? (first ? first : error) : 0;
}

static krb5_error_code prove(const struct asker *a, krb5_creds *ticket)
{
	krb5_principal service = NULL;
	if (!a->principal || !*a->principal)
		return prove_with_any(a, ticket);
	krb5_error_code error = krb5_parse_name(a->context, a->principal, &service);
	if (!error)
		error = prove_with(a, service, ticket);
	krb5_free_principal(a->context, service);
	return error;
}

/*
 * NULL, or why the user of TICKET may not log in. A KDC may give the user another name than the one that was asked for.
 * The key that it shares with us proves what it says of its own users, and of no others.
 */
static const char *refusal(const struct asker *a, const krb5_creds *ticket)
{
	struct span realm = {ticket->client->realm.data, ticket->client->realm.length};
	if (!krb5_realm_compare(a->context, ticket->client, ticket->server))
		return "the KDC of one realm answered with a user of another realm";
	if (!a->q->realms[0] && !span_equal_nocase(realm, span_of(a->realm)))
		return "the user's realm is not default_realm of krb5.conf: list both realms in kerberos_realm";
	return NULL;
}

static void conclude(const struct asker *a, krb5_creds *ticket, struct verdict *out)
{
	char *name = NULL;
	krb5_error_code error = prove(a, ticket);
	const char *why = refusal(a, ticket);
	*out = (struct verdict){.event = PASSWORDS_RIGHT};
	if (error)
		verdict_of_proof(a->context, error, out);
	else if (why)
		verdict_refused(why, out);
	else if (krb5_unparse_name(a->context, ticket->client, &name) ||
		 !span_copy(span_of(name), out->principal, sizeof(out->principal)))
		verdict_unavailable("the name of the user is too long", out);
	krb5_free_unparsed_name(a->context, name);
}

static void ask(struct asker *a, struct verdict *out)
{
	krb5_creds ticket = {0};
	krb5_error_code error = set_first_realm(a);
	if (!error)
		error = krb5_set_default_realm(a->context, a->realm);
	if (!error)
		error = ask_kdc(a, &ticket);
	if (error)
		verdict_of_ticket(a->context, error, out);
	else
		conclude(a, &ticket, out);
	krb5_free_cred_contents(a->context, &ticket);
}

/* The library's context is new for each question: it reads krb5.conf as it is now, and begins with the first KDC. */
void asker_ask(const struct keytab *keys, const char *principal, const struct asker_question *q, struct verdict *out)
{
	struct asker a = {.principal = principal, .q = q};
	krb5_error_code error = krb5_init_context(&a.context);
	if (error) {
		verdict_of_ticket(NULL, error, out);
		return;
	}
	error = krb5_kt_resolve(a.context, keys->name, &a.keytab);
	if (error) {
		verdict_of_proof(a.context, error, out);
	} else {
		ask(&a, out);
		krb5_kt_close(a.context, a.keytab);
	}
	krb5_free_context(a.context);
}
