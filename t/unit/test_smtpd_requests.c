/* The answers to mailrootctl about sessions if a worker has written garbage to the scoreboard. */
#include "smtpd/requests.h"

#include <check.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/log_level.h"
#include "common/ipc/ipc.h"
#include "common/ipc/rows.h"
#include "common/ipc/wire.h"
#include "t/unit/suite.h"
#include "t/unit/wire_sample.h"

static struct prefork *pool;
static int ends[2];
static char buffer[WIRE_PACKET_MAX];

/* A compromised worker: an escape sequence, a separator, a newline, and numbers out of range. */
static int scribble(void *context, size_t slot)
{
	struct scoreboard *board = prefork_scoreboard(pool);
	(void)context;
	prefork_busy(pool, slot, SPAN("\x1b[2J\x1f\n\xff 192.0.2.1"));
	scoreboard_name(board, slot, SPAN("\x1f\r\n\x80{}"));
	scoreboard_progress(board, slot, UINT32_MAX, UINT64_MAX, INT64_MIN);
	for (;;)
		pause();
	return 0;
}

static void start(void)
{
	static const struct prefork_ops ops = {.work = scribble};
	pool = prefork_new(&ops, NULL, 1, 1, 1);
	ck_assert_ptr_nonnull(pool);
	struct scoreboard_entry entry = {0};
	while (entry.progress_wall_ms != INT64_MIN) {
		prefork_tend(pool);
		poll(NULL, 0, 1);
		scoreboard_get(prefork_scoreboard(pool), 0, &entry);
	}
	ck_assert_int_eq(ipc_pair(ends, 1 << 20), 0);
}

static void finish(void)
{
	close(ends[0]);
	close(ends[1]);
	prefork_free(pool);
}

static enum wire_type hear(struct ipc_packet *packet)
{
	ck_assert_int_eq(ipc_receive(ends[1], buffer, sizeof(buffer), MSG_DONTWAIT, packet), 0);
	return wire_type_of(packet->text);
}

static const struct known no_lists;
static const struct attention no_certificates;
static const struct requests_counts counts = {NULL, NULL, NULL, &no_lists, &no_certificates};

static bool ask(struct str *request)
{
	bool good = requests_serve(ends[0], WIRE_LINK_ctl_smtpd, str_span(request), NULL, pool, &counts);
	str_free(request);
	return good;
}

START_TEST(garbage_is_cleaned)
{
	struct str request;
	struct ipc_packet packet;
	struct wire_ctl_row row;
	str_init(&request, 100);
	ck_assert(wire_encode_smtpd_sessions(&(struct wire_smtpd_sessions){.from = 0}, &request));
	ck_assert(ask(&request));
	ck_assert_int_eq(hear(&packet), WIRE_ctl_row);
	ck_assert(wire_decode_ctl_row(packet.text, &row));
	ck_assert(span_equal(row.kind, SPAN(ROW_SESSION)));
	unsigned separators = 0;
	for (size_t i = 0; i < row.cells.len; i++) {
		unsigned char c = (unsigned char)row.cells.at[i];
		separators += c == ROW_SEPARATOR;
		ck_assert_msg(c == ROW_SEPARATOR || (c >= ' ' && c < 0x7f), "octet %u", c);
	}
	ck_assert_uint_eq(separators, 6);
	ck_assert_int_eq(hear(&packet), WIRE_ctl_done);
}
END_TEST

START_TEST(a_portion_beyond_the_end_is_empty)
{
	struct str request;
	struct ipc_packet packet;
	str_init(&request, 100);
	ck_assert(wire_encode_smtpd_sessions(&(struct wire_smtpd_sessions){.from = UINT32_MAX}, &request));
	ck_assert(ask(&request));
	ck_assert_int_eq(hear(&packet), WIRE_ctl_done);
}
END_TEST

START_TEST(a_packet_for_others_is_refused)
{
	struct ipc_packet packet;
	struct str request;
	str_init(&request, 1000);
	WIRE_EACH_FOREIGN(type, WIRE_LINK_ctl_smtpd, WIRE_UP)
	{
		wire_sample(type, &request);
		ck_assert_msg(!requests_serve(ends[0], WIRE_LINK_ctl_smtpd, str_span(&request), NULL, pool, &counts),
			      "%s", wire_type_name(type));
	}
	ck_assert_int_eq(ipc_receive(ends[1], buffer, sizeof(buffer), MSG_DONTWAIT, &packet), -EAGAIN);
	str_free(&request);
}
END_TEST

int main(void)
{
	log_set_level(LOG_LEVEL_ERROR);
	Suite *suite = suite_create("smtpd_requests");
	TCase *tc = tcase_create("all");
	tcase_add_checked_fixture(tc, start, finish);
	tcase_add_test(tc, garbage_is_cleaned);
	tcase_add_test(tc, a_portion_beyond_the_end_is_empty);
	tcase_add_test(tc, a_packet_for_others_is_refused);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
