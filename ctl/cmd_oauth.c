#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/fd.h"
#include "common/base/language.h"
#include "ctl/blocks.h"
#include "ctl/hidden.h"
#include "ctl/json.h"
#include "ctl/table.h"
#include "ctl/words.h"

enum {
	TEST_WAIT_MS = 90 * 1000,       /* of mailroot-web for a name, a connection and an answer */
	LOGIN_WAIT_MS = 60 * 60 * 1000, /* of a person; the code ends before */
	TOKEN_MAX = 12000               /* octets of a refresh token, as for mailroot-web; a pipe holds them */
};

/* The cells of ROW_TOKEN, as keys. */
static const char *const token_keys[BLOCKS_CELLS] = {"block",   "mechanism", "user",  "state",
						     "valid_s", "next_s",    "error", "error_age_s"};

static const char *const state_words[][2] = {
	{"none", N_("no token yet")},
	{"asking", N_("is being fetched")},
	{"valid", N_("valid")},
	{"waiting", N_("waits after an error")},
	{"login", N_("a person must sign in")},
};

struct oauth {
	struct blocks blocks;
	struct table table;
	struct json json;
	size_t count;
	bool object; /* the object of the claims is open */
};

static bool wants_json(const struct oauth *oauth)
{
	return oauth->blocks.ctl->options.given & OPTION_JSON;
}

static struct span in_words(struct span state)
{
	for (size_t i = 0; i < sizeof(state_words) / sizeof(state_words[0]); i++)
		if (span_equal(state, span_of(state_words[i][0])))
			return span_of(_(state_words[i][1]));
	return state;
}

static void token_json(struct oauth *oauth, const struct link_row *row)
{
	struct json *json = &oauth->json;
	json_object(json);
	json_key(json, "server");
	json_string(json, span_of(oauth->blocks.server));
	for (size_t i = 0; i < BLOCKS_CELLS; i++) {
		json_key(json, token_keys[i]);
		if (i == BLOCKS_VALID || i == BLOCKS_NEXT || i == BLOCKS_ERROR_AGE)
			json_cell(json, row->cells[i]);
		else
			json_string(json, row->cells[i]);
	}
	json_end_object(json);
}

static void token_line(struct oauth *oauth, const struct link_row *row)
{
	char valid[CLOCK_TEXT_MAX], next[CLOCK_TEXT_MAX], age[CLOCK_TEXT_MAX], error[TABLE_CELL_MAX] = "";
	struct span ago = table_duration(row->cells[BLOCKS_ERROR_AGE], age);
	if (row->cells[BLOCKS_ERROR].len) {
		struct span said = words_cell(row->cells[BLOCKS_ERROR]);
		snprintf(error, sizeof(error), _("%.*s ago: %.*s"), SPAN_ARGS(ago), SPAN_ARGS(said));
	}
	const struct span cells[] = {
		span_of(oauth->blocks.server),
		row->cells[BLOCKS_BLOCK],
		row->cells[BLOCKS_USER],
		row->cells[BLOCKS_MECHANISM],
		in_words(row->cells[BLOCKS_STATE]),
		table_duration(row->cells[BLOCKS_VALID], valid),
		table_duration(row->cells[BLOCKS_NEXT], next),
		span_of(error),
	};
	table_add(&oauth->table, cells);
}

static void on_token(void *context, const struct link_row *row)
{
	struct oauth *oauth = context;
	if (!span_equal(row->kind, SPAN(ROW_TOKEN)))
		return;
	oauth->count++;
	if (wants_json(oauth))
		token_json(oauth, row);
	else
		token_line(oauth, row);
}

