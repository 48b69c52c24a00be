#include "gss_peer.h"

#include <dlfcn.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "common/accounts/accounts.h"
#include "common/gss/keytab.h"
#include "common/process/privs.h"
#include "gss_forge.h"
#include "smtpd/auth/gss.h"
#include "smtpd/auth/gss_replay.h"
#include "t/unit/suite.h"

static struct kdc kdc;

static struct gss_server *load(const char *keytab, const char *principal, char why[GSS_WHY_MAX])
{
	char path[128];
	kdc_path(&kdc, keytab, path);
	struct config_access access = {.keytab = path, .principal = principal};
	return gss_server_load(&access, why, GSS_WHY_MAX);
}

static struct gss_server *must_load(void)
{
	char why[GSS_WHY_MAX] = "";
	struct gss_server *server = load("service", NULL, why);
	ck_assert_msg(server != NULL, "%s", why);
	return server;
}

struct pair {
	struct gss_server *server;
	struct gss_peer peer;
	struct gss_exchange *x;
	struct str to_server, to_peer;
	enum gss_step last;
};

static void pair_init(struct pair *p, const char *client, const char *realm)
{
	*p = (struct pair){.server = must_load()};
	peer_init(&p->peer, &kdc, client, "smtp/mail.example.com");
	p->x = gss_begin(p->server, realm);
	str_init(&p->to_server, GSS_TOKEN_MAX);
	str_init(&p->to_peer, GSS_TOKEN_MAX);
}

static void pair_free(struct pair *p)
{
	gss_end(p->x);
	gss_server_free(p->server);
	peer_free(&p->peer);
	str_free(&p->to_server);
	str_free(&p->to_peer);
}

/* The exchange until both have a context and the server has offered its security layer. */
static enum gss_step establish(struct pair *p)
{
	p->last = GSS_MORE;
	while (!p->peer.complete && p->last == GSS_MORE) {
		ck_assert(peer_step(&p->peer, str_span(&p->to_peer), &p->to_server));
		p->last = gss_step(p->x, str_span(&p->to_server), &p->to_peer);
	}
	return p->last;
}

static enum gss_step finish(struct pair *p, char layer, const char *authzid)
{
	if (establish(p) != GSS_MORE)
		return p->last;
	peer_answer(&p->peer, str_span(&p->to_peer), layer, authzid, &p->to_server);
	return gss_step(p->x, str_span(&p->to_server), &p->to_peer);
}

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

