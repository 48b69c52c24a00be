#include "gss_kdc.h"

#include <arpa/inet.h>
#include <gssapi/gssapi.h>
#include <gssapi/gssapi_ext.h>
#include <signal.h>
#include <sys/socket.h>

#include "common/base/clock.h"
#include "common/process/privs.h"
#include "delivery/auth/gss.h"
#include "delivery/auth/gss_paths.h"
#include "t/unit/suite.h"

static struct kdc kdc;

static struct gss_client *load(const char *principal, const char *keytab, char why[GSS_WHY_MAX])
{
	char path[128];
	kdc_path(&kdc, keytab, path);
	return gss_client_load(principal, path, why, GSS_WHY_MAX);
}

static struct gss_client *must_load(void)
{
	char why[GSS_WHY_MAX] = "";
	struct gss_client *client = load("app/printer@EXAMPLE.COM", "client", why);
	ck_assert_msg(client != NULL, "%s", why);
	return client;
}

/* A host: smtp/mail.example.com, directly by GSSAPI. */
struct host {
	gss_cred_id_t credential;
	gss_ctx_id_t context;
	char client[128];
};

static void host_init(struct host *h)
{
	OM_uint32 minor;
	char keytab[128];
	kdc_path(&kdc, "service", keytab);
	gss_key_value_element_desc elements[] = {{"keytab", keytab}, {"rcache", "none:"}};
	gss_key_value_set_desc store = {2, elements};
	*h = (struct host){0};
	ck_assert_uint_eq(gss_acquire_cred_from(&minor, GSS_C_NO_NAME, GSS_C_INDEFINITE, NULL, GSS_C_ACCEPT, &store,
						&h->credential, NULL, NULL),
			  GSS_S_COMPLETE);
}

static void host_free(struct host *h)
{
	OM_uint32 minor;
	gss_delete_sec_context(&minor, &h->context, GSS_C_NO_BUFFER);
	gss_release_cred(&minor, &h->credential);
}

static void take(gss_buffer_desc *from, struct str *to)
{
	OM_uint32 minor;
	str_clear(to);
	if (from->length)
		str_append(to, (struct span){from->value, from->length});
	gss_release_buffer(&minor, from);
}

static void host_accept(struct host *h, const struct str *token, struct str *reply)
{
	OM_uint32 minor;
	gss_name_t name;
	gss_buffer_desc in = {token->len, token->at}, out = GSS_C_EMPTY_BUFFER, text;
	OM_uint32 major = gss_accept_sec_context(&minor, &h->context, h->credential, &in, NULL, &name, NULL, &out, NULL,
						 NULL, NULL);
	ck_assert_uint_eq(major, GSS_S_COMPLETE);
	take(&out, reply);
	ck_assert_uint_eq(gss_display_name(&minor, name, &text, NULL), GSS_S_COMPLETE);
	snprintf(h->client, sizeof(h->client), "%.*s", (int)text.length, (char *)text.value);
	gss_release_buffer(&minor, &text);
	gss_release_name(&minor, &name);
}

static void host_offer(struct host *h, struct span layers, struct str *reply)
{
	OM_uint32 minor;
	gss_buffer_desc in = {layers.len, (void *)(uintptr_t)layers.at}, out = GSS_C_EMPTY_BUFFER;
	ck_assert_uint_eq(gss_wrap(&minor, h->context, 0, GSS_C_QOP_DEFAULT, &in, NULL, &out), GSS_S_COMPLETE);
	take(&out, reply);
}

static void host_check_choice(struct host *h, const struct str *token)
{
	OM_uint32 minor;
	gss_buffer_desc in = {token->len, token->at}, out = GSS_C_EMPTY_BUFFER;
	ck_assert_uint_eq(gss_unwrap(&minor, h->context, &in, &out, NULL, NULL), GSS_S_COMPLETE);
	ck_assert_uint_eq(out.length, 4);
	ck_assert_mem_eq(out.value, "\1\0\0\0", 4);
	gss_release_buffer(&minor, &out);
}

