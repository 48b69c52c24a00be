#include "common/gss/keytab.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "common/accounts/secret.h"
#include "common/base/fd.h"
#include "common/base/log.h"
#include "common/base/span.h"

struct copying {
	struct keytab *to;
	krb5_principal principal; /* NULL = any */
	krb5_enctype *permitted;  /* ends with 0 */
	size_t found;             /* entries in the file */
	size_t copied;
};

static void say(krb5_context context, krb5_error_code error, const char *path, const char *hint, char *why, size_t size)
{
	char words[256];
	const char *text = krb5_get_error_message(context, error);
	span_clean(span_of(text), words, sizeof(words));
	krb5_free_error_message(context, text);
	snprintf(why, size, "can't read key tab %s: %s%s", path, words, hint);
}

static bool is_permitted(const struct copying *c, krb5_enctype type)
{
	for (const krb5_enctype *t = c->permitted; *t; t++)
		if (*t == type)
			return true;
	return false;
}

static krb5_error_code copy_entry(struct copying *c, krb5_keytab_entry *entry)
{
	krb5_context context = c->to->context;
	c->found++;
	if (c->principal && !krb5_principal_compare(context, c->principal, entry->principal))
		return 0;
	if (!is_permitted(c, entry->key.enctype))
		return 0;
	c->copied++;
	return krb5_kt_add_entry(context, c->to->handle, entry);
}

static krb5_error_code copy_entries(struct copying *c, krb5_keytab file)
{
	krb5_context context = c->to->context;
	krb5_keytab_entry entry;
	krb5_kt_cursor cursor;
	krb5_error_code error = krb5_kt_start_seq_get(context, file, &cursor);
	if (error)
		return error;
	while (!error && c->found < KEYTAB_ENTRIES_MAX) {
		error = krb5_kt_next_entry(context, file, &entry, &cursor);
		if (error)
			break;
		error = copy_entry(c, &entry);
		krb5_free_keytab_entry_contents(context, &entry);
	}
	krb5_kt_end_seq_get(context, file, &cursor);
	return error == KRB5_KT_END ? 0 : error;
}

static krb5_error_code copy_file(struct copying *c, const char *path)
{
	char name[4096];
	krb5_keytab file;
	if ((size_t)snprintf(name, sizeof(name), "FILE:%s", path) >= sizeof(name))
		return KRB5_KT_NAME_TOOLONG;
	krb5_error_code error = krb5_kt_resolve(c->to->context, name, &file);
	if (error)
		return error;
	error = copy_entries(c, file);
	krb5_kt_close(c->to->context, file);
	return error;
}

static krb5_error_code prepare(struct copying *c, const char *principal)
{
	struct keytab *k = c->to;
	snprintf(k->name, sizeof(k->name), "MEMORY:mailroot-%jx", (uintmax_t)(uintptr_t)k);
	krb5_error_code error = krb5_kt_resolve(k->context, k->name, &k->handle);
	if (!error)
		error = krb5_get_permitted_enctypes(k->context, &c->permitted);
	if (!error && principal && *principal)
		error = krb5_parse_name(k->context, principal, &c->principal);
	return error;
}

static bool something_copied(const struct copying *c, const char *path, const char *principal, char *why, size_t size)
{
	bool named = principal && *principal;
	if (c->copied)
		return true;
	if (!c->found)
		snprintf(why, size,
			 "key tab %s is empty: write keys into it with ktadd of kadmin, or ktpass of Windows", path);
	else
		snprintf(why, size,
			 "key tab %s has no key%s%s of a permitted encryption type; klist -kte %s lists its keys", path,
			 named ? " of " : "", named ? principal : "", path);
	return false;
}

static void look_at_mode(const char *path)
{
	struct stat facts;
	char who[SECRET_WHO_MAX];
	if (stat(path, &facts) == 0 && secret_is_open(&facts, true, who))
		log_warning(
			"key tab %s can be read or written by %s, who can then impersonate this service: chmod 600 %s",
			path, who, path);
}

bool keytab_open(const char *path, const char *principal, struct keytab *out, char *why, size_t size)
{
	struct copying c = {.to = out};
	*out = (struct keytab){0};
	if (fd_may_hang(path)) {
		snprintf(why, size, "can't read key tab %s: it is no regular file", path);
		return false;
	}
	krb5_error_code error = krb5_init_context(&out->context);
	if (error) {
		say(NULL, error, path, "; is krb5.conf right?", why, size);
		return false;
	}
	error = prepare(&c, principal);
	if (!error)
		error = copy_file(&c, path);
	look_at_mode(path);
	if (error)
		say(out->context, error, path, "", why, size);
	bool good = !error && something_copied(&c, path, principal, why, size);
	krb5_free_principal(out->context, c.principal);
	krb5_free_enctypes(out->context, c.permitted);
	if (!good)
		keytab_close(out);
	return good;
}

void keytab_close(struct keytab *k)
{
	if (k->handle)
		krb5_kt_close(k->context, k->handle);
	if (k->context)
		krb5_free_context(k->context);
	*k = (struct keytab){0};
}
