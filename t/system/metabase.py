"""Metabases of IIS SMTP servers: a generator of random ones, from the documented schema, and an independent reading of
their access rules, which shares nothing with ctl/import/."""
import ipaddress
import struct
import xml.etree.ElementTree
from xml.sax.saxutils import quoteattr

VERSIONS = ["IIS 4", "IIS 5", "IIS 6", "2008", "2008 R2", "2012", "2016", "2019", "2022"]
MARK = 0x80000000
IDS = {"AuthFlags": 6000, "IPSecurity": 6019, "RelayIpList": 36970, "RelayForAuth": 36973, "RouteAction": 36946,
       "MaxRecipients": 36895, "HopCount": 36886}
DROP, SMART_HOST, ALIAS, DEFAULT, ETRN, RELAY = 0x1, 0x2, 0x10, 0x40, 0x200, 0x1000
NETWORKS = ["10.0.0.0/8", "10.1.0.0/16", "10.1.2.0/24", "10.1.2.3/32", "172.16.0.0/12", "192.168.7.0/24", "192.0.2.7/32",
            "192.0.2.128/25", "198.51.100.0/24", "203.0.113.9/32", "127.0.0.1/32", "0.0.0.0/0", "128.0.0.0/2", "64.0.0.0/8"]


def words(*numbers):
    return struct.pack(f"<{len(numbers)}I", *numbers)


def address_list(networks, at, data_at):
    """A list of addresses that stands at AT, and its data, which stands at DATA_AT: one group for each mask."""
    groups = {}
    for network in map(ipaddress.ip_network, networks):
        groups.setdefault(network.netmask.packed, []).append(network.network_address.packed)
    head, data = words(len(groups), len(networks)), b""
    for mask, addresses in groups.items():
        head += words(2, len(addresses) + 1, 4, 0, MARK | data_at + len(data))
        data += mask + b"".join(addresses)
    return head, data


def ip_list(granted=None, denied=None):
    """The value of RelayIpList or IPSecurity. Granted [] is "only the list", which is empty."""
    if granted is not None and not granted:
        granted = ["0.0.0.0/32"]  # as Windows writes it
    deny_size = 8 + 20 * len({ipaddress.ip_network(n).netmask for n in denied or []})
    grant_size = 8 + 20 * len({ipaddress.ip_network(n).netmask for n in granted or []})
    at = 24
    names = at + deny_size + grant_size
    data_at = names + 16
    deny, deny_data = address_list(denied or [], at, data_at)
    grant, grant_data = address_list(granted or [], at + deny_size, data_at + len(deny_data))
    head = words(MARK | at, MARK | at + deny_size, MARK | names, MARK | names + 8, 1, data_at)
    return head + deny + grant + bytes(16) + deny_data + grant_data


class Key:
    """An element of the metabase: attributes, and child elements Custom."""

    def __init__(self, element, location):
        self.element, self.location, self.attributes, self.customs = element, location, {}, []

    def put(self, choose, name, value):
        """A property with an ID comes either way."""
        if name in IDS and choose.random() < 0.4:
            by_id = choose.random() < 0.3
            self.customs.append({"Name": f"UnknownName_{IDS[name]}" if by_id else name, "ID": str(IDS[name]), "Value": str(value),
                                 "Type": "DWORD", "UserType": "IIS_MD_UT_SERVER", "Attributes": "INHERIT"})
        else:
            self.attributes[name] = str(value)

    def text(self):
        attributes = "".join(f"\n\t\t{name}={quoteattr(value, {chr(10): chr(10)})}" for name, value in sorted(self.attributes.items()))
        customs = "".join("\t<Custom" + "".join(f"\n\t\t{name}={quoteattr(value)}" for name, value in custom.items()) + "\n\t/>\n"
                          for custom in self.customs)
        return f"<{self.element}\tLocation =\"{self.location}\"{attributes}\n\t>\n{customs}</{self.element}>\n"


