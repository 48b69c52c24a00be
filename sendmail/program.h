/* sendmail, mailq and newaliases: what each of their modes does. */
#ifndef SENDMAIL_PROGRAM_H
#define SENDMAIL_PROGRAM_H

/* Runs what the command line says; the exit status (sysexits.h). */
int program_run(int argc, char **argv);

#endif
