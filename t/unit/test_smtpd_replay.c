/*
 * Replays every script of t/replay against a session. A script is lines of a letter, a colon, a space and text:
 *
 *	I  the address of the client (127.0.0.1)
 *	K  a line for the block of the virtual server; after the first C a new block begins (live policy)
 *	C  the client sends this line; c: without CRLF. In both \r \n \t \0 \xNN \\, and {N*X}: N times X
 *	S  the next line of our replies; * matches any text
 *	X  the session is over
 *	M  the number of messages that are stored by now
 *	D  the next line of the newest message, from its first on after M; Z: there are no more lines
 *	F  the store fails from here on: begin, write, commit or space, and an errno; ok: it works again
 *	T  as many seconds pass
 *	L  a line that is added to the file of recipients: path and line; without a line master says that it is missing
 *	A  an account changes: name and password; without a password the account is deleted
 *	O  TLS is offered: there is a certificate
 *	H  the handshake that the session waits for is done
 *	Q  the answer of the queue to ETRN and ATRN from here on: a number of enum etrn_event, and the waiting messages
 *	R  the roles of the connection are exchanged
 *	E  the client disconnects
 *
 * and # comments. A reply without its S fails the script, at the latest at its end.
 */
#include "smtpd/session/session.h"

#include <check.h>
#include <errno.h>
#include <glob.h>

#include "common/base/clock.h"
#include "common/base/fd.h"
#include "common/base/log_level.h"
#include "t/unit/auth_memory.h"
#include "t/unit/smtpd_memory.h"

enum { SCRIPT_MAX = 1 << 20, BLOCK_MAX = 64 * 1024 };

struct replay {
	const char *file;
	unsigned line;
	struct str block;
	struct config config;
	struct memory_store memory;
	struct store store;
	struct session session;
	struct auth_memory accounts;
	struct auth *auth; /* NULL = there have been no accounts */
	int64_t changes;
	struct known known;
	struct str list; /* of recipients */
	struct etrn etrn;
	enum etrn_event event; /* the answer of the queue */
	uint64_t waiting;
	bool started;
	bool reconfigured; /* K lines since the block was built */
	struct ipaddr client;
	struct str replies;
	size_t replies_at, message_at;
};

static glob_t scripts;

/* '*' stands for any text. */
static bool matches(struct span pattern, struct span text)
{
	size_t star = span_find(pattern, '*');
	if (star == pattern.len)
		return span_equal(pattern, text);
	if (text.len < star || memcmp(pattern.at, text.at, star) != 0)
		return false;
	for (size_t i = star; i <= text.len; i++)
		if (matches(span_skip(pattern, star + 1), span_skip(text, i)))
			return true;
	return false;
}

static void unescape_one(struct str *to, struct span *text)
{
	static const char letters[] = "rnt0\\", octets[] = "\r\n\t\0\\";
	char number[3] = {0};
	const char *found = memchr(letters, text->at[1], sizeof(letters) - 1);
	if (text->at[1] == 'x') {
		memcpy(number, text->at + 2, 2);
		str_append_c(to, (char)strtol(number, NULL, 16));
		*text = span_skip(*text, 4);
	} else {
		ck_assert_msg(found, "unknown escape");
		str_append_c(to, octets[found - letters]);
		*text = span_skip(*text, 2);
	}
}

static void unescape(struct str *to, struct span text)
{
	while (text.len) {
		size_t brace = text.at[0] == '{' ? span_find(text, '}') : text.len;
		if (text.at[0] == '\\') {
			unescape_one(to, &text);
		} else if (brace < text.len) {
			struct span body = {text.at + 1, brace - 1};
			uint64_t times = 0;
			ck_assert(span_to_u64(span_take(&body, '*'), SCRIPT_MAX, &times));
			while (times--)
				unescape(to, body);
			text = span_skip(text, brace + 1);
		} else {
			str_append_c(to, text.at[0]);
			text = span_skip(text, 1);
		}
	}
}

static void configure(struct replay *r)
{
	struct config old = r->config;
	memory_config(str_text(&r->block), &r->config);
	r->session.config = &r->config.servers[0];
	if (r->started)
		config_free(&old);
	str_clear(&r->block);
	r->reconfigured = false;
}

static enum etrn_event ask_queue(void *context, const struct etrn_node *node, uint64_t *count)
{
	const struct replay *r = context;
	ck_assert(node->domain.len > 0);
	*count = r->waiting;
	return r->event;
}

static enum etrn_event offer_queue(void *context, const struct etrn_offer *offer, struct etrn_connection *out)
{
	const struct replay *r = context;
	ck_assert(offer->user.len > 0);
	*out = (struct etrn_connection){-1, -1};
	return r->event;
}

