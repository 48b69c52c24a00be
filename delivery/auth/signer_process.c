#include "delivery/auth/signer_process.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "common/base/fd.h"
#include "common/base/log.h"
#include "common/ipc/ipc.h"
#include "common/jail/syscalls.h"
#include "common/process/privs.h"

enum {
	LINK = 3,         /* the common link's descriptor in the signer */
	OTHER_FILES = 16, /* descriptors beside the clients' links */
	TURN = 64         /* clients that are served in one turn */
};

struct holder {
	struct dkim_key **keys;
	size_t n;
	int epoll;
	bool attached; /* the parent, or a client that is being forked, has the common link */
	size_t clients, most;
};

static void log_key(const char *domain, const struct config_selector *selector, const struct dkim_key *key)
{
	const char *weak = dkim_key_warning(key);
	log_info("dkim=%s/%s algorithm=%s bits=%u in force", domain, selector->name,
		 dkim_algorithm_word(dkim_key_algorithm(key)), dkim_key_bits(key));
	if (weak)
		log_warning("dkim=%s/%s: %s: %s", domain, selector->name, selector->file, weak);
}

/* The key of SELECTOR, or NULL; tells the parent. */
static struct dkim_key *load(const char *domain, const struct config_selector *selector, uid_t owner)
{
	struct signer_report report = {0};
	struct dkim_key *key = dkim_key_load(selector->file, owner, report.why);
	report.usable = key != NULL;
	if (key) {
		report.algorithm = dkim_key_algorithm(key);
		log_key(domain, selector, key);
	}
	if (ipc_send(LINK, (struct span){(const char *)&report, sizeof(report)}, NULL, 0))
		_exit(0); /* the parent is gone */
	return key;
}

static void load_all(struct holder *h, const struct config_server *server, const char *user)
{
	uid_t uid;
	gid_t gid;
	privs_lookup(user, &uid, &gid);
	for (size_t i = 0; i < server->dkim_count; i++)
		h->n += server->dkims[i].selector.n;
	h->keys = calloc(h->n, sizeof(struct dkim_key *));
	if (!h->keys)
		log_fatal(EXIT_TEMPORARY, "out of memory");
	size_t at = 0;
	for (size_t i = 0; i < server->dkim_count; i++)
		for (size_t k = 0; k < server->dkims[i].selector.n; k++)
			h->keys[at++] = load(server->dkims[i].name, &server->dkims[i].selector.at[k], uid);
}

static bool watch(const struct holder *h, int fd)
{
	struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
	return epoll_ctl(h->epoll, EPOLL_CTL_ADD, fd, &event) == 0;
}

static void take_client(struct holder *h)
{
	char word[8];
	struct ipc_packet packet;
	int err = ipc_receive(LINK, word, sizeof(word), MSG_DONTWAIT, &packet);
	if (err)
		return;
	if (packet.eof) {
		epoll_ctl(h->epoll, EPOLL_CTL_DEL, LINK, NULL);
		h->attached = false;
		return;
	}
	if (packet.fd_count == 1 && h->clients < h->most && watch(h, packet.fds[0])) {
		packet.fds[0] = -1;
		h->clients++;
	}
	ipc_packet_close(&packet);
}

size_t signer_answer_question(struct dkim_key *const *keys, size_t n, struct span question,
			      struct signer_answer *answer)
{
	struct signer_question q;
	size_t len = 0;
	if (question.len != sizeof(q))
		return 0;
	memcpy(&q, question.at, sizeof(q));
	if (q.key >= n)
		return 0;
	answer->serial = q.serial;
	if (!keys[q.key] || !dkim_key_sign(keys[q.key], q.hash, answer->signature, &len))
		len = 0;
	return SIGNER_ANSWER_HEAD + len;
}

/* One question of a client. A client that asks what no client asks loses its link. */
static void serve(struct holder *h, int fd)
{
	char text[sizeof(struct signer_question) + 1];
	struct signer_answer answer;
	struct ipc_packet packet;
	size_t len = 0;
	int err = ipc_receive(fd, text, sizeof(text), MSG_DONTWAIT, &packet);
	if (err == -EAGAIN)
		return;
	if (!err) {
		len = signer_answer_question(h->keys, h->n, packet.text, &answer);
		ipc_packet_close(&packet);
	}
	if (len) {
		ipc_send_now(fd, (struct span){(const char *)&answer, len});
		return;
	}
	close(fd);
	h->clients--;
}

/* A link that has more to read comes last in the next turn. */
static void work(struct holder *h)
{
	struct epoll_event events[TURN];
	while (h->attached || h->clients) {
		int n = epoll_wait(h->epoll, events, TURN, -1);
		if (n < 0)
			fd_rest(errno);
		for (int i = 0; i < n; i++) {
			if (events[i].data.fd == LINK)
				take_client(h);
			else
				serve(h, events[i].data.fd);
		}
	}
}

/* Keeps only the common link and the log. SIGTERM to the whole service is not for the signer. */
static _Noreturn void become_signer(int link, const struct config_server *server, const struct signer_jail *jail)
{
	struct holder h = {.attached = true, .most = jail->clients};
	const struct privs_jail walls = {.user = jail->user, .max_files = (int)jail->clients + OTHER_FILES};
	prctl(PR_SET_NAME, "mailroot-signer");
	signal(SIGTERM, SIG_IGN);
	signal(SIGUSR1, SIG_IGN);
	if (dup2(link, LINK) != LINK || close_range(LINK + 1, UINT_MAX, 0) != 0)
		_exit(1);
	load_all(&h, server, jail->user);
	privs_enter(&walls);
	syscalls_enter(SYSCALLS_signer, jail->seccomp);
	h.epoll = epoll_create1(EPOLL_CLOEXEC);
	if (h.epoll < 0 || !watch(&h, LINK))
		log_fatal(EXIT_TEMPORARY, "can't make an epoll: %s", strerror(errno));
	work(&h);
	for (size_t i = 0; i < h.n; i++)
		dkim_key_free(h.keys[i]);
	_exit(0);
}

pid_t signer_process_fork(const int ends[2], const struct config_server *server, const struct signer_jail *jail)
{
	pid_t pid = fork();
	if (pid == 0)
		become_signer(ends[1], server, jail);
	return pid;
}
