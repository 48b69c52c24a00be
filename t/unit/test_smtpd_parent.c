/* The whole program except main: a parent as master starts it, its workers, and clients on loopback. */
#include "smtpd/parent.h"

#include <arpa/inet.h>
#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/fd.h"
#include "common/base/log_level.h"
#include "common/ipc/ipc.h"
#include "common/ipc/rows.h"
#include "common/net/net.h"
#include "t/unit/smtpd_memory.h"
#include "t/unit/suite.h"

enum { FDS_ABOVE = 40, TARGETS = CHILD_FD_LISTEN + 1 };

static char folder[64], global[256];
static int control, arrivals, listener;
static uint16_t port;
static pid_t parent;
static char buffer[WIRE_PACKET_MAX];
static struct str heard;

/* In memory that all processes share: the errno with which accept fails, and the number of its calls. */
static struct {
	_Atomic int error;
	_Atomic unsigned calls;
} * accepting;

int accept4(int fd, struct sockaddr *from, socklen_t *len, int flags)
{
	int error = accepting ? accepting->error : 0;
	if (!error)
		return (int)syscall(SYS_accept4, fd, from, len, flags);
	accepting->calls++;
	errno = error;
	return -1;
}

static void make_folders(void)
{
	char path[128];
	strcpy(folder, "/tmp/test_smtpd_parent.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	ck_assert_int_eq(chmod(folder, 0755), 0);
	snprintf(path, sizeof(path), "%s/test", folder);
	ck_assert_int_eq(mkdir(path, 0755), 0);
	strcat(path, "/new");
	ck_assert_int_eq(mkdir(path, 0777), 0);
	ck_assert_int_eq(chmod(path, 0777), 0);
	snprintf(global, sizeof(global), "mailroot_dir %s\nsmtpd_user nobody\n", folder);
}

static int sealed(const char *lines)
{
	struct str text;
	memory_canonical(global, lines, &text);
	int fd = fd_sealed("config", str_span(&text));
	str_free(&text);
	ck_assert_int_ge(fd, 0);
	return fd;
}

_Noreturn static void run_parent(const int *fds)
{
	char *argv[] = {(char[]){"mailroot-smtpd"}, (char[]){"--server"}, (char[]){"test"},
			(char[]){"--listeners"},    (char[]){"1"},        NULL};
	static struct parent p;
	int above[TARGETS];
	for (int i = CHILD_FD_CONTROL; i < TARGETS; i++)
		above[i] = fcntl(fds[i], F_DUPFD, FDS_ABOVE);
	for (int i = CHILD_FD_CONTROL; i < TARGETS; i++)
		dup2(above[i], i);
	close_range(TARGETS, ~0U, 0);
	log_set_level(LOG_LEVEL_ERROR);
	struct child child;
	child_start(sizeof(argv) / sizeof(argv[0]) - 1, argv, CHILD_SMTPD, &child);
	parent_init(&p, &child);
	parent_jail(&p);
	parent_ready(&p);
	_exit(parent_loop(&p));
}

static void listen_somewhere(void)
{
	const struct config_endpoint where = {.ip = memory_address("127.0.0.1")};
	struct sockaddr_in name;
	socklen_t len = sizeof(name);
	listener = net_listen(&where, false, false);
	ck_assert_int_ge(listener, 0);
	ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&name, &len), 0);
	port = ntohs(name.sin_port);
}

static enum wire_type receive(int link, struct ipc_packet *packet)
{
	ck_assert_int_eq(ipc_receive(link, buffer, sizeof(buffer), 0, packet), 0);
	ck_assert(!packet->eof);
	return wire_type_of(packet->text);
}

static void start(const char *lines)
{
	int controls[2], arrival_ends[2];
	struct ipc_packet packet;
	make_folders();
	listen_somewhere();
	ck_assert_int_eq(ipc_pair(controls, 1 << 20), 0);
	ck_assert_int_eq(ipc_pair(arrival_ends, 1 << 20), 0);
	int config = sealed(lines), null = open("/dev/null", O_RDWR | O_CLOEXEC);
	parent = fork();
	ck_assert_int_ge(parent, 0);
	if (!parent)
		run_parent((int[TARGETS]){[0] = 0,
					  [1] = 1,
					  [2] = 2,
					  [CHILD_FD_CONTROL] = controls[1],
					  [CHILD_FD_CONFIG] = config,
					  [CHILD_FD_ARRIVALS] = arrival_ends[0],
					  [CHILD_FD_VERDICTS... CHILD_FD_LISTEN - 1] = null,
					  [CHILD_FD_LISTEN] = listener});
	close(controls[1]);
	close(config);
	close(null);
	control = controls[0];
	arrivals = arrival_ends[1];
	close(arrival_ends[0]);
	str_init(&heard, 1 << 20);
	ck_assert_int_eq(receive(control, &packet), WIRE_ready);
}

