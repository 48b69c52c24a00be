/*
 * Replays every script (.retry) of t/replay against a whole queue with a simulated clock: months in seconds.
 * A script is lines of words, # begins a comment:
 *
 *	conf TEXT            a line in the block of the virtual server, first; 192.0.2.1 is the smart host
 *	mail NAME RCPT ...   a message is accepted; "from ADDRESS" after NAME sets its sender
 *	crowd N RCPT         N messages without name are accepted
 *	ask WORDS            NOTIFY of the recipients of the next mail
 *	host N WORD          the reply of 192.0.2.N from now on: 250 (initially), 451, 550, or down: no answer
 *	run DURATION         time passes
 *	did NAME EVENT@AGE   all events of NAME since the last did, in the words of the journal, and gone;
 *	                     AGE in seconds, or with m or h
 *	restart DURATION     the queue dies, and a new one starts after DURATION
 *	clock DURATION       the wall clock is set forward; with - in front, back
 */
#include <glob.h>

#include "t/unit/queue_fixture.h"

enum { MAILS_MAX = 16, WORDS_MAX = 64, HOSTS = 10, SECOND = 1000, STEPS_MAX = 4000000 };

struct mail {
	char name[16], id[MSGID_LEN + 1];
	int64_t accepted_ms; /* monotonic */
	size_t lines;        /* octets of its journal that were read */
	bool gone;
	struct str events;
};

static struct {
	const char *file;
	unsigned line;
	bool open;
	char conf[1024], ask[64];
	const char *words[HOSTS];
	struct mail mails[MAILS_MAX];
	size_t mail_count;
	struct hand *smtp[4], *local;
	size_t attempts;
} r;

static glob_t scripts;

#define MUST(condition, ...) ck_assert_msg(condition, "%s:%u: %s", r.file, r.line, "" __VA_ARGS__)

static int64_t duration(const char *text)
{
	static const struct {
		char letter;
		int64_t ms;
	} units[] = {{'s', SECOND}, {'m', MINUTE}, {'h', HOUR}, {'d', 24 * (int64_t)HOUR}};
	char *end;
	int64_t n = strtoll(text, &end, 10);
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (*end == units[i].letter)
			return n * units[i].ms;
	MUST(*end == '\0', "no duration");
	return n * SECOND;
}

static void hire_all(void)
{
	for (size_t i = 0; i < sizeof(r.smtp) / sizeof(r.smtp[0]); i++)
		r.smtp[i] = hire(&f.loop.queue.delivery);
	r.local = hire(&f.loop.queue.local);
}

static void dismiss_all(void)
{
	for (size_t i = 0; i < sizeof(r.smtp) / sizeof(r.smtp[0]); i++)
		dismiss(r.smtp[i]);
	dismiss(r.local);
}

static void begin(void)
{
	if (r.open)
		return;
	char extra[sizeof(r.conf) + 64];
	snprintf(extra, sizeof(extra), "smart_host [192.0.2.1]\n%s", r.conf);
	fixture_open(extra);
	hire_all();
	r.open = true;
}

static void event(struct mail *m, struct span word)
{
	int64_t age_ms = f.loop.queue.mono_ms - m->accepted_ms;
	const char *unit = age_ms % HOUR == 0 ? "h" : age_ms % MINUTE == 0 ? "m" : "s";
	int64_t divisor = *unit == 'h' ? HOUR : *unit == 'm' ? MINUTE : SECOND;
	str_printf(&m->events, "%s%.*s@%lld%s", m->events.len ? " " : "", SPAN_ARGS(word),
		   (long long)(age_ms / divisor), age_ms ? unit : "");
}

/* The new lines of its journal. */
static void observe(struct mail *m)
{
	struct span text = span_of(read_file(path_of("cur/%s.log", m->id))), line;
	struct journal_line parsed;
	for (size_t n = 0; !m->gone && span_line(&text, &line); n++) {
		if (n < m->lines)
			continue;
		MUST(journal_parse(line, &parsed), "the journal holds something else");
		event(m, span_of(journal_event_name(parsed.event)));
		m->lines++;
	}
	if (!m->gone && !known(m->id)) {
		event(m, exists(path_of("badmail/%s.eml", m->id)) ? SPAN("badmail") : SPAN("gone"));
		m->gone = true;
	}
}

static void observe_all(void)
{
	for (size_t i = 0; i < r.mail_count; i++)
		observe(&r.mails[i]);
}

static const char *word_of(struct span destination)
{
	size_t n = (size_t)(destination.at[sizeof("[192.0.2.") - 1] - '0');
	MUST(span_starts(destination, SPAN("[192.0.2.")) && n < HOSTS, "another next hop");
	return r.words[n] ? r.words[n] : "250";
}

