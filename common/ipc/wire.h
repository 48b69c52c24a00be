/*
 * Packets as structs. struct wire_<name> has one member per field of wire.def: uint64_t for U, struct span for S, bool
 * for B. A packet is one octet of type, then the fields in order (U and lengths as LEB128, B as one octet). Pure.
 */
#ifndef COMMON_IPC_WIRE_H
#define COMMON_IPC_WIRE_H

#include "common/base/str.h"

enum wire_type {
	WIRE_NONE,
#define PACKET(name, fields) WIRE_##name,
#include "common/ipc/wire.def"
	WIRE_TYPE_COUNT
};

enum { WIRE_PACKET_MAX = 128 * 1024 };

#define U(field, max) uint64_t field;
#define S(field, max) struct span field;
#define B(field)      bool field;
#define PACKET(name, fields)                                                                                           \
	struct wire_##name {                                                                                           \
		fields                                                                                                 \
	};
#include "common/ipc/wire.def"
#undef U
#undef S
#undef B

/* The type of a packet, WIRE_NONE when it is none of ours; and its name for logs. */
enum wire_type wire_type_of(struct span packet);
const char *wire_type_name(enum wire_type type);

/*
 * wire_encode_<name>(&value, to): appends the packet; false, and nothing appended, when a field is beyond its bound or
 * memory ends. wire_decode_<name>(packet, &out): false unless packet is exactly that; spans point into packet.
 */
#define PACKET(name, fields)                                                                                           \
	bool wire_encode_##name(const struct wire_##name *value, struct str *to);                                      \
	bool wire_decode_##name(struct span packet, struct wire_##name *out);
#include "common/ipc/wire.def"

#endif