int cmd_oauth_status(struct ctl *ctl)
{
	static const char *const headings[] = {N_("SERVER"), N_("BLOCK"),     N_("USER"),         N_("AUTH"),
					       N_("TOKEN"),  N_("VALID FOR"), N_("NEXT REQUEST"), N_("LAST ERROR")};
	static struct oauth oauth;
	int status;
	oauth = (struct oauth){0};
	if (!blocks_open(ctl, &oauth.blocks, &status))
		return status;
	table_init(&oauth.table, sizeof(headings) / sizeof(headings[0]), 1U << 5 | 1U << 6, headings);
	json_init(&oauth.json, stdout);
	if (wants_json(&oauth)) {
		json_object(&oauth.json);
		json_key(&oauth.json, "tokens");
		json_array(&oauth.json);
	}
	blocks_ask_all(&oauth.blocks, on_token, &oauth);
	if (wants_json(&oauth)) {
		json_end_array(&oauth.json);
		json_end_object(&oauth.json);
		json_finish(&oauth.json);
	} else if (oauth.count) {
		table_print(&oauth.table, 0, stdout);
	}
	table_free(&oauth.table);
	blocks_close(&oauth.blocks);
	return oauth.blocks.failed ? EXIT_FAILED : EXIT_DONE;
}

static void claim(struct oauth *oauth, const struct link_row *row)
{
	char name[TABLE_CELL_MAX], value[LINK_TEXT_MAX + 1];
	span_clean(row->cells[0], name, sizeof(name));
	span_clean(row->cells[1], value, sizeof(value));
	if (!wants_json(oauth)) {
		printf("  %-10s %s\n", name, value);
		return;
	}
	if (!oauth->object) {
		json_key(&oauth->json, "claims");
		json_object(&oauth->json);
	}
	oauth->object = true;
	json_key(&oauth->json, name);
	json_string(&oauth->json, row->cells[1]);
}

/* Where the person signs in; shown at once, for mailroot-web waits for it. */
static void sign_in(struct oauth *oauth, const struct link_row *row)
{
	static const char *const keys[] = {"url", "code", "expires_s"};
	char url[LINK_TEXT_MAX + 1], code[TABLE_CELL_MAX], left[CLOCK_TEXT_MAX];
	span_clean(row->cells[0], url, sizeof(url));
	span_clean(row->cells[1], code, sizeof(code));
	if (wants_json(oauth)) {
		json_key(&oauth->json, "sign_in");
		json_object(&oauth->json);
		for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
			json_key(&oauth->json, keys[i]);
			if (i < 2)
				json_string(&oauth->json, row->cells[i]);
			else
				json_cell(&oauth->json, row->cells[i]);
		}
		json_end_object(&oauth->json);
	} else {
		printf(_("Open %s in a browser on any computer, enter the code %s and sign in as %s.\n"
			 "The code ends in %.*s. Waiting for it; Ctrl-C gives up.\n"),
		       url, code, oauth->blocks.user, SPAN_ARGS(table_duration(row->cells[2], left)));
	}
	fflush(stdout);
}

static void on_row(void *context, const struct link_row *row)
{
	if (span_equal(row->kind, SPAN(ROW_CLAIM)))
		claim(context, row);
	else if (span_equal(row->kind, SPAN(ROW_SIGN_IN)))
		sign_in(context, row);
}

static void begin_json(struct oauth *oauth)
{
	json_init(&oauth->json, stdout);
	if (!wants_json(oauth))
		return;
	json_object(&oauth->json);
	json_key(&oauth->json, "server");
	json_string(&oauth->json, span_of(oauth->blocks.server));
	json_key(&oauth->json, "block");
	json_string(&oauth->json, span_of(oauth->blocks.block));
}

static void end_json(struct oauth *oauth, bool good, const char *said)
{
	if (oauth->object)
		json_end_object(&oauth->json);
	json_key(&oauth->json, "good");
	json_bool(&oauth->json, good);
	json_key(&oauth->json, "said");
	json_string(&oauth->json, span_of(said));
	json_end_object(&oauth->json);
	json_finish(&oauth->json);
}

