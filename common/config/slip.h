/*
 * What an administrator may have meant by a word that is not valid: typing errors, and the syntax of other programs.
 * Each function finds the correct text, which the caller prints. Pure.
 */
#ifndef COMMON_CONFIG_SLIP_H
#define COMMON_CONFIG_SLIP_H

#include "common/base/str.h"
#include "common/config/table.h"

enum { CONFIG_SLIP_MAX = 300 }; /* octets of a correct text with its NUL: a host name and more */

/* The word of WORDS (NULL at the end) that TEXT means: yes or on for true, 1 or enabled, no or off for the opposites;
 * otherwise the nearest word. NULL: none. */
const char *config_slip_choice(struct span text, const char *const *words);

/* True if TEXT is a network mask, 255.255.0.0 or 0.0.255.255, and can't be the address of a host. */
bool config_slip_is_mask(struct span text);

/* "10.2.0.0" and "255.255.0.0", or "0.0.255.255": "10.2.0.0/16". False: not an address and a mask. */
bool config_slip_masked(struct span address, struct span mask, char to[CONFIG_SLIP_MAX]);

/* "192.168.1.*" or "192.168.1.": "192.168.1.0/24". */
bool config_slip_wildcard(struct span text, char to[CONFIG_SLIP_MAX]);

/* "[host:587]": "[host]:587". */
bool config_slip_bracket(struct span text, char to[CONFIG_SLIP_MAX]);

/* The setting or block of BLOCK that has the name NAME in another program, or the nearest name. NULL: none. */
const char *config_slip_setting(enum config_block block, struct span name);

/* Appends the settings of BLOCK whose names are longer and begin with NAME: "a, b or c". False: there are none. */
bool config_slip_longer(enum config_block block, struct span name, struct str *to);

#endif
