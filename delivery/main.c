/*
 * mailroot-delivery: the SMTP clients of one virtual server. A pool under `delivery_user`, without a file system. Init,
 * jail, ready, loop.
 */
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/ipc/tokens.h"
#include "common/jail/syscalls.h"
#include "common/process/privs.h"
#include "common/tls/attention.h"
#include "delivery/auth/security.h"
#include "delivery/auth/signer.h"
#include "delivery/pool/pool.h"
#include "delivery/smtp_jobs.h"

enum { KEPT_CONFIG_MAX = 64 << 20 /* as of child_start */ };

static struct attention attention;
static struct signer signer;

/* Parses the start configuration a second time: a reload frees child->config. */
static const struct config_server *keep_config(struct config *out)
{
	struct str text;
	str_init(&text, KEPT_CONFIG_MAX);
	if (child_config_text(CHILD_FD_CONFIG, &text) || !config_parse_canonical(str_span(&text), out))
		log_fatal(EXIT_TEMPORARY, "can't read the configuration again");
	str_free(&text);
	return &out->servers[0];
}

/* As root. A block whose files can't be used reports it; the dates of the others are checked from now on. */
static void examine(const struct config_server *server, const struct securities *securities)
{
	struct config_outbound_block block;
	struct str text;
	attention_init(&attention);
	for (size_t i = 0; config_outbound_block(server, i, &block); i++)
		attention_examine(&attention, &block.outbound->client_certificate, CERTIFICATE_CLIENT);
	str_init(&text, WIRE_PACKET_MAX);
	securities_trouble(securities, &text);
	signer_trouble(&signer, &text);
	attention_set(&attention, ATTENTION_OUTBOUND, str_text(&text));
	str_free(&text);
}

/* Another signer would need the key files, which the jail hides: the next process of this program reads them. */
static void look_for_signer(void)
{
	char why[SIGNER_WHY_MAX];
	if (signer_ended(&signer, why))
		child_fail(EXIT_TEMPORARY, why);
}

static void look(void)
{
	struct str text;
	look_for_signer();
	str_init(&text, WIRE_PACKET_MAX);
	if (syscalls_refused("an SMTP client", &text))
		attention_set(&attention, ATTENTION_SANDBOX, str_text(&text));
	str_free(&text);
	attention_tend(&attention, NULL, clock_wall_ms() / 1000);
}

static void enter_jail(const struct child *child, const struct securities *securities)
{
	const char **paths = securities_paths(securities);
	const struct privs_jail jail = {.user = child->config.delivery_user, .may_fork = true, .readable = paths};
	privs_enter(&jail);
	free(paths);
	bool agents = securities_need_agents(securities);
	enum config_seccomp mode = child->config.sandbox.seccomp;
	syscalls_prepare(agents ? SYSCALLS_client_with_agent : SYSCALLS_client, mode);
	syscalls_enter(agents ? SYSCALLS_clients_with_agents : SYSCALLS_clients, mode);
}

/* Before anything else is read, so that the signer has no other secret. */
static void start_signer(const struct child *child, const struct config_server *server)
{
	const struct signer_jail jail = {.user = child->config.delivery_user,
					 .seccomp = child->config.sandbox.seccomp,
					 .clients = 2 * (size_t)server->delivery.processes.max};
	signer_start(&signer, server, &jail);
}

int main(int argc, char **argv)
{
	struct child child;
	struct config config;
	struct securities securities;
	uid_t uid;
	gid_t gid;
	signal(SIGPIPE, SIG_IGN);
	tzset();
	child_start(argc, argv, CHILD_DELIVERY, &child);
	privs_lookup(child.config.delivery_user, &uid, &gid);
	start_signer(&child, keep_config(&config));
	securities_load(&config.servers[0], uid, tokens_map(CHILD_FD_TOKEN_PAGE), &securities);
	examine(&config.servers[0], &securities);
	enter_jail(&child, &securities);
	look();
	child_ready();

	const struct config_processes *processes = &child.server->delivery.processes;
	const size_t max = (size_t)processes->max, spare = (size_t)processes->spare;
	const struct smtp_jobs_context loaded = {&securities, &signer};
	const struct pool_setup setup = {.child = &child,
					 .kind = CHILD_LINK_DELIVERY,
					 .spare = spare < max ? spare : max,
					 .max = max,
					 .jobs = (uint64_t)processes->jobs,
					 .may_fork = securities_need_agents(&securities),
					 .look = look,
					 .work = smtp_jobs_work,
					 .context = &loaded};
	int status = pool_run(&setup);
	signer_free(&signer);
	attention_free(&attention);
	securities_free(&securities);
	config_free(&config);
	return status;
}