static void remove_files(void)
{
	char path[512];
	snprintf(path, sizeof(path), "%s/test/new", folder);
	DIR *dir = opendir(path);
	for (struct dirent *entry; (entry = readdir(dir));)
		if (entry->d_name[0] != '.')
			unlinkat(dirfd(dir), entry->d_name, 0);
	closedir(dir);
	rmdir(path);
	snprintf(path, sizeof(path), "%s/test", folder);
	rmdir(path);
	rmdir(folder);
}

/* The parent was told to stop, and ends with status 0. */
static void finish(void)
{
	int status;
	ck_assert_int_eq(waitpid(parent, &status, 0), parent);
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	fd_close(&control);
	fd_close(&arrivals);
	fd_close(&listener);
	str_free(&heard);
	remove_files();
}

static void tell(enum wire_type type, int fd)
{
	struct str packet;
	str_init(&packet, 1000);
	if (type == WIRE_stop)
		wire_encode_stop(&(struct wire_stop){.now = false}, &packet);
	else if (type == WIRE_reload)
		wire_encode_reload(&(struct wire_reload){.generation = 2}, &packet);
	else
		wire_encode_attach(&(struct wire_attach){.kind = CHILD_LINK_CTL}, &packet);
	ck_assert_int_eq(ipc_send(control, str_span(&packet), &fd, fd >= 0), 0);
	if (fd >= 0)
		close(fd);
	str_free(&packet);
}

static void tell_pause(bool paused)
{
	struct str packet;
	struct ipc_packet answer;
	struct wire_paused said;
	str_init(&packet, 1000);
	wire_encode_pause(&(struct wire_pause){.paused = paused}, &packet);
	ck_assert_int_eq(ipc_send(control, str_span(&packet), NULL, 0), 0);
	str_free(&packet);
	ck_assert_int_eq(receive(control, &answer), WIRE_paused);
	ck_assert(wire_decode_paused(answer.text, &said) && said.paused == paused);
}

static void stop(void)
{
	tell(WIRE_stop, -1);
	finish();
}

static int client(void)
{
	struct ipaddr ip = memory_address("127.0.0.1");
	int fd = net_connect_from(NULL, &ip, port, 10000);
	ck_assert_int_ge(fd, 0);
	str_clear(&heard);
	return fd;
}

static void say(int fd, const char *text)
{
	ck_assert_int_eq(fd_write_all(fd, span_of(text)), 0);
}

static void hear(int fd, const char *text)
{
	char octet;
	while (!strstr(str_text(&heard), text)) {
		ck_assert_msg(read(fd, &octet, 1) == 1, "not heard: %s\n%s", text, str_text(&heard));
		str_append_c(&heard, octet);
	}
}

START_TEST(test_message)
{
	struct ipc_packet packet;
	start("relay { list none }");
	ck_assert_int_eq(receive(arrivals, &packet), WIRE_look);
	for (int i = 0; i < 20; i++) {
		int fd = client();
		say(fd, "EHLO c\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<b@example.com>\r\nDATA\r\n.\r\nQUIT\r\n");
		hear(fd, "250 2.6.0 <");
		hear(fd, "221 ");
		close(fd);
		ck_assert_int_eq(receive(arrivals, &packet), WIRE_arrived);
	}
	stop();
}
END_TEST

/* Each worker retires after one session, and no client notices. */
START_TEST(test_jobs)
{
	start("processes { spare 1; max 3; jobs 1 }");
	for (int i = 0; i < 20; i++) {
		int fd = client();
		say(fd, "QUIT\r\n");
		hear(fd, "221 ");
		close(fd);
	}
	stop();
}
END_TEST

