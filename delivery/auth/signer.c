#include "delivery/auth/signer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "common/base/clock.h"
#include "common/base/fd.h"
#include "common/base/language.h"
#include "common/base/log.h"
#include "common/dkim/sign.h"
#include "common/ipc/ipc.h"
#include "delivery/auth/signer_process.h"

enum { LINK_BUFFER = 16 * 1024, START_MS = 60 * 1000 };

static size_t count_keys(const struct config_server *server)
{
	size_t n = 0;
	for (size_t i = 0; i < server->dkim_count; i++)
		n += server->dkims[i].selector.n;
	return n;
}

static _Noreturn void fail(const char *why)
{
	log_fatal(EXIT_TEMPORARY, "can't start the process that signs mail (DKIM): %s", why);
}

/* Takes what the signer says of KEY, which it has read. */
static void take_report(int link, const struct config_dkim *dkim, struct signer_key *key)
{
	struct signer_report report;
	struct ipc_packet packet;
	int err = fd_await(link, clock_mono_ms() + START_MS);
	if (!err)
		err = ipc_receive(link, (char *)&report, sizeof(report), MSG_DONTWAIT, &packet);
	if (!err && packet.text.len != sizeof(report))
		err = -ECONNRESET;
	if (err)
		fail(strerror(-err));
	key->algorithm = report.algorithm;
	report.why[sizeof(report.why) - 1] = '\0';
	if (report.usable)
		return;
	const struct config_origin *at = &key->selector->origin;
	if (asprintf(&key->why, N_("dkim %s: selector %s: can't use %.250s: %s (%s:%u)"), dkim->name,
		     key->selector->name, key->selector->file, report.why, at->file ? at->file : "default",
		     at->line) < 0)
		fail(strerror(ENOMEM));
}

static void take_reports(struct signer *s)
{
	struct signer_key *key = s->keys;
	for (size_t i = 0; i < s->server->dkim_count; i++) {
		const struct config_dkim *dkim = &s->server->dkims[i];
		for (size_t k = 0; k < dkim->selector.n; k++, key++) {
			key->selector = &dkim->selector.at[k];
			take_report(s->link, dkim, key);
		}
	}
}

void signer_start(struct signer *out, const struct config_server *server, const struct signer_jail *jail)
{
	int ends[2];
	*out = (struct signer){.link = -1, .server = server, .n = count_keys(server)};
	if (!out->n)
		return;
	if (!dkim_sign_prepare())
		fail(strerror(ENOMEM));
	out->keys = calloc(out->n, sizeof(*out->keys));
	int err = out->keys ? ipc_pair(ends, LINK_BUFFER) : -ENOMEM;
	if (err)
		fail(strerror(-err));
	out->pid = signer_process_fork(ends, server, jail);
	if (out->pid < 0)
		fail(strerror(errno));
	fd_close(&ends[1]);
	out->link = ends[0];
	take_reports(out);
}

void signer_free(struct signer *s)
{
	fd_close(&s->link);
	for (size_t i = 0; i < s->n; i++)
		free(s->keys[i].why);
	free(s->keys);
	*s = (struct signer){.link = -1};
}

bool signer_ended(const struct signer *s, char *text)
{
	int status;
	if (s->pid <= 0 || waitpid(s->pid, &status, WNOHANG) != s->pid)
		return false;
	if (WIFSIGNALED(status))
		snprintf(text, SIGNER_WHY_MAX, N_("the process that signs mail (DKIM) was ended by signal %d: %s"),
			 WTERMSIG(status), strsignal(WTERMSIG(status)));
	else
		snprintf(text, SIGNER_WHY_MAX, N_("the process that signs mail (DKIM) ended with status %d"),
			 WEXITSTATUS(status));
	return true;
}

void signer_trouble(const struct signer *s, struct str *to)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->keys[i].why)
			str_printf(to, N_("mail waits: %s\n"), s->keys[i].why);
}

const struct signer_key *signer_keys(const struct signer *s, const struct config_dkim *dkim)
{
	const struct signer_key *key = s->keys;
	for (const struct config_dkim *before = s->server->dkims; before < dkim; before++)
		key += before->selector.n;
	return key;
}

int signer_connect(struct signer *s)
{
	int ends[2];
	static const char word = 'w'; /* a packet is never empty */
	if (s->link < 0 || ipc_pair(ends, LINK_BUFFER))
		return -1;
	int err = ipc_send(s->link, (struct span){&word, 1}, &ends[1], 1);
	fd_close(&ends[1]);
	fd_close(&s->link);
	if (err)
		fd_close(&ends[0]);
	return ends[0];
}

/* Receives the answer with SERIAL; answers to questions that were given up are left out. */
static int receive(int link, uint32_t serial, int64_t until, uint8_t *signature)
{
	struct signer_answer answer;
	struct ipc_packet packet;
	size_t len = 0;
	do {
		int err = fd_await(link, until);
		if (!err)
			err = ipc_receive(link, (char *)&answer, sizeof(answer), MSG_DONTWAIT, &packet);
		if (!err && (packet.eof || packet.text.len < SIGNER_ANSWER_HEAD))
			err = -ECONNRESET;
		if (err)
			return err;
		len = packet.text.len - SIGNER_ANSWER_HEAD;
	} while (answer.serial != serial);
	memcpy(signature, answer.signature, len);
	return len ? (int)len : -EKEYREJECTED;
}

int signer_ask(const struct signer *s, int link, const struct signer_key *key, const uint8_t *hash, int64_t until,
	       uint8_t *signature)
{
	static uint32_t serial;
	struct signer_question question = {.serial = ++serial, .key = (uint32_t)(key - s->keys)};
	memcpy(question.hash, hash, sizeof(question.hash));
	int err = link < 0 ? -ECONNRESET
			   : ipc_send(link, (struct span){(const char *)&question, sizeof(question)}, NULL, 0);
	return err ? err : receive(link, serial, until, signature);
}
