#include "common/ipc/wire.h"

#include <string.h>

#include "common/base/hash.h"

enum { NUMBER_OCTETS_MAX = 10 }; /* 64 bits, 7 an octet */

static bool put_number(struct str *to, uint64_t number, uint64_t max)
{
	if (number > max)
		return false;
	for (; number > 0x7f; number >>= 7)
		str_append_c(to, (char)(unsigned char)(number | 0x80));
	return str_append_c(to, (char)number);
}

static bool put_octets(struct str *to, struct span octets, uint64_t max)
{
	return put_number(to, octets.len, max) && str_append(to, octets);
}

static bool put_flag(struct str *to, bool flag)
{
	return str_append_c(to, (char)flag);
}

/* Appends a packet completely or not at all. */
static bool settle(struct str *to, size_t start, bool complete)
{
	if (complete && !to->failed)
		return true;
	to->len = start;
	if (to->at)
		to->at[start] = '\0';
	return false;
}

static bool take_octet(struct span *in, unsigned char *octet)
{
	if (!in->len)
		return false;
	*octet = (unsigned char)in->at[0];
	*in = span_skip(*in, 1);
	return true;
}

/* A number has only its shortest spelling, so that only packets of our encoder decode. */
static bool take_number(struct span *in, uint64_t max, uint64_t *number)
{
	unsigned char octet = 0x80;
	uint64_t sum = 0;
	for (unsigned i = 0; octet & 0x80; i++) {
		if (i == NUMBER_OCTETS_MAX || !take_octet(in, &octet))
			return false;
		if ((i && octet == 0) || (i == NUMBER_OCTETS_MAX - 1 && octet > 1))
			return false;
		sum |= (uint64_t)(octet & 0x7f) << 7 * i;
	}
	*number = sum;
	return sum <= max;
}

static bool take_octets(struct span *in, uint64_t max, struct span *octets)
{
	uint64_t len;
	if (!take_number(in, max, &len) || len > in->len)
		return false;
	*octets = (struct span){in->at, (size_t)len};
	*in = span_skip(*in, (size_t)len);
	return true;
}

static bool take_flag(struct span *in, bool *flag)
{
	unsigned char octet;
	if (!take_octet(in, &octet) || octet > 1)
		return false;
	*flag = octet;
	return true;
}

static bool take_type(struct span *in, enum wire_type type)
{
	unsigned char octet;
	return take_octet(in, &octet) && octet == type;
}

enum wire_type wire_type_of(struct span packet)
{
	unsigned char octet;
	if (!take_octet(&packet, &octet) || octet >= WIRE_TYPE_COUNT)
		return WIRE_NONE;
	return (enum wire_type)octet;
}

static const char *const names[WIRE_TYPE_COUNT] = {
	[WIRE_NONE] = "none",
#define PACKET(name, ways, fields) [WIRE_##name] = #name,
#include "common/ipc/wire.def"
};

const char *wire_type_name(enum wire_type type)
{
	return (unsigned)type < WIRE_TYPE_COUNT ? names[type] : names[WIRE_NONE];
}

/* The fields as they are written. */
static const char *const forms[WIRE_TYPE_COUNT] = {
#define PACKET(name, ways, fields) [WIRE_##name] = #name " " #fields,
#include "common/ipc/wire.def"
};

uint64_t wire_contract(size_t n)
{
	uint64_t hash = HASH_START;
	if (n > WIRE_LASTING)
		return 0;
	for (size_t type = 1; type <= n; type++)
		hash = hash_octet(hash_span(hash, span_of(forms[type])), '\n');
	return hash;
}

/* The bit for one end of a link: the end that reads packets in this direction. */
#define END(link, way) ((uint64_t)1 << (WIRE_WAY_COUNT * (link) + (way)))
enum { END_COUNT = WIRE_WAY_COUNT * WIRE_LINK_COUNT };
_Static_assert(END_COUNT <= 64, "each end of a link has its bit");

/* The ends that read packets of each type. */
static const uint64_t readers[WIRE_TYPE_COUNT] = {
#define DOWN(link) | END(WIRE_LINK_##link, WIRE_DOWN)
#define UP(link)   | END(WIRE_LINK_##link, WIRE_UP)
#define PART_OF(packet)
#define PACKET(name, ways, fields) [WIRE_##name] = 0 ways,
#include "common/ipc/wire.def"
#undef DOWN
#undef UP
#undef PART_OF
};

bool wire_permits(enum wire_link link, enum wire_way way, enum wire_type type)
{
	return (unsigned)type < WIRE_TYPE_COUNT && readers[type] & END(link, way);
}

enum wire_type wire_admit(enum wire_link link, enum wire_way way, struct span packet)
{
	enum wire_type type = wire_type_of(packet);
	return wire_permits(link, way, type) ? type : WIRE_NONE;
}

/* Every packet, with all fields at their limits, fits the buffer of every receiver. */
#define U(field, max)              +NUMBER_OCTETS_MAX
#define S(field, max)              +NUMBER_OCTETS_MAX + (max)
#define B(field)                   +1
#define PACKET(name, ways, fields) _Static_assert(1 fields <= WIRE_PACKET_MAX, #name " is beyond WIRE_PACKET_MAX");
#include "common/ipc/wire.def"
#undef U
#undef S
#undef B
_Static_assert(WIRE_TYPE_COUNT <= 256, "the type of a packet is one octet");

#define U(field, max) &&put_number(to, value->field, max)
#define S(field, max) &&put_octets(to, value->field, max)
#define B(field)      &&put_flag(to, value->field)
#define PACKET(name, ways, fields)                                                                                     \
	bool wire_encode_##name(const struct wire_##name *value, struct str *to)                                       \
	{                                                                                                              \
		size_t start = to->len;                                                                                \
		return settle(to, start, str_append_c(to, (char)WIRE_##name) fields);                                  \
	}
#include "common/ipc/wire.def"
#undef U
#undef S
#undef B

#define U(field, max) &&take_number(&packet, max, &out->field)
#define S(field, max) &&take_octets(&packet, max, &out->field)
#define B(field)      &&take_flag(&packet, &out->field)
#define PACKET(name, ways, fields)                                                                                     \
	bool wire_decode_##name(struct span packet, struct wire_##name *out)                                           \
	{                                                                                                              \
		memset(out, 0, sizeof(*out));                                                                          \
		return take_type(&packet, WIRE_##name) fields && packet.len == 0;                                      \
	}
#include "common/ipc/wire.def"
#undef U
#undef S
#undef B
