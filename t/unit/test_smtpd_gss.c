/* Clients that log in by Kerberos, and those that are refused; key tabs, names of users, the jail, the library. */
#include "t/unit/gss_server_fixture.h"

#include <dlfcn.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "common/accounts/accounts.h"
#include "common/process/privs.h"

static void check_good(const char *client, const char *realm, gss_OID mechanism, OM_uint32 flags, const char *authzid,
		       const char *user)
{
	struct pair p;
	pair_init(&p, client, realm);
	if (mechanism)
		p.peer.mechanism = mechanism;
	p.peer.flags = flags;
	enum gss_step last = finish(&p, 1, authzid);
	ck_assert_msg(last == GSS_DONE, "%s", gss_why(p.x));
	ck_assert_str_eq(gss_user(p.x), user);
	ck_assert_uint_eq(p.to_peer.len, 0);
	ck_assert_int_eq(gss_step(p.x, SPAN("more"), &p.to_peer), GSS_FAILED);
	pair_free(&p);
}

static void check_refused(const char *realm, char layer, const char *authzid, const char *why)
{
	struct pair p;
	pair_init(&p, "bob@EXAMPLE.COM", realm);
	ck_assert_int_eq(finish(&p, layer, authzid), GSS_FAILED);
	ck_assert_msg(strstr(gss_why(p.x), why), "%s", gss_why(p.x));
	ck_assert_uint_eq(p.to_peer.len, 0);
	pair_free(&p);
}

START_TEST(test_good)
{
	OM_uint32 mutual = GSS_C_MUTUAL_FLAG | GSS_C_SEQUENCE_FLAG;
	check_good("bob@EXAMPLE.COM", NULL, NULL, mutual, "", "bob@EXAMPLE.COM");
	check_good("bob@EXAMPLE.COM", "", NULL, mutual, "bob@EXAMPLE.COM", "bob@EXAMPLE.COM");
	check_good("bob@EXAMPLE.COM", "EXAMPLE.COM", NULL, mutual, "bob", "bob");
	check_good("bob@EXAMPLE.COM", "EXAMPLE.COM", NULL, mutual, "bob@EXAMPLE.COM", "bob");
	check_good("app/printer@EXAMPLE.COM", "EXAMPLE.COM", NULL, mutual, "", "app/printer");
	check_good("bob@EXAMPLE.COM", "EXAMPLE.COM", NULL, GSS_C_INTEG_FLAG, "", "bob");
}
END_TEST

static gss_OID_desc spnego = {6, "\x2b\x06\x01\x05\x05\x02"};

/* Windows uses SPNEGO; .NET does not request mutual authentication. */
START_TEST(test_spnego)
{
	check_good("bob@EXAMPLE.COM", "EXAMPLE.COM", &spnego, GSS_C_MUTUAL_FLAG | GSS_C_INTEG_FLAG, "", "bob");
	check_good("bob@EXAMPLE.COM", "EXAMPLE.COM", &spnego, GSS_C_INTEG_FLAG, "", "bob");
	check_good("bob@EXAMPLE.COM", "EXAMPLE.COM", &spnego, GSS_C_CONF_FLAG | GSS_C_MUTUAL_FLAG | GSS_C_DCE_STYLE, "",
		   "bob");
}
END_TEST

START_TEST(test_refused)
{
	check_refused("OTHER.COM", 1, "", "the client's realm is not gssapi_realm");
	check_refused("example.com", 1, "", "the client's realm is not gssapi_realm");
	check_refused("EXAMPLE.COM", 1, "alice", "the authorization identity differs");
	check_refused(NULL, 1, "bob", "the authorization identity differs");
	check_refused(NULL, 1, "bob@EXAMPLE.COM ", "the authorization identity differs");
	check_refused(NULL, 2, "", "layer that was not offered");
	check_refused(NULL, 4, "", "layer that was not offered");
	check_refused(NULL, 3, "", "layer that was not offered");
	check_refused(NULL, 0, "", "layer that was not offered");
}
END_TEST

/* Without initial response the client first waits for an empty challenge. */
START_TEST(test_no_initial_response)
{
	struct pair p;
	pair_init(&p, "bob@EXAMPLE.COM", NULL);
	ck_assert_int_eq(gss_step(p.x, SPAN(""), &p.to_peer), GSS_MORE);
	ck_assert_uint_eq(p.to_peer.len, 0);
	ck_assert_int_eq(finish(&p, 1, ""), GSS_DONE);
	pair_free(&p);

	pair_init(&p, "bob@EXAMPLE.COM", NULL);
	ck_assert_int_eq(gss_step(p.x, SPAN(""), &p.to_peer), GSS_MORE);
	ck_assert_int_eq(gss_step(p.x, SPAN(""), &p.to_peer), GSS_FAILED);
	pair_free(&p);
}
END_TEST

