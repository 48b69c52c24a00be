/*
 * Packets as structs. struct wire_<name> has one member per field of wire.def: uint64_t for U, struct span for S, bool
 * for B. A packet is one octet of type, then the fields in order (U and lengths as LEB128, B as one octet). Pure.
 *
 * A reader knows its link and the direction of its packets (wire.def). It calls wire_admit or wire_permits before it
 * decodes a packet, and so never acts on a packet for another process.
 */
#ifndef COMMON_IPC_WIRE_H
#define COMMON_IPC_WIRE_H

#include "common/base/str.h"

enum wire_type {
	WIRE_NONE,
#define PACKET(name, ways, fields) WIRE_##name,
#define END_OF_LASTING             WIRE_LASTING_END, WIRE_LASTING_LAST = WIRE_LASTING_END - 1,
#include "common/ipc/wire.def"
	WIRE_TYPE_COUNT
};

/* How many packets outlive an upgrade: the types from 1 on. */
enum { WIRE_LASTING = WIRE_LASTING_LAST };

enum wire_link {
#define LINK(name) WIRE_LINK_##name,
#include "common/ipc/wire.def"
	WIRE_LINK_COUNT
};

enum wire_way {
	WIRE_DOWN, /* the lower end of the link reads it */
	WIRE_UP,   /* the upper end does */
	WIRE_WAY_COUNT
};

enum { WIRE_PACKET_MAX = 128 * 1024 };

#define U(field, max) uint64_t field;
#define S(field, max) struct span field;
#define B(field)      bool field;
#define PACKET(name, ways, fields)                                                                                     \
	struct wire_##name {                                                                                           \
		fields                                                                                                 \
	};
#include "common/ipc/wire.def"
#undef U
#undef S
#undef B

/*
 * A number for the form of the first N lasting packets: two versions whose number is the same for the N of the older
 * one understand each other. 0: this version has no N of them.
 */
uint64_t wire_contract(size_t n);

/* The type of a packet, WIRE_NONE when it is invalid; and its name for logs. */
enum wire_type wire_type_of(struct span packet);
const char *wire_type_name(enum wire_type type);

/* Whether packets of TYPE may go this WAY on LINK; false for WIRE_NONE and values beyond the enum. */
bool wire_permits(enum wire_link link, enum wire_way way, enum wire_type type);

/* The type of a packet that came this WAY on LINK, WIRE_NONE when it is invalid or not permitted there. */
enum wire_type wire_admit(enum wire_link link, enum wire_way way, struct span packet);

/*
 * wire_encode_<name>(&value, to): appends the packet; false, and nothing appended, when a field is beyond its limit or
 * there is no memory. wire_decode_<name>(packet, &out): false unless packet is exactly such a packet; spans point into
 * it.
 */
#define PACKET(name, ways, fields)                                                                                     \
	bool wire_encode_##name(const struct wire_##name *value, struct str *to);                                      \
	bool wire_decode_##name(struct span packet, struct wire_##name *out);
#include "common/ipc/wire.def"

#endif