/* The exchange up to the choice of a layer from LAYERS. */
static enum gss_step talk(struct gss_client_exchange *x, struct span layers, char client[128])
{
	struct host h;
	struct str ours, theirs;
	host_init(&h);
	str_init(&ours, GSS_TOKEN_MAX);
	str_init(&theirs, GSS_TOKEN_MAX);
	enum gss_step last = gss_client_step(x, SPAN(""), &ours);
	if (last == GSS_MORE) {
		host_accept(&h, &ours, &theirs);
		last = gss_client_step(x, str_span(&theirs), &ours);
	}
	if (last == GSS_MORE) {
		ck_assert_uint_eq(ours.len, 0);
		host_offer(&h, layers, &theirs);
		last = gss_client_step(x, str_span(&theirs), &ours);
	}
	if (last == GSS_DONE)
		host_check_choice(&h, &ours);
	snprintf(client, 128, "%s", h.client);
	host_free(&h);
	str_free(&ours);
	str_free(&theirs);
	return last;
}

static void check_good_as(struct gss_client *client, const char *host, const char *principal)
{
	char name[128];
	struct gss_client_exchange *x = gss_client_begin(client, host);
	enum gss_step last = talk(x, SPAN("\1\0\0\0"), name);
	ck_assert_msg(last == GSS_DONE, "%s", gss_client_why(x));
	ck_assert_str_eq(name, principal);
	gss_client_end(x);
}

static void check_good(struct gss_client *client, const char *host)
{
	check_good_as(client, host, "app/printer@EXAMPLE.COM");
}

static void check_refused(struct gss_client *client, const char *host, const char *why)
{
	struct str reply;
	str_init(&reply, GSS_TOKEN_MAX);
	struct gss_client_exchange *x = gss_client_begin(client, host);
	ck_assert_int_eq(gss_client_step(x, SPAN(""), &reply), GSS_FAILED);
	ck_assert_msg(strstr(gss_client_why(x), why), "%s", gss_client_why(x));
	ck_assert_uint_eq(reply.len, 0);
	gss_client_end(x);
	str_free(&reply);
}

/* A krb5.conf whose only KDC is PORT. */
static void use_kdc_at(unsigned port)
{
	char path[128];
	kdc_path(&kdc, "elsewhere.conf", path);
	FILE *file = fopen(path, "w");
	fprintf(file,
		"[libdefaults]\ndefault_realm = EXAMPLE.COM\ndns_lookup_kdc = no\n[realms]\nEXAMPLE.COM = {\nkdc = "
		"127.0.0.1:%u\n}\n[domain_realm]\n.example.com = EXAMPLE.COM\n",
		port);
	fclose(file);
	setenv("KRB5_CONFIG", path, 1);
}

static void use_own_kdc(void)
{
	char path[128];
	kdc_path(&kdc, "krb5.conf", path);
	setenv("KRB5_CONFIG", path, 1);
}

START_TEST(test_good)
{
	struct gss_client *client = must_load();
	check_good(client, "mail.example.com");
	check_good(client, "MAIL.Example.com");
	gss_client_free(client);
}
END_TEST

/* The second time no KDC is needed. */
START_TEST(test_tickets_are_kept)
{
	struct gss_client *client = must_load();
	check_good(client, "mail.example.com");
	use_kdc_at(1);
	check_good(client, "mail.example.com");
	gss_client_free(client);
	client = must_load();
	check_refused(client, "mail.example.com", "contact any KDC");
	gss_client_free(client);
	use_own_kdc();
}
END_TEST

/* How often the KDC issued a ticket to PRINCIPAL for its password. */
static int tickets_given(const char *principal)
{
	char path[128], line[1024], wanted[128];
	int found = 0;
	kdc_path(&kdc, "kdc.log", path);
	snprintf(wanted, sizeof(wanted), "%s for krbtgt/", principal);
	FILE *file = fopen(path, "r");
	ck_assert_ptr_nonnull(file);
	while (fgets(line, sizeof(line), file))
		found += strstr(line, "AS_REQ") && strstr(line, "ISSUE") && strstr(line, wanted);
	fclose(file);
	return found;
}

START_TEST(test_tickets_are_renewed)
{
	char why[GSS_WHY_MAX];
	struct gss_client *client = load("brief@EXAMPLE.COM", "client", why);
	ck_assert_ptr_nonnull(client);
	check_good_as(client, "mail.example.com", "brief@EXAMPLE.COM");
	ck_assert_int_eq(tickets_given("brief@EXAMPLE.COM"), 1);
	sleep(3); /* only time passes */
	check_good_as(client, "mail.example.com", "brief@EXAMPLE.COM");
	ck_assert_int_eq(tickets_given("brief@EXAMPLE.COM"), 2);
	gss_client_free(client);
}
END_TEST

