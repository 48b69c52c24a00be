/* Archives of `queue export`: their headers, what an import accepts, its ledger, and which messages are chosen. */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "common/spool/moved.h"
#include "ctl/choose.h"
#include "ctl/ledger.h"
#include "ctl/unpack.h"
#include "t/unit/suite.h"

#define ID    "01NGWN7ARZ3XZ0DJM1YKQ6QH"
#define OTHER "01NGWN7AH9SRWACKJ41N72HP"

static char block[USTAR_BLOCK];
static const char *why;

static const char *header(const char *name, uint64_t size)
{
	struct ustar entry = {.size = size, .mtime = 1795000000};
	snprintf(entry.name, sizeof(entry.name), "%s", name);
	ustar_format(&entry, block);
	return block;
}

START_TEST(headers_are_read_as_written)
{
	static const uint64_t sizes[] = {0, 1, 511, 512, USTAR_SIZE_MAX};
	struct ustar entry;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		ck_assert_int_eq(ustar_parse(header(ID ".log", sizes[i]), &entry, &why), USTAR_FILE);
		ck_assert_uint_eq(entry.size, sizes[i]);
		ck_assert_int_eq(entry.mtime, 1795000000);
		ck_assert_str_eq(entry.name, ID ".log");
		ck_assert_uint_eq((sizes[i] + ustar_padding(sizes[i])) % USTAR_BLOCK, 0);
	}
}
END_TEST

START_TEST(damaged_headers_are_refused)
{
	struct ustar entry;
	for (size_t i = 0; i < USTAR_BLOCK; i++) {
		header(ID ".log", 7);
		block[i] ^= 1;
		if (i >= 148 && i < 156)
			continue; /* blanks and zeros around the sum may differ */
		ck_assert_int_eq(ustar_parse(block, &entry, &why), USTAR_BAD);
	}
	memset(block, 0, sizeof(block));
	ck_assert_int_eq(ustar_parse(block, &entry, &why), USTAR_END);
	memset(block, 'x', sizeof(block));
	ck_assert_int_eq(ustar_parse(block, &entry, &why), USTAR_BAD);
}
END_TEST

START_TEST(an_import_accepts_what_an_export_writes)
{
	struct unpack unpack = {.message_max = 500};
	ck_assert_int_eq(unpack_header(&unpack, header("mailroot-export", 17), &why), UNPACK_HEAD);
	ck_assert_int_eq(unpack_header(&unpack, header(ID ",S=500.eml", 500), &why), UNPACK_MESSAGE);
	ck_assert_int_eq(unpack_header(&unpack, header(OTHER ".log", 5), &why), UNPACK_LOG);
	ck_assert_int_eq(unpack_header(&unpack, header(OTHER ",S=9,8.eml", 9), &why), UNPACK_MESSAGE);
	ck_assert_str_eq(unpack.name.id, OTHER);
	memset(block, 0, sizeof(block));
	ck_assert_int_eq(unpack_header(&unpack, block, &why), UNPACK_END);
}
END_TEST

START_TEST(an_import_refuses_all_else)
{
	static const struct {
		const char *name;
		uint64_t size;
	} bad[] = {{"mailroot-export", 18}, {"x", 1},
		   {"../" ID ".log", 1},    {"/" ID ".log", 1},
		   {"./" ID ".log", 1},     {ID ".LOG", 1},
		   {ID ".log2", 1},         {ID ".log", 65 << 20},
		   {ID ",S=5.eml", 6},      {ID ",S=501.eml", 501},
		   {ID ",S=05.eml", 5},     {"", 0}};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct unpack unpack = {.message_max = 500};
		ck_assert_int_eq(unpack_header(&unpack, header(bad[i].name, bad[i].size), &why), UNPACK_BAD);
		ck_assert_ptr_nonnull(why);
	}
}
END_TEST

