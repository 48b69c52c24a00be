/*
 * Replays the scripts t/replay/NAME.dialogue against the client's state machine. Lines of a script:
 *
 *	sender A | rcpt A | size N | 8bit | return-8bit | helo     the message, and the greeting of the host
 *	ret R | envid X | notify N | orcpt O    requests for notices; N and O for the last recipient
 *	tls LEVEL | implicit | return | found   requirements for the connection
 *	auth TEXT            TEXT follows AUTH, if the host offers the first word of it
 *	unverified           auth over any connection
 *	token xoauth2 | oauthbearer [SECONDS TEXT]   the real AUTH, with the access token TEXT that ends in SECONDS
 *	S: TEXT              the host sends this line
 *	C: TEXT              the client must have sent this line
 *	C: (message)         the client must be about to send the message, and does
 *	begin                the client must be idle, and begins a transaction for open recipients
 *	+Ns                  N seconds pass; a time-out that is due happens
 *	lost                 the host closes the connection
 *	handshake verified | unverified | TEXT  a handshake must be due; it succeeds, or fails with TEXT
 *	clear-next | no-clear                   whether the end permits the next connection in clear
 *	idle | closed        the state that the client must have now
 *	= N EVENT CODE ENHANCED TEXT            the outcome of recipient N must be this; "= N open"
 *	failure EVENT CODE ENHANCED TEXT        the outcome of open recipients must be this
 */
#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/fd.h"
#include "common/ipc/tokens.h"
#include "delivery/smtp/dialogue.h"
#include "t/unit/suite.h"

enum { RCPTS_MAX = 300 };

struct script {
	const char *file;
	int line;
	struct dialogue dialogue;
	struct dialogue_mail mail;
	struct arena arena;
	struct address rcpts[RCPTS_MAX];
	struct dsn_rcpt dsn_rcpts[RCPTS_MAX];
	struct envelope envelope;
	struct outcomes outcomes;
	struct str pending; /* sent, and not yet compared */
	enum dialogue_next next;
	bool started, helo;
	int64_t waited_ms;
	struct sasl sasl;
	struct str auth;
	bool impostor;
	struct sasl_user user;
	struct token token;
	const struct sasl *real;
	struct tokens *page;
};

/* An authentication that answers each challenge with the challenge and a !; it fails at the challenge "wrong". */

static bool fake_begin(void *context, struct span mechanisms, struct str *to, const char **why)
{
	struct script *s = context;
	struct span words = str_span(&s->auth), wanted = span_take(&words, ' ');
	*why = "it is not the one wanted";
	s->impostor = false;
	while (mechanisms.len)
		if (span_equal(span_take(&mechanisms, ' '), wanted))
			return str_append(to, str_span(&s->auth));
	return false;
}

static bool fake_answer(void *context, struct span challenge, struct str *to, const char **why)
{
	struct script *s = context;
	*why = "a wrong challenge";
	s->impostor = span_equal(challenge, SPAN("impostor"));
	return !span_equal(challenge, SPAN("wrong")) && str_append(to, challenge) && str_append_c(to, '!');
}

static bool fake_finish(void *context, const char **why)
{
	*why = "the host does not know us";
	return !((struct script *)context)->impostor;
}

static void collect(struct script *s, enum dialogue_next next)
{
	s->next = next;
	s->waited_ms = 0;
	str_append(&s->pending, str_span(&s->dialogue.out));
	str_clear(&s->dialogue.out);
}

static void fail_at(const struct script *s, const char *what, struct span seen)
{
	ck_abort_msg("%s:%d: %s: \"%.*s\"", s->file, s->line, what, SPAN_ARGS(seen));
}

static void start(struct script *s)
{
	if (s->started)
		return;
	s->started = true;
	s->envelope.rcpts = s->rcpts;
	s->envelope.dsn_rcpts = s->dsn_rcpts;
	ck_assert(outcomes_select(&s->outcomes, &s->arena, &s->envelope, (struct span){0}));
	collect(s, dialogue_start(&s->dialogue, SPAN("mx[192.0.2.1]:25"), s->helo));
}

