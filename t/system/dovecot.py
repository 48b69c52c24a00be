"""Dovecot's submission server as a peer, with the configuration syntax of Debian's version: 2.3 (Debian 12) or 2.4 (Debian 13)."""

COMMON = """protocols = submission
base_dir = /run/dovecot
hostname = peer.test
listen = 127.0.0.1
auth_verbose = yes
auth_failure_delay = 0
default_internal_user = dovecot
default_login_user = dovenull
default_internal_group = dovecot
submission_relay_host = 127.0.0.1
submission_relay_port = {relay}
submission_relay_ssl = no
service submission-login {{
  inet_listener submission {{
    port = {port}
  }}
}}
"""

# The differences: version 2.3 first, then 2.4.
MAIL = ("""mail_location = maildir:/var/tmp/mail
userdb {
  driver = static
  args = uid=20030 gid=20030 home=/var/tmp
}
""", """mail_driver = maildir
mail_path = /var/tmp/mail
userdb static {
  fields {
    uid = 20030
    gid = 20030
    home = /var/tmp
  }
}
""")
TLS = ("""ssl = required
ssl_cert = </etc/mail.pem
ssl_key = </etc/mail.key
disable_plaintext_auth = yes
""", """ssl = required
ssl_server_cert_file = /etc/mail.pem
ssl_server_key_file = /etc/mail.key
auth_allow_cleartext = no
""")
NO_TLS = ("ssl = no\n", "ssl = no\nauth_allow_cleartext = yes\n")
PASSWORDS = ("""auth_mechanisms = plain login cram-md5 scram-sha-256
passdb {
  driver = passwd-file
  args = scheme=PLAIN username_format=%u /etc/users
}
""", """auth_mechanisms = plain login cram-md5 scram-sha-256
passdb passwd-file {
  passwd_file_path = /etc/users
  default_password_scheme = PLAIN
}
""")
KERBEROS = ("""auth_mechanisms = gssapi
auth_krb5_keytab = /etc/krb5.keytab
auth_gssapi_hostname = "$ALL"
passdb {
  driver = static
  args = nopassword=y
}
""", """auth_mechanisms = gssapi
auth_krb5_keytab = /etc/krb5.keytab
auth_gssapi_hostname = "$ALL"
passdb static {
  fields {
    nopassword = y
  }
}
""")
# Tokens are checked by their signature alone, with the key in /etc/tokens/default/HS256/default.
TOKENS = ("""auth_mechanisms = xoauth2 oauthbearer
passdb {
  driver = oauth2
  mechanisms = xoauth2 oauthbearer
  args = /etc/dovecot/tokens.conf
}
""", """auth_mechanisms = xoauth2 oauthbearer
oauth2 {
  introspection_mode = local
  username_attribute = email
  oauth2_local_validation {
    dict fs {
      fs posix {
        prefix = /etc/tokens/
      }
    }
  }
}
passdb oauth2 {
}
""")
TOKENS_CONF = """introspection_mode = local
local_validation_key_dict = fs:posix:prefix=/etc/tokens/
username_attribute = email
"""


def start(peer, port, relay, *parts):
    """Starts Dovecot in PEER: it listens on PORT and relays to the port RELAY. PARTS: TLS or NO_TLS; PASSWORDS, KERBEROS or TOKENS."""
    version = peer.run("/usr/sbin/dovecot", "--version").split()[0]
    new = not version.startswith("2.3.")
    first = "dovecot_config_version = 2.4.0\ndovecot_storage_version = 2.4.0\n" if new else ""
    text = "".join(part[new] for part in (MAIL, *parts))
    peer.write("etc/dovecot/dovecot.conf", f"{first}log_path = /dev/stderr\n{COMMON.format(port=port, relay=relay)}{text}")
    peer.start("/usr/sbin/dovecot", "-F", port=port)
