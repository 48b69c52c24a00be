#include "common/process/child.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/fd.h"
#include "common/base/installed.h"
#include "common/base/log.h"
#include "common/ipc/counters.h"

enum {
	CONFIG_TEXT_MAX = 64 << 20, /* the largest configurations take less than a tenth of this */
	LISTENERS_MAX = 1024,
	TASK_NAME_MAX = 16 /* of prctl, with NUL */
};

static const struct {
	const char *name;
	const char *program;
	unsigned bit;
	enum wire_link control;
} roles[CHILD_ALL_COUNT] = {
	[CHILD_SMTPD] = {"smtpd", "mailroot-smtpd", ROLE_SMTPD, WIRE_LINK_control_smtpd},
	[CHILD_QUEUE] = {"queue", "mailroot-queue", ROLE_QUEUE, WIRE_LINK_control_queue},
	[CHILD_DELIVERY] = {"delivery", "mailroot-delivery", ROLE_DELIVERY, WIRE_LINK_control_delivery},
	[CHILD_LOCAL] = {"local", "mailroot-local", ROLE_LOCAL, WIRE_LINK_control_local},
	[CHILD_RESOLVER] = {"resolver", "mailroot-resolver", ROLE_RESOLVER, WIRE_LINK_control_resolver},
	[CHILD_LOG] = {"log", "mailroot-log", ROLE_LOG, WIRE_LINK_control_log},
	[CHILD_PICKUP] = {"pickup", "mailroot-pickup", ROLE_PICKUP, WIRE_LINK_control_pickup},
	[CHILD_WEB] = {"web", "mailroot-web", ROLE_WEB, WIRE_LINK_control_web},
	[CHILD_KERBEROS] = {"kerberos", "mailroot-kerberos", ROLE_KERBEROS, WIRE_LINK_control_kerberos},
	[CHILD_FILTERS] = {"filters", "mailroot-filters", ROLE_FILTERS, WIRE_LINK_control_filters},
	[CHILD_METRICS] = {"metrics", "mailroot-exporter", ROLE_METRICS, WIRE_LINK_control_metrics},
	[CHILD_ALERTS] = {"alerts", "mailroot-alerts", ROLE_ALERTS, WIRE_LINK_control_alerts},
};

const char *child_role_name(enum child_role role)
{
	return roles[role].name;
}

enum child_role child_role_find(struct span name)
{
	enum child_role role = 0;
	while (role < CHILD_ROLE_COUNT && !span_equal(name, span_of(roles[role].name)))
		role++;
	return role;
}

unsigned child_role_bit(enum child_role role)
{
	return roles[role].bit;
}

enum wire_link child_role_control(enum child_role role)
{
	return roles[role].control;
}

const char *child_role_program(enum child_role role)
{
	return roles[role].program;
}

bool child_program_usable(const char *path, enum child_role role, char *why, size_t size)
{
	if (access(path, X_OK) == 0)
		return true;
	if (errno != ENOENT)
		snprintf(why, size, "%s can't be started: %s", path, strerror(errno));
	else if (role == CHILD_WEB)
		snprintf(
			why, size,
			"%s, which fetches access tokens, is not installed: `apt install mailroot-web`, or install all programs of Mailroot again",
			path);
	else
		snprintf(why, size, "%s is missing: install Mailroot again", path);
	return false;
}

static const struct option options[] = {
	{"server", required_argument, NULL, 's'},
	{"listeners", required_argument, NULL, 'l'},
	{"paused", no_argument, NULL, 'p'},
	{"version", no_argument, NULL, 'V'},
	{0},
};

static _Noreturn void not_from_master(const char *what)
{
	log_fatal(EXIT_PERMANENT, "%s: this program is a part of mailrootd; start that instead", what);
}

static void parse_arguments(int argc, char **argv, struct child *out)
{
	uint64_t listeners = 0;
	bool usable = true;
	opterr = 0;
	for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
		switch (option) {
		case 's':
			out->server_name = optarg;
			break;
		case 'l':
			usable = usable && span_to_u64(span_of(optarg), LISTENERS_MAX, &listeners);
			break;
		case 'p':
			out->paused = true;
			break;
		case 'V':
			printf("%s %s\n", roles[out->role].program, MAILROOT_VERSION);
			exit(0);
		default:
			usable = false;
		}
	}
	out->listener_count = (size_t)listeners;
	if (!usable || optind != argc || !out->server_name[0] != (out->role >= CHILD_ROLE_COUNT))
		not_from_master("unknown or missing arguments");
}

static bool is_control_link(int fd)
{
	int type = 0;
	socklen_t len = sizeof(type);
	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0)
		return type == SOCK_SEQPACKET;
	if (errno != ENOTSOCK && errno != EBADF)
		log_fatal(EXIT_TEMPORARY, "can't look at the control link: %s", strerror(errno));
	return false;
}

static void name_process(const struct child *child)
{
	char name[TASK_NAME_MAX];
	snprintf(name, sizeof(name), "mr-%s%s%s", roles[child->role].name, child->server_name[0] ? ":" : "",
		 child->server_name);
	prctl(PR_SET_NAME, name);
}

int child_config_text(int fd, struct str *to)
{
	struct stat file;
	char chunk[16 * 1024];
	if (fstat(fd, &file) < 0)
		return -errno;
	if (!S_ISREG(file.st_mode))
		return -EINVAL;
	for (off_t at = 0; at < file.st_size;) {
		ssize_t got = pread(fd, chunk, sizeof(chunk), at);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got < 0 ? -errno : -EIO;
		if (!str_append(to, (struct span){chunk, (size_t)got}))
			return -EFBIG;
		at += got;
	}
	return 0;
}

