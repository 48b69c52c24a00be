#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "common/base/fd.h"
#include "common/base/installed.h"
#include "common/ipc/rows.h"
#include "ctl/blocks.h"
#include "ctl/complete.h"
#include "ctl/queues.h"
#include "ctl/table.h"

struct names {
	const struct complete *complete;
	const char *kind;   /* of rows that count */
	const char *server; /* precedes the name, NULL = does not */
};

static void print(void *context, const char *candidate)
{
	(void)context;
	puts(candidate);
}

/* The last word of the first cell is the name: of an id all of it, of "connector partner" its name. */
static void print_row(void *context, const struct link_row *row)
{
	const struct names *names = context;
	char text[LINK_TEXT_MAX];
	if (!span_equal(row->kind, span_of(names->kind)))
		return;
	struct span name = row->cells[0];
	const char *blank = name.len ? memrchr(name.at, ' ', name.len) : NULL;
	if (blank)
		name = span_skip(name, (size_t)(blank - name.at) + 1);
	snprintf(text, sizeof(text), "%s%s%.*s", names->server ? names->server : "", names->server ? ":" : "",
		 SPAN_ARGS(name));
	if (strncmp(text, names->complete->last, strlen(names->complete->last)) == 0)
		puts(text);
}

static void ignore(void *context, struct span text)
{
	(void)context;
	(void)text;
}

static bool write_queue(void *context, const char *id, struct str *request)
{
	const struct wire_queue_list list = {.limit = TABLE_ROWS_MAX};
	(void)context;
	(void)id;
	return wire_encode_queue_list(&list, request);
}

static bool write_badmail(void *context, const char *id, struct str *request)
{
	const struct wire_badmail_list list = {.limit = TABLE_ROWS_MAX};
	(void)context;
	(void)id;
	return wire_encode_badmail_list(&list, request);
}

/* The first portion is enough to choose from. */
static void print_sessions(struct queues *servers, struct names *names)
{
	char why[LINK_TEXT_MAX + 1];
	struct link_answer answer = {.row = print_row, .text = ignore, .context = names};
	struct wire_smtpd_sessions portion = {0};
	struct str request;
	int fd = link_to_child(servers->run_dir, servers->server, CHILD_SMTPD, why);
	if (fd < 0)
		return;
	names->server = servers->server;
	str_init(&request, WIRE_PACKET_MAX);
	wire_encode_smtpd_sessions(&portion, &request);
	link_ask(fd, &request, &answer);
	fd_close(&answer.fd);
	fd_close(&fd);
}

static void print_servers(struct queues *servers, struct names *names)
{
	for (size_t i = 0; i < servers->count; i++) {
		servers->server = servers->names[i];
		if (names->complete->live == COMPLETE_SESSIONS)
			print_sessions(servers, names);
		else if (strncmp(servers->server, names->complete->last, strlen(names->complete->last)) == 0)
			puts(servers->server);
	}
}

static void print_live(struct ctl *ctl, const struct complete *complete)
{
	bool queue = complete->live == COMPLETE_QUEUE;
	struct names names = {.complete = complete};
	struct queues_request request = {.write = queue ? write_queue : write_badmail,
					 .row = print_row,
					 .text = ignore,
					 .context = &names,
					 .quiet = true};
	struct queues queues;
	struct blocks blocks;
	int status;
	names.kind = queue                                 ? ROW_MESSAGE
		     : complete->live == COMPLETE_BADMAIL  ? ROW_BADMAIL
		     : complete->live == COMPLETE_SESSIONS ? ROW_SESSION
							   : ROW_TOKEN;
	if (complete->live == COMPLETE_BLOCKS) {
		if (!blocks_open(ctl, &blocks, &status))
			return;
		blocks_ask_all(&blocks, print_row, &names);
		blocks_close(&blocks);
		return;
	}
	if (!queues_open(ctl, &queues, &status))
		return;
	if (queue || complete->live == COMPLETE_BADMAIL)
		queues_ask(&queues, &request);
	else
		print_servers(&queues, &names);
	queues_close(&queues);
}

static void end_late(int signo)
{
	(void)signo;
	_exit(0);
}

int complete_run(const char *const *words, size_t n)
{
	static struct ctl ctl;
	const struct itimerval deadline = {.it_value = {.tv_usec = 1000 * COMPLETE_DEADLINE_MS}};
	struct complete complete = {.add = print};
	complete_words(words, n, &complete);
	/* What was printed until the deadline counts. */
	fflush(stdout);
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (complete.live == COMPLETE_NONE)
		return EXIT_DONE;
	/* The shell waits, and an error is nothing to complete. */
	signal(SIGALRM, end_late);
	setitimer(ITIMER_REAL, &deadline, NULL);
	if (!freopen("/dev/null", "w", stderr))
		return EXIT_FAILED;
	ctl.options.file = complete.file ? complete.file : MAILROOT_SYSCONFDIR "/mailroot.conf";
	ctl.options.server = "";
	print_live(&ctl, &complete);
	return EXIT_DONE;
}
