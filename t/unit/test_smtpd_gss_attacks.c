/* What attackers send to the Kerberos of smtpd: octets of another exchange, forged tickets, damaged tokens. */
#include "smtpd/auth/gss_replay.h"
#include "t/unit/gss_forge.h"
#include "t/unit/gss_server_fixture.h"

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

int main(void)
{
	Suite *suite = suite_create("smtpd_gss_attacks");
	TCase *tcase = tcase_create("all");
	tcase_set_timeout(tcase, 60);
	tcase_add_unchecked_fixture(tcase, start, stop);
	tcase_add_test(tcase, test_replay);
	tcase_add_test(tcase, test_replay_ring);
	tcase_add_test(tcase, test_forged);
	tcase_add_test(tcase, test_garbage);
	tcase_add_test(tcase, test_answer_is_sealed);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
