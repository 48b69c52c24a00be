#include <check.h>
#include <ctype.h>
#include <string.h>

#include "common/base/language.h"
#include "common/base/str.h"
#include "ctl/translate.h"
#include "t/unit/suite.h"

enum { TEXT_MAX = 4096 };

/* What a process makes of FORMAT: each text is a word, each number 7. */
static void compose(const char *format, struct str *to)
{
	unsigned word = 0;
	str_clear(to);
	for (; *format && strcmp(format, "\n"); format++) {
		if (*format != '%' || !format[1]) {
			str_append_c(to, *format);
			continue;
		}
		format++;
		format += strspn(format, "0123456789.*lhzjt+-");
		if (*format == 's')
			str_printf(to, "word%u", word++);
		else
			str_append_c(to, *format == '%' ? '%' : '7');
	}
}

START_TEST(every_message_is_found)
{
	struct str text;
	str_init(&text, TEXT_MAX);
	ck_assert_uint_gt(translate_count, 100);
	for (unsigned i = 0; i < translate_count; i++) {
		compose(translate_message(i), &text);
		const char *found = translate_find(str_span(&text));
		ck_assert_msg(found && !strcmp(found, translate_message(i)), "\"%s\" is taken for \"%s\"",
			      str_text(&text), found ? found : "none");
	}
	str_free(&text);
}
END_TEST

static const char *found(const char *text)
{
	const char *message = translate_find(span_of(text));
	return message ? message : "none";
}

START_TEST(arguments)
{
	ck_assert_str_eq(found("could not connect: Connection refused"), "could not connect: %s");
	ck_assert_str_eq(found("could not connect: "), "none");
	ck_assert_str_eq(found("client is in relay list 10.0.0.0/8, allow is only-listed"),
			 "client is in %s list %s, allow is %s");
	ck_assert_str_eq(found("its cost is 10, that of connector a, b is 2"),
			 "its cost is %u, that of connector %s is %u");
	ck_assert_str_eq(found("its cost is ten, that of connector a is 2"), "none");
	ck_assert_str_eq(found("/srv/pickup: its mail waits: it can't be read: Permission denied (user mailroot)"),
			 "%s: its mail waits: %s (user %s)\n");
	ck_assert_str_eq(
		found("name server 192.0.2.1:53 does not answer; mail that needs DNS waits or is slow: see /etc/resolv.conf"),
		"%s; mail that needs DNS waits or is slow: see /etc/resolv.conf\n");
	ck_assert_str_eq(found("no TLS at all"), "none");
	ck_assert_str_eq(found(""), "none");
}
END_TEST

/* Of several messages the one that says most. */
START_TEST(the_most_specific_message)
{
	ck_assert_str_eq(found("could not connect from source_address 192.0.2.1: Connection refused"),
			 "could not connect from source_address %s: %s");
	ck_assert_str_eq(found("waits for ETRN"), "waits for ETRN");
	ck_assert_str_eq(found("waits for ETRN a.example"), "waits for ETRN %s");
}
END_TEST

/* Without a language the clauses come out as they went in. */
START_TEST(nothing_is_lost)
{
	static const char *const texts[] = {
		"",
		":",
		"mx.a.example[192.0.2.1]:25: could not connect: Connection refused",
		"expired after 2d; last: mx.a.example said 451 4.3.0 no; not now (postmaster: write max_connections 3)",
		"client is not in relay list (the client has no confirmed name: the address has no name in DNS), allow is only-listed: refused",
		"550 5.7.1 the host said: (a; b: c",
		"a (b) (c); d: e)",
	};
	struct str to;
	str_init(&to, TEXT_MAX);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		str_clear(&to);
		ck_assert(translate_append(span_of(texts[i]), &to));
		ck_assert_str_eq(str_text(&to), texts[i]);
	}
	str_free(&to);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ctl_translate");
	TCase *tcase = tcase_create("all");
	tcase_add_test(tcase, every_message_is_found);
	tcase_add_test(tcase, arguments);
	tcase_add_test(tcase, the_most_specific_message);
	tcase_add_test(tcase, nothing_is_lost);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
