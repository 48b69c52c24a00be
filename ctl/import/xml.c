#include "ctl/import/xml.h"

#include <expat.h>
#include <stdio.h>

#include "common/base/language.h"

struct reader {
	XML_Parser parser;
	xml_element *element;
	void *context;
	unsigned depth;
	size_t given, seen; /* octets given to the parser, and of them before its last event */
	const char *why;    /* why the reading was stopped */
	unsigned long line, column;
};

/* Newer versions of expat have other functions, for larger files than we read. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
static unsigned long line_of(const struct reader *r)
{
	return XML_GetCurrentLineNumber(r->parser);
}

static unsigned long column_of(const struct reader *r)
{
	return XML_GetCurrentColumnNumber(r->parser) + 1;
}
#pragma GCC diagnostic pop

static void stop(struct reader *r, const char *why)
{
	if (r->why)
		return;
	r->why = why;
	r->line = line_of(r);
	r->column = column_of(r);
	XML_StopParser(r->parser, XML_FALSE);
}

static void on_start(void *user, const XML_Char *name, const XML_Char **attributes)
{
	struct reader *r = user;
	size_t n = 0;
	r->depth++;
	r->seen = r->given;
	while (attributes[n])
		n += 2;
	const char *why =
		r->depth > XML_DEPTH_MAX     ? _("elements are nested too deeply for a metabase (more than 16 levels)")
		: n / 2 > XML_ATTRIBUTES_MAX ? _("this element has too many attributes for a metabase (more than 1000)")
					     : r->element(r->context, name, attributes, r->depth, line_of(r));
	if (why)
		stop(r, why);
}

static void on_end(void *user, const XML_Char *name)
{
	struct reader *r = user;
	(void)name;
	r->depth--;
	r->seen = r->given;
}

static void on_doctype(void *user, const XML_Char *name, const XML_Char *system, const XML_Char *public, int internal)
{
	(void)name, (void)system, (void)public, (void)internal;
	stop(user, _("a DOCTYPE is refused: a metabase has none"));
}

static bool report(struct reader *r, struct xml_fault *fault)
{
	if (!r->why)
		stop(r, XML_ErrorString(XML_GetErrorCode(r->parser)));
	fault->line = r->line;
	fault->column = r->column;
	snprintf(fault->text, sizeof(fault->text), "%s", r->why);
	return false;
}

static bool feed(struct reader *r, struct span text, struct xml_fault *fault)
{
	do {
		const char *piece = text.at + r->given;
		size_t n = text.len - r->given < XML_PIECE ? text.len - r->given : XML_PIECE;
		r->given += n;
		if (XML_Parse(r->parser, piece, (int)n, r->given == text.len) != XML_STATUS_OK || r->why)
			return report(r, fault);
		if (r->given - r->seen > XML_TAG_MAX) {
			stop(r,
			     _("there are more than 1 MiB without a tag that ends, which is too long for a metabase"));
			return report(r, fault);
		}
	} while (r->given < text.len);
	return true;
}

bool xml_read(struct span text, xml_element *element, void *context, struct xml_fault *fault)
{
	struct reader r = {.element = element, .context = context};
	*fault = (struct xml_fault){0};
	if (text.len > XML_FILE_MAX) {
		snprintf(fault->text, sizeof(fault->text), _("larger than 64 MiB, which no metabase is"));
		return false;
	}
	r.parser = XML_ParserCreate(NULL);
	if (!r.parser) {
		snprintf(fault->text, sizeof(fault->text), _("out of memory"));
		return false;
	}
	XML_SetUserData(r.parser, &r);
	XML_SetElementHandler(r.parser, on_start, on_end);
	XML_SetStartDoctypeDeclHandler(r.parser, on_doctype);
	bool good = feed(&r, text, fault);
	XML_ParserFree(r.parser);
	return good;
}
