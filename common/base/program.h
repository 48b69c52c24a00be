/* Where the programs of Mailroot are. */
#ifndef COMMON_BASE_PROGRAM_H
#define COMMON_BASE_PROGRAM_H

#include <stddef.h>

/*
 * Writes the path of the program NAME to TO, SIZE octets (PATH_MAX is enough): in the folder of the program that runs
 * if NAME is there (a build tree), otherwise in FOLDER (a constant of installed.h). Whether it is in FOLDER, exec
 * tells.
 */
void program_find(const char *name, const char *folder, char *to, size_t size);

#endif
