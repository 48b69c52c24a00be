#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "common/dns/dane.h"
#include "common/dns/dns.h"
#include "t/unit/suite.h"

#define TEN         "0123456789"
#define D32         TEN TEN TEN "01"
#define D64         D32 D32
#define RDATA(text) ((struct span){text, sizeof(text) - 1})

/* The requirement for a host with these records. */
static struct dane with_records(const struct span *rdata, size_t n)
{
	const struct span address = SPAN("\x7f\0\0\1");
	struct dane d = {0};
	char question[DANE_QUESTION_MAX];
	bool alias;
	dane_address(&d, "mx.example", &(struct dane_answer){.good = true, .secure = true, .rdata = &address, .n = 1});
	dane_begin(&d, true);
	ck_assert(dane_question(&d, "mx.example", 25, question, &alias) && !alias);
	ck_assert_str_eq(question, "_25._tcp.mx.example");
	dane_take(&d, &(struct dane_answer){.good = true, .secure = true, .rdata = rdata, .n = n});
	ck_assert(!dane_question(&d, "mx.example", 25, question, &alias));
	return d;
}

static const struct {
	struct span rdata;
	bool usable;
} records[] = {
	{RDATA("\3\1\1" D32), true},
	{RDATA("\3\0\1" D32), true},
	{RDATA("\2\1\2" D64), true},
	{RDATA("\2\0\0certificate"), true},
	{RDATA("\3\1\0k"), true},
	{RDATA(""), false},
	{RDATA("\3"), false},
	{RDATA("\3\1"), false},
	{RDATA("\3\1\1"), false},
	{RDATA("\3\1\0"), false},
	{RDATA("\0\1\1" D32), false},
	{RDATA("\1\1\1" D32), false},
	{RDATA("\4\1\1" D32), false},
	{RDATA("\377\1\1" D32), false},
	{RDATA("\3\2\1" D32), false},
	{RDATA("\3\1\3" D32), false},
	{RDATA("\3\1\1" TEN), false},
	{RDATA("\3\1\1" TEN "0123456"), false},
	{RDATA("\3\1\1" D64), false},
	{RDATA("\3\1\2" D32), false},
	{RDATA("\3\1\1" D32 "x"), false},
};

START_TEST(one_record)
{
	struct dane d = with_records(&records[_i].rdata, 1);
	ck_assert_int_eq(d.result, records[_i].usable ? HOST_DANE_MATCH : HOST_DANE_ENCRYPT);
	ck_assert_uint_eq(d.count, records[_i].usable);
}
END_TEST

/* An unusable record does not affect a usable one; records beyond the bound are ignored. */
START_TEST(many_records)
{
	struct span rdata[200];
	for (size_t i = 0; i < 200; i++)
		rdata[i] = i % 2 ? RDATA("\3\1\1" D32) : RDATA("\1\1\1" D32);
	struct dane d = with_records(rdata, 200);
	ck_assert_int_eq(d.result, HOST_DANE_MATCH);
	ck_assert_uint_eq(d.count, TLSA_MAX);
	d = with_records((const struct span[]){RDATA("\3\1\1" D32), RDATA("x")}, 2);
	ck_assert_uint_eq(d.count, 1);
}
END_TEST

/* Of SHA-256 and SHA-512 with the same selector only SHA-512 counts. With another selector, or a full key, each
 * counts. */
START_TEST(strongest_digest)
{
	struct dane d = with_records((const struct span[]){RDATA("\3\1\1" D32), RDATA("\3\1\2" D64)}, 2);
	ck_assert_uint_eq(d.count, 1);
	ck_assert_int_eq(d.records[0].matching, TLSA_SHA512);
	d = with_records((const struct span[]){RDATA("\3\1\1" D32), RDATA("\3\0\2" D64)}, 2);
	ck_assert_uint_eq(d.count, 2);
	d = with_records((const struct span[]){RDATA("\3\1\1" D32), RDATA("\3\1\0" D64)}, 2);
	ck_assert_uint_eq(d.count, 2);
	d = with_records((const struct span[]){RDATA("\3\1\1" D32), RDATA("\3\1\2" D32)}, 2);
	ck_assert_uint_eq(d.count, 1);
	ck_assert_int_eq(d.records[0].matching, TLSA_SHA256);
}
END_TEST

enum { GOOD = 1, SECURE = 2, DATA = 4 };

