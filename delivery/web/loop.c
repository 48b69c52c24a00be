#include "delivery/web/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/accounts/password.h"
#include "common/base/clock.h"
#include "common/base/fd.h"
#include "common/base/log.h"
#include "common/config/oauth.h"
#include "common/ipc/ipc.h"
#include "common/process/privs.h"
#include "common/tls/authorities.h"
#include "common/tls/certificate.h"
#include "delivery/web/report.h"

enum {
	WAKE_MS = 60 * 1000, /* a clock that was set, or a machine that slept, is noticed within this time */
	STOPPING_WAKE_MS = 1000,
	REFUSALS_AT_ONCE = 100,
	FINISH_MS = 10 * 1000 /* less than CHILD_STOP_MS */
};

static char *copy(const char *text)
{
	char *new = text ? strdup(text) : NULL;
	if (text && !new)
		log_fatal(EXIT_TEMPORARY, "out of memory");
	return new;
}

static void load_authorities(struct loop *l, const struct config_web *web)
{
	const char *path = web->ca ? web->ca : authorities_path();
	char why[120];
	if (!path)
		snprintf(
			l->general, sizeof(l->general),
			"the system has no file of authorities (%s): install ca-certificates or set ca in the block web",
			authorities_usual());
	else if (!secrets_file(path, false, 0, &l->ca, why, sizeof(why)))
		snprintf(l->general, sizeof(l->general), "ca: can't read the authorities of %.200s: %s (%.60s:%u)",
			 path, why, web->ca_at.file ? web->ca_at.file : "default", web->ca_at.line);
}

static void load_proxy(struct loop *l, const struct config_web *web, uid_t owner)
{
	char why[PASSWORD_WHY_MAX];
	l->proxy = copy(web->proxy);
	l->proxy_user = copy(web->proxy_user);
	if (!web->proxy_password_file)
		return;
	l->proxy_password = password_load(web->proxy_password_file, owner, why);
	if (!l->proxy_password)
		snprintf(l->general, sizeof(l->general), "proxy_password_file: can't use %.150s: %.120s (%.60s:%u)",
			 web->proxy_password_file, why,
			 web->proxy_password_file_at.file ? web->proxy_password_file_at.file : "default",
			 web->proxy_password_file_at.line);
}

static void load_blocks(struct loop *l, uid_t owner)
{
	struct config_outbound_block from;
	l->blocks = calloc(TOKENS_SLOTS, sizeof(*l->blocks));
	if (!l->blocks)
		log_fatal(EXIT_TEMPORARY, "out of memory");
	for (size_t i = 0; config_outbound_block(l->child->server, i, &from); i++) {
		if (!config_oauth_used(from.outbound))
			continue;
		if (l->block_count == TOKENS_SLOTS) {
			l->too_many = true;
			return;
		}
		struct block *b = &l->blocks[l->block_count++];
		block_load(b, &l->web, &from, owner);
		if (l->general[0] && !b->trouble[0])
			snprintf(b->trouble, sizeof(b->trouble), "%s", l->general);
	}
}

static void open_folder(struct loop *l)
{
	const char *path = l->child->server->oauth_dir;
	l->web.folder = -1;
	if (!config_oauth_stores(l->child->server))
		return;
	l->web.folder_path = copy(path);
	l->web.folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (l->web.folder < 0)
		log_fatal(EXIT_TEMPORARY, "can't open %s, the folder of refresh tokens: %s", path, strerror(errno));
}

void loop_load(struct loop *l, struct child *child)
{
	uid_t owner;
	gid_t group;
	*l = (struct loop){.child = child, .web.arrivals = CHILD_FD_ARRIVALS};
	str_init(&l->ca, CERTIFICATE_AUTHORITIES_MAX);
	trouble_init(&l->trouble);
	privs_lookup(child->config.web_user, &owner, &group);
	load_authorities(l, &child->server->web);
	load_proxy(l, &child->server->web, owner);
	load_blocks(l, owner);
	open_folder(l);
}

void loop_free(struct loop *l)
{
	for (size_t i = 0; i < l->block_count; i++)
		fetch_cancel(l->web.fetcher, &l->blocks[i]);
	fetch_free(l->web.fetcher);
	console_free(&l->console);
	for (size_t i = 0; i < l->block_count; i++)
		block_free(&l->blocks[i]);
	free(l->blocks);
	trouble_free(&l->trouble);
	str_free(&l->ca);
	free(l->proxy);
	free(l->proxy_user);
	password_free(l->proxy_password);
	free((char *)l->web.folder_path);
	fd_close(&l->web.folder);
}

static const struct block *block_of(const struct loop *l, uint64_t identity)
{
	for (size_t i = 0; i < l->block_count; i++)
		if (l->blocks[i].identity == identity)
			return &l->blocks[i];
	return NULL;
}

/* A block keeps the slot that it had in a process before this one: readers see its token all the time. */
static void assign_slots(struct loop *l)
{
	static struct token none;
	struct tokens *page = l->web.page;
	for (unsigned slot = 0; slot < TOKENS_SLOTS; slot++)
		if (tokens_identity(page, slot) && !block_of(l, tokens_identity(page, slot)))
			tokens_write(page, slot, &none);
	for (size_t i = 0; i < l->block_count; i++) {
		struct block *b = &l->blocks[i];
		b->slot = tokens_slot(page, b->identity);
		if (b->slot == TOKENS_SLOTS)
			b->slot = tokens_slot(page, 0);
		block_start(b);
	}
}

