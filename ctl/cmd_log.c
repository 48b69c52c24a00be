#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/hash.h"
#include "common/base/language.h"
#include "ctl/cmd.h"
#include "ctl/json.h"
#include "ctl/logsource.h"
#include "ctl/table.h"
#include "ctl/words.h"

enum { KEY_MAX = 200, KEYS_MAX = 20000, ROWS_SHOWN = 30, EXAMPLE_MAX = 120 };

/* The classes of lines, by their field `status`. */
enum outcome { ACCEPTED, DELIVERED, DELAYED, FAILED, REFUSED, OUTCOMES };
static const char *const outcome_names[OUTCOMES] = {"accepted", "delivered", "delayed", "failed", "refused"};

struct count {
	UT_hash_handle hh;
	uint64_t n[OUTCOMES];
	char example[EXAMPLE_MAX]; /* the last error text */
	char key[KEY_MAX];
};

enum by { BY_HOUR, BY_CLIENT, BY_REPLY, BYS };
static const char *const by_names[BYS] = {"hour", "client", "reply"};

struct summary {
	const char *server; /* "" = all */
	enum by by;
	struct count *counts;
	uint64_t all[OUTCOMES];
	uint64_t others; /* lines without room for their key */
	struct logsource_report report;
};

static bool outcome_of(const struct logline *line, enum outcome *out)
{
	struct span status = logline_get(line, "status");
	for (enum outcome i = 0; i < OUTCOMES; i++) {
		if (span_equal(status, span_of(outcome_names[i]))) {
			*out = i;
			return true;
		}
	}
	*out = REFUSED;
	return span_starts(status, SPAN("auth-")) || span_equal(status, SPAN("tls-failed"));
}

/* The text of the line: the host's, or ours. */
static struct span text_of(const struct logline *line)
{
	struct span reply = logline_get(line, "reply"), text = logline_get(line, "text");
	return reply.len ? reply : text.len ? text : logline_get(line, "reason");
}

/* "550 5.1.1 by relay" or "550 5.7.1 by us". Digits in the text would make each refusal a key of its own. */
static void reply_key(const struct logline *line, char *to)
{
	struct span reply = logline_get(line, "reply"), code = logline_get(line, "code");
	struct span enhanced = logline_get(line, "enhanced"), relay = logline_get(line, "relay");
	if (reply.len) {
		code = span_take(&reply, ' ');
		enhanced = span_take(&reply, ' ');
	}
	bool host = code.len && !span_equal(code, SPAN("0"));
	snprintf(to, KEY_MAX, relay.len ? _("%.*s%s%.*s by %.*s") : _("%.*s%s%.*s by us"), host ? (int)code.len : 0,
		 code.at, host ? " " : "", SPAN_ARGS(enhanced), SPAN_ARGS(relay));
}

static bool key_of(const struct summary *s, const struct logline *line, enum outcome outcome, char *to)
{
	char clean[KEY_MAX];
	if (s->by == BY_HOUR) {
		logline_hour(line, to);
		if (!to[0])
			snprintf(to, KEY_MAX, "%s", _("(no time)"));
		return true;
	}
	if (s->by == BY_CLIENT) {
		span_clean(logline_get(line, "client"), to, KEY_MAX);
		return to[0];
	}
	if (outcome == ACCEPTED || outcome == DELIVERED)
		return false;
	reply_key(line, clean);
	span_clean(span_of(clean), to, KEY_MAX);
	return true;
}

static struct count *count_for(struct summary *s, const char *key)
{
	struct count *c;
	HASH_FIND_STR(s->counts, key, c);
	if (c || HASH_COUNT(s->counts) >= KEYS_MAX)
		return c;
	c = calloc(1, sizeof(*c));
	if (!c)
		return NULL;
	snprintf(c->key, sizeof(c->key), "%s", key);
	HASH_ADD_STR(s->counts, key, c);
	if (HASH_ADDED(c))
		return c;
	free(c);
	return NULL;
}

static void on_line(void *context, const struct logline *line)
{
	struct summary *s = context;
	char key[KEY_MAX];
	enum outcome outcome;
	if ((s->server[0] && !span_equal(line->server, span_of(s->server))) || !outcome_of(line, &outcome))
		return;
	s->all[outcome]++;
	if (!key_of(s, line, outcome, key))
		return;
	struct count *c = count_for(s, key);
	if (!c) {
		s->others++;
		return;
	}
	c->n[outcome]++;
	if (outcome != ACCEPTED && outcome != DELIVERED)
		span_clean(text_of(line), c->example, sizeof(c->example));
}

static uint64_t errors(const struct count *c)
{
	return c->n[DELAYED] + c->n[FAILED] + c->n[REFUSED];
}

