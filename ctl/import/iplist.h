/*
 * The binary lists of clients in a metabase: IPSecurity (which clients may connect) and RelayIpList (which may relay).
 * Microsoft has not published their layout. This one is inferred from values that administrators' scripts write. All
 * words have 32 bits and are little-endian; an offset has its top bit set; addresses and masks are in network order.
 *
 *	at 0   four offsets: denied addresses, granted addresses, denied names, granted names
 *	at 16  1, and the number of octets before the data
 *
 *	a list of addresses: number of groups, number of addresses, the groups
 *	a group: family (2 = IPv4), number of entries, octets of an entry (4), 0, offset of its data
 *	its data: a mask, which is the first entry, then the addresses that have this mask
 *	a list of names: 0, 0 if it is empty
 *
 * The layout of names is not known. A list that has names is not read as if it had none: `names` says so, and texts
 * that look like names are collected for a person to judge. Anything else that does not fit makes the list unreadable.
 */
#ifndef CTL_IMPORT_IPLIST_H
#define CTL_IMPORT_IPLIST_H

#include "common/mail/cidr.h"

enum { IPLIST_OCTETS_MAX = 1024 * 1024, IPLIST_ENTRIES_MAX = 10000, IPLIST_NAMES_MAX = 100 };

struct iplist_entry {
	bool grants;
	uint32_t address, mask; /* in host order, as written */
	size_t at;              /* place of the address in the data */
};

struct iplist {
	struct iplist_entry *entries; /* owned */
	size_t count;
	bool grants_by_default;          /* all clients except the listed ones, otherwise only the listed ones */
	bool names;                      /* names are in the list, too, and could not be read */
	char *guesses[IPLIST_NAMES_MAX]; /* texts in the data that may be these names; owned */
	size_t guess_count;
	const char *why; /* why the list could not be read, untranslated; the rest is empty then. NULL = it was read */
};

/* Reads DATA, which may have any content. An empty value means: no entries, all clients are granted. */
void iplist_read(struct span data, struct iplist *out);
void iplist_free(struct iplist *list);

/*
 * ENTRY as a network. False: its mask is not contiguous, so no network is equal to it; or the address has bits that the
 * mask does not cover, so that it is unclear whether any client matches it. Then *net is the smallest network that
 * includes everything that the entry may mean.
 */
bool iplist_network(const struct iplist_entry *entry, struct cidr *net);

#endif
