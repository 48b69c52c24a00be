#include "smtpd/auth/gss.h"

#include <krb5.h>
#include <string.h>
#include <unistd.h>

#include "common/accounts/accounts.h"
#include "t/fuzz/must.h"

static struct gss_server *server;

/* A service whose key is known to the corpus. */
static void write_keytab(const char *path)
{
	krb5_context context;
	krb5_keytab keytab;
	krb5_octet octets[32];
	krb5_keytab_entry entry = {.vno = 1, .key = {0, ENCTYPE_AES256_CTS_HMAC_SHA1_96, sizeof(octets), octets}};
	memset(octets, 0x11, sizeof(octets));
	MUST(krb5_init_context(&context) == 0 && krb5_kt_resolve(context, path, &keytab) == 0);
	MUST(krb5_parse_name(context, "smtp/mail.example.com@EXAMPLE.COM", &entry.principal) == 0);
	MUST(krb5_kt_add_entry(context, keytab, &entry) == 0);
	krb5_kt_close(context, keytab);
	krb5_free_principal(context, entry.principal);
	krb5_free_context(context);
}

static void start(void)
{
	char path[] = "/tmp/mailroot-fuzz-XXXXXX", why[GSS_WHY_MAX];
	int fd = mkstemp(path);
	MUST(fd >= 0 && close(fd) == 0 && unlink(path) == 0);
	setenv("KRB5_CONFIG", "/dev/null", 1);
	write_keytab(path);
	server = gss_server_load(&(struct config_access){.keytab = path}, why, sizeof(why));
	unlink(path);
	MUST(server);
}

static void check_name(struct span name)
{
	char user[ACCOUNT_NAME_MAX + 1];
	if (gss_user_of(name, NULL, user, sizeof(user)))
		MUST(!*user);
	else
		MUST(span_equal(span_of(user), name));
	if (!gss_user_of(name, "EXAMPLE.COM", user, sizeof(user)))
		MUST(*user && span_ends_nocase(name, SPAN("@EXAMPLE.COM")) && name.len == strlen(user) + 12);
}

/* Two octets: the length of the first token; then both tokens. A client that can forge a ticket still has no key for
 * the answer. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str reply;
	if (!server)
		start();
	struct span all = {(const char *)data, size}, rest = span_skip(all, 2), first = rest;
	size_t wanted = size < 2 ? 0 : (size_t)data[0] << 8 | data[1];
	first.len = wanted < rest.len ? wanted : rest.len;
	str_init(&reply, GSS_TOKEN_MAX);
	struct gss_exchange *x = gss_begin(server, "");
	MUST(x);
	enum gss_step step = gss_step(x, first, &reply);
	if (step == GSS_MORE)
		step = gss_step(x, span_skip(rest, first.len), &reply);
	MUST(step != GSS_DONE);
	MUST((step == GSS_FAILED) == (*gss_why(x) != '\0') && (step != GSS_FAILED || !reply.len));
	gss_end(x);
	str_free(&reply);
	check_name(all);
	return 0;
}
