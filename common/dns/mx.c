#include "common/dns/mx.h"

#include <string.h>

/* The wire form has a length octet before each label and 0 at the end, so it is two octets longer than the text. */
enum { WIRE_NAME_MAX = 255 };

bool mx_name(struct span wire, char *to, size_t *len)
{
	size_t at = 0, out = 0;
	while (at < wire.len && wire.at[at]) {
		size_t label = (unsigned char)wire.at[at++];
		if (label > DOMAIN_LABEL_MAX || label >= wire.len - at || at + label >= WIRE_NAME_MAX)
			return false;
		if (memchr(wire.at + at, '.', label) || memchr(wire.at + at, '\0', label))
			return false;
		if (out)
			to[out++] = '.';
		memcpy(to + out, wire.at + at, label);
		out += label;
		at += label;
	}
	if (at >= wire.len)
		return false;
	to[out] = '\0';
	*len = at + 1;
	return true;
}

static struct mx_host *find(struct mx_list *list, const struct mx_host *host)
{
	for (size_t i = 0; i < list->n; i++)
		if (span_equal_nocase(span_of(list->hosts[i].name), span_of(host->name)))
			return &list->hosts[i];
	return NULL;
}

static struct mx_host *worst(struct mx_list *list)
{
	struct mx_host *worst = &list->hosts[0];
	for (size_t i = 1; i < list->n; i++)
		if (list->hosts[i].preference > worst->preference)
			worst = &list->hosts[i];
	return worst;
}

bool mx_add(struct mx_list *list, struct span rdata)
{
	struct mx_host host = {0};
	size_t len;
	if (rdata.len < 3 || !mx_name(span_skip(rdata, 2), host.name, &len) || len != rdata.len - 2)
		return false;
	host.preference = (uint16_t)((unsigned char)rdata.at[0] << 8 | (unsigned char)rdata.at[1]);
	if (!host.name[0]) {
		list->null_mx = true;
		return true;
	}
	if (!domain_valid(span_of(host.name)))
		return false;
	struct mx_host *place = find(list, &host);
	if (!place && list->n < MX_MAX) {
		list->hosts[list->n++] = host;
		return true;
	}
	if (!place)
		place = worst(list);
	if (place->preference > host.preference)
		*place = host;
	return true;
}

static void swap(struct mx_host *a, struct mx_host *b)
{
	struct mx_host saved = *a;
	*a = *b;
	*b = saved;
}

static uint64_t next_random(uint64_t *seed)
{
	*seed = *seed * 6364136223846793005u + 1442695040888963407u;
	return *seed >> 33;
}

void mx_sort(struct mx_list *list, uint64_t seed)
{
	for (size_t i = list->n; i > 1; i--)
		swap(&list->hosts[i - 1], &list->hosts[next_random(&seed) % i]);
	for (size_t i = 1; i < list->n; i++)
		for (size_t j = i; j > 0 && list->hosts[j].preference < list->hosts[j - 1].preference; j--)
			swap(&list->hosts[j], &list->hosts[j - 1]);
}