class Generator:
    """A random metabase of one VERSION. Its virtual servers listen on loopback addresses at PORT."""

    def __init__(self, choose, version, port):
        self.choose, self.version, self.port = choose, version, port
        self.keys = [Key("IIsSmtpService", "/LM/SmtpSvc")]
        self.service()
        for number in range(1, choose.randrange(2, 5)):
            self.server(number)

    def service(self):
        key, choose = self.keys[0], self.choose
        old = self.version in ("IIS 4", "IIS 5")
        for name, value in {"ConnectionTimeout": 600, "MaxConnections": 2000000000, "MaxMessageSize": 2097152,
                            "MaxSessionSize": 10485760, "MaxBatchedMessages": 20, "MaxRecipients": 100, "HopCount": 15,
                            "SmtpLocalDelayExpireMinutes": 720, "SmtpLocalNDRExpireMinutes": 2880, "MaxOutConnections": 1000,
                            "MaxOutConnectionsPerDomain": 100, "RemoteSmtpPort": 25, "RemoteTimeout": 600, "LogType": 0,
                            "EnableReverseDnsLookup": "FALSE", "SmtpInboundCommandSupportOptions": 7697601, "DomainRouting": "",
                            "DefaultDomain": "host.example.com", "FullyQualifiedDomainName": "host.example.com"}.items():
            key.put(choose, name, value)
        if old:
            key.put(choose, "RemoteRetryInterval", 60)
            key.put(choose, "RemoteRetryAttempts", 48)
        else:
            key.put(choose, "SmtpRemoteProgressiveRetry", choose.choice(["15,30,60,240", "15\n30\n60\n240"]))
        self.access(key)

    def flags(self, table, value):
        if self.choose.random() < 0.5:
            return value
        return " | ".join(word for word, bit in table if value & bit)

    def networks(self):
        return self.choose.sample(NETWORKS, self.choose.randrange(0, 6))

    def access(self, key):
        choose = self.choose
        if choose.random() < 0.7:
            key.put(choose, "AuthFlags", self.flags([("AuthAnonymous", 1), ("AuthBasic", 2), ("AuthNTLM", 4)], choose.choice([1, 3, 7, 5, 3])))
        if choose.random() < 0.7:
            key.put(choose, "RelayForAuth", choose.choice([0, 1, -1, 4294967295]))
        if self.version != "2022" or choose.random() < 0.5:
            kind = choose.random()
            if kind < 0.6:
                key.put(choose, "RelayIpList", ip_list(granted=self.networks()).hex())
            elif kind < 0.75:
                key.put(choose, "RelayIpList", "")
            elif kind < 0.9:
                key.put(choose, "RelayIpList", ip_list(denied=self.networks()).hex())
        kind = choose.random()
        if kind < 0.25:
            key.put(choose, "IPSecurity", ip_list(granted=self.networks()).hex())
        elif kind < 0.5:
            key.put(choose, "IPSecurity", ip_list(denied=self.networks()).hex())
        elif kind < 0.6:
            key.put(choose, "IPSecurity", "")

    def server(self, number):
        choose = self.choose
        key = Key("IIsSmtpServer", f"/LM/SmtpSvc/{number}")
        key.attributes["ServerBindings"] = f"127.0.0.{number}:{self.port}:"
        key.attributes["ServerComment"] = choose.choice(["Default SMTP Virtual Server", "Printers & Scanners", "B\u00fcro", ""])
        key.attributes["ServerAutoStart"] = "TRUE"
        for name in ("PickupDirectory", "BadMailDirectory", "DropDirectory", "QueueDirectory"):
            key.attributes[name] = f"C:\\Inetpub\\mailroot\\{number}\\{name}"
        if choose.random() < 0.5:
            key.put(choose, "DefaultDomain", f"own{number}.example.com")
        if choose.random() < 0.5:
            key.put(choose, "SmartHost", choose.choice(["[192.0.2.99]", "[192.0.2.98];[192.0.2.99]"]))
            key.put(choose, "SmartHostType", choose.choice([1, 2]))
        if choose.random() < 0.7:
            self.access(key)
        self.keys.append(key)
        for name in choose.sample(["local.example", "alias.example", "partner.test", "*.partner.test", "*.deep.partner.test", "*",
                                   "*.com", "host.example.com", "relay.test", "own1.example.com"], choose.randrange(0, 7)):
            self.domain(number, name)

    def domain(self, number, name):
        choose = self.choose
        key = Key("IIsSmtpDomain", f"/LM/SmtpSvc/{number}/Domain/{name}")
        action = choose.choice([DROP, ALIAS, DEFAULT, 0, RELAY, RELAY, SMART_HOST, SMART_HOST | RELAY, SMART_HOST | ETRN])
        if name.startswith("*") and action in (DROP, ALIAS, DEFAULT):
            action = RELAY
        key.put(choose, "RouteAction", action)
        if action & SMART_HOST:
            key.attributes["RouteActionString"] = "[192.0.2.77]"
        if choose.random() < 0.2:
            key.put(choose, "RelayIpList", ip_list(granted=self.networks()).hex())  # of a domain: not taken
        self.keys.append(key)

    def octets(self):
        """The file, in one of the encodings that occur."""
        body = "".join(key.text() for key in self.keys)
        other = "<IIsWebServer\tLocation =\"/LM/W3SVC/1\"\n\t\tServerBindings=\":80:\"\n\t>\n</IIsWebServer>\n"
        text = ("<?xml version =\"1.0\"?>\n<configuration xmlns=\"urn:microsoft-catalog:XML_Metabase_V64_0\">\n<MBProperty>\n"
                f"{other}{body}</MBProperty>\n</configuration>\n")
        if self.choose.random() < 0.3:
            text = text.replace("\n", "\r\n")
        kind = self.choose.choice(["utf-8", "utf-8-sig", "utf-16-le", "utf-16-be"])
        mark = {"utf-16-le": b"\xff\xfe", "utf-16-be": b"\xfe\xff"}.get(kind, b"")
        return mark + text.encode(kind)


