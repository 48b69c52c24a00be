/* Every packet of wire.def, at both bounds of every field, cut, prolonged, and beyond its bounds: by the same list. */
#include "common/ipc/wire.h"
#include "t/unit/suite.h"

#include <check.h>
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
#define PACKET(name, fields)                                                                                           \
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
#define PACKET(name, fields)                                                                                           \
	static void assert_same_##name(const struct wire_##name *a, const struct wire_##name *b)                       \
	{                                                                                                              \
		fields                                                                                                 \
	}
#include "common/ipc/wire.def"
#undef U
#undef S
#undef B

#define PACKET(name, fields)                                                                                           \
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

/* One field after the other beyond its bound: refused, and nothing appended to what stood there. */
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
#define PACKET(name, fields)                                                                                           \
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
	struct span fields; /* of a `detach` or `reload`, whose only field is a number */
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

/* A length that points far beyond the packet, and one that would wrap around. */
START_TEST(lengths_lie)
{
	struct wire_queue_show show;
	const struct span lies[] = {SPAN("\x18short"), SPAN("\x7f"), SPAN("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01")};
	str_append_c(&first, WIRE_queue_show);
	str_append(&first, lies[_i]);
	ck_assert(!wire_decode_queue_show(str_span(&first), &show));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("wire");
	TCase *each = tcase_create("each packet"), *all = tcase_create("packets");
	tcase_add_checked_fixture(each, setup, teardown);
#define PACKET(name, fields)                                                                                           \
	tcase_add_loop_test(each, round_trip_##name, 0, 2);                                                            \
	tcase_add_loop_test(each, exact_length_##name, 0, 2);                                                          \
	tcase_add_test(each, bounds_##name);
#include "common/ipc/wire.def"
	tcase_add_checked_fixture(all, setup, teardown);
	tcase_add_test(all, no_memory);
	tcase_add_test(all, types_and_names);
	tcase_add_loop_test(all, one_spelling_of_numbers, 0, sizeof(numbers) / sizeof(numbers[0]));
	tcase_add_test(all, flags_are_0_or_1);
	tcase_add_loop_test(all, lengths_lie, 0, 3);
	suite_add_tcase(suite, each);
	suite_add_tcase(suite, all);
	return suite_run(suite);
}
