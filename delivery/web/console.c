#include "delivery/web/console.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/fd.h"
#include "common/ipc/ipc.h"
#include "common/ipc/rows.h"
#include "delivery/web/jwt.h"

enum { SEND_MS = 2000, TEXT_MAX = 1000, FAILED = 1, PIPE_MS = 2000 };

void console_init(struct console *c, struct block *blocks, size_t block_count)
{
	*c = (struct console){.blocks = blocks, .block_count = block_count};
	for (size_t i = 0; i < CONSOLE_LINKS; i++)
		c->links[i].fd = -1;
}

void console_free(struct console *c)
{
	for (size_t i = 0; i < CONSOLE_LINKS; i++)
		fd_close(&c->links[i].fd);
}

void console_add(struct console *c, int fd)
{
	for (size_t i = 0; i < CONSOLE_LINKS; i++) {
		if (c->links[i].fd >= 0)
			continue;
		c->links[i] = (struct console_link){.fd = fd};
		ipc_set_send_deadline(fd, SEND_MS);
		return;
	}
	fd_close(&fd);
}

void console_poll(const struct console *c, struct pollfd *fds)
{
	for (size_t i = 0; i < CONSOLE_LINKS; i++)
		fds[i] = (struct pollfd){.fd = c->links[i].fd, .events = POLLIN};
}

static void close_link(struct console_link *link)
{
	if (link->action == ROW_OAUTH_LOGIN)
		block_give_up(link->block);
	fd_close(&link->fd);
	*link = (struct console_link){.fd = -1};
}

/* A mailrootctl that does not read its answer is none. */
static void send_packet(struct console_link *link, bool encoded, struct str *packet)
{
	if (!encoded || ipc_send(link->fd, str_span(packet), NULL, 0))
		close_link(link);
	str_free(packet);
}

static void send_done(struct console_link *link, unsigned exit_code, const char *text)
{
	struct str packet;
	const struct wire_ctl_done done = {.exit_code = exit_code, .text = span_of(text)};
	str_init(&packet, WIRE_PACKET_MAX);
	link->action = 0;
	send_packet(link, wire_encode_ctl_done(&done, &packet), &packet);
}

static void send_row(struct console_link *link, const char *kind, struct str *cells)
{
	struct str packet;
	const struct wire_ctl_row row = {.kind = span_of(kind), .cells = str_span(cells)};
	str_init(&packet, WIRE_PACKET_MAX);
	send_packet(link, !cells->failed && wire_encode_ctl_row(&row, &packet), &packet);
	str_free(cells);
}

static void add_cell(struct str *cells, const char *text)
{
	if (cells->len)
		str_append_c(cells, ROW_SEPARATOR);
	str_append_clean(cells, span_of(text));
}

/* Seconds; empty when there are none. */
static void add_seconds(struct str *cells, bool any, int64_t ms)
{
	str_append_c(cells, ROW_SEPARATOR);
	if (any)
		str_printf(cells, "%lld", (long long)(ms / 1000));
}

static const char *state_word(const struct block *b, struct grant_clock now)
{
	static const char *const words[] = {
		[GRANT_NONE] = "none",      [GRANT_ASKING] = "asking", [GRANT_VALID] = "valid",
		[GRANT_RENEWING] = "valid", [GRANT_WAIT] = "waiting",  [GRANT_LOGIN_NEEDED] = "login",
		[GRANT_POLLING] = "login"};
	return b->trouble[0] ? "none" : words[grant_state(&b->grant, now)];
}

static void send_status(struct console_link *link, const struct block *b)
{
	struct grant_clock now = {clock_mono_ms(), clock_wall_ms()};
	const char *error = b->trouble[0] ? b->trouble : b->error;
	int64_t until = block_until(b);
	struct str cells;
	str_init(&cells, WIRE_PACKET_MAX / 2);
	add_cell(&cells, b->name);
	add_cell(&cells, b->auth == CONFIG_AUTH_OAUTHBEARER ? "oauthbearer" : "xoauth2");
	add_cell(&cells, b->username);
	add_cell(&cells, state_word(b, now));
	add_seconds(&cells, grant_usable(&b->grant, now), b->grant.until_wall - now.wall);
	add_seconds(&cells, until != GRANT_NEVER, until);
	add_cell(&cells, error);
	add_seconds(&cells, error[0], now.mono - b->error_mono);
	send_row(link, ROW_TOKEN, &cells);
}

