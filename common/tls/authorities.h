/* Where this system keeps the certificates of its authorities. */
#ifndef COMMON_TLS_AUTHORITIES_H
#define COMMON_TLS_AUTHORITIES_H

/* The first of the files in which distributions keep all of them that can be read; NULL = none. */
const char *authorities_path(void);

/* The usual one, for messages. */
const char *authorities_usual(void);

#endif
