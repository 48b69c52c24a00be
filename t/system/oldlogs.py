"""An old SMTP server of Windows as its logs show it: its relay decision, written down again from its documentation, and its rows in three formats."""
import datetime
import ipaddress
import random
import struct

W3C_FIELDS = ("date time c-ip cs-username s-sitename s-computername s-ip s-port cs-method cs-uri-stem cs-uri-query sc-status "
              "sc-win32-status sc-bytes cs-bytes time-taken cs-version cs-host cs(User-Agent) cs(Cookie) cs(Referer)")
MARK, ALIAS, DOMAIN_RELAY = 1 << 31, 0x10, 0x1000  # offsets in RelayIpList; bits of RouteAction
BEGIN = datetime.datetime(2025, 10, 9)


def w3c(row):
    argument = ("+" if row["client"] else "") + row["argument"].replace(" ", "+") if row["argument"] else "-"
    return (f"{row['time']:%Y-%m-%d %H:%M:%S} {row['ip']} {row['name'] or '-'} SMTPSVC1 OLD 10.0.0.1 0 {row['verb'] or '-'} - {argument} "
            f"{row['status']} 0 50 {row['octets']} 0 SMTP - - - -")


def iis(row):
    time = row["time"]
    return (f"{row['ip']}, {row['name'] or '-'}, {time.month}/{time.day}/{time:%y}, {time.hour}:{time:%M:%S}, SMTPSVC1, OLD, 10.0.0.1, 0, "
            f"{row['octets']}, 50, {row['status']}, 0, {row['verb'] or '-'}, -, {row['argument'] or '-'},")


def ncsa(row):
    argument = "-?" + ("+" if row["client"] else "") + row["argument"].replace(" ", "+") if row["argument"] else "-"
    return f"{row['ip']} - {row['name'] or '-'} [{row['time']:%d/%b/%Y:%H:%M:%S} +0900] \"{row['verb'] or '-'} {argument} SMTP\" {row['status']} 50"


FORMATS = {"ex": w3c, "in": iis, "nc": ncsa}


def header(moment=BEGIN):
    return f"#Software: Microsoft Internet Information Services 6.0\n#Version: 1.0\n#Date: {moment:%Y-%m-%d %H:%M:%S}\n#Fields: {W3C_FIELDS} \n"


class Rules:
    """Who may relay: domains of its own, remote domains with relay, authentication, and a list of networks."""

    def __init__(self, domains=("example.com",), remotes=("partner.example",), networks=("10.1.0.0/16", "192.168.7.9/32"), authenticated=True):
        self.domains, self.remotes, self.authenticated = domains, remotes, authenticated
        self.networks = [ipaddress.ip_network(one) for one in networks]
        self.known = {}

    def listed(self, ip):
        if ip not in self.known:
            self.known[ip] = any(ipaddress.ip_address(ip) in network for network in self.networks)
        return self.known[ip]

    def accepts(self, ip, domain, authenticated=False):
        domain = domain.lower()
        if not domain or domain in self.domains:
            return True
        if any(domain == one or (one[0] == "*" and domain.endswith(one[1:])) for one in self.remotes):
            return True
        return (authenticated and self.authenticated) or self.listed(ip)

    def conf(self):
        first, *others = self.domains
        return "\n".join([f"default_domain {first}", *(f"local_domain {one}" + " { }" for one in others),
                          *(f"remote_domain {one} {{ relay yes }}" for one in self.remotes),
                          "relay { list " + " ".join(map(str, self.networks)) + " }"])

    def relay_list(self):
        """The value of RelayIpList, as a script of an administrator writes it: offsets, then the granted networks by their masks."""
        masks = sorted({network.netmask for network in self.networks})
        data = 76 + 20 * (len(masks) - 1)
        words = [MARK | 24, MARK | 32, MARK | data - 16, MARK | data - 8, 1, data, 0, 0, len(masks), len(self.networks)]
        octets, lists = b"", b""
        for mask in masks:
            same = [network for network in self.networks if network.netmask == mask]
            lists += struct.pack("<5I", 2, len(same) + 1, 4, 0, MARK | data + len(octets))
            octets += mask.packed + b"".join(network.network_address.packed for network in same)
        return (struct.pack(f"<{len(words)}I", *words) + lists + bytes(16) + octets).hex()

    def metabase(self):
        """MetaBase.xml of the same server."""
        first, *others = self.domains
        domains = [(name, ALIAS) for name in others] + [(name, DOMAIN_RELAY) for name in self.remotes]
        keys = "".join(f'<IIsSmtpDomain Location="/LM/SmtpSvc/1/Domain/{name}" RouteAction="{action}"/>\n' for name, action in domains)
        return (f'\ufeff<?xml version="1.0"?>\n<configuration xmlns="urn:microsoft-catalog:XML_Metabase_V64_0">\n<MBProperty>\n'
                f'<IIsSmtpService Location="/LM/SmtpSvc" MaxMessageSize="2097152"/>\n'
                f'<IIsSmtpServer Location="/LM/SmtpSvc/1" AuthFlags="AuthAnonymous | AuthBasic" DefaultDomain="{first}" '
                f'FullyQualifiedDomainName="old.{first}" RelayForAuth="{int(self.authenticated)}" RelayIpList="{self.relay_list()}" '
                f'ServerBindings=":25:" ServerComment="Old server"/>\n{keys}</MBProperty>\n</configuration>\n')