static void send_all(struct console *c, struct console_link *link, struct span wanted)
{
	for (size_t i = 0; i < c->block_count && link->fd >= 0; i++)
		if (!wanted.len || span_equal(wanted, span_of(c->blocks[i].name)))
			send_status(link, &c->blocks[i]);
	if (link->fd >= 0)
		send_done(link, 0, "");
}

static void wait_for(struct console_link *link, uint64_t action, struct block *b)
{
	link->action = action;
	link->block = b;
}

static void test(struct console_link *link, struct block *b)
{
	if (b->trouble[0]) {
		send_done(link, FAILED, b->trouble);
		return;
	}
	if (!block_can_ask(b)) {
		send_done(link, FAILED, "somebody must sign in first: mailrootctl oauth login");
		return;
	}
	grant_hurry(&b->grant, (struct grant_clock){clock_mono_ms(), clock_wall_ms()});
	wait_for(link, ROW_OAUTH_TEST, b);
}

static void login(struct console_link *link, struct block *b)
{
	if (!block_is_of_person(b))
		send_done(link, FAILED, "its tokens are not for a person: only with grant refresh somebody signs in");
	else if (!b->device_url[0])
		send_done(link, FAILED,
			  "the provider has no URL for this: set device_url, or use mailrootctl oauth import");
	else if (b->trouble[0])
		send_done(link, FAILED, b->trouble);
	else if (b->grant.polling || b->grant.poll_mono || b->grant.under_way == GRANT_ASK_CODE)
		send_done(link, FAILED, "somebody is signing in already");
	else {
		block_sign_in(b);
		wait_for(link, ROW_OAUTH_LOGIN, b);
	}
}

static void forget(struct console_link *link, struct block *b)
{
	if (!block_is_of_person(b)) {
		send_done(link, FAILED, "there is no sign-in to forget: that is with grant refresh only");
		return;
	}
	int err = block_forget(b);
	send_done(link, err ? FAILED : 0, err ? strerror(-err) : "the refresh token is deleted");
}

/* The token in the pipe FD, without the blanks and line ends around it. */
static bool read_pipe(int fd, char *to, size_t size)
{
	struct str text;
	int64_t until = clock_mono_ms() + PIPE_MS;
	str_init(&text, size);
	int err = fd_set_nonblock(fd, true);
	while (!err || err == -EAGAIN) {
		err = fd_read_all(fd, &text);
		if (err != -EAGAIN || fd_await(fd, until))
			break;
	}
	struct span all = str_span(&text), line = {0};
	bool good = !err && span_line(&all, &line) && span_copy(span_trim(line), to, size) && to[0];
	for (const char *c = to; good && *c; c++)
		good = *c > ' ' && *c <= '~';
	str_wipe(&text);
	return good;
}

static void import(struct console_link *link, struct block *b, const struct ipc_packet *packet)
{
	char token[ANSWER_REFRESH_MAX + 1] = "", why[TEXT_MAX];
	if (!block_is_of_person(b))
		send_done(link, FAILED,
			  "its tokens are not for a person: only with grant refresh there is a refresh token");
	else if (b->trouble[0])
		send_done(link, FAILED, b->trouble);
	else if (packet->fd_count != 1 || !read_pipe(packet->fds[0], token, sizeof(token)))
		send_done(link, FAILED,
			  "that is no refresh token: it has printable characters only, and 12000 at most");
	else {
		int err = block_import(b, token);
		snprintf(why, sizeof(why), "can't store the refresh token: %s", strerror(-err));
		if (err)
			send_done(link, FAILED, why);
		else
			wait_for(link, ROW_OAUTH_IMPORT, b);
	}
	explicit_bzero(token, sizeof(token));
}

