/* Any records of a name server, signed or not: the resulting hosts are names, in order, and fit into their packet;
 * the number of queries is bounded, and unsigned records require nothing. */
#include <string.h>

#include "common/dns/lookup.h"
#include "t/fuzz/must.h"

enum { RECORDS_MAX = 200 };

static void check(const struct lookup *l, struct span hosts)
{
	struct host host;
	int got;
	size_t count = 0;
	MUST(hosts.len <= LOOKUP_LIST_MAX && (l->event == LOOKUP_FOUND) == (hosts.len > 0));
	for (size_t i = 1; i < lookup_host_count(l); i++)
		MUST(l->hosts.hosts[i].preference >= l->hosts.hosts[i - 1].preference);
	while ((got = hosts_next(&hosts, &host)) == 1) {
		MUST(domain_valid(host.name) && ++count <= HOSTS_MAX);
		MUST(l->secure || host.dane == HOST_DANE_NONE);
	}
	MUST(got == 0);
}

static void ask_all(struct lookup *l, size_t host, const struct lookup_answer *answer)
{
	char name[DANE_QUESTION_MAX];
	bool alias;
	int count = 0;
	while (lookup_question(l, host, name, &alias)) {
		MUST(++count <= DANE_QUESTIONS && strlen(name) <= 253);
		lookup_dane(l, host, answer);
	}
}

/* Each record is a length and as many octets; they are used as MX records, as addresses and as TLSA records. The
 * first octet tells whether they are signed. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span records[RECORDS_MAX], rest = {(const char *)data, size};
	struct lookup_answer answer = {.rdata = records, .secure = size && data[0] & 1};
	struct lookup l;
	struct str hosts;
	while (rest.len && answer.n < RECORDS_MAX) {
		size_t len = (unsigned char)rest.at[0];
		rest = span_skip(rest, 1);
		records[answer.n++] = (struct span){rest.at, len < rest.len ? len : rest.len};
		rest = span_skip(rest, len);
	}
	str_init(&hosts, LOOKUP_LIST_MAX);
	MUST(lookup_begin(&l, SPAN("example.net"), 25, size));
	if (lookup_mx(&l, &answer)) {
		for (size_t i = 0; i < lookup_host_count(&l); i++)
			lookup_address(&l, i, &answer);
		for (size_t i = 0; i < lookup_host_count(&l); i++)
			ask_all(&l, i, &answer);
		lookup_finish(&l, false, &hosts);
		check(&l, str_span(&hosts));
	}
	str_free(&hosts);
	return 0;
}
