# Where Debian expects things. With the prefix /usr/local systemd finds its files too: it looks below /usr/local/lib.
set(MAILROOT_SBINDIR ${CMAKE_INSTALL_FULL_SBINDIR})
set(MAILROOT_LIBEXECDIR ${CMAKE_INSTALL_FULL_LIBEXECDIR}/mailroot)
file(READ etc/unit-common.in MAILROOT_SERVICE)
foreach(name mailrootd.service mailroot-unprivileged.service mailroot-recipients.service mailrootd.init)
  configure_file(etc/${name}.in etc/${name} @ONLY)
endforeach()

# mailrootd@NAME.service, for the spool of another node: the same unit with a configuration, a run_dir and a disk of its own. Its run_dir is
# not below /run/mailroot, which goes when mailrootd.service stops. Without the disk it would accept mail into the folder below.
set(conf "${CMAKE_INSTALL_FULL_SYSCONFDIR}/mailroot/%i.conf")
set(changes
  "SMTP service\n" "SMTP service, spool %i\n"
  "nss-lookup.target\n" "nss-lookup.target\n# Where the disk is mounted.\nRequiresMountsFor=/srv/mailroot/%i\nAssertPathIsMountPoint=/srv/mailroot/%i\n"
  "mailrootd -f\n" "mailrootd -f -c ${conf}\n"
  "mailrootctl reload\n" "mailrootctl -c ${conf} reload\n"
  "RuntimeDirectory=mailroot\n" "RuntimeDirectory=mailroot-%i\n")
file(READ ${PROJECT_BINARY_DIR}/etc/mailrootd.service unit)
while(changes)
  list(POP_FRONT changes from to)
  string(FIND "${unit}" "${from}" at)
  if(at EQUAL -1)
    message(FATAL_ERROR "mailrootd@.service: mailrootd.service has no \"${from}\"")
  endif()
  string(REPLACE "${from}" "${to}" unit "${unit}")
endwhile()
file(WRITE ${PROJECT_BINARY_DIR}/etc/mailrootd@.service "${unit}")

install(FILES ${PROJECT_BINARY_DIR}/etc/mailrootd.service ${PROJECT_BINARY_DIR}/etc/mailrootd@.service ${PROJECT_BINARY_DIR}/etc/mailroot-unprivileged.service
  etc/mailroot-unprivileged.socket ${PROJECT_BINARY_DIR}/etc/mailroot-recipients.service etc/mailroot-recipients.timer DESTINATION lib/systemd/system)
install(FILES etc/mailrootctl.bash DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME mailrootctl)
install(FILES etc/mailroot.sysusers DESTINATION lib/sysusers.d RENAME mailroot.conf)
install(PROGRAMS etc/mailroot-recipients DESTINATION ${CMAKE_INSTALL_LIBEXECDIR}/mailroot)
install(PROGRAMS ${PROJECT_BINARY_DIR}/etc/mailrootd.init DESTINATION ${CMAKE_INSTALL_FULL_SYSCONFDIR}/init.d RENAME mailrootd)

file(GLOB manuals CONFIGURE_DEPENDS etc/*.[158] master/*.8 smtpd/*.8 queue/*.8 delivery/*.8 ctl/*.[18] sendmail/*.[18])
foreach(manual ${manuals})
  string(REGEX MATCH "[158]$" section ${manual})
  install(FILES ${manual} DESTINATION ${CMAKE_INSTALL_MANDIR}/man${section})
endforeach()

foreach(text README.md HACKING.md CHANGES.md LICENSE)
  install(FILES ${text} DESTINATION ${CMAKE_INSTALL_DOCDIR} OPTIONAL)
endforeach()
install(DIRECTORY doc DESTINATION ${CMAKE_INSTALL_DOCDIR})

# The example of every setting, short ones for usual cases; and the file itself, but never over one that an administrator has edited.
file(GLOB examples CONFIGURE_DEPENDS etc/examples/*.conf)
install(DIRECTORY etc/prometheus etc/grafana DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples)
install(DIRECTORY etc/ha DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples USE_SOURCE_PERMISSIONS)
install(FILES etc/mailroot.conf etc/recipients.conf etc/mailrootd-harden.conf ${examples} DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples OPTIONAL)
# file(INSTALL) puts DESTDIR in front of the folder by itself, if(EXISTS) does not.
install(CODE "
  set(to \"${CMAKE_INSTALL_FULL_SYSCONFDIR}/mailroot\")
  if(NOT EXISTS \"\$ENV{DESTDIR}\${to}/mailroot.conf\")
    file(INSTALL \"${PROJECT_SOURCE_DIR}/etc/mailroot.conf\" DESTINATION \"\${to}\")
  endif()
")