static void start(struct replay *r)
{
	if (r->reconfigured || !r->started)
		configure(r);
	if (r->started)
		return;
	ck_assert(session_init(&r->session, &r->config.servers[0], &r->store, &r->client));
	r->session.auth = r->auth;
	r->session.known = &r->known;
	r->etrn = (struct etrn){r, ask_queue, offer_queue};
	r->session.etrn = &r->etrn;
	memory_greet(&r->session);
	r->started = true;
}

static void collect(struct replay *r)
{
	str_append(&r->replies, str_span(&r->session.out));
	str_clear(&r->session.out);
}

static void say(struct replay *r, struct span text, bool whole_line)
{
	struct str octets;
	str_init(&octets, MEMORY_MAX);
	unescape(&octets, text);
	if (whole_line)
		str_append(&octets, SPAN("\r\n"));
	collect(r);
	size_t taken = memory_feed(&r->session, str_span(&octets), SIZE_MAX, &r->replies);
	/* Input after the last command, or together with STARTTLS, is discarded. */
	bool deaf = session_wants(&r->session) == SESSION_WANTS_CLOSE ||
		    session_wants(&r->session) == SESSION_WANTS_HANDSHAKE;
	ck_assert_msg(taken == octets.len || deaf, "%s:%u: the session did not take all", r->file, r->line);
	str_free(&octets);
}

static void expect_reply(struct replay *r, struct span pattern)
{
	collect(r);
	struct span rest = span_skip(str_span(&r->replies), r->replies_at), line;
	ck_assert_msg(span_line(&rest, &line), "%s:%u: no reply", r->file, r->line);
	r->replies_at = r->replies.len - rest.len;
	ck_assert_msg(matches(pattern, line), "%s:%u: the reply is\n%.*s", r->file, r->line, SPAN_ARGS(line));
}

static struct span message_rest(const struct replay *r)
{
	return span_skip(str_span(&r->memory.last), r->message_at);
}

static void expect_text(struct replay *r, struct span pattern)
{
	struct span rest = message_rest(r);
	size_t at = span_find(rest, '\n');
	struct span line = {rest.at, at && at < rest.len && rest.at[at - 1] == '\r' ? at - 1 : at};
	ck_assert_msg(rest.len, "%s:%u: the message ends", r->file, r->line);
	r->message_at += at + (at < rest.len);
	ck_assert_msg(matches(pattern, line), "%s:%u: the line is\n%.*s", r->file, r->line, SPAN_ARGS(line));
}

static void fail_store(struct replay *r, struct span text)
{
	struct memory_store *m = &r->memory;
	struct span what = span_take(&text, ' ');
	int error = span_equal(text, SPAN("ENOSPC")) ? -ENOSPC : span_equal(text, SPAN("ENOMEM")) ? -ENOMEM : -EIO;
	m->begin_error = span_equal(what, SPAN("begin")) ? error : 0;
	m->write_error = span_equal(what, SPAN("write")) ? error : 0;
	m->commit_error = span_equal(what, SPAN("commit")) ? error : 0;
	m->full = span_equal(what, SPAN("space"));
}

static uint64_t number(struct replay *r, struct span text)
{
	uint64_t value = 0;
	ck_assert_msg(span_to_u64(text, UINT32_MAX, &value), "%s:%u: no number", r->file, r->line);
	return value;
}

static void expect_stored(struct replay *r, struct span text)
{
	ck_assert_msg(r->memory.stored == number(r, text), "%s:%u: %u messages are stored", r->file, r->line,
		      r->memory.stored);
	r->message_at = 0;
}

static void shake_hands(struct replay *r)
{
	const struct session_tls tls = {
		.on = true, .version = "TLSv1.3", .cipher = "TLS_AES_128_GCM_SHA256", .bits = 128};
	ck_assert_msg(session_wants(&r->session) == SESSION_WANTS_HANDSHAKE, "%s:%u: no handshake is due", r->file,
		      r->line);
	session_secured(&r->session, &tls);
}

static void remove_account(struct replay *r, struct span name)
{
	struct span rest = str_span(&r->accounts.text), line;
	struct str left;
	str_init(&left, SCRIPT_MAX);
	while (span_line(&rest, &line))
		if (!span_starts_nocase(line, name) || line.at[name.len] != ' ')
			str_printf(&left, "%.*s\n", SPAN_ARGS(line));
	str_free(&r->accounts.text);
	r->accounts.text = left;
	auth_memory_read(&r->accounts);
}

static void change_account(struct replay *r, struct span text)
{
	char name[ACCOUNT_NAME_MAX + 1], password[65];
	if (!r->auth) {
		struct auth_users users = auth_memory_users(&r->accounts);
		r->auth = auth_new(&users, NULL, 10);
		ck_assert(r->auth != NULL);
	}
	ck_assert(span_copy(span_take(&text, ' '), name, sizeof(name)) && span_copy(text, password, sizeof(password)));
	remove_account(r, span_of(name));
	if (password[0])
		auth_memory_add(&r->accounts, name, password, ++r->changes);
}