START_TEST(test_reload)
{
	start("relay { list 192.0.2.1 }");
	int fd = client();
	say(fd, "EHLO c\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<u@example.net>\r\n");
	hear(fd, "550 5.7.1 Unable to relay for u@example.net\r\n");
	tell(WIRE_reload, sealed("relay { list 127.0.0.1 }"));
	for (int i = 0; !strstr(str_text(&heard), "250 2.1.5 u@example.net"); i++) {
		ck_assert_int_lt(i, 1000);
		say(fd, "MAIL FROM:<a@b.example>\r\nRSET\r\nMAIL FROM:<a@b.example>\r\n");
		say(fd, "RCPT TO:<u@example.com>\r\nRSET\r\nMAIL FROM:<a@b.example>\r\nRCPT "
			"TO:<u@example.net>\r\nNOOP\r\n");
		str_clear(&heard);
		hear(fd, "250 2.0.0 OK\r\n");
		usleep(10 * 1000);
	}
	close(fd);
	/* An invalid text changes nothing. */
	tell(WIRE_reload, fd_sealed("bad", SPAN("nonsense")));
	fd = client();
	say(fd, "EHLO c\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<u@example.net>\r\n");
	hear(fd, "250 2.1.5 u@example.net\r\n");
	close(fd);
	stop();
}
END_TEST

/* A slot may become free a moment after its session ends: until then new clients get 421. */
static int client_with_a_place(void)
{
	for (int i = 0; i < 1000; i++) {
		int fd = client();
		hear(fd, "\n");
		if (strstr(str_text(&heard), "220 "))
			return fd;
		close(fd);
	}
	ck_abort_msg("never served");
}

START_TEST(test_full)
{
	int fds[2];
	start("processes { spare 2; max 5 }\nmax_connections 2");
	for (int i = 0; i < 2; i++) {
		fds[i] = client();
		hear(fds[i], "220 ");
	}
	int fd = client();
	hear(fd, "421 4.3.2 mail.example.com Too many connections");
	close(fd);
	say(fds[0], "QUIT\r\n");
	str_clear(&heard);
	hear(fds[0], "221 ");
	close(fds[0]);
	close(client_with_a_place());
	close(fds[1]);
	stop();
}
END_TEST

/* The list is that of one moment: a session on it may have ended, and a new one may be missing. */
static void kill_workers(void)
{
	char path[64];
	long pid;
	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)parent, (int)parent);
	FILE *file = fopen(path, "r");
	ck_assert_ptr_nonnull(file);
	while (fscanf(file, "%ld", &pid) == 1)
		ck_assert(kill((pid_t)pid, SIGKILL) == 0 || errno == ESRCH);
	fclose(file);
}

/* If a worker dies only its session ends, and the queue is asked to scan new/. */
START_TEST(test_worker_killed)
{
	struct ipc_packet packet;
	start("processes { spare 1; max 3 }");
	ck_assert_int_eq(receive(arrivals, &packet), WIRE_look);
	for (int i = 0; i < 5; i++) {
		int fd = client();
		hear(fd, "220 ");
		struct pollfd gone = {.fd = fd, .events = POLLRDHUP};
		do
			kill_workers();
		while (poll(&gone, 1, 100) == 0);
		close(fd);
		ck_assert_int_eq(receive(arrivals, &packet), WIRE_look);
		fd = client();
		say(fd, "QUIT\r\n");
		hear(fd, "221 ");
		close(fd);
	}
	stop();
}
END_TEST

START_TEST(test_stop_ends_sessions)
{
	start("");
	int idle = client();
	hear(idle, "220 ");
	int busy = client();
	say(busy, "EHLO c\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<b@example.com>\r\nDATA\r\n");
	hear(busy, "354 ");
	tell(WIRE_stop, -1);
	str_clear(&heard);
	hear(idle, "421 4.3.2 ");
	str_clear(&heard);
	say(busy, "Subject: x\r\n\r\n.\r\n");
	hear(busy, "250 2.6.0 ");
	hear(busy, "421 4.3.2 ");
	close(idle);
	close(busy);
	finish();
}
END_TEST

START_TEST(test_master_gone)
{
	start("");
	int fd = client();
	hear(fd, "220 ");
	fd_close(&control);
	hear(fd, "421 4.3.2 ");
	close(fd);
	finish();
}
END_TEST

static int attach(void)
{
	int ends[2];
	ck_assert_int_eq(ipc_pair(ends, 1 << 20), 0);
	tell(WIRE_attach, ends[1]);
	return ends[0];
}

