/*
 * mailrootctl oauth against a service that a forked process simulates: "one" has two blocks with tokens, "two" one,
 * "three" none.
 */
#include "common/base/fd.h"
#include "t/unit/ctl_fixture.h"

/* What mailroot-web was told, for the test: the action, the block, and what came through the pipe. */
static void note(const struct wire_oauth_act *act, int pipe)
{
	char path[100], text[500], token[100] = "";
	ssize_t n = pipe >= 0 ? read(pipe, token, sizeof(token) - 1) : 0;

	snprintf(path, sizeof(path), "%s/told", folder);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	int len = snprintf(text, sizeof(text), "%u %.*s %.*s", (unsigned)act->action, SPAN_ARGS(act->security),
			   n > 0 ? (int)n : 0, token);
	if (write(fd, text, (size_t)len) != len)
		_exit(9);
	close(fd);
}

static void play_web(int fd, bool one, const struct wire_oauth_act *act, int pipe)
{
	if (act->action != ROW_OAUTH_STATUS)
		note(act, pipe);
	switch ((enum row_oauth_action)act->action) {
	case ROW_OAUTH_STATUS:
		if (one) {
			send_row(fd, ROW_TOKEN, "virtual_server|xoauth2|relay@example.com|valid|3000|1200||");
			send_row(fd, ROW_TOKEN,
				 "connector partner|oauthbearer|p@example.net|waiting||60|the secret \x1b expired|125");
		} else {
			send_row(fd, ROW_TOKEN, "remote_domain b.test|xoauth2|b@example.org|login||||");
		}
		send_done(fd, 0, "", -1);
		break;
	case ROW_OAUTH_TEST:
		if (one)
			send_row(fd, ROW_CLAIM, "aud|https://outlook.office365.com");
		send_done(fd, !one, one ? "a token came; it is valid for 1h" : "invalid_client: wrong secret", -1);
		break;
	case ROW_OAUTH_LOGIN:
		send_row(fd, ROW_SIGN_IN, "https://login.test/device|ABC-123|900");
		send_row(fd, ROW_PROGRESS, "1");
		send_done(fd, 0, "b@example.org has signed in", -1);
		break;
	case ROW_OAUTH_FORGET:
	case ROW_OAUTH_IMPORT:
		send_done(fd, 0, "", -1);
		break;
	}
}

static void play_connect(int fd, const struct wire_ctl_connect *connect)
{
	static char buffer[WIRE_PACKET_MAX];
	struct ipc_packet packet;
	struct wire_oauth_act act;

	if (connect->kind != CHILD_WEB)
		_exit(9);
	int link = send_link(fd);
	if (link < 0)
		return;
	bool one = span_equal(connect->server, SPAN("one"));
	while (ipc_receive(link, buffer, sizeof(buffer), 0, &packet) == 0 && !packet.eof) {
		if (wire_decode_oauth_act(packet.text, &act))
			play_web(link, one, &act, packet.fd_count ? packet.fds[0] : -1);
		ipc_packet_close(&packet);
	}
	_exit(0);
}

static void play_master(int fd)
{
	static char buffer[WIRE_PACKET_MAX];
	struct ipc_packet packet;
	struct wire_ctl_connect connect;

	if (ipc_receive(fd, buffer, sizeof(buffer), 0, &packet) || packet.eof)
		return;
	if (wire_decode_ctl_connect(packet.text, &connect)) {
		play_connect(fd, &connect);
		return;
	}
	send_row(fd, ROW_SERVICE, "9.9|123|3700|/etc/m.conf|2");
	send_row(fd, ROW_SERVER, "one|running||");
	send_row(fd, ROW_PROCESS, "one|web|ready|124|60|0|");
	send_row(fd, ROW_SERVER, "two|running||");
	send_row(fd, ROW_PROCESS, "two|web|ready|125|60|0|");
	send_row(fd, ROW_SERVER, "three|running||");
	send_row(fd, ROW_PROCESS, "three|queue|ready|126|60|0|");
	send_done(fd, 0, "", -1);
}

static void setup(void)
{
	fixture_open(play_master);
}

/* What mailroot-web was told last, "" = nothing. */
static const char *told(void)
{
	static char text[500];
	char path[100];

	snprintf(path, sizeof(path), "%s/told", folder);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd >= 0 ? read(fd, text, sizeof(text) - 1) : 0;
	text[n > 0 ? n : 0] = '\0';
	fd_close(&fd);
	unlink(path);
	return text;
}