static void expect_sent(struct script *s, struct span text)
{
	struct span rest = str_span(&s->pending), line = {0};
	start(s);
	if (span_equal(text, SPAN("(message)"))) {
		if (s->next != DIALOGUE_SEND_BODY)
			fail_at(s, "the message is not wanted; sent", rest);
		collect(s, dialogue_sent(&s->dialogue));
		return;
	}
	if (!span_line(&rest, &line) || !span_equal(line, text))
		fail_at(s, "sent instead", line);
	struct str left;
	str_init(&left, DIALOGUE_OUT_MAX);
	str_append(&left, rest);
	str_free(&s->pending);
	s->pending = left;
}

static void expect_nothing_sent(struct script *s)
{
	if (s->pending.len)
		fail_at(s, "sent, but not expected", str_span(&s->pending));
}

static void hear(struct script *s, struct span text)
{
	start(s);
	expect_nothing_sent(s);
	collect(s, dialogue_line(&s->dialogue, text));
}

static void describe(const struct outcome *o, struct str *to)
{
	char enhanced[ENHANCED_TEXT_MAX];
	enhanced_format(o->enhanced, enhanced);
	str_printf(to, "%s %d %s %.*s", journal_event_name(o->event), o->code, *enhanced ? enhanced : "-",
		   SPAN_ARGS(o->text));
}

static void expect_outcome(struct script *s, struct span text)
{
	uint64_t n;
	struct str seen;
	str_init(&seen, 2000);
	ck_assert(span_to_u64(span_take(&text, ' '), s->outcomes.n - 1, &n));
	const struct outcome *o = s->outcomes.rcpts[n].outcome;
	if (o)
		describe(o, &seen);
	else
		str_append_text(&seen, "open");
	if (!span_equal(str_span(&seen), text))
		fail_at(s, "outcome", str_span(&seen));
	str_free(&seen);
}

static void expect_failure(struct script *s, struct span text)
{
	struct str seen;
	str_init(&seen, 2000);
	describe(&s->dialogue.failure, &seen);
	if (!span_equal(str_span(&seen), text))
		fail_at(s, "failure", str_span(&seen));
	str_free(&seen);
}

static void pass_time(struct script *s, struct span text)
{
	uint64_t seconds;
	start(s);
	ck_assert(span_to_u64((struct span){text.at, text.len - 1}, 100000, &seconds));
	s->waited_ms += (int64_t)seconds * 1000;
	if (s->waited_ms >= dialogue_timeout(&s->dialogue))
		collect(s, dialogue_broken(&s->dialogue, DIALOGUE_TIMEOUT, (struct span){0}));
}

static void shake_hands(struct script *s, struct span how)
{
	bool verified = span_equal(how, SPAN("verified"));
	start(s);
	expect_nothing_sent(s);
	if (s->next != DIALOGUE_HANDSHAKE)
		fail_at(s, "no handshake is wanted", how);
	if (verified || span_equal(how, SPAN("unverified")))
		collect(s, dialogue_secured(&s->dialogue, verified, SPAN("TLSv1.3")));
	else
		collect(s, dialogue_broken(&s->dialogue, DIALOGUE_UNTRUSTED, how));
}

static void begin(struct script *s)
{
	expect_nothing_sent(s);
	if (s->next != DIALOGUE_IDLE)
		fail_at(s, "not idle", SPAN(""));
	collect(s, dialogue_begin(&s->dialogue, &s->mail, &s->outcomes));
}

static void expect_state(struct script *s, enum dialogue_next next)
{
	expect_nothing_sent(s);
	if (s->next != next)
		fail_at(s, "another state", SPAN(""));
}