/* The rows of an answer, one line each, and its end. */
static unsigned ask(int link, const struct str *request, struct str *rows)
{
	struct ipc_packet packet;
	struct wire_ctl_row row;
	struct wire_ctl_done done;
	ck_assert_int_eq(ipc_send(link, str_span(request), NULL, 0), 0);
	while (receive(link, &packet) == WIRE_ctl_row) {
		ck_assert(wire_decode_ctl_row(packet.text, &row));
		str_append(rows, row.kind);
		for (size_t i = 0; i < row.cells.len; i++)
			str_append_c(rows, row.cells.at[i] == ROW_SEPARATOR && !i ? '|' : row.cells.at[i]);
		str_append_c(rows, '\n');
	}
	ck_assert(wire_decode_ctl_done(packet.text, &done));
	str_append(rows, done.text);
	return (unsigned)done.exit_code;
}

/* When this returns, the parent has done what it was told before. */
static int attach_and_wait(void)
{
	struct str request, rows;
	int link = attach();
	str_init(&request, 100);
	str_init(&rows, 1 << 16);
	ck_assert(wire_encode_smtpd_status(&(struct wire_smtpd_status){.detail = true}, &request));
	ck_assert_uint_eq(ask(link, &request, &rows), 0);
	str_free(&request);
	str_free(&rows);
	return link;
}

static unsigned explain(int link, const char *address, const char *rcpt, struct str *rows)
{
	struct str request;
	struct wire_explain_relay explain = {.client = span_of(address), .recipient = span_of(rcpt)};
	str_init(&request, 4096);
	str_init(rows, 1 << 16);
	ck_assert(wire_encode_explain_relay(&explain, &request));
	unsigned exit_code = ask(link, &request, rows);
	str_free(&request);
	return exit_code;
}

/* Without a free descriptor for new clients, neither a worker nor the parent (if all workers are busy) loops busily. */
static void expect_rest(unsigned most)
{
	accepting->calls = 0;
	accepting->error = ENFILE;
	int fd = client();
	poll(NULL, 0, 2000); /* the limit itself */
	accepting->error = 0;
	ck_assert_uint_ge(accepting->calls, 1);
	ck_assert_msg(accepting->calls <= most, "%u calls in 2 s", accepting->calls);
	hear(fd, "2 mail.example.com ");
	close(fd);
}

START_TEST(test_no_descriptor)
{
	accepting = mmap(NULL, sizeof(*accepting), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert(accepting != MAP_FAILED);
	start("processes { spare 1; max 1 }");
	int fd = client();
	hear(fd, "220 mail.example.com ");
	expect_rest(20);
	close(fd);
	stop();
}
END_TEST

START_TEST(test_explain)
{
	static const struct {
		const char *client, *rcpt, *rows;
		unsigned exit_code;
	} cases[] = {
		{"10.0.0.1", "u@example.net",
		 "verdictaccepted\x1f"
		 "250 2.1.5 u@example.net\n"
		 "rule|"
		 "client is not in connect list, allow is all-except-listed: may connect\n"
		 "ruletest.conf:7\x1f"
		 "client is in relay list 10.0.0.0/8, allow is only-listed: accepted\n"
		 "to refuse it, remove 10.0.0.0/8 from relay list at test.conf:7",
		 0},
		{"10.0.0.1", "u",
		 "verdictaccepted\x1f"
		 "250 2.1.5 u@example.com\n"
		 "rule|"
		 "client is not in connect list, allow is all-except-listed: may connect\n"
		 "ruletest.conf:6\x1f"
		 "example.com is the default domain: accepted\n"
		 "to refuse it, write connect { list 10.0.0.1 } in virtual_server test at test.conf:4",
		 0},
		{"192.0.2.1", "u@example.net",
		 "verdictrefused\x1f"
		 "550 5.7.1 Unable to relay for u@example.net\n"
		 "rule|"
		 "client is not in connect list, allow is all-except-listed: may connect\n"
		 "ruletest.conf:7\x1f"
		 "client is not in relay list, allow is only-listed: refused\n"
		 "to permit it, add 192.0.2.1 to relay list at test.conf:7",
		 1},
		{"printer", "u@example.net",
		 "the client must be an address such as 192.0.2.1 or 2001:db8::1, its name a host name such as host.example.com, its user graphic ASCII",
		 2},
		{"10.0.0.1", "", "501 5.1.3 Invalid address: no recipient", 2},
	};
	struct str rows;
	start("relay { list 10.0.0.0/8 }");
	int link = attach();
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ck_assert_uint_eq(explain(link, cases[i].client, cases[i].rcpt, &rows), cases[i].exit_code);
		ck_assert_str_eq(str_text(&rows), cases[i].rows);
		str_free(&rows);
	}
	close(link);
	stop();
}
END_TEST