class Traffic:
    """Sessions of random clients, decided by RULES; `rows` yields their rows in the order of a log. Clients of `users` authenticate."""

    def __init__(self, rules, clients, domains, users=(), seed=1):
        self.rules, self.clients, self.domains, self.users = rules, clients, domains, set(users)
        self.choose, self.now = random.Random(seed), BEGIN
        self.recipients = self.accepted = self.of_users = 0

    def row(self, ip, verb, argument, status, octets=30, name=None):
        return {"time": self.now, "ip": ip, "name": name or f"host-{ip.split('.')[-1]}", "verb": verb, "argument": argument, "status": status,
                "octets": octets, "client": name is None}

    def session(self):
        choose, ip = self.choose, self.choose.choice(self.clients)
        self.now += datetime.timedelta(seconds=choose.randrange(3))
        yield self.row(ip, "EHLO", "host", 250)
        if ip in self.users:
            yield self.row(ip, "AUTH", "LOGIN", 334)
            yield self.row(ip, "", "", 235)
        for _ in range(choose.randrange(1, 3)):
            yield self.row(ip, "MAIL", f"FROM:<app{choose.randrange(40)}@example.com>", 250)
            taken = 0
            for _ in range(choose.choice([1, 1, 1, 2, 5])):
                domain = choose.choice(self.domains)
                good = self.rules.accepts(ip, domain, ip in self.users)
                self.recipients, self.accepted, taken = self.recipients + 1, self.accepted + good, taken + good
                self.of_users += ip in self.users
                yield self.row(ip, "RCPT", f"TO:<user{choose.randrange(999)}@{domain}>", 250 if good else 550)
            if taken:
                yield self.row(ip, "DATA", "<id@old>", 250, choose.randrange(500, 3_000_000))
                yield self.row("198.51.100.25", "RCPT", "TO:<x@example.net>", 0, name="OutboundConnectionCommand")
        yield self.row(ip, "QUIT", "host", 240)

    def rows(self, count):
        """At least COUNT rows: two sessions at a time, whose rows alternate."""
        written = 0
        while written < count:
            both = [self.session(), self.session()]
            while both:
                one = self.choose.choice(both)
                row = next(one, None)
                if row is None:
                    both.remove(one)
                    continue
                written += 1
                yield row


def write(path, rows, kind, end="\r\n"):
    """A log of KIND ("ex", "in", "nc") as IIS leaves it: with the line ends of Windows, and NULs behind the last row."""
    with open(path, "w", newline="") as to:
        if kind == "ex":
            to.write("\ufeff" + header().replace("\n", end))
        for row in rows:
            to.write(FORMATS[kind](row) + end)
        to.write("\0" * 70000)