START_TEST(status_has_a_line_for_each_block)
{
	expect("oauth status", EXIT_DONE, "SERVER");
	shows("one     virtual_server        relay@example.com  xoauth2      valid");
	shows("50m");
	shows("waits after an error");
	shows("2m 5s ago: the secret");
	shows("two     remote_domain b.test  b@example.org      xoauth2      a person must sign in");
	ck_assert_ptr_null(strchr(output, '\x1b'));
	ck_assert_ptr_null(strstr(output, "three"));
	expect("oauth status --server two", EXIT_DONE, "remote_domain b.test");
	ck_assert_ptr_null(strstr(output, "partner"));
	expect("oauth status --server three", EXIT_FAILED, "no virtual server of the name three uses access tokens");
	expect("oauth status --json", EXIT_DONE,
	       "{\"tokens\":[{\"server\":\"one\",\"block\":\"virtual_server\",\"mechanism\":\"xoauth2\",\"user\":"
	       "\"relay@example.com\",\"state\":\"valid\",\"valid_s\":3000,\"next_s\":1200,\"error\":\"\",\"error_age_s\":"
	       "null}");
}
END_TEST

START_TEST(a_block_is_named_or_the_only_one)
{
	expect("oauth test", EXIT_FAILED, "which block? There are: virtual_server of server one; connector partner of");
	ck_assert_str_eq(told(), "");
	expect("oauth test connector partner", EXIT_DONE, "  aud        https://outlook.office365.com\na token came;");
	ck_assert_str_eq(told(), "2 connector partner ");
	expect("oauth test partner", EXIT_DONE, "a token came");
	expect("oauth test virtual_server --server one --json", EXIT_DONE,
	       "{\"server\":\"one\",\"block\":\"virtual_server\",\"claims\":{\"aud\":\"https://outlook.office365.com\"},"
	       "\"good\":true,\"said\":\"a token came; it is valid for 1h\"}\n");
	expect("oauth test --server two", EXIT_FAILED,
	       "remote_domain b.test of server two: invalid_client: wrong secret");
	expect("oauth test artner", EXIT_FAILED, "no block artner uses access tokens. There are: virtual_server of");
	expect("oauth test a b c", EXIT_USAGE, "too many");
	expect("oauth", EXIT_USAGE, "status, test, login, import, forget");
}
END_TEST

START_TEST(login_shows_where_and_with_what)
{
	expect("oauth login b.test", EXIT_DONE,
	       "Open https://login.test/device in a browser on any computer, enter the");
	shows("code ABC-123 and sign in as b@example.org");
	shows("ends in 15m");
	shows("\nb@example.org has signed in\n");
	expect("oauth login b.test --json", EXIT_DONE,
	       "\"sign_in\":{\"url\":\"https://login.test/device\",\"code\":\"ABC-123\",\"expires_s\":900},\"good\":true");
}
END_TEST

START_TEST(nothing_is_forgotten_without_a_yes)
{
	expect("oauth forget b.test", EXIT_FAILED, "a person must sign in again. Nothing was done");
	ck_assert_str_eq(told(), "");
	expect("oauth forget b.test --yes", EXIT_DONE, "");
	ck_assert_str_eq(told(), "4 remote_domain b.test ");
}
END_TEST

/* It goes through a pipe, and is shown nowhere. */
START_TEST(a_refresh_token_comes_from_standard_input)
{
	ck_assert_int_eq(run("oauth import b.test", "  1.AXoA-secret~\nmore\n"), EXIT_DONE);
	ck_assert_str_eq(told(), "5 remote_domain b.test 1.AXoA-secret~");
	ck_assert_str_eq(output, "");
	ck_assert_int_eq(run("oauth import b.test", ""), EXIT_FAILED);
	shows("no refresh token was given");
	ck_assert_int_eq(run("oauth import b.test", "\n"), EXIT_FAILED);
	shows("no refresh token was given");
	ck_assert_int_eq(run("oauth import b.test", "two words\n"), EXIT_FAILED);
	shows("has no blanks");
	ck_assert_ptr_null(strstr(output, "two words"));
	char *many = malloc(20000);
	memset(many, 'a', 19999);
	many[19999] = '\0';
	ck_assert_int_eq(run("oauth import b.test", many), EXIT_FAILED);
	shows("at most 12000 octets");
	free(many);
	ck_assert_str_eq(told(), "");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ctl_oauth");
	TCase *tc = tcase_create("ctl_oauth");
	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, setup, fixture_close);
	tcase_add_test(tc, status_has_a_line_for_each_block);
	tcase_add_test(tc, a_block_is_named_or_the_only_one);
	tcase_add_test(tc, login_shows_where_and_with_what);
	tcase_add_test(tc, nothing_is_forgotten_without_a_yes);
	tcase_add_test(tc, a_refresh_token_comes_from_standard_input);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