static int most_errors_first(struct count *a, struct count *b)
{
	uint64_t x = errors(a), y = errors(b);
	return x < y ? 1 : x > y ? -1 : strcmp(a->key, b->key);
}

static void summary_json(const struct summary *s)
{
	struct json json;
	json_init(&json, stdout);
	json_object(&json);
	json_key(&json, "by");
	json_string(&json, span_of(by_names[s->by]));
	json_key(&json, "rows");
	json_array(&json);
	for (const struct count *c = s->counts; c; c = c->hh.next) {
		json_object(&json);
		json_key(&json, by_names[s->by]);
		json_string(&json, span_of(c->key));
		for (enum outcome i = 0; i < OUTCOMES; i++) {
			json_key(&json, outcome_names[i]);
			json_number(&json, (int64_t)c->n[i]);
		}
		json_key(&json, "last");
		json_string(&json, span_of(c->example));
		json_end_object(&json);
	}
	json_end_array(&json);
	for (enum outcome i = 0; i < OUTCOMES; i++) {
		json_key(&json, outcome_names[i]);
		json_number(&json, (int64_t)s->all[i]);
	}
	json_key(&json, "searched");
	json_array(&json);
	for (size_t i = 0; i < s->report.searched_count; i++)
		json_string(&json, span_of(s->report.searched[i]));
	json_end_array(&json);
	json_end_object(&json);
	json_finish(&json);
}

static size_t add_row(struct table *table, const struct count *c)
{
	char numbers[OUTCOMES][24];
	struct span cells[OUTCOMES + 2] = {span_of(c->key)};
	for (enum outcome i = 0; i < OUTCOMES; i++) {
		snprintf(numbers[i], sizeof(numbers[i]), "%llu", (unsigned long long)c->n[i]);
		cells[1 + i] = span_of(c->n[i] ? numbers[i] : "");
	}
	cells[1 + OUTCOMES] = span_of(c->example);
	return table_add(table, cells);
}

static void print_table(const struct summary *s)
{
	static const char *const firsts[BYS] = {N_("HOUR"), N_("CLIENT"), N_("REPLY")};
	const char *const headings[] = {firsts[s->by], N_("ACCEPTED"), N_("DELIVERED"), N_("DELAYED"),
					N_("FAILED"),  N_("REFUSED"),  N_("LAST ERROR")};
	struct table table;
	size_t shown = 0;
	table_init(&table, OUTCOMES + 2, 0x3e, headings);
	for (const struct count *c = s->counts; c && (s->by == BY_HOUR || shown < ROWS_SHOWN); c = c->hh.next)
		shown += add_row(&table, c);
	table_print(&table, 0, stdout);
	table_free(&table);
	if (shown < HASH_COUNT(s->counts))
		printf(_("and %u more with fewer errors; --json has all\n"), HASH_COUNT(s->counts) - (unsigned)shown);
}

static void print_summary(const struct summary *s)
{
	if (s->counts)
		print_table(s);
	else
		puts(_("The log has no mail."));
	fputs(_("in all:"), stdout);
	for (enum outcome i = 0; i < OUTCOMES; i++)
		printf(_(" %llu %s%s"), (unsigned long long)s->all[i], words_shown(outcome_names[i]),
		       i + 1 < OUTCOMES ? "," : "");
	printf("%s\n", s->others ? _("; some are in no row, because there were too many rows") : "");
	logsource_tell(&s->report, stdout);
	if (s->by == BY_HOUR && s->all[DELAYED] + s->all[FAILED] + s->all[REFUSED])
		puts(_("`mailrootctl log summary --by reply` groups the errors by reply, `--by client` by client."));
}

static bool parse_by(const char *text, enum by *out)
{
	for (*out = 0; *out < BYS; (*out)++)
		if (strcmp(text, by_names[*out]) == 0)
			return true;
	*out = BY_HOUR;
	return !text[0];
}

int cmd_log_summary(struct ctl *ctl)
{
	struct summary s = {.server = ctl->options.server};
	struct count *c, *next;
	if (!parse_by(ctl->options.by, &s.by)) {
		cmd_fail(_("--by %.40s: not one of hour, client and reply"), ctl->options.by);
		return EXIT_USAGE;
	}
	bool found = logsource_read(ctl->options.log, on_line, &s, &s.report);
	if (s.by != BY_HOUR)
		HASH_SORT(s.counts, most_errors_first);
	if (ctl->options.given & OPTION_JSON)
		summary_json(&s);
	else
		print_summary(&s);
	HASH_ITER(hh, s.counts, c, next)
	{
		HASH_DEL(s.counts, c);
		free(c);
	}
	return found ? EXIT_DONE : cmd_fail(_("no log was found; name one with --log FILE"));
}
