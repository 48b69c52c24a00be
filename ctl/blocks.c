#include "ctl/blocks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/fd.h"
#include "common/base/language.h"

static bool uses_tokens(const struct service_server *server)
{
	for (size_t i = 0; i < server->process_count; i++)
		if (strcmp(server->processes[i].role, child_role_name(CHILD_WEB)) == 0)
			return true;
	return false;
}

static bool is_meant(const struct blocks *blocks, const struct service_server *server)
{
	const char *wanted = blocks->ctl->options.server;
	return uses_tokens(server) && (!wanted[0] || strcmp(wanted, server->name) == 0);
}

void blocks_close(struct blocks *blocks)
{
	service_free(&blocks->service);
	str_free(&blocks->choice);
	free(blocks->run_dir);
}

static int none_meant(const char *server)
{
	if (server[0])
		return cmd_fail(
			_("no virtual server of the name %s uses access tokens: that is an outbound block with auth xoauth2 or auth oauthbearer"),
			server);
	return cmd_fail(_(
		"no virtual server uses access tokens: that is an outbound block with auth xoauth2 or auth oauthbearer"));
}

bool blocks_open(struct ctl *ctl, struct blocks *out, int *status)
{
	char said[LINK_TEXT_MAX + 1];
	size_t meant = 0;
	*out = (struct blocks){.ctl = ctl};
	int fd = cmd_connect(ctl, status);
	if (fd < 0)
		return false;
	str_init(&out->choice, BLOCKS_CHOICE_MAX);
	out->run_dir = cmd_run_dir(ctl);
	bool good = out->run_dir && service_ask(fd, &out->service, said);
	fd_close(&fd);
	if (!good)
		*status = cmd_fail("%s", out->run_dir ? said : _("no memory"));
	for (size_t i = 0; good && i < out->service.server_count; i++)
		meant += is_meant(out, &out->service.servers[i]);
	if (good && !meant)
		*status = none_meant(ctl->options.server);
	if (!good || !meant)
		blocks_close(out);
	return good && meant;
}

bool blocks_ask(struct blocks *blocks, enum row_oauth_action action, const char *block, int pass,
		struct link_answer *answer)
{
	const struct wire_oauth_act act = {.action = action, .security = span_of(block)};
	struct str request;
	int fd = link_to_child(blocks->run_dir, blocks->server, CHILD_WEB, answer->said);
	if (fd < 0)
		return false;
	str_init(&request, WIRE_PACKET_MAX);
	wire_encode_oauth_act(&act, &request);
	bool good = link_ask_with(fd, &request, pass, answer) && !answer->exit_code;
	fd_close(&answer->fd);
	fd_close(&fd);
	return good;
}

void blocks_ask_all(struct blocks *blocks, void (*row)(void *context, const struct link_row *row), void *context)
{
	for (size_t i = 0; i < blocks->service.server_count; i++) {
		struct link_answer answer = {.row = row, .context = context};
		blocks->server = blocks->service.servers[i].name;
		if (!is_meant(blocks, &blocks->service.servers[i]) ||
		    blocks_ask(blocks, ROW_OAUTH_STATUS, "", -1, &answer))
			continue;
		blocks->failed++;
		cmd_fail(_("server %s: %s"), blocks->server, answer.said);
	}
}

/* WANTED is BLOCK ("connector partner"), its name alone, or empty. */
static bool fits(const char *wanted, struct span block)
{
	size_t blank = span_find(block, ' ');
	return !wanted[0] || span_equal(block, span_of(wanted)) ||
	       (blank < block.len && span_equal(span_skip(block, blank + 1), span_of(wanted)));
}

static void on_candidate(void *context, const struct link_row *row)
{
	struct blocks *blocks = context;
	if (!span_equal(row->kind, SPAN(ROW_TOKEN)))
		return;
	bool fit = fits(blocks->wanted, row->cells[BLOCKS_BLOCK]);
	if (fit && !blocks->fitting++) {
		blocks->found_in = blocks->server;
		span_copy(row->cells[BLOCKS_BLOCK], blocks->block, sizeof(blocks->block));
		span_copy(row->cells[BLOCKS_USER], blocks->user, sizeof(blocks->user));
	}
	str_append_text(&blocks->choice, blocks->choice.len ? "; " : "");
	str_printf(&blocks->choice, _("%.*s of server %s"), SPAN_ARGS(row->cells[BLOCKS_BLOCK]), blocks->server);
}

bool blocks_find(struct blocks *blocks)
{
	const struct ctl *ctl = blocks->ctl;
	snprintf(blocks->wanted, sizeof(blocks->wanted), "%s%s%s", ctl->arg_count ? ctl->args[0] : "",
		 ctl->arg_count > 1 ? " " : "", ctl->arg_count > 1 ? ctl->args[1] : "");
	blocks_ask_all(blocks, on_candidate, blocks);
	if (blocks->fitting == 1) {
		blocks->server = blocks->found_in;
		return true;
	}
	if (blocks->fitting)
		cmd_fail(_("which block? There are: %s. Name it, with --server NAME if need be"),
			 str_text(&blocks->choice));
	else if (blocks->choice.len)
		cmd_fail(_("no block %s uses access tokens. There are: %s"), blocks->wanted, str_text(&blocks->choice));
	else if (!blocks->failed)
		cmd_fail(_("no block uses access tokens"));
	return false;
}
