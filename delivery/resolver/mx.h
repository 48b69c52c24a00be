/*
 * MX records and the order in which their hosts are tried (RFC 5321 5.1, RFC 7505). Pure: records come as they stand in
 * an answer, randomness as an argument.
 */
#ifndef DELIVERY_RESOLVER_MX_H
#define DELIVERY_RESOLVER_MX_H

#include "common/mail/domain.h"

enum { MX_MAX = 64 }; /* hosts of one domain that we look at, the most preferred ones; large providers have 5 */

struct mx_host {
	uint16_t preference;
	char name[DOMAIN_MAX + 1]; /* no final dot */
};

struct mx_list {
	struct mx_host hosts[MX_MAX];
	size_t n;
	bool null_mx; /* a record says "." : the domain takes no mail at all, if it is the only one */
};

/*
 * Adds the record in RDATA: two octets of preference, then the name in uncompressed wire form. False, and nothing
 * added, when it is not that or the name is none of a host. Of a host that is there twice the better preference
 * counts; when the list is full the least preferred one makes room.
 */
bool mx_add(struct mx_list *list, struct span rdata);

/* The name of a record in wire form as text; TO holds DOMAIN_MAX + 1. The root is "". *len: octets taken. */
bool mx_name(struct span wire, char *to, size_t *len);

/* By rising preference; hosts of the same preference in an order that SEED chooses. */
void mx_sort(struct mx_list *list, uint64_t seed);

#endif
