/* Every packet of wire.def, from the same list: at both bounds of every field, cut, extended, and out of range. */
#include "common/ipc/wire.h"
#include "t/unit/suite.h"
#include "t/unit/wire_sample.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OCTETS_MAX = 64 * 1024 + 1 };

static char octets[OCTETS_MAX];
static struct str first, second;

static void setup(void)
{
	for (size_t i = 0; i < sizeof(octets); i++)
		octets[i] = (char)(i * 7);
	str_init(&first, WIRE_PACKET_MAX);
	str_init(&second, WIRE_PACKET_MAX);
}

static void teardown(void)
{
	str_free(&first);
	str_free(&second);
}

/* fill_<name>: every field at 0, or at its bound. */
#define U(field, max) value->field = at_bound ? (max) : 0;
#define S(field, max) value->field = (struct span){octets, at_bound ? (max) : 0};
#define B(field)      value->field = at_bound;
#define PACKET(name, ways, fields)                                                                                     \
	static void fill_##name(struct wire_##name *value, bool at_bound)                                              \
	{                                                                                                              \
		fields                                                                                                 \
	}
#include "common/ipc/wire.def"
#undef U
#undef S
#undef B

#define U(field, max) ck_assert_uint_eq(a->field, b->field);
#define S(field, max) ck_assert(span_equal(a->field, b->field));
#define B(field)      ck_assert(a->field == b->field);
#define PACKET(name, ways, fields)                                                                                     \
	static void assert_same_##name(const struct wire_##name *a, const struct wire_##name *b)                       \
	{                                                                                                              \
		fields                                                                                                 \
	}
#include "common/ipc/wire.def"
#undef U
#undef S
#undef B

