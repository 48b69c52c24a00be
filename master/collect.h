/* The handover of a running master: descriptors, children and orders that its successor needs. */
#ifndef MASTER_COLLECT_H
#define MASTER_COLLECT_H

struct handover;
struct master;

/* Owned by the caller (free); borrows texts from MASTER. NULL: no memory. */
struct handover *collect(const struct master *master);

#endif