static void change_recipients(struct replay *r, struct span text)
{
	struct wire_recipients news = {.file = span_take(&text, ' ')};
	news.present = text.len > 0;
	if (news.present)
		str_printf(&r->list, "%.*s\n", SPAN_ARGS(text));
	int fd = fd_sealed("recipients", str_span(&r->list));
	ck_assert_int_ge(fd, 0);
	known_take(&r->known, &news, fd);
	fd_close(&fd);
}

static void run_line(struct replay *r, char letter, struct span text)
{
	if (letter == 'K') {
		str_printf(&r->block, "%.*s\n", SPAN_ARGS(text));
		r->reconfigured = true;
		return;
	}
	if (letter == 'I') {
		ck_assert(ipaddr_parse(text, &r->client));
		return;
	}
	if (letter == 'L') {
		change_recipients(r, text);
		return;
	}
	if (letter == 'A') {
		change_account(r, text);
		return;
	}
	start(r);
	switch (letter) {
	case 'C':
	case 'c':
		say(r, text, letter == 'C');
		break;
	case 'S':
		expect_reply(r, text);
		break;
	case 'M':
		expect_stored(r, text);
		break;
	case 'D':
		expect_text(r, text);
		break;
	case 'Z':
		ck_assert_msg(!message_rest(r).len, "%s:%u: the message goes on", r->file, r->line);
		break;
	case 'F':
		fail_store(r, text);
		break;
	case 'T':
		r->memory.wall_ms += (int64_t)number(r, text) * 1000;
		break;
	case 'O':
		r->session.tls.offered = true;
		break;
	case 'H':
		shake_hands(r);
		break;
	case 'Q':
		r->event = (enum etrn_event)number(r, span_take(&text, ' '));
		r->waiting = number(r, text);
		break;
	case 'R':
		ck_assert_msg(session_wants(&r->session) == SESSION_WANTS_ATRN_RELAY,
			      "%s:%u: its roles are not exchanged", r->file, r->line);
		break;
	case 'E':
		session_close(&r->session);
		break;
	case 'X':
		ck_assert_msg(session_wants(&r->session) == SESSION_WANTS_CLOSE, "%s:%u: the session goes on", r->file,
			      r->line);
		break;
	default:
		ck_abort_msg("%s:%u: unknown line of a script", r->file, r->line);
	}
}

static void run_script(struct replay *r, struct span script)
{
	struct span line;
	while (span_line(&script, &line)) {
		r->line++;
		if (!line.len || line.at[0] == '#')
			continue;
		ck_assert_msg(line.len >= 2 && line.at[1] == ':', "%s:%u: a letter and a colon are missing", r->file,
			      r->line);
		run_line(r, line.at[0], span_skip(line, line.len > 2 ? 3 : 2));
	}
	collect(r);
	ck_assert_msg(r->replies_at == r->replies.len, "%s: unexpected reply\n%s", r->file,
		      r->replies.at + r->replies_at);
}

static void read_script(const char *path, struct str *to)
{
	char chunk[4096];
	FILE *file = fopen(path, "rb");
	ck_assert(file != NULL);
	for (size_t n; (n = fread(chunk, 1, sizeof(chunk), file)) > 0;)
		str_append(to, (struct span){chunk, n});
	fclose(file);
}

START_TEST(test_script)
{
	struct replay r = {.file = scripts.gl_pathv[_i], .client = memory_address("127.0.0.1")};
	struct str script;
	str_init(&script, SCRIPT_MAX);
	str_init(&r.block, BLOCK_MAX);
	str_init(&r.replies, MEMORY_MAX);
	str_init(&r.list, SCRIPT_MAX);
	r.store = memory_store_init(&r.memory);
	read_script(r.file, &script);
	run_script(&r, str_span(&script));
	session_free(&r.session);
	auth_free(r.auth);
	if (r.auth)
		auth_memory_free(&r.accounts);
	ck_assert_msg(!r.memory.open, "%s: a message is left open", r.file);
	memory_store_free(&r.memory);
	config_free(&r.config);
	known_free(&r.known);
	str_free(&r.list);
	str_free(&r.block);
	str_free(&r.replies);
	str_free(&script);
}
END_TEST

int main(void)
{
	setenv("TZ", "UTC", 1);
	log_set_level(LOG_LEVEL_ERROR);
	if (glob(SOURCE_DIR "/t/replay/*.smtp", 0, NULL, &scripts) != 0)
		return EXIT_FAILURE;
	Suite *suite = suite_create("smtpd_replay");
	TCase *tcase = tcase_create("scripts");
	tcase_add_loop_test(tcase, test_script, 0, (int)scripts.gl_pathc);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	globfree(&scripts);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