/* The page lasts as long as the test, which never unmaps it. */
static struct tokens *make_page(struct script *s)
{
	int write_fd, read_fd;
	ck_assert_int_eq(tokens_create(&write_fd, &read_fd), 0);
	s->page = tokens_map_writable(write_fd);
	s->user.tokens = tokens_map(read_fd);
	close(write_fd);
	close(read_fd);
	return s->page;
}

/* FORM [SECONDS TEXT] */
static bool set_up_token(struct script *s, struct span form)
{
	struct span rest = form, word = span_take(&rest, ' '), life = span_take(&rest, ' ');
	uint64_t seconds = 0;
	struct dialogue_security *security = &s->dialogue.security;
	bool rfc7628 = span_equal(word, SPAN("oauthbearer"));
	ck_assert(make_page(s) && rest.len <= TOKENS_TOKEN_MAX);
	if (span_to_u64(life, 100000, &seconds)) {
		s->token = (struct token){.identity = 7,
					  .serial = 1,
					  .until_ms = clock_wall_ms() + (int64_t)seconds * 1000,
					  .length = rest.len};
		memcpy(s->token.octets, rest.at, rest.len);
		tokens_write(s->page, 0, &s->token);
	}
	s->user.auth = rfc7628 ? CONFIG_AUTH_OAUTHBEARER : CONFIG_AUTH_XOAUTH2;
	s->user.username = "relay@example.com";
	s->user.identity = 7;
	security->sasl = s->real = sasl_open(&s->user, NULL, "mx", 587);
	security->credentials = SPAN("connector x");
	return s->real && (rfc7628 || span_equal(word, SPAN("xoauth2")));
}

static bool set_up_security(struct script *s, struct span word, struct span value)
{
	static const char *const levels[] = {"off", "opportunistic", "encrypt", "verify"};
	struct dialogue_security *security = &s->dialogue.security;
	bool known = false;
	for (unsigned i = 0; span_equal(word, SPAN("tls")) && i < 4; i++)
		if (span_equal(value, span_of(levels[i]))) {
			security->tls = (enum config_tls)i;
			known = true;
		}
	security->implicit |= span_equal(word, SPAN("implicit"));
	security->auth_unverified |= span_equal(word, SPAN("unverified"));
	security->found |= span_equal(word, SPAN("found"));
	if (span_equal(word, SPAN("return")))
		security->missing = CONFIG_TLS_MISSING_RETURN;
	if (span_equal(word, SPAN("implicit")) || span_equal(word, SPAN("unverified")) ||
	    span_equal(word, SPAN("return")) || span_equal(word, SPAN("found")))
		return true;
	if (span_equal(word, SPAN("token")))
		return set_up_token(s, value);
	if (!span_equal(word, SPAN("auth")))
		return known;
	s->sasl = (struct sasl){s, fake_begin, fake_answer, fake_finish, 0, ""};
	security->sasl = &s->sasl;
	security->credentials = SPAN("connector x");
	return str_append(&s->auth, value);
}

static bool set_up_dsn(struct script *s, struct span word, struct span value)
{
	struct dsn_rcpt *rcpt = s->envelope.rcpt_count ? &s->dsn_rcpts[s->envelope.rcpt_count - 1] : NULL;
	if (span_equal(word, SPAN("ret")))
		return dsn_parse_ret(value, &s->mail.dsn.ret);
	if (span_equal(word, SPAN("envid")))
		return dsn_parse_envid(value, &s->mail.dsn.envid);
	if (span_equal(word, SPAN("notify")))
		return rcpt && dsn_parse_notify(value, &rcpt->notify);
	return span_equal(word, SPAN("orcpt")) && rcpt && dsn_parse_orcpt(value, &rcpt->orcpt);
}

