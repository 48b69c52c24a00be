#include "common/base/base64.h"
#include "t/unit/suite.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

/* RFC 4648 10, and every bit set. */
static const struct {
	const char *plain;
	const char *text;
} vectors[] = {
	{"", ""},
	{"f", "Zg=="},
	{"fo", "Zm8="},
	{"foo", "Zm9v"},
	{"foob", "Zm9vYg=="},
	{"fooba", "Zm9vYmE="},
	{"foobar", "Zm9vYmFy"},
	{"\xff\xff\xff", "////"},
	{"\xfb\xef\xbe", "++++"},
};

START_TEST(speaks_the_vectors)
{
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		struct str text;
		char plain[8];
		size_t n;
		str_init(&text, 64);
		ck_assert(base64_append(&text, vectors[i].plain, strlen(vectors[i].plain)));
		ck_assert_str_eq(str_text(&text), vectors[i].text);
		ck_assert(base64_decode(span_of(vectors[i].text), plain, sizeof(plain), &n));
		ck_assert_uint_eq(n, strlen(vectors[i].plain));
		ck_assert_int_eq(memcmp(plain, vectors[i].plain, n), 0);
		str_free(&text);
	}
}
END_TEST

START_TEST(refuses_what_it_would_not_write)
{
	static const char *const wrong[] = {
		"Z",    "Zg",   "Zg=",  "Zh==", "Zm9=", "Zg==Zg==", "====",    "=m9v", "Zm9v\n",   "Zm 9",
		"Z=9v", "Zm=v", "Zm9-", "Zm9_", "\xff", "Zg==\r\n", "Zm9vYg=", "Z===", "Zm9vZm9v="};
	char plain[64];
	size_t n;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		ck_assert_msg(!base64_decode(span_of(wrong[i]), plain, sizeof(plain), &n), "%s", wrong[i]);
	ck_assert(!base64_decode((struct span){"Zm\0v", 4}, plain, sizeof(plain), &n));
}
END_TEST

START_TEST(stays_in_its_room)
{
	char plain[4] = "..";
	size_t n;
	ck_assert(!base64_decode(SPAN("Zm9v"), plain, 2, &n));
	ck_assert(!base64_decode(SPAN("Zm8="), plain, 1, &n));
	ck_assert(!base64_decode(SPAN("Zg=="), plain, 0, &n));
	ck_assert(base64_decode(SPAN("Zg=="), plain, 1, &n));
	ck_assert_str_eq(plain, "f.");
}
END_TEST

START_TEST(every_length_comes_back)
{
	unsigned char plain[256], again[256];
	for (size_t i = 0; i < sizeof(plain); i++)
		plain[i] = (unsigned char)(i * 167 + 13);
	for (size_t len = 0; len <= sizeof(plain); len++) {
		struct str text;
		size_t n;
		str_init(&text, 1024);
		ck_assert(base64_append(&text, plain, len));
		ck_assert(base64_decode(str_span(&text), again, sizeof(again), &n));
		ck_assert_uint_eq(n, len);
		ck_assert_int_eq(memcmp(plain, again, n), 0);
		str_free(&text);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("base64");
	TCase *tests = tcase_create("base64");
	tcase_add_test(tests, speaks_the_vectors);
	tcase_add_test(tests, refuses_what_it_would_not_write);
	tcase_add_test(tests, stays_in_its_room);
	tcase_add_test(tests, every_length_comes_back);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