START_TEST(test_status)
{
	struct str request, rows;
	start("processes { spare 2; max 7 }");
	str_init(&request, 100);
	str_init(&rows, 1 << 16);
	int fd = client(), link = attach();
	hear(fd, "220 ");
	ck_assert(wire_encode_smtpd_status(&(struct wire_smtpd_status){.detail = true}, &request));
	ck_assert_uint_eq(ask(link, &request, &rows), 0);
	ck_assert_ptr_nonnull(strstr(str_text(&rows), "factsessions\x1f"
						      "1\n"));
	ck_assert_ptr_nonnull(strstr(str_text(&rows), "factmax\x1f"
						      "7\n"));
	close(fd);
	/* A malformed request ends its link and affects nothing else. */
	struct ipc_packet packet;
	ck_assert_int_eq(ipc_send(link, SPAN("\xff junk"), NULL, 0), 0);
	ck_assert_int_eq(ipc_receive(link, buffer, sizeof(buffer), 0, &packet), 0);
	ck_assert(packet.eof);
	close(link);
	fd = client();
	hear(fd, "220 ");
	close(fd);
	str_free(&request);
	str_free(&rows);
	stop();
}
END_TEST

/* Cell N of the row that begins with BEGIN. */
static struct span cell_of(const struct str *rows, const char *begin, unsigned n)
{
	const char *at = strstr(str_text(rows), begin);
	ck_assert_msg(at != NULL, "no %s in %s", begin, str_text(rows));
	struct span row = span_of(at + strlen(begin));
	while (n--)
		span_take(&row, 0x1f);
	return span_take(&row, 0x1f);
}

static void ask_sessions(int link, struct str *rows)
{
	struct str request;
	str_init(&request, 100);
	str_clear(rows);
	ck_assert(wire_encode_smtpd_sessions(&(struct wire_smtpd_sessions){.from = 0}, &request));
	ck_assert_uint_eq(ask(link, &request, rows), 0);
	str_free(&request);
}

static void kick(int link, struct span id, struct str *rows)
{
	struct str request;
	str_init(&request, 100);
	str_clear(rows);
	ck_assert(wire_encode_smtpd_kick(&(struct wire_smtpd_kick){.id = id}, &request));
	ck_assert_uint_eq(ask(link, &request, rows), 0);
	str_free(&request);
}

/* One worker, so the second session has the same slot, worker and pid as the first. */
START_TEST(test_kick)
{
	struct str rows;
	char id[64];
	start("processes { spare 1; max 1 }");
	str_init(&rows, 1 << 16);
	int link = attach(), fd = client();
	hear(fd, "220 ");
	say(fd, "EHLO c\r\nMAIL FROM:<a@example.com>\r\n");
	hear(fd, "Sender OK");
	ask_sessions(link, &rows);
	span_clean(cell_of(&rows, "session", 0), id, sizeof(id));
	ck_assert(span_equal(cell_of(&rows, "session", 1), SPAN("127.0.0.1")));
	ck_assert(span_equal(cell_of(&rows, "session", 3), SPAN("sender given")));
	kick(link, SPAN("1-1"), &rows);
	ck_assert_str_eq(str_text(&rows), "count0\n");
	say(fd, "NOOP\r\n");
	hear(fd, "250 2.0.0 OK");
	kick(link, span_of(id), &rows);
	ck_assert_str_eq(str_text(&rows), "count1\n");
	hear(fd, "421 4.3.2 ");
	close(fd);
	fd = client_with_a_place();
	kick(link, span_of(id), &rows);
	ck_assert_str_eq(str_text(&rows), "count0\n");
	say(fd, "HELO c\r\n");
	hear(fd, "250 ");
	kick(link, SPAN(""), &rows);
	ck_assert_str_eq(str_text(&rows), "count1\n");
	hear(fd, "421 4.3.2 ");
	close(fd);
	close(link);
	str_free(&rows);
	stop();
}
END_TEST

