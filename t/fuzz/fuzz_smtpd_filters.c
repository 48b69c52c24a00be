/*
 * Two messages of a session through a filter that sends anything. The input is a choice, and then for each packet to
 * the filter a length and as many octets that it sends back; length 0 stands for an honest answer, and at the end of
 * the input the filter is gone. For any input replies are well formed, what is acknowledged is stored, or discarded by
 * the filter, and nothing else is; what is stored is a message with recipients and without a bare line end.
 */
#include <pthread.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "common/base/log_level.h"
#include "common/mail/envelope.h"
#include "smtpd/session/session.h"
#include "t/fuzz/must.h"
#include "t/unit/smtpd_memory.h"

enum { PATIENCE_US = 1000 /* then a filter whose octets were no whole answer is gone */, CONNECTIONS_MAX = 16 };

static const char *const blocks[] = {
	"filter f { address inet:127.0.0.1:1; when_down tempfail }",
	"filter f { address inet:127.0.0.1:1; when_down accept }",
	"filter f { address inet:127.0.0.1:1; when_down hold }",
	"messages { max_message_size 1K }\nfilter f { address inet:127.0.0.1:1; when_down reject }",
};
enum { BLOCK_COUNT = sizeof(blocks) / sizeof(blocks[0]) };

static const char input[] = "EHLO client.test\r\n"
			    "MAIL FROM:<a@client.test> SIZE=40\r\n"
			    "RCPT TO:<b@example.com>\r\nRCPT TO:<x@elsewhere.test>\r\nRCPT TO:<c@example.com>\r\n"
			    "DATA\r\nSubject: one\r\nX-Old: 1\r\n\r\nhello\r\n.\r\n"
			    "XYZZY\r\n"
			    "MAIL FROM:<>\r\nRCPT TO:<b@example.com>\r\nDATA\r\nSubject: two\r\n\r\n.\r\nQUIT\r\n";

static struct filters filters;
static unsigned discards;

/* The end of a message that is not committed. */
static void count_discard(void *context)
{
	discards += filters.discarded;
	memory_abort(context);
}

static struct {
	struct span rest; /* of the input; used by one thread at a time, because the session waits */
	int fd;
	pthread_t thread;
	bool running;
	unsigned connections;
} filter;

static bool read_all(char *to, size_t n)
{
	for (size_t got = 0; got < n;) {
		ssize_t part = recv(filter.fd, to + got, n - got, 0);
		if (part <= 0)
			return false;
		got += (size_t)part;
	}
	return true;
}

static void answer_honestly(char letter)
{
	struct str out;
	str_init(&out, 64);
	size_t at = milter_wrap(&out, letter == 'O' ? 'O' : 'c');
	if (letter == 'O') {
		milter_put_u32(&out, MILTER_VERSION);
		milter_put_u32(&out, MILTER_ACTIONS);
		milter_put_u32(&out, 0);
	}
	milter_wrap_end(&out, at);
	if (letter != 'A' && letter != 'Q')
		(void)!send(filter.fd, out.at, out.len, MSG_NOSIGNAL);
	str_free(&out);
}

/* False: the input is over. */
static bool answer(char letter)
{
	if (!filter.rest.len)
		return false;
	size_t len = (unsigned char)filter.rest.at[0];
	filter.rest = span_skip(filter.rest, 1);
	if (len > filter.rest.len)
		len = filter.rest.len;
	if (len)
		(void)!send(filter.fd, filter.rest.at, len, MSG_NOSIGNAL);
	else
		answer_honestly(letter);
	filter.rest = span_skip(filter.rest, len);
	return true;
}