/* CONFIG has exactly the virtual server NAME; none for "". */
static bool is_of(const struct config *config, const char *name)
{
	if (!name[0])
		return config->server_count == 0;
	return config->server_count == 1 && strcmp(config->servers[0].name, name) == 0;
}

/*
 * Loads the configuration in FD, which must be that of NAME. 0, or -errno and *out is empty: -EBADMSG when the text
 * can't be parsed, which may also be for lack of memory.
 */
static int load(int fd, const char *name, struct config *out)
{
	struct str text;
	memset(out, 0, sizeof(*out));
	str_init(&text, CONFIG_TEXT_MAX);
	int err = child_config_text(fd, &text);
	if (!err && (!config_parse_canonical(str_span(&text), out) || !is_of(out, name)))
		err = -EBADMSG;
	str_free(&text);
	if (err)
		config_free(out);
	return err;
}

/* Master wrote and sealed the text, so a failure is temporary, or the program is of another version. */
static void load_first(struct child *out)
{
	int err = load(CHILD_FD_CONFIG, out->server_name, &out->config);
	if (err == -EBADF || err == -EINVAL)
		not_from_master("descriptor 4 is no configuration");
	if (err)
		log_fatal(
			EXIT_TEMPORARY,
			"can't read the configuration of server %s from mailrootd (%s); if the programs were replaced, restart the service",
			out->server_name, strerror(-err));
}

/* No core dumps from here on, whatever secrets are read. The jail repeats this, because a change of user resets it. */
static void forbid_cores(void)
{
	const struct rlimit none = {0};
	if (setrlimit(RLIMIT_CORE, &none) || prctl(PR_SET_DUMPABLE, 0))
		log_fatal(EXIT_TEMPORARY, "can't forbid core dumps: %s", strerror(errno));
}

void child_start(int argc, char **argv, enum child_role role, struct child *out)
{
	*out = (struct child){.role = role, .server_name = ""};
	log_open(argv[0], NULL);
	parse_arguments(argc, argv, out);
	if (!is_control_link(CHILD_FD_CONTROL))
		not_from_master("descriptor 3 is not a control link");
	load_first(out);
	out->server = out->config.servers;
	log_open(roles[role].program, out->server_name[0] ? out->server_name : NULL);
	name_process(out);
	if (out->server)
		counters_map(CHILD_FD_COUNTERS);
	forbid_cores();
}

void child_ready(void)
{
	const struct wire_ready ready = {.version = SPAN(MAILROOT_VERSION)};
	struct str packet;
	str_init(&packet, WIRE_PACKET_MAX);
	int err = wire_encode_ready(&ready, &packet) ? ipc_send(CHILD_FD_CONTROL, str_span(&packet), NULL, 0) : -ENOMEM;
	str_free(&packet);
	if (err)
		log_fatal(EXIT_TEMPORARY, "can't report to mailrootd: %s", strerror(-err));
}

/* The part of TEXT that fits into the packet, in whole lines if there are several. */
static struct span trouble_text(const char *text)
{
	struct span s = span_of(text);
	if (s.len <= CHILD_TROUBLE_MAX)
		return s;
	s.len = CHILD_TROUBLE_MAX;
	const char *end = memrchr(s.at, '\n', s.len);
	return end ? (struct span){s.at, (size_t)(end - s.at)} : s;
}

void child_trouble(const char *text)
{
	const struct wire_trouble trouble = {.text = trouble_text(text)};
	struct str packet;
	str_init(&packet, WIRE_PACKET_MAX);
	int err = wire_encode_trouble(&trouble, &packet) ? ipc_send(CHILD_FD_CONTROL, str_span(&packet), NULL, 0)
							 : -ENOMEM;
	str_free(&packet);
	if (err)
		log_warning("can't report problems to mailrootd: %s", strerror(-err));
}

void child_detached(int control, enum child_link link, uint64_t serial)
{
	const struct wire_detached detached = {.kind = link, .serial = serial};
	struct str packet;
	str_init(&packet, 64);
	int err = wire_encode_detached(&detached, &packet) ? ipc_send(control, str_span(&packet), NULL, 0) : -ENOMEM;
	str_free(&packet);
	bool gone = err == -EPIPE || err == -ECONNRESET; /* the latter when it had not read everything */
	if (err && !gone)
		log_fatal(EXIT_TEMPORARY, "can't report a broken link to mailrootd: %s", strerror(-err));
}

void child_pong(int control)
{
	const struct wire_pong pong = {.pong = true};
	struct str packet;
	str_init(&packet, 64);
	int err = wire_encode_pong(&pong, &packet) ? ipc_send(control, str_span(&packet), NULL, 0) : -ENOMEM;
	str_free(&packet);
	if (err)
		log_warning("can't answer mailrootd: %s", strerror(-err));
}

enum wire_type child_order(int control, enum child_role role, char *buffer, size_t size, struct ipc_packet *order)
{
	*order = (struct ipc_packet){0};
	int err = ipc_receive(control, buffer, size, MSG_DONTWAIT, order);
	if (ipc_passes(err))
		return WIRE_NONE;
	if (err || order->eof)
		return WIRE_stop;
	enum wire_type type = wire_admit(child_role_control(role), WIRE_DOWN, order->text);
	if (type != WIRE_ping)
		return type;
	child_pong(control);
	return WIRE_NONE;
}

_Noreturn void child_fail(int exit_code, const char *text)
{
	struct span rest = span_of(text), line;
	child_trouble(text);
	while (span_line(&rest, &line))
		log_error("%.*s", SPAN_ARGS(line));
	exit(exit_code);
}

bool child_reconfigure(struct child *child, int fd)
{
	struct config config;
	int err = load(fd, child->server_name, &config);
	fd_close(&fd);
	if (err)
		return false;
	config_free(&child->config);
	child->config = config;
	child->server = child->config.servers;
	return true;
}