static void set_up(struct script *s, struct span word, struct span value)
{
	uint64_t size = 0;
	if (span_equal(word, SPAN("sender")))
		s->mail.sender = value;
	else if (span_equal(word, SPAN("rcpt")))
		s->rcpts[s->envelope.rcpt_count++].text = value;
	else if (span_equal(word, SPAN("size")) && span_to_u64(value, UINT64_MAX, &size))
		s->mail.size = size;
	else if (span_equal(word, SPAN("8bit")))
		s->mail.eight_bit = true;
	else if (span_equal(word, SPAN("return-8bit")))
		s->mail.return_eight_bit = true;
	else if (span_equal(word, SPAN("helo")))
		s->helo = true;
	else if (!set_up_dsn(s, word, value) && !set_up_security(s, word, value))
		fail_at(s, "unknown line", word);
}

static void run_line(struct script *s, struct span line)
{
	struct span value = line, word = span_take(&value, ' ');
	if (span_equal(word, SPAN("S:")))
		hear(s, value);
	else if (span_equal(word, SPAN("C:")))
		expect_sent(s, value);
	else if (span_equal(word, SPAN("begin")))
		begin(s);
	else if (word.at[0] == '+')
		pass_time(s, span_skip(word, 1));
	else if (span_equal(word, SPAN("lost")))
		collect(s, dialogue_broken(&s->dialogue, DIALOGUE_LOST, (struct span){0}));
	else if (span_equal(word, SPAN("handshake")))
		shake_hands(s, value);
	else if (span_equal(word, SPAN("clear-next")) || span_equal(word, SPAN("no-clear")))
		ck_assert_msg(s->dialogue.tls_failed == (word.at[0] == 'c'), "%s:%d", s->file, s->line);
	else if (span_equal(word, SPAN("idle")))
		expect_state(s, DIALOGUE_IDLE);
	else if (span_equal(word, SPAN("closed")))
		expect_state(s, DIALOGUE_HANG_UP);
	else if (span_equal(word, SPAN("=")))
		expect_outcome(s, value);
	else if (span_equal(word, SPAN("failure")))
		expect_failure(s, value);
	else
		set_up(s, word, value);
}

static void run_script(const char *file, struct span text)
{
	struct script s = {.file = file,
			   .mail = {.sender = SPAN("a@example.com"),
				    .size = 1000,
				    .written = SPAN("connector x (route in mailroot.conf:12)")}};
	struct span line;
	arena_init(&s.arena, OUTCOME_ARENA_MAX);
	str_init(&s.pending, DIALOGUE_OUT_MAX);
	str_init(&s.auth, SASL_LINE_MAX);
	dialogue_init(&s.dialogue, SPAN("relay.example.com"));
	while (span_line(&text, &line)) {
		s.line++;
		if (line.len && line.at[0] != '#')
			run_line(&s, line);
	}
	expect_nothing_sent(&s);
	ck_assert(s.started);
	str_free(&s.pending);
	str_free(&s.auth);
	sasl_close(s.real);
	dialogue_free(&s.dialogue);
	arena_free(&s.arena);
}

static void run_file(const char *name)
{
	char path[4096];
	struct str text;
	str_init(&text, 1 << 20);
	snprintf(path, sizeof(path), "%s/t/replay/%s", SOURCE_DIR, name);
	FILE *file = fopen(path, "r");
	ck_assert_ptr_nonnull(file);
	ck_assert_int_eq(fd_read_all(fileno(file), &text), 0);
	fclose(file);
	run_script(name, str_span(&text));
	str_free(&text);
}

START_TEST(scripts)
{
	DIR *dir = opendir(SOURCE_DIR "/t/replay");
	struct dirent *entry;
	int count = 0;
	ck_assert_ptr_nonnull(dir);
	while ((entry = readdir(dir))) {
		if (!span_ends_nocase(span_of(entry->d_name), SPAN(".dialogue")))
			continue;
		run_file(entry->d_name);
		count++;
	}
	closedir(dir);
	ck_assert_int_ge(count, 20);
}
END_TEST

