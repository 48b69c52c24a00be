/*
 * What a person may have meant by a word that can't stand where it does: slips of the hand, and the ways of other
 * programs. Each function finds the cure, which the caller prints. Pure.
 */
#ifndef COMMON_CONFIG_SLIP_H
#define COMMON_CONFIG_SLIP_H

#include "common/base/str.h"
#include "common/config/table.h"

enum { CONFIG_SLIP_MAX = 300 }; /* a cure with its NUL: a host's name and more */

/* The one of WORDS (NULL at the end) that TEXT stands for: yes and on for true, 1 or enabled, no and off for their
 * opposites; else the nearest one. NULL: none. */
const char *config_slip_choice(struct span text, const char *const *words);

/* TEXT is a network mask, 255.255.0.0 or 0.0.255.255, and no address that a host may have. */
bool config_slip_is_mask(struct span text);

/* "10.2.0.0" and "255.255.0.0", or "0.0.255.255": "10.2.0.0/16". False: not an address and a mask. */
bool config_slip_masked(struct span address, struct span mask, char to[CONFIG_SLIP_MAX]);

/* "192.168.1.*" or "192.168.1.": "192.168.1.0/24". */
bool config_slip_wildcard(struct span text, char to[CONFIG_SLIP_MAX]);

/* "[host:587]": "[host]:587". */
bool config_slip_bracket(struct span text, char to[CONFIG_SLIP_MAX]);

/* The setting or block of BLOCK whose name is nearest to NAME, or that other programs call so; NULL: none. */
const char *config_slip_setting(enum config_block block, struct span name);

/* Appends the settings of BLOCK whose names are longer and begin with NAME: "a, b or c". False: there are none. */
bool config_slip_longer(enum config_block block, struct span name, struct str *to);

#endif
