/* A packet of each type, to test what a reader refuses. */
#ifndef T_UNIT_WIRE_SAMPLE_H
#define T_UNIT_WIRE_SAMPLE_H

#include <check.h>

#include "common/ipc/wire.h"

/* Makes *to a packet of TYPE, every field at 0; its decoder takes it. */
static inline void wire_sample(enum wire_type type, struct str *to)
{
	bool encoded = false;
	str_clear(to);
#define PACKET(name, ways, fields)                                                                                     \
	if (type == WIRE_##name)                                                                                       \
		encoded = wire_encode_##name(&(struct wire_##name){0}, to);
#include "common/ipc/wire.def"
	ck_assert(encoded);
}

/* For each TYPE of packet that is not permitted this WAY on LINK. */
#define WIRE_EACH_FOREIGN(type, link, way)                                                                             \
	for (enum wire_type type = WIRE_NONE + 1; type < WIRE_TYPE_COUNT; type++)                                      \
		if (!wire_permits(link, way, type))

#endif
