#include "queue/model/marks.h"

#include "common/base/hash.h"

static uint64_t hash(struct span text)
{
	uint64_t sum = hash_span_nocase(HASH_START, text);
	/*
	 * The low bits of FNV depend mostly on the last octets. This mixes all bits, from which three numbers are
	 * taken.
	 */
	sum ^= sum >> 29;
	sum *= 0xbf58476d1ce4e5b9u;
	return sum ^ sum >> 32;
}

uint64_t marks_domain(struct span domain)
{
	uint64_t sum = hash(domain);
	return UINT64_C(1) << (sum & 63) | UINT64_C(1) << (sum >> 6 & 63) | UINT64_C(1) << (sum >> 12 & 63);
}

uint32_t marks_sender(struct span sender)
{
	return (uint32_t)hash(sender) | 1;
}
