/* The program mailroot-import-iis, which is `mailrootctl import-iis`: files and messages around the import. */
#ifndef CTL_IMPORT_PROGRAM_H
#define CTL_IMPORT_PROGRAM_H

/* Returns the exit status: 0 done, 1 failed, 2 wrong usage. */
int program_run(int argc, char **argv);

#endif
