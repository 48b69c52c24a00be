/*
 * The other half of an upgrade (upgrade.h): this program was started in place of an older master, and takes over its
 * listeners, links, children and orders, which stand in the memory file that HANDOVER_VARIABLE names.
 */
#ifndef MASTER_ADOPT_H
#define MASTER_ADOPT_H

#include <stdbool.h>
#include <stddef.h>

struct handover;
struct master;

/*
 * Reads the handover and forgets the variable. NULL: this is an ordinary start, or *WHY, of SIZE octets, says what is
 * wrong. Owned by the caller (adopt_free).
 */
struct handover *adopt_read(const struct master *master, char *why, size_t size);
void adopt_free(struct handover *from);

/*
 * Makes MASTER, which is configured, go on with the lock, the control socket and the counts in FROM. False: a
 * descriptor in FROM is not open, and its number would soon be that of another file.
 */
bool adopt_service(struct master *master, const struct handover *from);

/* ... and then with the virtual servers, every process of which is renewed. */
void adopt_servers(struct master *master, const struct handover *from);

#endif