/* Windows uses SPNEGO; .NET does not request mutual authentication. */
START_TEST(test_spnego)
{
	check_good("bob@EXAMPLE.COM", "EXAMPLE.COM", &peer_spnego, GSS_C_MUTUAL_FLAG | GSS_C_INTEG_FLAG, "", "bob");
	check_good("bob@EXAMPLE.COM", "EXAMPLE.COM", &peer_spnego, GSS_C_INTEG_FLAG, "", "bob");
	check_good("bob@EXAMPLE.COM", "EXAMPLE.COM", &peer_spnego,
		   GSS_C_CONF_FLAG | GSS_C_MUTUAL_FLAG | GSS_C_DCE_STYLE, "", "bob");
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

static void keep(struct str *to, const struct str *from)
{
	str_init(to, GSS_TOKEN_MAX);
	ck_assert(str_append(to, str_span(from)));
}

/* All octets of a client are recorded and sent again. */
static void check_replay(OM_uint32 flags)
{
	struct pair p;
	struct str first, answer, reply;
	str_init(&reply, GSS_TOKEN_MAX);
	pair_init(&p, "bob@EXAMPLE.COM", NULL);
	p.peer.flags = flags;
	ck_assert(peer_step(&p.peer, SPAN(""), &p.to_server));
	keep(&first, &p.to_server);
	ck_assert_int_eq(gss_step(p.x, str_span(&first), &p.to_peer), GSS_MORE);
	ck_assert_int_eq(finish(&p, 1, ""), GSS_DONE);
	keep(&answer, &p.to_server);

	struct gss_exchange *x = gss_begin(p.server, NULL);
	enum gss_step last = gss_step(x, str_span(&first), &reply);
	if (last == GSS_MORE && (flags & GSS_C_MUTUAL_FLAG))
		last = gss_step(x, SPAN(""), &reply);
	if (last == GSS_MORE)
		last = gss_step(x, str_span(&answer), &reply);
	ck_assert_int_eq(last, GSS_FAILED);
	if (!(flags & GSS_C_MUTUAL_FLAG))
		ck_assert_msg(strstr(gss_why(x), "seen before"), "%s", gss_why(x));
	gss_end(x);
	pair_free(&p);
	str_free(&first);
	str_free(&answer);
	str_free(&reply);
}

START_TEST(test_replay)
{
	check_replay(GSS_C_MUTUAL_FLAG | GSS_C_SEQUENCE_FLAG);
}
END_TEST

static struct span key_of(size_t *n)
{
	return (struct span){(const char *)n, sizeof(*n)};
}

START_TEST(test_replay_ring)
{
	struct gss_replay *r = gss_replay_new();
	size_t other = GSS_REPLAY_KEYS, first = 0;
	for (size_t i = 0; i < 1000; i++)
		ck_assert(!gss_replay_seen(r, key_of(&i)));
	for (size_t i = 0; i < 1000; i++)
		ck_assert(gss_replay_seen(r, key_of(&i)));
	pid_t pid = fork();
	if (pid == 0)
		_exit(gss_replay_seen(r, key_of(&first)) && !gss_replay_seen(r, key_of(&other)) ? 0 : 1);
	int status;
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	ck_assert(gss_replay_seen(r, key_of(&other)));
	gss_replay_free(r);
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

/* A ticket that the client accepts. */
static void check_forged(const struct forge *forge, const char *why)
{
	struct pair p;
	char path[128], reason[GSS_WHY_MAX] = "";
	pair_init(&p, "bob@EXAMPLE.COM", "EXAMPLE.COM");
	gss_end(p.x);
	gss_server_free(p.server);
	peer_free(&p.peer);
	kdc_path(&kdc, "forged", path);
	unlink(path);
	forge_keytab(forge, path);
	forge_ticket(forge, "MEMORY:forged");
	peer_acquire(&p.peer, forge->client, forge->service, NULL, "MEMORY:forged");
	p.server = load("forged", NULL, reason);
	ck_assert_msg(p.server != NULL, "%s", reason);
	p.x = gss_begin(p.server, "EXAMPLE.COM");
	ck_assert_int_eq(finish(&p, 1, ""), why ? GSS_FAILED : GSS_DONE);
	ck_assert_msg(strstr(gss_why(p.x), why ? why : ""), "%s", gss_why(p.x));
	pair_free(&p);
}

START_TEST(test_forged)
{
	static const char service[] = "smtp/forged.example.com@EXAMPLE.COM", bob[] = "bob@EXAMPLE.COM";
	check_forged(&(struct forge){bob, service, -60, 3600, 0}, NULL);
	check_forged(&(struct forge){bob, service, -7200, -3600, 0}, "has to get a new ticket");
	check_forged(&(struct forge){bob, service, 3600, 7200, 0}, "set the clocks");
	check_forged(&(struct forge){bob, service, -60, 3600, TKT_FLG_INVALID}, "Ticket");
	check_forged(&(struct forge){"bob@OTHER.COM", service, -60, 3600, 0}, "the client's realm is not gssapi_realm");
	check_forged(&(struct forge){"a\\@b@EXAMPLE.COM", service, -60, 3600, 0}, "characters that are not allowed");
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

/* Whatever a client sends, the result is a refusal. */
START_TEST(test_garbage)
{
	struct pair p;
	size_t failed = 0, tried = 0;
	pair_init(&p, "bob@EXAMPLE.COM", NULL);
	ck_assert(peer_step(&p.peer, SPAN(""), &p.to_server));
	for (size_t i = 0; i < p.to_server.len; i += 7) {
		struct gss_exchange *x = gss_begin(p.server, NULL);
		p.to_server.at[i] ^= 0x41;
		enum gss_step last = gss_step(x, str_span(&p.to_server), &p.to_peer);
		p.to_server.at[i] ^= 0x41;
		ck_assert_int_ne(last, GSS_DONE);
		ck_assert_int_eq(last == GSS_FAILED, p.to_peer.len == 0 && *gss_why(x));
		failed += last == GSS_FAILED;
		tried++;
		gss_end(x);
		x = gss_begin(p.server, NULL);
		if (i)
			ck_assert_int_eq(gss_step(x, (struct span){p.to_server.at, i}, &p.to_peer), GSS_FAILED);
		gss_end(x);
	}
	ck_assert_uint_ge(
		failed * 10,
		tried * 9); /* the rest are names outside the encrypted part of the ticket, which are ignored */
	struct gss_exchange *x = gss_begin(p.server, NULL);
	char *huge = calloc(1, GSS_TOKEN_MAX + 1);
	ck_assert_int_eq(gss_step(x, (struct span){huge, GSS_TOKEN_MAX + 1}, &p.to_peer), GSS_FAILED);
	free(huge);
	gss_end(x);
	pair_free(&p);
}
END_TEST

START_TEST(test_answer_is_sealed)
{
	struct pair p;
	pair_init(&p, "bob@EXAMPLE.COM", NULL);
	ck_assert_int_eq(establish(&p), GSS_MORE);
	ck_assert_int_eq(gss_step(p.x, SPAN("\1\0\0\0"), &p.to_peer), GSS_FAILED);
	pair_free(&p);

	pair_init(&p, "bob@EXAMPLE.COM", NULL);
	ck_assert_int_eq(establish(&p), GSS_MORE);
	ck_assert_int_eq(gss_step(p.x, SPAN(""), &p.to_peer), GSS_FAILED);
	pair_free(&p);
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

static void start(void)
{
	kdc_start(&kdc);
}

static void stop(void)
{
	kdc_stop(&kdc);
}

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
	tcase_add_test(tcase, test_replay);
	tcase_add_test(tcase, test_replay_ring);
	tcase_add_test(tcase, test_in_jail);
	tcase_add_test(tcase, test_wrong_key);
	tcase_add_test(tcase, test_forged);
	tcase_add_test(tcase, test_load);
	tcase_add_test(tcase, test_garbage);
	tcase_add_test(tcase, test_answer_is_sealed);
	tcase_add_test(tcase, test_user_of);
	tcase_add_test(tcase, test_library);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