START_TEST(test_refused)
{
	struct gss_client *client = must_load();
	check_refused(client, "unknown.example.com", "has no service smtp of this host");
	check_good(client, "mail.example.com");
	gss_client_free(client);
	use_kdc_at(1);
	client = must_load();
	check_refused(client, "mail.example.com", "is the KDC up");
	gss_client_free(client);
	use_own_kdc();
}
END_TEST

static int silent_kdc(unsigned *port, int type, unsigned at)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)at)};
	socklen_t len = sizeof(address);
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
	inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	getsockname(fd, (struct sockaddr *)&address, &len);
	*port = ntohs(address.sin_port);
	return fd;
}

START_TEST(test_kdc_says_nothing)
{
	unsigned port;
	struct gss_client *client = must_load();
	int tcp = silent_kdc(&port, SOCK_STREAM, 0), udp = silent_kdc(&port, SOCK_DGRAM, port);
	ck_assert_int_eq(listen(tcp, 5), 0);
	use_kdc_at(port);
	gss_client_set_deadline(client, 700);
	int64_t begun = clock_mono_ms();
	check_refused(client, "mail.example.com", "no KDC answered within 1 s");
	ck_assert_int_lt(clock_mono_ms() - begun, 5000);
	use_own_kdc();
	gss_client_set_deadline(client, GSS_CLIENT_DEADLINE_MS);
	check_good(client, "mail.example.com");
	gss_client_free(client);
	close(tcp);
	close(udp);
}
END_TEST

/* The agent is the newest child. */
static void kill_agent(void)
{
	char path[64], list[256] = "";
	snprintf(path, sizeof(path), "/proc/self/task/%d/children", getpid());
	FILE *file = fopen(path, "r");
	ck_assert_ptr_nonnull(file);
	ck_assert_ptr_nonnull(fgets(list, sizeof(list), file));
	fclose(file);
	while (*list && strchr(" \n", list[strlen(list) - 1]))
		list[strlen(list) - 1] = '\0';
	const char *last = strrchr(list, ' ');
	long pid = strtol(last ? last : list, NULL, 10);
	ck_assert_int_gt(pid, 1);
	ck_assert_int_ne(pid, kdc.pid);
	ck_assert_int_eq(kill((pid_t)pid, SIGKILL), 0);
}

START_TEST(test_agent_dies)
{
	struct gss_client *client = must_load();
	struct str reply;
	str_init(&reply, GSS_TOKEN_MAX);
	struct gss_client_exchange *x = gss_client_begin(client, "mail.example.com");
	ck_assert_int_eq(gss_client_step(x, SPAN(""), &reply), GSS_MORE);
	kill_agent();
	ck_assert_int_eq(gss_client_step(x, SPAN("x"), &reply), GSS_FAILED);
	gss_client_end(x);
	check_good(client, "mail.example.com");
	gss_client_free(client);
	str_free(&reply);
}
END_TEST

START_TEST(test_wrong_host)
{
	struct gss_client *client = must_load();
	struct str reply;
	char name[128];
	char *huge = calloc(1, GSS_TOKEN_MAX + 1);
	const struct span nonsense[] = {
		SPAN(""), SPAN("hello"), SPAN("\x60\x03\x06\x01\x00"), {huge, GSS_TOKEN_MAX + 1}};
	const struct span layers[] = {SPAN("\2\0\0\0"), SPAN("\6\0\xff\xff"), SPAN("\1"), SPAN("\1\0\0\0more")};
	str_init(&reply, GSS_TOKEN_MAX);
	for (size_t i = 0; i < sizeof(nonsense) / sizeof(*nonsense); i++) {
		struct gss_client_exchange *x = gss_client_begin(client, "mail.example.com");
		ck_assert_int_eq(gss_client_step(x, SPAN(""), &reply), GSS_MORE);
		ck_assert_int_eq(gss_client_step(x, nonsense[i], &reply), GSS_FAILED);
		ck_assert(*gss_client_why(x));
		ck_assert_int_eq(gss_client_step(x, SPAN(""), &reply), GSS_FAILED);
		gss_client_end(x);
	}
	for (size_t i = 0; i < sizeof(layers) / sizeof(*layers); i++) {
		struct gss_client_exchange *x = gss_client_begin(client, "mail.example.com");
		ck_assert_int_eq(talk(x, layers[i], name), GSS_FAILED);
		ck_assert_msg(strstr(gss_client_why(x), "security layer"), "%s", gss_client_why(x));
		gss_client_end(x);
	}
	struct gss_client_exchange *x = gss_client_begin(client, "mail.example.com");
	ck_assert_int_eq(talk(x, SPAN("\7\0\xff\xff"), name), GSS_DONE);
	gss_client_end(x);
	gss_client_free(client);
	str_free(&reply);
	free(huge);
}
END_TEST