/* Like smtpd: another user if we are root, an empty folder as root, and no file system. The first octet that it
 * sends is the step. */
static void serve_in_jail(int link, const char *folder)
{
	const char *const paths[] = {folder, NULL};
	struct privs_jail jail = {.user = "nobody", .root = folder, .may_fork = true, .paths = paths};
	char in[GSS_TOKEN_MAX], out[GSS_TOKEN_MAX + 1];
	struct str reply;
	struct gss_server *server = must_load();
	privs_enter(&jail);
	str_init(&reply, GSS_TOKEN_MAX);
	struct gss_exchange *x = gss_begin(server, "EXAMPLE.COM");
	for (;;) {
		ssize_t n = recv(link, in, sizeof(in), 0);
		if (n < 0)
			_exit(1);
		enum gss_step last = gss_step(x, (struct span){in, (size_t)n}, &reply);
		if (last == GSS_FAILED)
			fprintf(stderr, "%s\n", gss_why(x));
		out[0] = (char)last;
		memcpy(out + 1, str_text(&reply), reply.len);
		send(link, out, reply.len + 1, 0);
		if (last != GSS_MORE)
			_exit(last == GSS_DONE && strcmp(gss_user(x), "bob") == 0 ? 0 : 2);
	}
}

static enum gss_step ask_jail(int link, const struct str *token, struct str *reply)
{
	char in[GSS_TOKEN_MAX + 1];
	send(link, str_text(token), token->len, 0);
	ssize_t n = recv(link, in, sizeof(in), 0);
	ck_assert_int_gt(n, 0);
	str_clear(reply);
	str_append(reply, (struct span){in + 1, (size_t)n - 1});
	return (enum gss_step)in[0];
}

START_TEST(test_in_jail)
{
	struct pair p;
	char folder[128];
	int ends[2], status;
	kdc_path(&kdc, "jail", folder);
	ck_assert_int_eq(mkdir(folder, 0755), 0);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
	pid_t pid = fork();
	if (pid == 0) {
		close(ends[0]);
		serve_in_jail(ends[1], folder);
	}
	close(ends[1]);
	pair_init(&p, "bob@EXAMPLE.COM", NULL);
	p.last = GSS_MORE;
	while (!p.peer.complete && p.last == GSS_MORE) {
		ck_assert(peer_step(&p.peer, str_span(&p.to_peer), &p.to_server));
		p.last = ask_jail(ends[0], &p.to_server, &p.to_peer);
	}
	ck_assert_int_eq(p.last, GSS_MORE);
	peer_answer(&p.peer, str_span(&p.to_peer), 1, "bob", &p.to_server);
	ck_assert_int_eq(ask_jail(ends[0], &p.to_server, &p.to_peer), GSS_DONE);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	close(ends[0]);
	pair_free(&p);
}
END_TEST

/* The keys are not those of the KDC: the log line has the remedy. */
static void check_wrong_key(const char *keytab, const char *service, const char *why)
{
	struct pair p;
	char reason[GSS_WHY_MAX] = "";
	pair_init(&p, "bob@EXAMPLE.COM", NULL);
	gss_end(p.x);
	gss_server_free(p.server);
	peer_free(&p.peer);
	peer_init(&p.peer, &kdc, "bob@EXAMPLE.COM", service);
	p.server = load(keytab, NULL, reason);
	ck_assert_msg(p.server != NULL, "%s", reason);
	p.x = gss_begin(p.server, NULL);
	ck_assert_int_eq(finish(&p, 1, ""), GSS_FAILED);
	ck_assert_msg(strstr(gss_why(p.x), why), "%s", gss_why(p.x));
	pair_free(&p);
}

START_TEST(test_wrong_key)
{
	check_wrong_key("other", "smtp/mail.example.com", "has no key for the name that the client uses for this host");
	check_wrong_key("old-key", "smtp/renewed.example.com", "write it again");
}
END_TEST