ODD = ["", "0", "1", "-1", "2", "3", "16", "64", "600", "4098", "514", "268", "4294967295", "99999999999", "TRUE", "FALSE", "AuthBasic",
       "AuthBasic | AuthNTLM", "x", "a b", "mail.example.com", "*.x.y", "1.2.3.4", "[1.2.3.4]", "[a.b];c.d", "a@b.c", "a@b", "\u00fc",
       "C:\\Inetpub\\mailroot\\Drop", "C:\\Inetpub\\mailroot\\..\\x", "\\\\server\\share", ":25:", "127.0.0.1:25:", "::", "15,30,60",
       "\"{};#", "\t\n", "z" * 400, "{FF160663-DE82-11CF-BC0A-00AA006111E0}"]


def odd_value(choose, name):
    if name not in ("RelayIpList", "IPSecurity") or choose.random() < 0.2:
        return choose.choice(ODD)
    networks = choose.sample(NETWORKS, choose.randrange(6))
    data = bytearray(ip_list(granted=networks) if choose.random() < 0.5 else ip_list(denied=networks))
    for _ in range(choose.randrange(3)):
        data[choose.randrange(len(data))] = choose.randrange(256)
    return data.hex()


def odd_metabase(choose, properties):
    """Keys with random PROPERTIES, pairs of name and ID, and values that rarely fit."""
    def key(element, location):
        made = Key(element, location)
        for name, number in choose.sample(properties, choose.randrange(30)):
            value = odd_value(choose, name)
            if number and choose.random() < 0.3:
                made.customs.append({"Name": name, "ID": str(number), "Value": value, "Attributes": choose.choice(["INHERIT", "NO_ATTRIBUTES"])})
            else:
                made.attributes[name] = value
        return made.text()

    text = key("IIsSmtpService", "/LM/SmtpSvc")
    for server in range(1, choose.randrange(2, 5)):
        text += key("IIsSmtpServer", f"/LM/SmtpSvc/{server}")
        for domain in choose.sample(["a.b", "*.a.b", "*", "*.com", "x y", "mail.example.com", "1.2.3.4", "\u00fc.de"], choose.randrange(5)):
            text += key("IIsSmtpDomain", f"/LM/SmtpSvc/{server}/Domain/{domain}")
    return f"<configuration>\n{text}</configuration>\n"


OWN = {"serverbindings", "servercomment", "serverautostart", "routeactionstring"}  # never inherited


