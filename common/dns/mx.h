/*
 * MX records, and the order in which their hosts are tried (RFC 5321 5.1, RFC 7505). Pure: records come in wire form,
 * randomness as an argument.
 */
#ifndef COMMON_DNS_MX_H
#define COMMON_DNS_MX_H

#include "common/mail/domain.h"

enum { MX_MAX = 64 }; /* the most preferred hosts of one domain; large providers have 5 */

struct mx_host {
	uint16_t preference;
	char name[DOMAIN_MAX + 1]; /* no final dot */
};

struct mx_list {
	struct mx_host hosts[MX_MAX];
	size_t n;
	bool null_mx; /* a record is "."; if it is the only one, the domain does not accept mail */
};

/*
 * Adds the record in RDATA: two octets of preference, then the name in uncompressed wire form. False, and nothing is
 * added, if the record is malformed or the name is not that of a host. If a host has two records, the better preference
 * counts. If the list is full, the record replaces the least preferred host.
 */
bool mx_add(struct mx_list *list, struct span rdata);

/* Converts a name in wire form to text; TO has room for DOMAIN_MAX + 1. The root is "". *len: octets in wire form. */
bool mx_name(struct span wire, char *to, size_t *len);

/* Sorts by preference; SEED determines the order of hosts of the same preference. */
void mx_sort(struct mx_list *list, uint64_t seed);

#endif