static bool serve_smtp(struct hand *hand)
{
	struct wire_job_smtp job;
	struct span text;
	char id[MSGID_LEN + 1];
	if (next_job(hand, &text) != WIRE_job_smtp)
		return false;
	MUST(wire_decode_job_smtp(text, &job) && span_copy(job.id, id, sizeof(id)));
	const char *word = word_of(job.destination);
	unsigned code = *word == 'd' ? 0 : (unsigned)strtoul(word, NULL, 10);
	enum journal_event said = code == 250 ? JOURNAL_DELIVERED : code == 550 ? JOURNAL_FAILED : JOURNAL_DELAYED;
	r.attempts++;
	const struct wire_verdict verdict = {.id = span_of(id),
					     .worker = hand->number,
					     .last = (unsigned)known(id)->loaded->rcpt_count - 1,
					     .event = said,
					     .code = code,
					     .enhanced = code == 250   ? SPAN("2.0.0")
							 : code == 550 ? SPAN("5.1.1")
								       : SPAN("4.2.0"),
					     .host = SPAN("host.test[192.0.2.1]:25"),
					     .text = SPAN("said so"),
					     .last_of_job = true,
					     .connected = code != 0,
					     .reached = code ? SPAN("192.0.2.1 25") : (struct span){0}};
	send_verdict(&verdict);
	let_go(hand);
	turn();
	observe_all(); /* before a notice removes it */
	return true;
}

/* Notices are written at once. */
static bool serve_local(struct hand *hand)
{
	struct wire_job_notice job;
	struct span text;
	char id[MSGID_LEN + 1];
	if (next_job(hand, &text) != WIRE_job_notice)
		return false;
	MUST(wire_decode_job_notice(text, &job) && span_copy(job.id, id, sizeof(id)));
	const struct loaded *w = known(id)->loaded;
	for (unsigned i = 0, left = (unsigned)w->rcpt_count; left--; i++) {
		bool told = w->states[i] == RECIPIENT_FAILED || w->states[i] == RECIPIENT_SUCCEEDED;
		bool named = !job.rcpts.len || job.rcpts.at[i / 8] >> (i % 8) & 1;
		if (named || !left)
			send_verdict(&(struct wire_verdict){.id = span_of(id),
							    .worker = hand->number,
							    .first = i,
							    .last = i,
							    .event = told ? JOURNAL_NOTICED : JOURNAL_WARNED,
							    .last_of_job = !left});
	}
	let_go(hand);
	turn();
	return true;
}

static void serve(void)
{
	for (bool more = true; more;) {
		more = serve_local(r.local);
		for (size_t i = 0; i < sizeof(r.smtp) / sizeof(r.smtp[0]); i++)
			more |= serve_smtp(r.smtp[i]);
	}
	observe_all();
}

static void do_run(char **w)
{
	int64_t end = f.loop.queue.mono_ms + duration(w[1]);
	serve();
	for (int steps = 0; f.loop.queue.mono_ms < end; steps++) {
		int64_t next = message_next_due(&f.loop.queue.messages), wait = loop_turn(&f.loop);
		wait = messages_count(&f.loop.queue.messages) == 0 ? end - f.loop.queue.mono_ms : wait > 0 ? wait : 1;
		if (next != INT64_MAX && next - f.loop.queue.mono_ms > 0 &&
		    f.loop.queue.messages.counts[MESSAGE_ACTIVE] == 0)
			wait = next - f.loop.queue.mono_ms;
		pass(wait < end - f.loop.queue.mono_ms ? wait : end - f.loop.queue.mono_ms);
		serve();
		MUST(steps < STEPS_MAX, "time does not pass");
	}
}

static void do_conf(char **w)
{
	MUST(!r.open, "too late");
	for (w++; *w; w++)
		snprintf(r.conf + strlen(r.conf), sizeof(r.conf) - strlen(r.conf), "%s%s", *w, w[1] ? " " : "\n");
}

static void do_ask(char **w)
{
	snprintf(r.ask, sizeof(r.ask), "%s", w[1]);
}

static void put(const char *sender, char **rcpts, char *id)
{
	struct str text;
	unsigned notify = 0;
	str_init(&text, 1 << 16);
	make_id(0, id);
	envelope_write_sender(&text, span_of(sender));
	for (; *rcpts; rcpts++) {
		envelope_write_rcpt(&text, span_of(*rcpts));
		if (r.ask[0])
			MUST(dsn_parse_notify(span_of(r.ask), &notify), "no NOTIFY");
		envelope_write_dsn_rcpt(&text, &(struct dsn_rcpt){.notify = notify});
	}
	str_append_text(&text, "Received: by test\r\n\r\nhello\r\n");
	write_file(path_of("new/%s", name_of(id, text.len)), str_text(&text));
	say_arrived(id, text.len);
	str_free(&text);
	turn();
}