static struct block *find(struct console *c, struct span name)
{
	for (size_t i = 0; i < c->block_count; i++)
		if (span_equal(name, span_of(c->blocks[i].name)))
			return &c->blocks[i];
	return NULL;
}

static void obey(struct console *c, struct console_link *link, const struct ipc_packet *packet)
{
	struct wire_oauth_act act;
	if (link->action || !wire_admit(WIRE_LINK_ctl_web, WIRE_UP, packet->text) ||
	    !wire_decode_oauth_act(packet->text, &act)) {
		close_link(link);
		return;
	}
	struct block *b = find(c, act.security);
	if (act.action == ROW_OAUTH_STATUS)
		send_all(c, link, act.security);
	else if (!b)
		send_done(link, FAILED, "no such block uses access tokens");
	else if (act.action == ROW_OAUTH_TEST)
		test(link, b);
	else if (act.action == ROW_OAUTH_LOGIN)
		login(link, b);
	else if (act.action == ROW_OAUTH_FORGET)
		forget(link, b);
	else if (act.action == ROW_OAUTH_IMPORT)
		import(link, b, packet);
	else
		close_link(link);
}

void console_tend(struct console *c, const struct pollfd *fds)
{
	static char buffer[WIRE_PACKET_MAX];
	for (size_t i = 0; i < CONSOLE_LINKS; i++) {
		struct console_link *link = &c->links[i];
		struct ipc_packet packet;
		if (!fds[i].revents || link->fd < 0 || fds[i].fd != link->fd)
			continue;
		int err = ipc_receive(link->fd, buffer, sizeof(buffer), MSG_DONTWAIT, &packet);
		if (ipc_passes(err))
			continue;
		if (err || packet.eof)
			close_link(link);
		else
			obey(c, link, &packet);
		if (!err)
			ipc_packet_close(&packet);
	}
}

static void show_claim(void *context, const char *name, const char *value)
{
	struct console_link *link = context;
	struct str cells;
	if (link->fd < 0)
		return;
	str_init(&cells, WIRE_PACKET_MAX / 2);
	add_cell(&cells, name);
	add_cell(&cells, value);
	send_row(link, ROW_CLAIM, &cells);
}

static void tell_token(struct console_link *link, const struct block *b, const struct answer_token *token)
{
	char text[TEXT_MAX], life[CLOCK_TEXT_MAX];
	if (link->action == ROW_OAUTH_TEST)
		jwt_show((struct span){token->octets, token->length}, show_claim, link);
	clock_duration(token->life_s * 1000, life);
	snprintf(text, sizeof(text), "%s from %.500s, valid for %s",
		 link->action == ROW_OAUTH_LOGIN ? "signed in: an access token came" : "an access token came",
		 b->token_url, life);
	if (link->fd >= 0)
		send_done(link, 0, text);
}

static void tell_code(struct console_link *link, const struct answer_device *device)
{
	struct str cells;
	str_init(&cells, WIRE_PACKET_MAX / 2);
	add_cell(&cells, device->url);
	add_cell(&cells, device->user_code);
	add_seconds(&cells, true, device->life_s * 1000);
	send_row(link, ROW_SIGN_IN, &cells);
}

void console_tell(void *context, struct block *block, enum block_news news, const struct answer_token *token,
		  const struct answer_device *device)
{
	struct console *c = context;
	for (size_t i = 0; i < CONSOLE_LINKS; i++) {
		struct console_link *link = &c->links[i];
		if (link->fd < 0 || !link->action || link->block != block)
			continue;
		bool signs_in = link->action == ROW_OAUTH_LOGIN;
		if (news == BLOCK_TOKEN && (!signs_in || !block->grant.polling))
			tell_token(link, block, token);
		else if (news == BLOCK_CODE && signs_in)
			tell_code(link, device);
		else if ((news == BLOCK_NO_SIGN_IN && signs_in) || (news == BLOCK_FAILED && !signs_in))
			send_done(link, FAILED, block->error);
	}
}