/* A message that is being received is accepted before the session ends. */
START_TEST(test_kick_after_the_message)
{
	struct str rows;
	start("");
	str_init(&rows, 1 << 16);
	int link = attach(), fd = client();
	hear(fd, "220 ");
	say(fd, "EHLO c\r\nMAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.com>\r\nDATA\r\n");
	hear(fd, "354 ");
	say(fd, "one\r\n");
	kick(link, SPAN(""), &rows);
	ck_assert_str_eq(str_text(&rows), "count1\n");
	say(fd, "two\r\n.\r\n");
	hear(fd, "250 2.6.0 ");
	hear(fd, "421 4.3.2 ");
	close(fd);
	close(link);
	str_free(&rows);
	stop();
}
END_TEST

/* Once the pause is confirmed no client is served. Open sessions finish, and no further client is served after them. */
START_TEST(test_pause)
{
	start("relay { list none }");
	int kept = client();
	hear(kept, "220 ");
	tell_pause(true);
	for (int i = 0; i < 20; i++) {
		int fd = client();
		hear(fd, "421 4.3.2 ");
		close(fd);
	}
	int config = sealed("relay { list 127.0.0.1 }"); /* a reload does not end the pause */
	tell(WIRE_reload, config);
	say(kept, "HELO c\r\nMAIL FROM:<a@b.example>\r\nQUIT\r\n");
	hear(kept, "221 ");
	close(kept);
	for (int i = 0; i < 20; i++) {
		int fd = client();
		hear(fd, "421 4.3.2 ");
		close(fd);
	}
	tell_pause(false);
	int fd = client();
	hear(fd, "220 ");
	close(fd);
	stop();
}
END_TEST

static void tell_users(bool present, int fd)
{
	struct str packet;
	str_init(&packet, 1000);
	wire_encode_users(&(struct wire_users){.present = present, .file = SPAN("/u")}, &packet);
	ck_assert_int_eq(ipc_send(control, str_span(&packet), &fd, fd >= 0), 0);
	if (fd >= 0)
		close(fd);
	str_free(&packet);
}

/* Whatever the account file, open sessions and new clients are served. */
START_TEST(test_users)
{
	start("");
	int fd = client();
	hear(fd, "220 ");
	tell_users(true, -1);
	tell_users(false, fd_sealed("users", SPAN("ann yescrypt=$y$j9T$a$b changed=1\n")));
	tell_users(true, open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	tell_users(true, fd_sealed("users", SPAN("\xff\n\n=\nann yescrypt=$y$j9T$a$b changed=1\n")));
	tell_users(false, -1);
	close(attach_and_wait());
	str_clear(&heard);
	say(fd, "NOOP\r\n");
	hear(fd, "250 2.0.0 OK");
	close(fd);
	stop();
}
END_TEST

START_TEST(test_retire)
{
	struct str packet;
	start("relay { list none }");
	int kept = client();
	hear(kept, "220 ");
	str_init(&packet, 1000);
	wire_encode_retire(&(struct wire_retire){.retire = true}, &packet);
	ck_assert_int_eq(ipc_send(control, str_span(&packet), NULL, 0), 0);
	str_free(&packet);
	tell(WIRE_reload, sealed("relay { list 127.0.0.1 }")); /* an open session obeys it */
	str_clear(&heard);
	say(kept, "HELO c\r\n");
	hear(kept, "250 ");
	close(attach_and_wait());
	str_clear(&heard);
	say(kept, "MAIL FROM:<a@b.example>\r\nRCPT TO:<x@elsewhere.example>\r\n");
	hear(kept, "250 2.1.5 ");
	say(kept, "QUIT\r\n");
	hear(kept, "221 ");
	close(kept);
	finish();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("smtpd_parent");
	TCase *tcase = tcase_create("all");
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, test_message);
	tcase_add_test(tcase, test_jobs);
	tcase_add_test(tcase, test_reload);
	tcase_add_test(tcase, test_full);
	tcase_add_test(tcase, test_worker_killed);
	tcase_add_test(tcase, test_stop_ends_sessions);
	tcase_add_test(tcase, test_master_gone);
	tcase_add_test(tcase, test_no_descriptor);
	tcase_add_test(tcase, test_explain);
	tcase_add_test(tcase, test_status);
	tcase_add_test(tcase, test_kick);
	tcase_add_test(tcase, test_kick_after_the_message);
	tcase_add_test(tcase, test_pause);
	tcase_add_test(tcase, test_users);
	tcase_add_test(tcase, test_retire);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
