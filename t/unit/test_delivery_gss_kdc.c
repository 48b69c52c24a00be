/* The Kerberos client and its KDC: tickets are kept and renewed; a KDC that refuses, is down, or does not answer. */
#include <arpa/inet.h>
#include <sys/socket.h>

#include "common/base/clock.h"
#include "t/unit/gss_client_fixture.h"

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

int main(void)
{
	Suite *suite = suite_create("delivery_gss_kdc");
	TCase *tcase = tcase_create("all");
	tcase_set_timeout(tcase, 60);
	tcase_add_unchecked_fixture(tcase, start, stop);
	tcase_add_test(tcase, test_tickets_are_kept);
	tcase_add_test(tcase, test_tickets_are_renewed);
	tcase_add_test(tcase, test_refused);
	tcase_add_test(tcase, test_kdc_says_nothing);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
