/* Records on the link: many in a packet, none of them cut, and those without room are counted. */
#include "common/ipc/record.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "common/base/fd.h"
#include "common/ipc/ipc.h"
#include "t/unit/suite.h"

static int ends[2];
static struct record_writer writer;
static char packet_room[WIRE_PACKET_MAX];

static void setup(void)
{
	ck_assert_int_eq(ipc_pair(ends, 64 * 1024), 0);
	ck_assert_int_eq(fd_set_nonblock(ends[1], true), 0);
	record_writer_init(&writer, ends[1]);
}

static void teardown(void)
{
	record_writer_free(&writer);
	fd_close(&ends[0]);
	fd_close(&ends[1]);
}

static bool receive(struct wire_records *out)
{
	struct ipc_packet packet;
	if (ipc_receive(ends[0], packet_room, sizeof(packet_room), MSG_DONTWAIT, &packet) != 0)
		return false;
	ck_assert(wire_decode_records(packet.text, out));
	return true;
}

static void add(uint64_t number, size_t argument_len)
{
	static char argument[4096];
	memset(argument, 'a', sizeof(argument));
	record_add(&writer, &(struct wire_record){
				    .session = number, .verb = SPAN("NOOP"), .argument = {argument, argument_len}});
}

START_TEST(many_go_in_one_packet)
{
	struct wire_records records;
	struct wire_record record;
	for (uint64_t i = 0; i < 10; i++)
		add(i, 3);
	ck_assert(!receive(&records));
	record_flush(&writer);
	record_flush(&writer);
	ck_assert(receive(&records));
	ck_assert_uint_eq(records.serial, 1);
	ck_assert_uint_eq(records.dropped, 0);
	for (uint64_t i = 0; i < 10; i++) {
		ck_assert(record_next(&records.list, &record));
		ck_assert_uint_eq(record.session, i);
		ck_assert(span_equal(record.argument, SPAN("aaa")));
	}
	ck_assert(!record_next(&records.list, &record));
	ck_assert_uint_eq(records.list.len, 0);
	ck_assert(!receive(&records));
}
END_TEST

START_TEST(a_full_packet_goes_by_itself)
{
	struct wire_records records;
	struct wire_record record;
	uint64_t seen = 0;
	for (uint64_t i = 0; i < 100; i++) {
		add(i, 4096);
		while (receive(&records))
			for (; record_next(&records.list, &record); seen++) {
				ck_assert_uint_eq(record.session, seen);
				ck_assert_uint_eq(record.argument.len, RECORD_ARGUMENT_MAX);
			}
	}
	ck_assert_uint_gt(seen, 80);
}
END_TEST

START_TEST(texts_that_are_too_long_are_cut)
{
	static char octets[5000];
	struct wire_records records;
	struct wire_record record;
	struct span text = {octets, sizeof(octets)};
	record_add(&writer, &(struct wire_record){.name = text, .verb = text, .argument = text, .text = text});
	record_flush(&writer);
	ck_assert(receive(&records) && record_next(&records.list, &record));
	ck_assert_uint_eq(record.name.len, RECORD_NAME_MAX);
	ck_assert_uint_eq(record.verb.len, RECORD_VERB_MAX);
	ck_assert_uint_eq(record.argument.len, RECORD_ARGUMENT_MAX);
	ck_assert_uint_eq(record.text.len, RECORD_TEXT_MAX);
}
END_TEST

/* Every record is either received or counted, and the writer never waits. */
START_TEST(what_finds_no_room_is_counted)
{
	struct wire_records records;
	struct wire_record record;
	uint64_t received = 0, dropped = 0, serial = 0, sent = 0;
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 2000; i++, sent++) {
			add(sent, 100);
			record_flush(&writer);
		}
		ck_assert_uint_gt(writer.dropped, 0);
		while (receive(&records)) {
			dropped += records.dropped;
			ck_assert_uint_eq(records.serial, ++serial);
			while (record_next(&records.list, &record))
				received++;
		}
	}
	ck_assert_uint_gt(received, 100);
	ck_assert_uint_eq(received + dropped + writer.dropped, sent);
	writer.dropped = 0;
}
END_TEST

START_TEST(a_torn_list_ends_where_it_is_torn)
{
	struct wire_records records;
	struct wire_record record;
	add(1, 5);
	add(2, 5);
	record_flush(&writer);
	ck_assert(receive(&records));
	size_t one = records.list.len / 2;
	for (size_t len = 0; len < records.list.len; len++) {
		struct span list = {records.list.at, len};
		ck_assert(record_next(&list, &record) == (len >= one));
		ck_assert(!record_next(&list, &record));
		ck_assert_uint_eq(list.len, len >= one ? len - one : len);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("record");
	TCase *tc = tcase_create("record");
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, many_go_in_one_packet);
	tcase_add_test(tc, a_full_packet_goes_by_itself);
	tcase_add_test(tc, texts_that_are_too_long_are_cut);
	tcase_add_test(tc, what_finds_no_room_is_counted);
	tcase_add_test(tc, a_torn_list_ends_where_it_is_torn);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