#define PACKET(name, ways, fields)                                                                                     \
	START_TEST(round_trip_##name)                                                                                  \
	{                                                                                                              \
		struct wire_##name value, back;                                                                        \
		fill_##name(&value, _i);                                                                               \
		ck_assert(wire_encode_##name(&value, &first));                                                         \
		ck_assert_int_eq(wire_type_of(str_span(&first)), WIRE_##name);                                         \
		ck_assert(wire_decode_##name(str_span(&first), &back));                                                \
		assert_same_##name(&value, &back);                                                                     \
		ck_assert(wire_encode_##name(&back, &second));                                                         \
		ck_assert(span_equal(str_span(&first), str_span(&second)));                                            \
	}                                                                                                              \
	END_TEST                                                                                                       \
	START_TEST(exact_length_##name)                                                                                \
	{                                                                                                              \
		struct wire_##name value, back;                                                                        \
		fill_##name(&value, _i);                                                                               \
		ck_assert(wire_encode_##name(&value, &first));                                                         \
		for (size_t len = 0; len < first.len; len++)                                                           \
			ck_assert(!wire_decode_##name((struct span){first.at, len}, &back));                           \
		first.at[0]++;                                                                                         \
		ck_assert(!wire_decode_##name(str_span(&first), &back));                                               \
		first.at[0]--;                                                                                         \
		ck_assert(str_append_c(&first, 0));                                                                    \
		ck_assert(!wire_decode_##name(str_span(&first), &back));                                               \
	}                                                                                                              \
	END_TEST
#include "common/ipc/wire.def"

/* One field after the other out of range: refused, and nothing is appended. */
#define REFUSED                                                                                                        \
	ck_assert(!encode(&value, &first));                                                                            \
	ck_assert_str_eq(str_text(&first), "before");
#define U(field, max)                                                                                                  \
	value = full;                                                                                                  \
	value.field = (uint64_t)(max) + 1;                                                                             \
	if (value.field) {                                                                                             \
		REFUSED                                                                                                \
	}
#define S(field, max)                                                                                                  \
	value = full;                                                                                                  \
	value.field.len++;                                                                                             \
	REFUSED
#define B(field)
#define PACKET(name, ways, fields)                                                                                     \
	START_TEST(bounds_##name)                                                                                      \
	{                                                                                                              \
		bool (*encode)(const struct wire_##name *, struct str *) = wire_encode_##name;                         \
		struct wire_##name full, value;                                                                        \
		fill_##name(&full, true);                                                                              \
		ck_assert(str_append_text(&first, "before"));                                                          \
		fields value = full;                                                                                   \
		ck_assert(encode(&value, &first));                                                                     \
		ck_assert_uint_gt(first.len, strlen("before"));                                                        \
	}                                                                                                              \
	END_TEST
#include "common/ipc/wire.def"
#undef U
#undef S
#undef B
#undef REFUSED

START_TEST(no_memory)
{
	const struct wire_queue_show show = {.id = SPAN("0123456789")};
	struct str small;
	str_init(&small, 8);
	ck_assert(!wire_encode_queue_show(&show, &small));
	ck_assert_uint_eq(small.len, 0);
	str_free(&small);
}
END_TEST

START_TEST(types_and_names)
{
	ck_assert_int_eq(wire_type_of(SPAN("")), WIRE_NONE);
	ck_assert_int_eq(wire_type_of(SPAN("\0")), WIRE_NONE);
	ck_assert_int_eq(wire_type_of((struct span){(char[]){(char)WIRE_TYPE_COUNT}, 1}), WIRE_NONE);
	ck_assert_int_eq(wire_type_of(SPAN("\xff")), WIRE_NONE);
	ck_assert_str_eq(wire_type_name(WIRE_arrived), "arrived");
	ck_assert_str_eq(wire_type_name(WIRE_smtpd_status), "smtpd_status");
	ck_assert_str_eq(wire_type_name(WIRE_TYPE_COUNT), "none");
}
END_TEST

static const struct {
	struct span fields; /* of `detach` or `reload`, whose only field is a number */
	bool small, large;  /* decodes with bound 15, with bound 2^64 - 1 */
} numbers[] = {
	{SPAN("\x0f"), true, true},
	{SPAN("\x10"), false, true},
	{SPAN("\x80\x01"), false, true},
	{SPAN("\x8f\x00"), false, false}, /* 15, not the shortest way */
	{SPAN("\x80\x00"), false, false},
	{SPAN("\x80"), false, false},
	{SPAN("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), false, true},
	{SPAN("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"), false, false},
	{SPAN("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x81\x00"), false, false},
	{SPAN("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), false, false},
};

START_TEST(one_spelling_of_numbers)
{
	struct wire_detach detach;
	struct wire_reload reload;
	str_append_c(&first, WIRE_detach);
	str_append(&first, numbers[_i].fields);
	ck_assert_int_eq(wire_decode_detach(str_span(&first), &detach), numbers[_i].small);
	str_append_c(&second, WIRE_reload);
	str_append(&second, numbers[_i].fields);
	ck_assert_int_eq(wire_decode_reload(str_span(&second), &reload), numbers[_i].large);
}
END_TEST

START_TEST(flags_are_0_or_1)
{
	struct wire_stop stop;
	for (int octet = 0; octet < 256; octet++) {
		char packet[] = {(char)WIRE_stop, (char)octet};
		ck_assert_int_eq(wire_decode_stop((struct span){packet, sizeof(packet)}, &stop), octet <= 1);
	}
}
END_TEST

/* A length far beyond the packet, and one that would overflow. */
START_TEST(wrong_lengths_are_refused)
{
	struct wire_queue_show show;
	const struct span lies[] = {SPAN("\x18short"), SPAN("\x7f"), SPAN("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01")};
	str_append_c(&first, WIRE_queue_show);
	str_append(&first, lies[_i]);
	ck_assert(!wire_decode_queue_show(str_span(&first), &show));
}
END_TEST

/* The packets that each end reads, written again by hand; wire.def has the same for each packet. */
static const struct {
	enum wire_link link;
	enum wire_way way;
	const char *types; /* each followed by a space */
} readers[] = {
	{WIRE_LINK_control_smtpd, WIRE_DOWN, "attach reload stop ping pause retire users recipients "},
	{WIRE_LINK_control_smtpd, WIRE_UP, "ready pong trouble paused "},
	{WIRE_LINK_control_queue, WIRE_DOWN, "attach detach reload stop ping "},
	{WIRE_LINK_control_queue, WIRE_UP, "ready pong trouble detached "},
	{WIRE_LINK_control_delivery, WIRE_DOWN, "attach reload stop ping "},
	{WIRE_LINK_control_delivery, WIRE_UP, "ready pong trouble detached "},
	{WIRE_LINK_control_local, WIRE_DOWN, "attach reload stop ping recipients "},
	{WIRE_LINK_control_local, WIRE_UP, "ready pong trouble detached "},
	{WIRE_LINK_control_resolver, WIRE_DOWN, "attach reload stop ping "},
	{WIRE_LINK_control_resolver, WIRE_UP, "ready pong trouble detached "},
	{WIRE_LINK_control_log, WIRE_DOWN, "reload stop ping "},
	{WIRE_LINK_control_log, WIRE_UP, "ready pong trouble "},
	{WIRE_LINK_control_pickup, WIRE_DOWN, "reload stop ping recipients "},
	{WIRE_LINK_control_pickup, WIRE_UP, "ready pong trouble "},
	{WIRE_LINK_control_web, WIRE_DOWN, "attach reload stop ping "},
	{WIRE_LINK_control_web, WIRE_UP, "ready pong trouble "},
	{WIRE_LINK_control_kerberos, WIRE_DOWN, "reload stop ping "},
	{WIRE_LINK_control_kerberos, WIRE_UP, "ready pong trouble "},
	{WIRE_LINK_control_filters, WIRE_DOWN, "reload stop ping "},
	{WIRE_LINK_control_filters, WIRE_UP, "ready pong trouble "},
	{WIRE_LINK_control_metrics, WIRE_DOWN, "reload stop ping "},
	{WIRE_LINK_control_metrics, WIRE_UP, "ready pong trouble "},
	{WIRE_LINK_control_alerts, WIRE_DOWN, "attach reload stop ping "},
	{WIRE_LINK_control_alerts, WIRE_UP, "ready pong trouble "},
	{WIRE_LINK_status_master, WIRE_DOWN, "ctl_row ctl_text ctl_done ctl_page "},
	{WIRE_LINK_status_master, WIRE_UP, "ctl_status ctl_connect ctl_counters "},
	{WIRE_LINK_status_queue, WIRE_DOWN, "ctl_row ctl_text ctl_done "},
	{WIRE_LINK_status_queue, WIRE_UP, "queue_status "},
	{WIRE_LINK_status_smtpd, WIRE_DOWN, "ctl_row ctl_text ctl_done "},
	{WIRE_LINK_status_smtpd, WIRE_UP, "smtpd_status "},
	{WIRE_LINK_passwords, WIRE_DOWN, "password_fits "},
	{WIRE_LINK_passwords, WIRE_UP, "password_of "},
	{WIRE_LINK_filters, WIRE_DOWN, "filter_is "},
	{WIRE_LINK_filters, WIRE_UP, "filter_of filter_doubted "},
	{WIRE_LINK_tokens, WIRE_DOWN, ""},
	{WIRE_LINK_tokens, WIRE_UP, "token_refused "},
	{WIRE_LINK_ctl_web, WIRE_DOWN, "ctl_row ctl_text ctl_done "},
	{WIRE_LINK_ctl_web, WIRE_UP, "oauth_act "},
	{WIRE_LINK_ctl_alerts, WIRE_DOWN, "ctl_row ctl_text ctl_done "},
	{WIRE_LINK_ctl_alerts, WIRE_UP, "alert_test "},
	{WIRE_LINK_arrivals, WIRE_DOWN, "etrn_answer "},
	{WIRE_LINK_arrivals, WIRE_UP, "arrived look etrn atrn credentials_ready "},
	{WIRE_LINK_verdicts, WIRE_DOWN, ""},
	{WIRE_LINK_verdicts, WIRE_UP, "verdict dialogue "},
	{WIRE_LINK_records, WIRE_DOWN, ""},
	{WIRE_LINK_records, WIRE_UP, "records "},
	{WIRE_LINK_names, WIRE_DOWN, "named listed resolved "},
	{WIRE_LINK_names, WIRE_UP, "name_of listed_of resolve "},
	{WIRE_LINK_pool, WIRE_DOWN, "want_workers "},
	{WIRE_LINK_pool, WIRE_UP, "worker "},
	{WIRE_LINK_resolver, WIRE_DOWN, "resolve "},
	{WIRE_LINK_resolver, WIRE_UP, "resolved "},
	{WIRE_LINK_job_delivery, WIRE_DOWN, "job_smtp job_etrn "},
	{WIRE_LINK_job_delivery, WIRE_UP, "idle "},
	{WIRE_LINK_job_local, WIRE_DOWN, "job_copy job_notice "},
	{WIRE_LINK_job_local, WIRE_UP, "idle "},
	{WIRE_LINK_ctl_master, WIRE_DOWN, "ctl_row ctl_text ctl_done ctl_page "},
	{WIRE_LINK_ctl_master, WIRE_UP,
	 "ctl_status ctl_reload ctl_users ctl_stop ctl_upgrade ctl_server ctl_connect ctl_counters "},
	{WIRE_LINK_ctl_queue, WIRE_DOWN, "ctl_row ctl_text ctl_done "},
	{WIRE_LINK_ctl_queue, WIRE_UP,
	 "queue_list queue_show queue_act queue_status queue_test badmail_list badmail_show badmail_act "
	 "explain_route "},
	{WIRE_LINK_ctl_smtpd, WIRE_DOWN, "ctl_row ctl_text ctl_done "},
	{WIRE_LINK_ctl_smtpd, WIRE_UP,
	 "explain_relay explain_alias smtpd_status smtpd_sessions smtpd_clients smtpd_kick "},
};

/* Lasting packets in their order. A number that differs says that one of them has changed: HACKING.md, "A packet". */
static const struct {
	size_t packets;
	uint64_t contract;
} contracts[] = {
	{31, 3950294908858911886}, {33, 5339693621160274845}, {34, 1149833283596173238},
	{36, 3851223434904811437}, {38, 6131659366606870173}, {39, 15519174186524927320U},
};

START_TEST(lasting_packets_stay_as_they_are)
{
	size_t n = sizeof(contracts) / sizeof(contracts[0]);
	for (size_t i = 0; i < n; i++)
		ck_assert_uint_eq(wire_contract(contracts[i].packets), contracts[i].contract);
	ck_assert_uint_eq(contracts[n - 1].packets, WIRE_LASTING);
	ck_assert_uint_eq(wire_contract(WIRE_LASTING + 1), 0);
	ck_assert_uint_ne(wire_contract(WIRE_LASTING - 1), wire_contract(WIRE_LASTING));
}
END_TEST

/* What an older process may say to a newer one, or hear from it. */
static bool is_kept(enum wire_link link)
{
	return link <= WIRE_LINK_names;
}

START_TEST(packets_of_kept_links_are_lasting)
{
	for (enum wire_link link = 0; is_kept(link); link++) {
		for (enum wire_type type = WIRE_LASTING_END; type < WIRE_TYPE_COUNT; type++)
			ck_assert_msg(!wire_permits(link, WIRE_UP, type) && !wire_permits(link, WIRE_DOWN, type),
				      "%s is not lasting", wire_type_name(type));
	}
	ck_assert_int_le(WIRE_record, WIRE_LASTING);
	ck_assert_int_le(WIRE_ctl_upgrade, WIRE_LASTING);
}
END_TEST

enum { ENDS = sizeof(readers) / sizeof(readers[0]) };

START_TEST(each_end_reads_its_packets)
{
	enum wire_link link = readers[_i].link;
	enum wire_way way = readers[_i].way;
	size_t left = strlen(readers[_i].types);
	char list[256];
	snprintf(list, sizeof(list), " %s", readers[_i].types);
	for (enum wire_type type = WIRE_NONE; type <= WIRE_TYPE_COUNT; type++) {
		char word[64];
		size_t len = (size_t)snprintf(word, sizeof(word), " %s ", wire_type_name(type));
		bool listed = strstr(list, word);
		ck_assert_msg(wire_permits(link, way, type) == listed, "link %d, way %d:%s", link, way, word);
		left -= listed ? len - 1 : 0;
	}
	ck_assert_msg(left == 0, "an unknown name in \"%s\"", readers[_i].types);
}
END_TEST

START_TEST(each_end_is_listed_once)
{
	bool seen[WIRE_LINK_COUNT][WIRE_WAY_COUNT] = {0};
	for (size_t i = 0; i < ENDS; i++) {
		ck_assert(!seen[readers[i].link][readers[i].way]);
		seen[readers[i].link][readers[i].way] = true;
	}
	ck_assert_uint_eq(ENDS, WIRE_LINK_COUNT * WIRE_WAY_COUNT);
}
END_TEST

START_TEST(admitted_only_where_permitted)
{
	for (enum wire_type type = WIRE_NONE + 1; type < WIRE_TYPE_COUNT; type++) {
		wire_sample(type, &first);
		for (size_t i = 0; i < ENDS; i++) {
			bool may = wire_permits(readers[i].link, readers[i].way, type);
			ck_assert_int_eq(wire_admit(readers[i].link, readers[i].way, str_span(&first)),
					 may ? type : WIRE_NONE);
		}
	}
	ck_assert_int_eq(wire_admit(WIRE_LINK_arrivals, WIRE_UP, SPAN("")), WIRE_NONE);
	ck_assert_int_eq(wire_admit(WIRE_LINK_arrivals, WIRE_UP, SPAN("\xff")), WIRE_NONE);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("wire");
	TCase *each = tcase_create("each packet"), *all = tcase_create("packets");
	tcase_add_checked_fixture(each, setup, teardown);
#define PACKET(name, ways, fields)                                                                                     \
	tcase_add_loop_test(each, round_trip_##name, 0, 2);                                                            \
	tcase_add_loop_test(each, exact_length_##name, 0, 2);                                                          \
	tcase_add_test(each, bounds_##name);
#include "common/ipc/wire.def"
	tcase_add_checked_fixture(all, setup, teardown);
	tcase_add_test(all, no_memory);
	tcase_add_test(all, types_and_names);
	tcase_add_loop_test(all, one_spelling_of_numbers, 0, sizeof(numbers) / sizeof(numbers[0]));
	tcase_add_test(all, flags_are_0_or_1);
	tcase_add_loop_test(all, wrong_lengths_are_refused, 0, 3);
	tcase_add_loop_test(all, each_end_reads_its_packets, 0, ENDS);
	tcase_add_test(all, each_end_is_listed_once);
	tcase_add_test(all, admitted_only_where_permitted);
	tcase_add_test(all, lasting_packets_stay_as_they_are);
	tcase_add_test(all, packets_of_kept_links_are_lasting);
	suite_add_tcase(suite, each);
	suite_add_tcase(suite, all);
	return suite_run(suite);
}
