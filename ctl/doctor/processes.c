#include "ctl/doctor/processes.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/fd.h"

enum { COMMAND_MAX = 4096, PATH_SIZE = 300, TABLE_MAX = 16 << 20, TCP_LISTEN = 10, WORDS = 4 };

static bool read_file(const char *path, struct str *to)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool good = fd >= 0 && fd_read_all(fd, to) == 0;
	fd_close(&fd);
	return good;
}

/* The next numbered entry of /proc; 0 at the end. */
static pid_t next_pid(DIR *proc)
{
	const struct dirent *entry;
	uint64_t pid;
	while ((entry = readdir(proc)))
		if (span_to_u64(span_of(entry->d_name), INT32_MAX, &pid))
			return (pid_t)pid;
	return 0;
}

/* Processes of containers on this machine have a process namespace of their own, and ports of their own. */
static bool is_elsewhere(pid_t pid)
{
	char path[PATH_SIZE];
	struct stat own, other;
	snprintf(path, sizeof(path), "/proc/%d/ns/pid", (int)pid);
	return stat("/proc/self/ns/pid", &own) == 0 && stat(path, &other) == 0 && own.st_ino != other.st_ino;
}

void processes_each(void (*say)(void *context, const struct process *process), void *context)
{
	char path[PATH_SIZE];
	struct str command;
	DIR *proc = opendir("/proc");
	str_init(&command, COMMAND_MAX);
	for (pid_t pid; proc && (pid = next_pid(proc)); str_clear(&command)) {
		snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)pid);
		if (!read_file(path, &command) || !command.len || is_elsewhere(pid))
			continue;
		struct span rest = str_span(&command);
		const struct process process = {
			.pid = pid, .program = span_take(&rest, '\0'), .command = str_span(&command)};
		say(context, &process);
	}
	str_free(&command);
	if (proc)
		closedir(proc);
}

/* "0100007F:0019", or 32 digits for IPv6: words of 32 bits in the byte order of this machine. */
static bool parse_endpoint(struct span text, struct process_listener *out)
{
	char digits[2 * 16 + 1], port[5];
	struct span address = span_take(&text, ':');
	uint32_t words[WORDS] = {0, 0, htonl(0xffff), 0};
	size_t count = address.len / 8;
	if ((count != 1 && count != WORDS) || address.len % 8 || !span_copy(address, digits, sizeof(digits)) ||
	    !span_copy(text, port, sizeof(port)))
		return false;
	for (size_t i = 0; i < count; i++) {
		char word[9];
		memcpy(word, digits + 8 * i, 8);
		word[8] = '\0';
		words[WORDS - count + i] = (uint32_t)strtoul(word, NULL, 16);
	}
	memcpy(out->ip.octets, words, sizeof(out->ip.octets));
	out->port = (uint16_t)strtoul(port, NULL, 16);
	out->any = count == 1 ? !words[3] : !(words[0] | words[1] | words[2] | words[3]);
	return true;
}

static struct span next_word(struct span *line)
{
	*line = span_trim(*line);
	return span_take_word(line);
}

static bool parse_line(struct span line, struct process_listener *out)
{
	uint64_t inode = 0;
	next_word(&line); /* number */
	struct span local = next_word(&line);
	next_word(&line); /* remote */
	struct span state = next_word(&line);
	for (int i = 0; i < 5; i++) /* queues, timer, retransmissions, user, time-out */
		next_word(&line);
	if (!span_equal_nocase(state, SPAN("0A")) || !span_to_u64(next_word(&line), UINT32_MAX, &inode))
		return false;
	out->inode = (unsigned long)inode;
	return parse_endpoint(local, out);
}

void processes_parse_listeners(struct span text, struct process_listener out[PROCESS_LISTENERS_MAX], size_t *n)
{
	struct span line;
	while (span_line(&text, &line) && *n < PROCESS_LISTENERS_MAX)
		*n += parse_line(line, &out[*n]);
}

size_t processes_listeners(struct process_listener out[PROCESS_LISTENERS_MAX])
{
	static const char *const tables[] = {"/proc/net/tcp", "/proc/net/tcp6"};
	size_t n = 0;
	struct str text;
	str_init(&text, TABLE_MAX);
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++, str_clear(&text))
		if (read_file(tables[i], &text))
			processes_parse_listeners(str_span(&text), out, &n);
	str_free(&text);
	return n;
}

static bool has_socket(pid_t pid, const char *wanted)
{
	char path[PATH_SIZE], target[64];
	bool found = false;
	const struct dirent *entry;
	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	DIR *folder = opendir(path);
	while (folder && !found && (entry = readdir(folder))) {
		ssize_t len = readlinkat(dirfd(folder), entry->d_name, target, sizeof(target) - 1);
		target[len > 0 ? len : 0] = '\0';
		found = strcmp(target, wanted) == 0;
	}
	if (folder)
		closedir(folder);
	return found;
}

static void read_name(pid_t pid, char name[PROCESS_NAME_MAX])
{
	char path[PATH_SIZE];
	struct str text;
	snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
	str_init(&text, PROCESS_NAME_MAX - 1);
	bool good = read_file(path, &text);
	span_clean((struct span){str_text(&text), good ? span_find(str_span(&text), '\n') : 0}, name, PROCESS_NAME_MAX);
	str_free(&text);
}

pid_t processes_owner(unsigned long inode, const char *preferred, char name[PROCESS_NAME_MAX])
{
	char wanted[64], found[PROCESS_NAME_MAX];
	pid_t owner = 0;
	bool best = false;
	DIR *proc = opendir("/proc");
	snprintf(wanted, sizeof(wanted), "socket:[%lu]", inode);
	for (pid_t pid; proc && !best && (pid = next_pid(proc));) {
		if (!has_socket(pid, wanted))
			continue;
		read_name(pid, found);
		best = strncmp(found, preferred, strlen(preferred)) == 0;
		if (owner && !best)
			continue;
		owner = pid;
		memcpy(name, found, PROCESS_NAME_MAX);
	}
	if (proc)
		closedir(proc);
	return owner;
}
