/*
 * A copy of a metabase that can be sent with a fault report: only the keys of the SMTP service, with names, addresses
 * and other words replaced, each always by the same one. Numbers, switches and flags stay. Addresses that share their
 * first bits still do, and private ones stay private, so that networks and the clients in them still fit. Encrypted
 * values, certificates and access control lists are removed.
 */
#ifndef CTL_IMPORT_ANONYMISE_H
#define CTL_IMPORT_ANONYMISE_H

#include "common/base/str.h"
#include "ctl/import/metabase.h"

/* Appends the copy to TO. KEY, which should be random, decides about the addresses. False without memory. */
bool anonymise(const struct metabase *metabase, uint64_t key, struct str *to);

#endif