static void do_mail(char **w)
{
	bool from = w[2] && strcmp(w[2], "from") == 0;
	struct mail *m = &r.mails[r.mail_count++];
	const char *sender = !from ? "app@client.test" : strcmp(w[3], "<>") == 0 ? "" : w[3];
	begin();
	MUST(r.mail_count <= MAILS_MAX, "too many mails");
	snprintf(m->name, sizeof(m->name), "%s", w[1]);
	str_init(&m->events, 1 << 16);
	m->accepted_ms = f.loop.queue.mono_ms;
	put(sender, w + (from ? 4 : 2), m->id);
	r.ask[0] = '\0';
	serve();
}

static void do_crowd(char **w)
{
	char id[MSGID_LEN + 1];
	begin();
	for (int64_t n = strtoll(w[1], NULL, 10); n > 0; n--)
		put("crowd@client.test", w + 2, id);
	serve();
}

static void do_host(char **w)
{
	static const char *const words[] = {"250", "451", "550", "down"};
	size_t n = (size_t)(w[1][0] - '0');
	MUST(n < HOSTS, "no host");
	r.words[n] = NULL;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(w[2], words[i]) == 0)
			r.words[n] = words[i];
	MUST(r.words[n], "no such word");
}

static void do_did(char **w)
{
	char expected[4096] = "";
	for (size_t i = 0; i < r.mail_count; i++) {
		struct mail *m = &r.mails[i];
		if (strcmp(m->name, w[1]) != 0)
			continue;
		for (w += 2; *w; w++)
			snprintf(expected + strlen(expected), sizeof(expected) - strlen(expected), "%s%s", *w,
				 w[1] ? " " : "");
		ck_assert_msg(strcmp(str_text(&m->events), expected) == 0, "%s:%u: it did: %s", r.file, r.line,
			      str_text(&m->events));
		str_clear(&m->events);
		return;
	}
	MUST(false, "no such mail");
}

static void do_restart(char **w)
{
	dismiss_all();
	f.loop.queue.mono_ms += duration(w[1]);
	f.loop.queue.wall_ms += duration(w[1]);
	restart();
	hire_all();
	turn();
	serve();
}

static void do_clock(char **w)
{
	f.loop.queue.wall_ms += duration(w[1]);
	turn();
	serve();
}

static const struct {
	const char *name;
	void (*run)(char **words);
} commands[] = {{"conf", do_conf}, {"ask", do_ask}, {"mail", do_mail},       {"crowd", do_crowd}, {"host", do_host},
		{"run", do_run},   {"did", do_did}, {"restart", do_restart}, {"clock", do_clock}};

static void run_line(char *line)
{
	char *words[WORDS_MAX + 1] = {0}, *rest = line, *word;
	size_t n = 0;
	line[strcspn(line, "#\n")] = '\0';
	while ((word = strsep(&rest, " \t")))
		if (*word)
			MUST(n < WORDS_MAX && (words[n++] = word), "too many words");
	for (size_t i = 0; n && i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (strcmp(words[0], commands[i].name) == 0) {
			commands[i].run(words);
			return;
		}
	}
	MUST(n == 0, "no such command");
}

START_TEST(script)
{
	char line[4096];
	memset(&r, 0, sizeof(r));
	r.file = scripts.gl_pathv[_i];
	FILE *in = fopen(r.file, "r");
	ck_assert_ptr_nonnull(in);
	while (fgets(line, sizeof(line), in)) {
		r.line++;
		run_line(line);
	}
	fclose(in);
	for (size_t i = 0; i < r.mail_count; i++) {
		MUST(r.mails[i].events.len == 0, "something happened that the script does not tell");
		str_free(&r.mails[i].events);
	}
	dismiss_all();
	fixture_close();
}
END_TEST

int main(void)
{
	int found = glob(SOURCE_DIR "/t/replay/*.retry", 0, NULL, &scripts);
	Suite *suite = suite_create("queue_retry");
	TCase *all = tcase_create("scripts");
	tcase_set_timeout(all, 120);
	tcase_add_loop_test(all, script, 0, found == 0 ? (int)scripts.gl_pathc : 0);
	suite_add_tcase(suite, all);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner) + (srunner_ntests_run(runner) < 5);
	srunner_free(runner);
	globfree(&scripts);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