/* Host mx.example, its addresses, and the answers to the next queries. */
static const struct {
	const char *expanded;
	int addresses;
	bool wanted;
	struct {
		const char *question;
		int answer;
	} steps[DANE_QUESTIONS];
	enum host_dane result;
	bool by_expanded;
} ways[] = {
	{"", GOOD | SECURE | DATA, false, {{0}}, HOST_DANE_NONE, false},
	{"", GOOD | DATA, true, {{0}}, HOST_DANE_NONE, false},
	{"", GOOD | SECURE, true, {{0}}, HOST_DANE_NONE, false},
	{"", 0, true, {{0}}, HOST_DANE_NONE, false},
	{"", GOOD | SECURE | DATA, true, {{"_25._tcp.mx.example", GOOD | SECURE}}, HOST_DANE_NONE, false},
	{"", GOOD | SECURE | DATA, true, {{"_25._tcp.mx.example", GOOD | DATA}}, HOST_DANE_NONE, false},
	{"", GOOD | SECURE | DATA, true, {{"_25._tcp.mx.example", 0}}, HOST_DANE_LATER, false},
	{"", GOOD | SECURE | DATA, true, {{"_25._tcp.mx.example", GOOD | SECURE | DATA}}, HOST_DANE_MATCH, false},
	{"MX.example.", GOOD | SECURE | DATA, true, {{"_25._tcp.mx.example", GOOD | SECURE}}, HOST_DANE_NONE, false},
	{"end.example.",
	 GOOD | SECURE | DATA,
	 true,
	 {{"_25._tcp.end.example", GOOD | SECURE | DATA}},
	 HOST_DANE_MATCH,
	 true},
	{"end.example.", GOOD | SECURE | DATA, true, {{"_25._tcp.end.example", 0}}, HOST_DANE_LATER, false},
	{"end.example.",
	 GOOD | SECURE | DATA,
	 true,
	 {{"_25._tcp.end.example", GOOD}, {"_25._tcp.mx.example", GOOD | SECURE | DATA}},
	 HOST_DANE_MATCH,
	 false},
	{"end.example.",
	 GOOD | SECURE | DATA,
	 true,
	 {{"_25._tcp.end.example", GOOD | SECURE}, {"_25._tcp.mx.example", GOOD | SECURE}},
	 HOST_DANE_NONE,
	 false},
	{"end.example.",
	 GOOD | DATA,
	 true,
	 {{"mx.example", GOOD | SECURE | DATA}, {"_25._tcp.mx.example", GOOD | SECURE | DATA}},
	 HOST_DANE_MATCH,
	 false},
	{"end.example.", GOOD | DATA, true, {{"mx.example", GOOD | DATA}}, HOST_DANE_NONE, false},
	{"end.example.", GOOD | DATA, true, {{"mx.example", 0}}, HOST_DANE_LATER, false},
};

static struct dane_answer answer_of(int flags, const struct span *record)
{
	return (struct dane_answer){
		.good = flags & GOOD, .secure = flags & SECURE, .rdata = record, .n = flags & DATA ? 1 : 0};
}

START_TEST(ways_to_records)
{
	const struct span record = RDATA("\3\1\1" D32);
	struct dane d = {0};
	char question[DANE_QUESTION_MAX];
	bool alias;
	struct dane_answer addresses = answer_of(ways[_i].addresses, &record);
	addresses.expanded = span_of(ways[_i].expanded);
	dane_address(&d, "mx.example", &addresses);
	dane_begin(&d, ways[_i].wanted);
	for (size_t i = 0; i < DANE_QUESTIONS && ways[_i].steps[i].question; i++) {
		ck_assert(dane_question(&d, "mx.example", 25, question, &alias));
		ck_assert_int_eq(d.result, HOST_DANE_LATER); /* if no answer comes in time */
		ck_assert_str_eq(question, ways[_i].steps[i].question);
		ck_assert(alias == (question[0] != '_'));
		struct dane_answer answer = answer_of(ways[_i].steps[i].answer, &record);
		dane_take(&d, &answer);
	}
	ck_assert(!dane_question(&d, "mx.example", 25, question, &alias));
	ck_assert_int_eq(d.result, ways[_i].result);
	ck_assert(d.by_expanded == ways[_i].by_expanded);
}
END_TEST

/* A name that is too long for a name below it has no records. */
START_TEST(no_room_for_a_query)
{
	char host[250], question[DANE_QUESTION_MAX];
	struct dane d = {.seen = true};
	bool alias;
	memset(host, 'x', sizeof(host) - 1);
	host[sizeof(host) - 1] = '\0';
	dane_begin(&d, true);
	ck_assert(!dane_question(&d, host, 65535, question, &alias));
	ck_assert_int_eq(d.result, HOST_DANE_NONE);
}
END_TEST

START_TEST(private_servers)
{
	static const struct {
		const char *text;
		bool private;
	} files[] = {
		{"nameserver 10.0.0.1\n", true},
		{"# x\nsearch a.example\n\tnameserver\t192.168.1.1 \nnameserver fe80::1%eth0\n", true},
		{"nameserver 127.0.0.53\noptions edns0", true},
		{"nameserver 10.0.0.1\nnameserver 8.8.8.8\n", false},
		{"nameserver 2001:db8::53\n", false},
		{"", false},
		{"nameserver nonsense\n", false},
	};
	struct nameservers servers;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		nameservers_resolvconf(span_of(files[i].text), &servers);
		ck_assert_msg(dns_is_private(&servers) == files[i].private, "%s", files[i].text);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("dane");
	TCase *all = tcase_create("dane");
	tcase_add_loop_test(all, one_record, 0, sizeof(records) / sizeof(records[0]));
	tcase_add_test(all, many_records);
	tcase_add_test(all, strongest_digest);
	tcase_add_loop_test(all, ways_to_records, 0, sizeof(ways) / sizeof(ways[0]));
	tcase_add_test(all, no_room_for_a_query);
	tcase_add_test(all, private_servers);
	suite_add_tcase(suite, all);
	return suite_run(suite);
}
