#include "common/dns/reverse.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/ascii.h"
#include "common/base/language.h"

void reverse_begin(struct reverse *r, const struct ipaddr *client)
{
	*r = (struct reverse){.client = *client};
}

void reverse_zone(const struct ipaddr *client, char *to)
{
	char reversed[IPADDR_REVERSED_MAX];
	ipaddr_reverse(client, reversed);
	snprintf(to, REVERSE_ZONE_MAX, "%s.%s", reversed, ipaddr_is_v4(client) ? "in-addr.arpa" : "ip6.arpa");
}

static int by_name(const void *a, const void *b)
{
	return strcmp(a, b);
}

static void add_name(struct reverse *r, struct span rdata)
{
	char name[DOMAIN_MAX + 1];
	size_t len;
	if (r->count == REVERSE_NAMES_MAX || !mx_name(rdata, name, &len) || len != rdata.len ||
	    !domain_valid(span_of(name)))
		return;
	ascii_lower_text(name);
	for (size_t i = 0; i < r->count; i++)
		if (strcmp(r->names[i], name) == 0)
			return;
	memcpy(r->names[r->count++], name, sizeof(name));
}

static bool answered(struct reverse *r, const struct lookup_answer *answer)
{
	bool good = answer->rcode == LOOKUP_NOERROR || answer->rcode == LOOKUP_NXDOMAIN;
	r->failed |= !good;
	return good;
}

bool reverse_ptr(struct reverse *r, const struct lookup_answer *answer)
{
	for (size_t i = 0; answered(r, answer) && i < answer->n; i++)
		add_name(r, answer->rdata[i]);
	qsort(r->names, r->count, sizeof(r->names[0]), by_name);
	return r->count > 0;
}

void reverse_address(struct reverse *r, size_t i, const struct lookup_answer *answer)
{
	size_t len = ipaddr_is_v4(&r->client) ? 4 : 16;
	const unsigned char *octets = r->client.octets + sizeof(r->client.octets) - len;
	answered(r, answer);
	for (size_t n = 0; n < answer->n; n++)
		if (answer->rdata[n].len == len && memcmp(answer->rdata[n].at, octets, len) == 0)
			r->confirmed[i] = true;
}

void reverse_finish(struct reverse *r, bool in_time)
{
	for (size_t i = 0; i < r->count && !r->name; i++)
		if (r->confirmed[i])
			r->name = r->names[i];
	if (r->name)
		r->why[0] = '\0';
	else if ((r->failed || !in_time) && r->count)
		snprintf(r->why, sizeof(r->why), N_("DNS gave no answer about %.*s"), REVERSE_SHOWN_MAX, r->names[0]);
	else if (r->failed || !in_time)
		snprintf(r->why, sizeof(r->why), N_("DNS gave no answer in time"));
	else if (r->count)
		snprintf(r->why, sizeof(r->why), N_("%.*s does not resolve to the address"), REVERSE_SHOWN_MAX,
			 r->names[0]);
	else
		snprintf(r->why, sizeof(r->why), N_("the address has no name in DNS"));
}