/* More recipients than the window: it is never exceeded, DATA follows the last RCPT, and all recipients are decided. */
START_TEST(window)
{
	struct str text;
	str_init(&text, 1 << 20);
	for (int i = 0; i < RCPTS_MAX; i++)
		str_printf(&text, "rcpt r%d@example.net\n", i);
	str_append_text(&text, "S: 220 hi\nC: EHLO relay.example.com\nS: 250-mx\nS: 250 PIPELINING\nbegin\n"
			       "C: MAIL FROM:<a@example.com>\n");
	for (int i = 0; i < DIALOGUE_WINDOW; i++)
		str_printf(&text, "C: RCPT TO:<r%d@example.net>\n", i);
	str_append_text(&text, "S: 250 ok\n");
	for (int i = 0; i < RCPTS_MAX; i++) {
		str_append_text(&text, "S: 250 ok\n");
		if (i + DIALOGUE_WINDOW < RCPTS_MAX)
			str_printf(&text, "C: RCPT TO:<r%d@example.net>\n", i + DIALOGUE_WINDOW);
		if (i + DIALOGUE_WINDOW == RCPTS_MAX - 1)
			str_append_text(&text, "C: DATA\n");
	}
	str_append_text(&text, "S: 354 go\nC: (message)\nS: 250 done\nidle\n");
	str_printf(&text, "= %d delivered 250 2.0.0 done\n", RCPTS_MAX - 1);
	ck_assert(!text.failed);
	run_script("window", str_span(&text));
	str_free(&text);
}
END_TEST

/* An initial response that is too long for a command is sent after an empty challenge. A challenge may be as long as
 * RFC 4954 allows. The client gives up a host that sends challenges without end. */
START_TEST(long_authentication)
{
	char octets[3001];
	struct str text;
	str_init(&text, 1 << 20);
	memset(octets, 'x', sizeof(octets) - 1);
	octets[sizeof(octets) - 1] = '\0';
	str_printf(&text, "rcpt b@example.net\nunverified\nauth LONG %s\nS: 220 hi\nC: EHLO relay.example.com\n",
		   octets);
	str_printf(&text, "S: 250-mx\nS: 250 AUTH LONG\nC: AUTH LONG\nS: 334 \nC: %s\nS: 334 %s%s%s\nC: %s%s%s!\n",
		   octets, octets, octets, octets, octets, octets, octets);
	for (int i = 0; i < 8; i++)
		str_append_text(&text, "S: 334\nC: !\n");
	struct str more;
	str_init(&more, 1 << 20);
	str_append(&more, str_span(&text));
	str_append_text(&text, "S: 235 good\nidle\n");
	run_script("10 rounds", str_span(&text));
	str_append_text(
		&more,
		"S: 334 \nC: *\nC: QUIT\nclosed\nfailure delayed 0 4.7.5 can't authenticate with the settings of "
		"connector x: the host sends too many challenges\n");
	run_script("11 rounds", str_span(&more));
	str_free(&text);
	str_free(&more);
}
END_TEST

/* No time-out is shorter than in RFC 5321 4.5.3.2. */
START_TEST(timeouts)
{
	struct dialogue d = {.state = DIALOGUE_GREETING};
	ck_assert_int_eq(dialogue_timeout(&d), 300000);
	d.state = DIALOGUE_DATA;
	ck_assert_int_eq(dialogue_timeout(&d), 120000);
	d.state = DIALOGUE_BODY;
	ck_assert_int_eq(dialogue_timeout(&d), 180000);
	d.state = DIALOGUE_FINAL;
	ck_assert_int_eq(dialogue_timeout(&d), 600000);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("dialogue");
	TCase *all = tcase_create("all");
	tcase_add_test(all, scripts);
	tcase_add_test(all, window);
	tcase_add_test(all, long_authentication);
	tcase_add_test(all, timeouts);
	suite_add_tcase(suite, all);
	return suite_run(suite);
}