static void take_refusals(struct loop *l)
{
	struct ipc_packet packet;
	struct wire_token_refused refused;
	for (int i = 0; i < REFUSALS_AT_ONCE; i++) {
		int err = ipc_receive(CHILD_FD_TOKENS, l->packet, sizeof(l->packet), MSG_DONTWAIT, &packet);
		if (err == -EMSGSIZE)
			continue;
		if (err || packet.eof)
			return;
		bool good = wire_admit(WIRE_LINK_tokens, WIRE_UP, packet.text) &&
			    wire_decode_token_refused(packet.text, &refused);
		struct block *b = good ? (struct block *)block_of(l, refused.identity) : NULL;
		if (b)
			block_refused(b, refused.serial);
		ipc_packet_close(&packet);
	}
}

/* What acts without a new process. An administrator may have mended something at the issuer, too. */
static void reload(struct loop *l, struct ipc_packet *packet)
{
	struct config_outbound_block from;
	char name[BLOCK_NAME_MAX + 1];
	if (packet->fd_count != 1)
		return;
	int fd = packet->fds[0];
	packet->fds[0] = -1;
	if (!child_reconfigure(l->child, fd)) {
		log_error("can't read the new configuration; the old one stays");
		return;
	}
	for (size_t i = 0; config_outbound_block(l->child->server, i, &from); i++) {
		snprintf(name, sizeof(name), "%s%s%s", from.of, from.name ? " " : "", from.name ? from.name : "");
		for (size_t k = 0; k < l->block_count; k++)
			if (!strcmp(l->blocks[k].name, name))
				l->blocks[k].secret_ends_s = from.outbound->oauth.secret_expires;
	}
	for (size_t i = 0; i < l->block_count; i++)
		block_ask_again(&l->blocks[i]);
}

static void attach(struct loop *l, struct ipc_packet *packet)
{
	struct wire_attach wire;
	if (!wire_decode_attach(packet->text, &wire) || wire.kind != CHILD_LINK_CTL || packet->fd_count != 1)
		return;
	console_add(&l->console, packet->fds[0]);
	packet->fds[0] = -1;
}

static void stop(struct loop *l)
{
	l->stopping = true;
	l->stop_mono = clock_mono_ms() + FINISH_MS;
}

static void obey(struct loop *l)
{
	struct ipc_packet packet;
	enum wire_type type = child_order(CHILD_FD_CONTROL, CHILD_WEB, l->packet, sizeof(l->packet), &packet);
	if (type == WIRE_attach)
		attach(l, &packet);
	else if (type == WIRE_reload)
		reload(l, &packet);
	else if (type == WIRE_stop)
		stop(l);
	ipc_packet_close(&packet);
}

static void tell_trouble(struct loop *l)
{
	struct str text;
	str_init(&text, TROUBLE_MAX);
	for (size_t i = 0; i < l->block_count; i++)
		report_append(&l->blocks[i], &text);
	if (l->too_many)
		str_printf(&text,
			   "mail waits: only the first %d blocks with access tokens have one: leave out others\n",
			   TOKENS_SLOTS);
	trouble_tell(&l->trouble, str_span(&text), clock_wall_ms() / 1000);
	str_free(&text);
}

static int until_next(const struct loop *l)
{
	int64_t until = clock_sooner(l->stopping ? STOPPING_WAKE_MS : WAKE_MS, fetch_until(l->web.fetcher));
	for (size_t i = 0; i < l->block_count && !l->stopping; i++) {
		int64_t due = block_until(&l->blocks[i]);
		until = due < until ? due : until;
	}
	return (int)until;
}

/*
 * An issuer may take a refresh token back as soon as it has answered with another one: what is under way is finished
 * first.
 */
static bool finishes(const struct loop *l)
{
	bool waits = false;
	for (size_t i = 0; i < l->block_count; i++)
		waits |= block_is_of_person(&l->blocks[i]) && l->blocks[i].grant.under_way != GRANT_ASK_NOTHING;
	return waits && clock_mono_ms() < l->stop_mono;
}

static void tend(struct loop *l)
{
	fetch_tend(l->web.fetcher);
	if (l->stopping)
		return;
	for (size_t i = 0; i < l->block_count; i++)
		block_tend(&l->blocks[i]);
	tell_trouble(l);
}

static void serve(struct loop *l)
{
	while (!l->stopping || finishes(l)) {
		struct pollfd fds[3 + CONSOLE_LINKS] = {{.fd = l->stopping ? -1 : CHILD_FD_CONTROL, .events = POLLIN},
							{.fd = CHILD_FD_TOKENS, .events = POLLIN},
							{.fd = fetch_fd(l->web.fetcher), .events = POLLIN}};
		console_poll(&l->console, fds + 3);
		if (poll(fds, 3 + CONSOLE_LINKS, until_next(l)) < 0) {
			fd_rest(errno);
			continue;
		}
		if (fds[0].revents && !l->stopping)
			obey(l);
		if (fds[1].revents & POLLIN)
			take_refusals(l);
		console_tend(&l->console, fds + 3);
		tend(l);
	}
}

void loop_run(struct loop *l)
{
	const struct fetch_settings settings = {.ca = str_span(&l->ca),
						.proxy = l->proxy,
						.proxy_user = l->proxy_user,
						.proxy_password = l->proxy_password,
						.names_link = CHILD_FD_NAMES};
	l->web.page = tokens_map_writable(CHILD_FD_TOKEN_PAGE);
	if (!l->web.page)
		log_fatal(EXIT_TEMPORARY, "can't map the page of access tokens");
	l->web.fetcher = fetch_new(&settings);
	console_init(&l->console, l->blocks, l->block_count);
	l->web.tell = console_tell;
	l->web.context = &l->console;
	assign_slots(l);
	serve(l);
}