/* Does ACTION for the block that was found, and shows the answer. The exit status. */
static int act(struct oauth *oauth, enum row_oauth_action action, int pass, int wait_ms)
{
	struct link_answer answer = {.row = on_row, .context = oauth, .wait_ms = wait_ms};
	begin_json(oauth);
	bool good = blocks_ask(&oauth->blocks, action, oauth->blocks.block, pass, &answer);
	if (wants_json(oauth))
		end_json(oauth, good, answer.said);
	else if (!good)
		cmd_fail(_("%s of server %s: %s"), oauth->blocks.block, oauth->blocks.server, words_shown(answer.said));
	else if (answer.said[0])
		printf("%s\n", words_shown(answer.said));
	return good ? EXIT_DONE : EXIT_FAILED;
}

/* Finds the block and lets DO act on it. */
static int with_block(struct ctl *ctl, int (*does)(struct oauth *oauth))
{
	static struct oauth oauth;
	int status;
	oauth = (struct oauth){0};
	if (!blocks_open(ctl, &oauth.blocks, &status))
		return status;
	status = blocks_find(&oauth.blocks) ? does(&oauth) : EXIT_FAILED;
	blocks_close(&oauth.blocks);
	return status;
}

static int test(struct oauth *oauth)
{
	return act(oauth, ROW_OAUTH_TEST, -1, TEST_WAIT_MS);
}

static int login(struct oauth *oauth)
{
	return act(oauth, ROW_OAUTH_LOGIN, -1, LOGIN_WAIT_MS);
}

static int forget(struct oauth *oauth)
{
	char what[2 * BLOCKS_NAME_MAX];
	snprintf(what, sizeof(what),
		 _("The refresh token of %.320s of server %.64s is deleted; then a person must sign in again."),
		 oauth->blocks.block, oauth->blocks.server);
	return cmd_confirm(oauth->blocks.ctl, what) ? act(oauth, ROW_OAUTH_FORGET, -1, 0) : EXIT_FAILED;
}

/* A token as it can be: printable and without blanks (RFC 6749 A.17 has no more). */
static bool is_token(struct span text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.at[i] <= ' ' || text.at[i] > '~')
			return false;
	return text.len && text.len <= TOKEN_MAX;
}

static bool read_token(const struct oauth *oauth, char *to, size_t size, struct span *token)
{
	struct hidden hidden;
	char prompt[BLOCKS_NAME_MAX + 64];
	snprintf(prompt, sizeof(prompt), _("Refresh token of %s"), oauth->blocks.user);
	if (!hidden_begin(&hidden, _("the refresh token")))
		return false;
	bool good = hidden_line(&hidden, prompt, to, size, token);
	hidden_end(&hidden);
	*token = good ? span_trim(*token) : (struct span){0};
	if (!is_token(*token))
		cmd_fail(
			good && token->len
				? _("this is no refresh token: one has no blanks, only printable ASCII, and at most %d octets")
				: _("no refresh token was given on standard input: it is the first line, of at most %d octets"),
			TOKEN_MAX);
	return is_token(*token);
}

/* The reading end of a pipe with TOKEN alone in it, or -errno. */
static int pipe_of(struct span token)
{
	int ends[2];
	if (pipe2(ends, O_CLOEXEC))
		return -errno;
	ssize_t n = write(ends[1], token.at, token.len);
	fd_close(&ends[1]);
	if (n != (ssize_t)token.len)
		fd_close(&ends[0]);
	return n == (ssize_t)token.len ? ends[0] : -EIO;
}

static int import(struct oauth *oauth)
{
	char text[TOKEN_MAX + 2];
	struct span token;
	int status = EXIT_FAILED, fd = -1;
	if (read_token(oauth, text, sizeof(text), &token))
		fd = pipe_of(token);
	explicit_bzero(text, sizeof(text));
	if (fd >= 0)
		status = act(oauth, ROW_OAUTH_IMPORT, fd, TEST_WAIT_MS);
	fd_close(&fd);
	return status;
}

int cmd_oauth_test(struct ctl *ctl)
{
	return with_block(ctl, test);
}

int cmd_oauth_login(struct ctl *ctl)
{
	return with_block(ctl, login);
}

int cmd_oauth_forget(struct ctl *ctl)
{
	return with_block(ctl, forget);
}

int cmd_oauth_import(struct ctl *ctl)
{
	return with_block(ctl, import);
}
