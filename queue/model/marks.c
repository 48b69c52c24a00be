#include "queue/model/marks.h"

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 'a' - 'A') : c;
}

static uint64_t hash(struct span text)
{
	uint64_t sum = 14695981039346656037u;
	for (size_t i = 0; i < text.len; i++)
		sum = (sum ^ (unsigned char)lower(text.at[i])) * 1099511628211u;
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