class Reading:
    """What the virtual server NUMBER of a metabase lets clients do, as Microsoft documents it. Where doc/importing.md says that an
    import is stricter than Windows, so is this."""

    def __init__(self, octets, number):
        self.number = number
        self.keys = {}
        root = xml.etree.ElementTree.fromstring(octets)
        for element in root.iter():
            location = element.get("Location", "")
            if not location.lower().startswith("/lm/smtpsvc"):
                continue
            own = {name.lower(): (value, name.lower() not in OWN) for name, value in element.attrib.items() if name != "Location"}
            for custom in element:
                name = next((name for name, number in IDS.items() if str(number) == custom.get("ID")), custom.get("Name"))
                own[name.lower()] = (custom.get("Value"), "INHERIT" in custom.get("Attributes"))
            self.keys[location.lower()] = own
        self.domains = {}
        prefix = f"/lm/smtpsvc/{number}/domain/"
        for location in self.keys:
            if location.startswith(prefix):
                self.domains[location[len(prefix):]] = int(self.keys[location].get("routeaction", ("0", True))[0])
        self.default = self.value("DefaultDomain")
        remote = self.domains.get(self.default, 0)
        if remote & (SMART_HOST | RELAY) and self.default != self.value("FullyQualifiedDomainName"):
            self.default = self.value("FullyQualifiedDomainName")  # a default domain is always local here
        self.connect = self.read(self.value("IPSecurity"))
        self.basic = bool(self.auth() & 2)
        self.relay_auth = self.basic and int(self.value("RelayForAuth") or 0) != 0

    def value(self, name):
        """Of the server, or inherited from the service."""
        own = self.keys.get(f"/lm/smtpsvc/{self.number}", {}).get(name.lower())
        if own:
            return own[0]
        above = self.keys["/lm/smtpsvc"].get(name.lower())
        return above[0] if above and above[1] else None

    def auth(self):
        value = self.value("AuthFlags")
        if value is None:
            return 1
        known = {"AuthAnonymous": 1, "AuthBasic": 2, "AuthNTLM": 4}
        return sum(known[word.strip()] if word.strip() in known else int(word) for word in value.split("|"))

    @staticmethod
    def read(value):
        """(True, denied networks), or (False, granted ones); None: the property is missing."""
        if value is None:
            return None
        data = bytes.fromhex(value)
        if not data:
            return True, []
        at = [number & ~MARK for number in struct.unpack_from("<4I", data)]
        lists = []
        for start in at[:2]:
            networks = []
            groups, _ = struct.unpack_from("<2I", data, start)
            for group in range(groups):
                _, entries, _, _, place = struct.unpack_from("<5I", data, start + 8 + 20 * group)
                mask, *addresses = [data[place & ~MARK:][4 * i:4 * i + 4] for i in range(entries)]
                networks += [ipaddress.ip_network((address, str(ipaddress.ip_address(mask)))) for address in addresses]
            lists.append((groups, [network for network in networks if str(network) != "0.0.0.0/32"]))
        return (False, lists[1][1]) if lists[1][0] else (True, lists[0][1])

    @staticmethod
    def wide(network):
        private = [ipaddress.ip_network(n) for n in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8")]
        return network.prefixlen < 8 and not any(network.subnet_of(one) for one in private)

    def may_connect(self, client):
        if self.connect is None:
            return True
        grants, networks = self.connect
        listed = any(client in network for network in networks)
        if grants:
            return not listed
        if not networks:  # nobody, but for this machine
            return client in ipaddress.ip_network("127.0.0.0/8")
        return listed

    def listed(self, client):
        relay = self.read(self.value("RelayIpList"))
        if relay is None:
            return False
        grants, networks = relay
        if not grants:
            return any(client in network for network in networks if not self.wide(network))
        if self.connect is None or self.connect[0]:
            return False  # an open relay
        return any(client in network for network in self.connect[1]
                   if not self.wide(network) and not any(network.overlaps(denied) for denied in networks))

    def best_domain(self, domain):
        if domain in self.domains:
            return domain
        patterns = [name for name in self.domains if name == "*" or (name.startswith("*.") and domain.endswith(name[1:]))]
        return max(patterns, key=len, default=None)

    def is_local(self, domain):
        return domain == self.default or (domain in self.domains and self.domains[domain] & (DROP | ALIAS | DEFAULT))

    def may_send(self, client, user, recipient):
        """Whether the server takes RCPT from a client, which may have authenticated as USER."""
        domain = recipient.partition("@")[2].lower()
        if not self.may_connect(client):
            return False
        if not domain or self.is_local(domain):
            return True
        best = self.best_domain(domain)
        if best and self.domains[best] & RELAY and not (best[0] == "*" and best.count(".") < 2):
            return True
        return bool(user and self.relay_auth) or self.listed(client)


def random_client(choose, networks=NETWORKS):
    """An address at an edge of a network, in it, or anywhere."""
    network = ipaddress.ip_network(choose.choice(networks))
    edge = choose.choice([0, 1, -1, network.num_addresses - 1, network.num_addresses, choose.randrange(network.num_addresses)])
    if choose.random() < 0.15:
        edge = choose.randrange(2 ** 32)
    return ipaddress.ip_address((int(network.network_address) + edge) % 2 ** 32)


RECIPIENTS = ["a@host.example.com", "a@own1.example.com", "a@own2.example.com", "a@local.example", "a@alias.example", "a@partner.test",
              "a@x.partner.test", "a@x.deep.partner.test", "a@deep.partner.test", "a@relay.test", "a@other.test", "a@example.org",
              "a@x.com", "a"]
