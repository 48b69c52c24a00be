/*
 * Reads XML from memory, with fixed limits, and passes each start tag to the caller. A metabase is plain: elements and
 * attributes. So a DOCTYPE, which could hide entities, is refused, and text between tags is ignored.
 */
#ifndef CTL_IMPORT_XML_H
#define CTL_IMPORT_XML_H

#include "common/base/span.h"

enum {
	XML_FILE_MAX = 64 * 1024 * 1024,
	XML_PIECE = 64 * 1024,     /* octets given to the parser at a time */
	XML_TAG_MAX = 1024 * 1024, /* octets of one tag, comment or text; a longer one makes the parser slow */
	XML_DEPTH_MAX = 16,
	XML_ATTRIBUTES_MAX = 1000, /* of one element */
	XML_FAULT_MAX = 300
};

struct xml_fault {
	unsigned long line, column; /* from 1; 0 = the file as a whole */
	char text[XML_FAULT_MAX];
};

/*
 * Gets an element: its name, pairs of attribute names and values up to a NULL (all UTF-8, valid during the call only),
 * its depth (the root has 1) and its line. Returns NULL, or what is wrong with it, which ends the reading.
 */
typedef const char *xml_element(void *context, const char *name, const char **attributes, unsigned depth,
				unsigned long line);

/* Reads TEXT, in UTF-8 or UTF-16. False with *fault. */
bool xml_read(struct span text, xml_element *element, void *context, struct xml_fault *fault);

#endif
