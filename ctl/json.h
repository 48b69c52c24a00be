/*
 * Writes one JSON text. Commas and nesting are handled here: a caller can only forget to close something. Octets that
 * are not UTF-8 become U+FFFD.
 */
#ifndef CTL_JSON_H
#define CTL_JSON_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "common/base/utf8.h"

enum { JSON_DEPTH_MAX = 16 };

struct json {
	FILE *to;
	unsigned depth;
	bool filled[JSON_DEPTH_MAX]; /* this level has an element: a comma is due */
	bool after_key;
	struct utf8_pieces pieces; /* of a string written in pieces */
};

void json_init(struct json *json, FILE *to);

/* Inside an object each value needs a key before it. */
void json_key(struct json *json, const char *key);
void json_object(struct json *json);
void json_array(struct json *json);
void json_end_object(struct json *json);
void json_end_array(struct json *json);
void json_string(struct json *json, struct span text);

/* A string in pieces, which may be split anywhere. */
void json_begin_string(struct json *json);
void json_more_string(struct json *json, struct span text);
void json_end_string(struct json *json);

void json_number(struct json *json, int64_t value);
void json_key_number(struct json *json, const char *key, uint64_t value); /* a key and its number */
void json_bool(struct json *json, bool value);
void json_null(struct json *json);

/* A cell of a row: a number if TEXT is one, null if it is empty, otherwise a string. */
void json_cell(struct json *json, struct span text);

/* Ends the text with a newline. */
void json_finish(struct json *json);

#endif
