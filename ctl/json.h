/*
 * Writes one JSON text. Commas and nesting are kept here; a caller can't write a broken text but by leaving something
 * open. Octets that are not UTF-8 come out as U+FFFD.
 */
#ifndef CTL_JSON_H
#define CTL_JSON_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "ctl/utf8.h"

enum { JSON_DEPTH_MAX = 16 };

struct json {
	FILE *to;
	unsigned depth;
	bool filled[JSON_DEPTH_MAX]; /* something stands at this depth: a comma is due */
	bool after_key;
	struct utf8_pieces pieces; /* of a string that comes so */
};

void json_init(struct json *json, FILE *to);

/* Inside an object each value needs a key before it. */
void json_key(struct json *json, const char *key);
void json_object(struct json *json);
void json_array(struct json *json);
void json_end_object(struct json *json);
void json_end_array(struct json *json);
void json_string(struct json *json, struct span text);

/* A string that comes in pieces, which may break off anywhere. */
void json_begin_string(struct json *json);
void json_more_string(struct json *json, struct span text);
void json_end_string(struct json *json);

void json_number(struct json *json, int64_t value);
void json_bool(struct json *json, bool value);
void json_null(struct json *json);

/* A number where TEXT is one, null where it is empty, otherwise a string: for cells of rows. */
void json_cell(struct json *json, struct span text);

/* A newline at the end of the text. */
void json_finish(struct json *json);

#endif
