#include "common/base/hash.h"

#include "common/base/ascii.h"

uint64_t hash_octet(uint64_t hash, unsigned char octet)
{
	return (hash ^ octet) * 1099511628211u;
}

uint64_t hash_span(uint64_t hash, struct span text)
{
	for (size_t i = 0; i < text.len; i++)
		hash = hash_octet(hash, (unsigned char)text.at[i]);
	return hash;
}

uint64_t hash_span_nocase(uint64_t hash, struct span text)
{
	for (size_t i = 0; i < text.len; i++)
		hash = hash_octet(hash, (unsigned char)ascii_lower(text.at[i]));
	return hash;
}