static void *serve(void *context)
{
	static _Thread_local char data[MILTER_DATA_MAX];
	char head[MILTER_HEAD];
	bool goes_on = true;
	(void)context;
	while (goes_on && read_all(head, sizeof(head))) {
		struct span size = {head, 4};
		uint32_t length = 0;
		MUST(milter_get_u32(&size, &length) && length > 0 && length - 1 <= sizeof(data));
		if (!read_all(data, length - 1))
			break;
		goes_on = head[4] == 'D' || answer(head[4]);
	}
	shutdown(filter.fd, SHUT_RDWR);
	return NULL;
}

static void join(void)
{
	if (!filter.running)
		return;
	pthread_join(filter.thread, NULL);
	close(filter.fd);
	filter.running = false;
}

static int dial(void *context, const struct config_filter *config, int64_t until, char *why, size_t size)
{
	const struct timeval patience = {.tv_usec = PATIENCE_US};
	int ends[2];
	(void)context;
	(void)config;
	(void)until;
	join();
	snprintf(why, size, "it is gone");
	if (filter.connections++ == CONNECTIONS_MAX || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
		return -ECONNREFUSED;
	filter.fd = ends[1];
	setsockopt(filter.fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	MUST(pthread_create(&filter.thread, NULL, serve, NULL) == 0);
	filter.running = true;
	return ends[0];
}

static struct config *configuration(size_t i)
{
	static struct config configs[BLOCK_COUNT];
	if (!configs[i].server_count)
		memory_config(blocks[i], &configs[i]);
	return &configs[i];
}

/* The number of messages that were acknowledged. */
static unsigned check_replies(struct span out)
{
	unsigned acknowledged = 0;
	struct span line;
	while (out.len) {
		size_t end = span_find(out, '\r');
		MUST(end + 1 < out.len && out.at[end + 1] == '\n' && end >= 4);
		line = (struct span){out.at, end};
		MUST(line.at[0] >= '2' && line.at[0] <= '5' && (line.at[3] == ' ' || line.at[3] == '-'));
		for (size_t i = 0; i < end; i++)
			MUST(line.at[i] >= ' ' && line.at[i] <= '~');
		acknowledged +=
			span_starts(line, SPAN("250 ")) && span_ends_nocase(line, SPAN("> Queued mail for delivery"));
		out = span_skip(out, end + 2);
	}
	return acknowledged;
}

static void check_message(struct span text)
{
	struct envelope envelope;
	struct arena arena;
	const char *why;
	arena_init(&arena, 1 << 20);
	MUST(envelope_parse(text, true, &arena, &envelope, &why) == ENVELOPE_OK && envelope.rcpt_count > 0);
	for (size_t i = 0; i < text.len; i++) {
		MUST(text.at[i] != '\n' || (i && text.at[i - 1] == '\r'));
		MUST(text.at[i] != '\r' || (i + 1 < text.len && text.at[i + 1] == '\n'));
	}
	arena_free(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct filter_services services = {.dial = dial};
	struct ipaddr client = memory_address("192.0.2.1");
	struct memory_store memory;
	struct store store = memory_store_init(&memory);
	struct session session;
	struct str replies;
	size_t choice = size ? data[0] % BLOCK_COUNT : 0;
	log_set_level(LOG_LEVEL_ERROR);
	store.abort = count_discard;
	discards = 0;
	filter.rest = span_skip((struct span){(const char *)data, size}, 1);
	filter.connections = 0;
	str_init(&replies, MEMORY_MAX);
	filters_init(&filters, &services, SOURCE_SMTP);
	MUST(session_init(&session, &configuration(choice)->servers[0], &store, &client));
	session.filters = &filters;
	session_greet(&session);
	memory_feed(&session, SPAN(input), SIZE_MAX, &replies);
	str_append(&replies, str_span(&session.out));
	MUST(!session.out.failed && session.state == SESSION_CLOSED);
	session_free(&session);
	filters_end(&filters);
	join();
	MUST(!memory.open && memory.stored + discards == check_replies(str_span(&replies)));
	if (memory.stored)
		check_message(str_span(&memory.last));
	memory_store_free(&memory);
	str_free(&replies);
	return 0;
}
