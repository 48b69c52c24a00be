#include "ctl/link.h"
#include "t/unit/suite.h"
#include "t/unit/wire_sample.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int ours, theirs;
static size_t rows;
static struct link_row last;

static void setup(void)
{
	int ends[2];

	ck_assert_int_eq(ipc_pair(ends, 1 << 20), 0);
	ours = ends[0];
	theirs = ends[1];
	rows = 0;
}

static void teardown(void)
{
	close(ours);
	close(theirs);
}

static void on_row(void *context, const struct link_row *row)
{
	ck_assert_ptr_eq(context, &rows);
	rows++;
	last = *row;
}

static void send_row(const char *cells)
{
	struct wire_ctl_row row = {.kind = SPAN("message"), .cells = span_of(cells)};
	struct str packet;

	str_init(&packet, WIRE_PACKET_MAX);
	ck_assert(wire_encode_ctl_row(&row, &packet));
	ck_assert_int_eq(ipc_send(theirs, str_span(&packet), NULL, 0), 0);
	str_free(&packet);
}

static void send_done(unsigned exit_code, const char *text, int fd)
{
	struct wire_ctl_done done = {.exit_code = exit_code, .text = span_of(text)};
	struct str packet;

	str_init(&packet, WIRE_PACKET_MAX);
	ck_assert(wire_encode_ctl_done(&done, &packet));
	ck_assert_int_eq(ipc_send(theirs, str_span(&packet), &fd, fd >= 0), 0);
	str_free(&packet);
}

static bool ask(struct link_answer *answer)
{
	struct wire_ctl_status status = {.detail = true};
	struct str request;

	*answer = (struct link_answer){.row = on_row, .context = &rows};
	str_init(&request, WIRE_PACKET_MAX);
	wire_encode_ctl_status(&status, &request);
	return link_ask(ours, &request, answer);
}

START_TEST(cells_are_split)
{
	struct link_row row;

	link_split(SPAN("a\x1f\x1f"
			"bc"),
		   &row);
	ck_assert_uint_eq(row.n, 3);
	ck_assert(span_equal(row.cells[0], SPAN("a")));
	ck_assert_uint_eq(row.cells[1].len, 0);
	ck_assert(span_equal(row.cells[2], SPAN("bc")));
	ck_assert_uint_eq(row.cells[3].len, 0);
	link_split(SPAN(""), &row);
	ck_assert_uint_eq(row.n, 1);
	link_split(SPAN("a\x1f"), &row);
	ck_assert_uint_eq(row.n, 2);
	char many[100];
	memset(many, 0x1f, sizeof(many));
	link_split((struct span){many, sizeof(many)}, &row);
	ck_assert_uint_eq(row.n, LINK_CELLS_MAX);
}
END_TEST

START_TEST(rows_then_the_end_with_a_descriptor)
{
	struct link_answer answer;
	int given = dup(0);

	send_row("x\x1fy");
	send_row("z");
	send_done(3, "said\x1b", given);
	ck_assert(ask(&answer));
	ck_assert_uint_eq(rows, 2);
	ck_assert_uint_eq(answer.exit_code, 3);
	ck_assert_str_eq(answer.said, "said\\x1b");
	ck_assert_int_ge(answer.fd, 0);
	close(answer.fd);
	close(given);
}
END_TEST

START_TEST(a_packet_for_others_is_no_answer)
{
	struct link_answer answer;
	struct str packet;

	str_init(&packet, 1000);
	WIRE_EACH_FOREIGN(type, WIRE_LINK_ctl_master, WIRE_DOWN)
	{
		wire_sample(type, &packet);
		ck_assert_int_eq(ipc_send(theirs, str_span(&packet), NULL, 0), 0);
		ck_assert_msg(!ask(&answer), "%s", wire_type_name(type));
		ck_assert_ptr_nonnull(strstr(answer.said, "protocol of another version"));
	}
	str_free(&packet);
}
END_TEST

START_TEST(a_refusal_before_the_question_is_read)
{
	struct link_answer answer;

	send_done(1, "you may not", -1);
	shutdown(theirs, SHUT_RDWR);
	close(theirs);
	theirs = -1;
	ck_assert(ask(&answer));
	ck_assert_str_eq(answer.said, "you may not");
}
END_TEST

START_TEST(a_broken_answer_is_told)
{
	struct link_answer answer;

	send_row("x");
	ck_assert_int_eq(send(theirs, "garbage", 7, 0), 7);
	ck_assert(!ask(&answer));
	ck_assert_uint_ne(answer.exit_code, 0);
	ck_assert_ptr_nonnull(strstr(answer.said, "another version"));
	teardown();
	setup();
	send_row("x");
	shutdown(theirs, SHUT_WR);
	ck_assert(!ask(&answer));
	ck_assert_ptr_nonnull(strstr(answer.said, "closed"));
}
END_TEST

START_TEST(an_absent_service_is_told_with_the_remedy)
{
	char why[LINK_TEXT_MAX + 1];

	ck_assert_int_eq(link_to_master("/nonexistent"), -ENOENT);
	link_explain("/nonexistent", -ENOENT, why);
	ck_assert_ptr_nonnull(strstr(why, "not running"));
	link_explain("/x", -EACCES, why);
	ck_assert_ptr_nonnull(strstr(why, "operators"));
	char deep[300];
	memset(deep, 'a', sizeof(deep));
	deep[sizeof(deep) - 1] = '\0';
	ck_assert_int_eq(link_to_master(deep), -ENAMETOOLONG);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("link");
	TCase *tc = tcase_create("link");
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, cells_are_split);
	tcase_add_test(tc, rows_then_the_end_with_a_descriptor);
	tcase_add_test(tc, a_packet_for_others_is_no_answer);
	tcase_add_test(tc, a_refusal_before_the_question_is_read);
	tcase_add_test(tc, a_broken_answer_is_told);
	tcase_add_test(tc, an_absent_service_is_told_with_the_remedy);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