START_TEST(test_load)
{
	static const struct {
		const char *keytab, *principal, *why;
	} cases[] = {
		{"missing", NULL, "not found"},
		{"krb5.conf", NULL, "krb5.conf: "},
		{"empty", NULL, "is empty"},
		{"service", "smtp/nowhere.example.com", "has no key of smtp/nowhere.example.com"},
		{"service", "smtp/a@b@c", "Malformed"},
		{"service", "smtp/mail.example.com@OTHER.COM", "has no key of"},
	};
	char why[GSS_WHY_MAX], path[128];
	kdc_path(&kdc, "empty", path);
	int fd = open(path, O_CREAT | O_WRONLY, 0600);
	ck_assert_int_eq(write(fd, "\5\2", 2), 2);
	close(fd);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		ck_assert_ptr_null(load(cases[i].keytab, cases[i].principal, why));
		ck_assert_msg(strstr(why, cases[i].why), "%s: %s", cases[i].keytab, why);
		ck_assert_msg(strstr(why, kdc.folder), "%s", why);
	}
	ck_assert_ptr_null(gss_server_load(&(struct config_access){0}, why, sizeof(why)));
	struct gss_server *server = load("service", "smtp/mail.example.com", why);
	ck_assert_msg(server != NULL, "%s", why);
	gss_server_free(server);
	server = load("service", "smtp/mail.example.com@EXAMPLE.COM", why);
	ck_assert_ptr_nonnull(server);
	gss_server_free(server);
}
END_TEST

START_TEST(test_user_of)
{
	static const struct {
		const char *principal, *realm, *user;
	} cases[] = {
		{"bob@EXAMPLE.COM", NULL, "bob@EXAMPLE.COM"},
		{"bob@EXAMPLE.COM", "EXAMPLE.COM", "bob"},
		{"PC$@EXAMPLE.COM", "EXAMPLE.COM", "PC$"},
		{"a@b@EXAMPLE.COM", "EXAMPLE.COM", "a@b"},
		{"bob@EXAMPLE.COM", "EXAMPLE.CO", NULL},
		{"bob@EXAMPLE.CO", "EXAMPLE.COM", NULL},
		{"a\\@EXAMPLE.COM@EVIL.COM", NULL, NULL},
		{"bob", NULL, NULL},
		{"bob@", NULL, NULL},
		{"@EXAMPLE.COM", NULL, NULL},
		{"", NULL, NULL},
		{"a b@EXAMPLE.COM", NULL, NULL},
		{"a\nb@EXAMPLE.COM", NULL, NULL},
		{"b\xc3\xb6"
		 "b@EXAMPLE.COM",
		 NULL, NULL},
	};
	char user[ACCOUNT_NAME_MAX + 1], small[4];
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const char *why = gss_user_of(span_of(cases[i].principal), cases[i].realm, user, sizeof(user));
		ck_assert_msg(!why == !!cases[i].user, "%s", cases[i].principal);
		ck_assert_str_eq(user, cases[i].user ? cases[i].user : "");
	}
	ck_assert_ptr_nonnull(gss_user_of(SPAN("a\0b@EXAMPLE.COM"), NULL, user, sizeof(user)));
	ck_assert_ptr_null(gss_user_of(SPAN("bob@E"), "E", small, sizeof(small)));
	ck_assert_ptr_nonnull(gss_user_of(SPAN("bobo@E"), "E", small, sizeof(small)));
}
END_TEST

/* libgsasl brings libgssglue, which has functions of the same names. */
START_TEST(test_library)
{
	static void *const functions[] = {gss_accept_sec_context, gss_init_sec_context, gss_unwrap,        gss_wrap,
					  gss_display_name,       gss_release_buffer,   gss_display_status};
	for (size_t i = 0; i < sizeof(functions) / sizeof(*functions); i++) {
		Dl_info info;
		ck_assert(dladdr(functions[i], &info));
		ck_assert_msg(strstr(info.dli_fname, "libgssapi_krb5"), "%s is of %s", info.dli_sname, info.dli_fname);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("smtpd_gss");
	TCase *tcase = tcase_create("all");
	tcase_set_timeout(tcase, 60);
	tcase_add_unchecked_fixture(tcase, start, stop);
	tcase_add_test(tcase, test_good);
	tcase_add_test(tcase, test_spnego);
	tcase_add_test(tcase, test_refused);
	tcase_add_test(tcase, test_no_initial_response);
	tcase_add_test(tcase, test_in_jail);
	tcase_add_test(tcase, test_wrong_key);
	tcase_add_test(tcase, test_load);
	tcase_add_test(tcase, test_user_of);
	tcase_add_test(tcase, test_library);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
