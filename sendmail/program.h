/* The modes of sendmail, mailq and newaliases. */
#ifndef SENDMAIL_PROGRAM_H
#define SENDMAIL_PROGRAM_H

/* Runs the command line; returns the exit status (sysexits.h). */
int program_run(int argc, char **argv);

#endif