START_TEST(lines_end_in_crlf)
{
	static const struct {
		const char *text;
		bool good;
	} texts[] = {{"a\r\n", true}, {"a\n", false}, {"a\rb\r\n", false},
		     {"a", false},    {"a\r", false}, {"\r\n", true}};
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		for (size_t cut = 0; cut <= strlen(texts[i].text); cut++) {
			struct unpack_text seen = {.last = 0};
			unpack_text(&seen, (struct span){texts[i].text, cut});
			unpack_text(&seen, span_skip(span_of(texts[i].text), cut));
			ck_assert_int_eq(unpack_text_good(&seen), texts[i].good);
		}
}
END_TEST

START_TEST(the_ledger_finds_every_line)
{
	enum { LINES = 101 };
	static char list[LINES * MOVED_LINE + 1];
	char id[MSGID_LEN + 1];
	for (int i = 0; i < LINES; i++)
		snprintf(list + i * MOVED_LINE, MOVED_LINE + 1, "%024d\n", 2 * i);
	for (size_t lines = 0; lines <= LINES; lines++)
		for (int i = 0; i < 2 * LINES; i++) {
			snprintf(id, sizeof(id), "%024d", i);
			ck_assert_int_eq(ledger_find(list, lines, id), i % 2 == 0 && i / 2 < (int)lines);
		}
}
END_TEST

START_TEST(choice_by_name)
{
	const char *const ids[] = {OTHER, ID};
	const struct msgname name = {.id = ID, .size = 1000};
	struct options options = {.older_s = 0};
	int64_t made = msgid_time(ID);
	ck_assert(choose_by_name(&options, NULL, 0, &name, made));
	ck_assert(choose_by_name(&options, ids, 2, &name, made));
	ck_assert(!choose_by_name(&options, ids, 1, &name, made));
	options.older_s = 60;
	ck_assert(!choose_by_name(&options, NULL, 0, &name, made + 59));
	ck_assert(choose_by_name(&options, NULL, 0, &name, made + 60));
	options.larger = 1000;
	ck_assert(!choose_by_name(&options, NULL, 0, &name, made + 60));
	options.larger = 999;
	ck_assert(choose_by_name(&options, NULL, 0, &name, made + 60));
}
END_TEST

static const char text[] = "x-sender: App@example.com\r\nx-receiver: a@one.test\r\nx-receiver: b@two.test\r\n\r\nx\r\n";
static const char journal[] = "2026-11-21T01:00:00Z 0 delivered 250 2.0.0 mx.test ok\n"
			      "2026-11-21T01:00:00Z 1 delayed 451 4.3.0 mx.test Try later\n"
			      "2026-11-21T02:00:00Z 1 delayed 451 4.3.0 mx.test try LATER\n"
			      "2026-11-21T03:00:00Z 0-1 delivered 250 2.0.0 mx.test torn";

START_TEST(choice_by_file)
{
	static const struct {
		const char *sender, *recipient, *domain, *reason;
		uint64_t attempts;
		bool chosen;
	} rows[] = {
		{"", "", "", "", 0, true},           {"app@EXAMPLE.com", "", "", "", 0, true},
		{"<>", "", "", "", 0, false},        {"", "a@one.test", "", "", 0, false},
		{"", "B@two.test", "", "", 0, true}, {"", "", "one.test", "", 0, false},
		{"", "", "two.test", "", 2, true},   {"", "", "", "", 3, false},
		{"", "", "", "later", 0, true},      {"", "", "", "refused", 0, false},
	};
	struct arena arena;
	struct envelope envelope;
	arena_init(&arena, 1 << 16);
	ck_assert_int_eq(envelope_parse(span_of(text), true, &arena, &envelope, &why), ENVELOPE_OK);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct options options = {.sender = rows[i].sender,
						.recipient = rows[i].recipient,
						.domain = rows[i].domain,
						.reason = rows[i].reason,
						.attempts = rows[i].attempts};
		ck_assert_int_eq(choose_by_file(&options, &envelope, span_of(journal)), rows[i].chosen);
	}
	arena_free(&arena);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		headers_are_read_as_written,
		damaged_headers_are_refused,
		an_import_accepts_what_an_export_writes,
		an_import_refuses_all_else,
		lines_end_in_crlf,
		the_ledger_finds_every_line,
		choice_by_name,
		choice_by_file,
	};
	return run_tests("ctl_unpack", tests, sizeof(tests) / sizeof(tests[0]), NULL, NULL);
}