START_TEST(test_load)
{
	static const struct {
		const char *principal, *keytab, *why;
	} cases[] = {
		{"bob", "missing", "not found"},
		{"bob", "krb5.conf", "krb5.conf: "},
		{"alice", "client", "has no key of alice"},
		{"bob@OTHER.COM", "client", "has no key of bob@OTHER.COM"},
		{"", "client", "needs the Kerberos principal as username"},
		{NULL, "client", "needs the Kerberos principal as username"},
	};
	char why[GSS_WHY_MAX];
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		ck_assert_ptr_null(load(cases[i].principal, cases[i].keytab, why));
		ck_assert_msg(strstr(why, cases[i].why), "%s", why);
	}
	struct gss_client *client = load("bob", "client", why);
	ck_assert_ptr_nonnull(client);
	gss_client_free(client);
}
END_TEST

/* Like a worker: another user if we are root, and no files but those of gss_client_paths. */
START_TEST(test_in_jail)
{
	int status;
	pid_t pid = fork();
	if (pid == 0) {
		struct gss_client *client = must_load();
		struct privs_jail jail = {.user = "nobody", .may_fork = true, .readable = gss_client_paths(client)};
		struct str reply;
		str_init(&reply, GSS_TOKEN_MAX);
		privs_enter(&jail);
		struct gss_client_exchange *x = gss_client_begin(client, "mail.example.com");
		enum gss_step last = gss_client_step(x, SPAN(""), &reply);
		if (last == GSS_FAILED)
			fprintf(stderr, "%s\n", gss_client_why(x));
		gss_client_end(x);
		_exit(last == GSS_MORE && reply.len > 100 ? 0 : 1);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
}
END_TEST

static bool has(const struct gss_paths *p, const char *path)
{
	for (size_t i = 0; i < p->n; i++)
		if (strcmp(p->at[i], path) == 0)
			return true;
	return false;
}

static void write_conf(const char *name, const char *text, char path[128])
{
	kdc_path(&kdc, name, path);
	FILE *file = fopen(path, "w");
	fprintf(file, text, kdc.folder, kdc.folder, kdc.folder);
	fclose(file);
}

START_TEST(test_paths)
{
	struct gss_paths p;
	char first[128], second[128], both[300];
	write_conf("second.conf",
		   "include %s/first.conf\n\tincludedir   %s\n includedir /nonexistent\n#include %s/service\n", second);
	write_conf("first.conf", "[libdefaults]\n include %s/second.conf\ninclude %s/second.conf \ninclude\n%s", first);
	gss_paths_collect(&p, first);
	ck_assert(has(&p, first) && has(&p, second) && has(&p, kdc.folder) && has(&p, "/etc/hosts"));
	ck_assert(!has(&p, "/nonexistent"));
	ck_assert_ptr_null(p.at[p.n]);
	size_t n = p.n;
	gss_paths_free(&p);
	snprintf(both, sizeof(both), "/nonexistent:%s:%s", second, first);
	gss_paths_collect(&p, both);
	ck_assert_uint_eq(p.n, n);
	gss_paths_free(&p);
	gss_paths_collect(&p, NULL);
	ck_assert_int_eq(has(&p, "/etc/krb5.conf"), access("/etc/krb5.conf", R_OK) == 0);
	gss_paths_free(&p);
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
	Suite *suite = suite_create("delivery_gss");
	TCase *tcase = tcase_create("all");
	tcase_set_timeout(tcase, 60);
	tcase_add_unchecked_fixture(tcase, start, stop);
	tcase_add_test(tcase, test_good);
	tcase_add_test(tcase, test_tickets_are_kept);
	tcase_add_test(tcase, test_tickets_are_renewed);
	tcase_add_test(tcase, test_refused);
	tcase_add_test(tcase, test_kdc_says_nothing);
	tcase_add_test(tcase, test_agent_dies);
	tcase_add_test(tcase, test_wrong_host);
	tcase_add_test(tcase, test_load);
	tcase_add_test(tcase, test_in_jail);
	tcase_add_test(tcase, test_paths);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
