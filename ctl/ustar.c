#include "ctl/ustar.h"

#include <stdio.h>
#include <string.h>

#include "common/base/language.h"
#include "common/base/span.h"

/* Offsets and lengths of the fields. */
enum {
	NAME = 0,
	MODE = 100,
	UID = 108,
	GID = 116,
	SIZE = 124,
	MTIME = 136,
	SUM = 148,
	TYPE = 156,
	MAGIC = 257,
	PREFIX = 345,
	ID_LEN = 8,
	NUMBER_LEN = 12,
	SUM_LEN = 8
};

/* The sum of all octets, with blanks in place of the sum itself. */
static unsigned sum_of(const char block[USTAR_BLOCK])
{
	unsigned sum = 0;
	for (int i = 0; i < USTAR_BLOCK; i++)
		sum += i >= SUM && i < SUM + SUM_LEN ? ' ' : (unsigned char)block[i];
	return sum;
}

void ustar_format(const struct ustar *entry, char block[USTAR_BLOCK])
{
	memset(block, 0, USTAR_BLOCK);
	memcpy(block + NAME, entry->name, strlen(entry->name));
	snprintf(block + MODE, ID_LEN, "%07o", 0600U);
	snprintf(block + UID, ID_LEN, "%07o", 0U);
	snprintf(block + GID, ID_LEN, "%07o", 0U);
	snprintf(block + SIZE, NUMBER_LEN, "%011llo", (unsigned long long)entry->size);
	snprintf(block + MTIME, NUMBER_LEN, "%011llo", (unsigned long long)entry->mtime);
	block[TYPE] = '0';
	memcpy(block + MAGIC, "ustar\00000", 8);
	snprintf(block + SUM, SUM_LEN, "%06o", sum_of(block));
	block[SUM + SUM_LEN - 1] = ' ';
}

/* Octal digits between blanks or NULs; false for anything else, such as the binary numbers of GNU tar. */
static bool parse_octal(const char *field, size_t len, uint64_t *out)
{
	size_t i = 0;
	bool any = false;
	*out = 0;
	while (i < len && field[i] == ' ')
		i++;
	for (; i < len && field[i] >= '0' && field[i] <= '7'; i++, any = true)
		*out = *out << 3 | (uint64_t)(field[i] - '0');
	for (; i < len && (field[i] == ' ' || field[i] == '\0'); i++)
		;
	return any && i == len && *out <= USTAR_SIZE_MAX;
}

/* What is no regular file. */
static const char *refuse_type(char type)
{
	static const struct {
		char type;
		const char *why;
	} known[] = {
		{'1', N_("it is a hard link")},
		{'2', N_("it is a symbolic link")},
		{'3', N_("it is a device")},
		{'4', N_("it is a device")},
		{'5', N_("it is a folder")},
		{'6', N_("it is a named pipe")},
		{'x', N_("it has an extended header (pax)")},
		{'g', N_("it has an extended header (pax)")},
		{'L', N_("it has a long name (GNU tar)")},
		{'K', N_("it has a long name (GNU tar)")},
		{'S', N_("it is a file with holes (GNU tar)")},
	};
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (known[i].type == type)
			return known[i].why;
	return type == '0' || type == '\0' ? NULL : N_("it is no regular file");
}

static bool is_zero(const char block[USTAR_BLOCK])
{
	return !block[0] && memcmp(block, block + 1, USTAR_BLOCK - 1) == 0;
}

static const char *refuse(const char block[USTAR_BLOCK], struct ustar *out)
{
	uint64_t sum, mtime;
	if (memcmp(block + MAGIC, "ustar", 5) != 0 || !parse_octal(block + SUM, SUM_LEN, &sum) || sum != sum_of(block))
		return N_("there is no header of a tar archive where one must be");
	const char *why = refuse_type(block[TYPE]);
	if (why)
		return why;
	/* GNU tar has times in place of the prefix. */
	if (memcmp(block + MAGIC, "ustar\0", 6) == 0 && block[PREFIX])
		return N_("its name has folders");
	if (!parse_octal(block + SIZE, NUMBER_LEN, &out->size))
		return N_("its size is no number, or is too large");
	if (!parse_octal(block + MTIME, NUMBER_LEN, &mtime))
		return N_("its time is no number");
	out->mtime = (int64_t)mtime;
	return NULL;
}

enum ustar_kind ustar_parse(const char block[USTAR_BLOCK], struct ustar *out, const char **why)
{
	*out = (struct ustar){.size = 0};
	*why = NULL;
	if (is_zero(block))
		return USTAR_END;
	span_clean((struct span){block, strnlen(block, USTAR_NAME_MAX)}, out->name, sizeof(out->name));
	*why = refuse(block, out);
	return *why ? USTAR_BAD : USTAR_FILE;
}
