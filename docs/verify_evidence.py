#!/usr/bin/env python3
"""Verify an export of `sopd evidence export` without sopd: Python 3.8 or later, standard library only.

    python3 verify_evidence.py EXPORT [EXPORT...] --key PUBLIC [--key OLDER]

EXPORT is the folder or zip file, PUBLIC a public key of the ledger or a file that holds one. Several exports, in their order,
must go on where the one before ends. The exit code is 0 when every export is what was signed, 5 when one is not (one line says
what and where), 2 for wrong usage. evidence.md, beside this
script, describes the format and each check. This program shares no code with sopd.
"""

import argparse
import base64
import binascii
import csv
import datetime
import hashlib
import hmac
import io
import json
import os
import re
import struct
import sys
import zipfile


class Fault(Exception):
    """The export is not what was signed."""


# Ed25519, verification only: RFC 8032, section 5.1.7 and appendix A.

P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
SQRT_M1 = pow(2, (P - 1) // 4, P)


def point_add(p, q):
    a = (p[1] - p[0]) * (q[1] - q[0]) % P
    b = (p[1] + p[0]) * (q[1] + q[0]) % P
    c = 2 * p[3] * q[3] * D % P
    d = 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return (e * f % P, g * h % P, f * g % P, e * h % P)


def point_mul(s, p):
    q = (0, 1, 1, 0)
    while s > 0:
        if s & 1:
            q = point_add(q, p)
        p = point_add(p, p)
        s >>= 1
    return q


def point_equal(p, q):
    return (p[0] * q[2] - q[0] * p[2]) % P == 0 and (p[1] * q[2] - q[1] * p[2]) % P == 0


def recover_x(y, sign):
    if y >= P:
        return None
    x2 = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    if x2 == 0:
        return None if sign else 0
    x = pow(x2, (P + 3) // 8, P)
    if (x * x - x2) % P != 0:
        x = x * SQRT_M1 % P
    if (x * x - x2) % P != 0:
        return None
    return P - x if x & 1 != sign else x


def point_decompress(raw):
    y = int.from_bytes(raw, "little")
    sign = y >> 255
    y &= (1 << 255) - 1
    x = recover_x(y, sign)
    return None if x is None else (x, y, 1, x * y % P)


BASE_Y = 4 * pow(5, P - 2, P) % P
BASE_X = recover_x(BASE_Y, 0)
BASE = (BASE_X, BASE_Y, 1, BASE_X * BASE_Y % P)


def ed25519_verify(public, message, signature):
    if len(public) != 32 or len(signature) != 64:
        return False
    a = point_decompress(public)
    r = point_decompress(signature[:32])
    s = int.from_bytes(signature[32:], "little")
    if a is None or r is None or s >= ORDER:
        return False
    h = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % ORDER
    return point_equal(point_mul(s, BASE), point_add(r, point_mul(h, a)))


# Signed notes: C2SP signed-note.


def b64(text, what):
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Fault(what + ": not base64")


class Key:
    def __init__(self, text):
        name, _, rest = text.partition("+")
        number, _, encoded = rest.partition("+")
        try:
            raw = base64.b64decode(encoded, validate=True)
        except (binascii.Error, ValueError):
            raise ValueError("not base64")
        if not name or len(raw) != 33 or raw[0] != 1:
            raise ValueError("not an Ed25519 key")
        want = hashlib.sha256(name.encode() + b"\n" + raw).digest()[:4]
        if number != want.hex():
            raise ValueError("its number does not fit it")
        self.name, self.number, self.public = name, want, raw[1:]
        self.id = "%s+%s" % (name, number)


def open_note(raw, keys, what):
    """Return the text of a note that one of the keys signed, and the key's name."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        raise Fault(what + ": wrong key: not UTF-8")
    at = text.rfind("\n\n")
    if at < 0 or not text.endswith("\n") or any(ord(c) < 0x20 and c != "\n" for c in text):
        raise Fault(what + ": wrong key: no signed note")
    body, signatures = text[: at + 1], text[at + 2 :]
    for line in signatures[:-1].split("\n"):
        m = re.fullmatch("\u2014 ([^ +]+) ([A-Za-z0-9+/=]+)", line)
        if not m:
            raise Fault(what + ": wrong key: a line is no signature")
        raw_sig = b64(m.group(2), what)
        for key in keys:
            if m.group(1) == key.name and raw_sig[:4] == key.number:
                if ed25519_verify(key.public, body.encode(), raw_sig[4:]):
                    return body, key.id
                raise Fault(what + ": wrong key: the signature does not fit, so the text or the signature was edited")
    raise Fault(what + ": wrong key: it is signed by none of the given keys")


# Merkle tree: RFC 6962, section 2.1.


def node_hash(left, right):
    return hashlib.sha256(b"\x01" + left + right).digest()


class Tree:
    def __init__(self, size, peaks):
        if bin(size).count("1") != len(peaks):
            raise Fault("manifest.json: replaced: its frontier does not fit the first record")
        self.size, self.peaks = size, list(peaks)

    def append(self, leaf):
        n = self.size
        while n & 1:
            leaf = node_hash(self.peaks.pop(), leaf)
            n >>= 1
        self.peaks.append(leaf)
        self.size += 1

    def root(self):
        if not self.peaks:
            return hashlib.sha256(b"").digest()
        root = self.peaks[-1]
        for peak in reversed(self.peaks[:-1]):
            root = node_hash(peak, root)
        return root


def check_consistency(old_size, old_root, new_size, new_root, proof):
    """RFC 6962, section 2.1.2, verified as in RFC 9162, section 2.1.4.2."""
    wrong = Fault("manifest.json: replaced: the consistency proof does not lead from the first checkpoint to the last")
    if old_size == new_size:
        if old_root != new_root or proof:
            raise wrong
        return
    proof = list(proof)
    if old_size & (old_size - 1) == 0:
        proof.insert(0, old_root)
    if not proof:
        raise wrong
    fn, sn = old_size - 1, new_size - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    fr = sr = proof[0]
    for c in proof[1:]:
        if sn == 0:
            raise wrong
        if fn & 1 or fn == sn:
            fr, sr = node_hash(c, fr), node_hash(c, sr)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            sr = node_hash(sr, c)
        fn, sn = fn >> 1, sn >> 1
    if fr != old_root or sr != new_root or sn != 0:
        raise wrong


# The format. What stands here is part of its version 1: an export cannot choose it.

COLUMNS = ["seq", "at", "change", "ticket", "user", "group"]
VIEWS = [
    ("grants.csv", ["grant.approved"], ""),
    ("grant-ends.csv", ["grant.ended"], ""),
    ("grant-lapses.csv", ["grant.lapsed"], ""),
    ("changes.csv", ["change.intended"], ""),
    ("leavers.csv", ["fact.recorded"], "leaver.left"),
    ("refusals.csv", ["request.refused"], ""),
    ("holds.csv", ["hold.made", "hold.approved", "hold.cancelled", "hold.used", "hold.expired", "guard.overridden"], ""),
    ("exceptions.csv", ["baseline.adopted", "baseline.dropped"], ""),
    ("reviews.csv", ["review.decided"], ""),
    ("incidents.csv", ["fact.recorded"], "incident.detected"),
    ("incident-milestones.csv", ["fact.recorded", "fact.corrected"], "incident.* pir.*"),
    ("incident-steps.csv", ["playbook.step"], ""),
    ("pages.csv", ["page.sent", "alert.told"], ""),
    ("vendors.csv", ["fact.recorded"], "vendor.requested"),
    ("facts.csv", ["fact.recorded", "fact.corrected"], ""),
    ("findings.csv", ["finding.raised"], ""),
    ("opened-tickets.csv", ["ticket.opened", "task.opened"], ""),
    ("reports.csv", ["report.made"], ""),
    ("restore-tests.csv", ["backup.tested"], ""),
    ("policies.csv", ["policy.loaded"], ""),
    ("anchors.csv", ["checkpoint.anchored", "key.changed"], ""),
]
REQUIRED = ["records.jsonl", "leaves.bin", "checkpoints.txt", "people.jsonl", "policies.jsonl", "controls.csv", "tickets.jsonl", "originals.jsonl", "evidence.xlsx", "index.html"]
REQUIRED += [v[0] for v in VIEWS]
COMPARED = ["events.jsonl", "groups.csv", "comparison.csv", "changes-by-others.csv"]
# The keys of the manifest's objects: those that are always there, and those that stand only where they hold something.
SHAPES = {
    "": ("version origin program made from to asked records kinds views sources originals files", "comparison filter incomplete"),
    "records": ("first end frontier consistency inPeriod", ""),
    "views": ("file title kinds rows", "fact"),
    "files": ("name bytes sha256", ""),
    "sources": ("scope groups", "read oldestGroup logFrom unreadable"),
    "read": ("name at", ""),
    "comparison": ("events ours changes shown memberships granted accepted grants tickets orphans", ""),
    "filter": ("", "sop framework"),
}
KINDS = set("""grant.approved grant.ended grant.lapsed request.refused change.intended change.applied change.unconfirmed change.confirmed
change.refused change.witnessed change.withheld ticket.told alert.told ticket.opened finding.raised finding.cleared hold.made hold.approved hold.cancelled
hold.used hold.expired plan.proposed baseline.adopted baseline.dropped fact.recorded figures.changed fact.corrected policy.loaded guard.overridden page.sent
playbook.step review.decided task.opened report.made checkpoint.signed checkpoint.anchored
backup.tested ledger.archived ledger.pruned person.erased key.changed original.kept""".split())
TEXTS = ["change", "group", "ticket", "user"]


def check_shape(name, value):
    """Check that an object of the manifest has its keys, and no others."""
    if isinstance(value, list):
        for each in value:
            check_shape(name, each)
        return
    always, sometimes = (set(keys.split()) for keys in SHAPES[name])
    here = set(value)
    if not always <= here or not here <= always | sometimes or any(value[key] in (None, "", [], {}) for key in here & sometimes):
        raise Fault("manifest.json: edited: it has keys that it should not have, or lacks some")
    for key in here & set(SHAPES):
        check_shape(key, value[key])


def parse_time(text, what):
    """Return RFC 3339 in UTC as nanoseconds since 1970, or raise Fault."""
    m = re.fullmatch(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?Z", text if isinstance(text, str) else "")
    try:
        t = datetime.datetime.strptime(m.group(1), "%Y-%m-%dT%H:%M:%S")
    except (AttributeError, ValueError):
        raise Fault(what + ": a time is not understood")
    seconds = (t - datetime.datetime(1970, 1, 1)) // datetime.timedelta(seconds=1)
    return seconds * 10**9 + int((m.group(2) or "0").ljust(9, "0"))


def micros(text):
    """Return a time of the manifest as records write theirs."""
    whole, _, fraction = text.rstrip("Z").partition(".")
    return "%s.%sZ" % (whole, fraction.ljust(6, "0"))


RECORD_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")


def no_fraction(_):
    raise ValueError("a number with a fraction")


def checked_int(text):
    n = int(text)
    if str(n) != text or not -(2**63) <= n < 2**63:
        raise ValueError("a number is not a whole one of 64 bits")
    return n


def decode_record(line):
    """Return the record, or None when the line is not in canonical form."""
    try:
        record = json.loads(line.decode("utf-8"), parse_float=no_fraction, parse_constant=no_fraction, parse_int=checked_int)
        again = json.dumps(record, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode("utf-8")
    except (ValueError, UnicodeError, RecursionError):
        return None
    if again != line or not isinstance(record, dict) or type(record.get("seq")) is not int or record["seq"] < 0:
        return None
    if type(record.get("v")) is not int or record["v"] not in (1, 2) or record.get("kind") not in KINDS:
        return None
    if not set(record) <= {"at", "body", "change", "group", "kind", "seq", "ticket", "user", "v"}:
        return None
    if any(k in record and (not isinstance(record[k], str) or not record[k]) for k in TEXTS):
        return None
    if not isinstance(record.get("at"), str) or not RECORD_TIME.fullmatch(record["at"]):
        return None
    return record


def neutral(cell):
    rest = cell.lstrip(" '")
    return "'" + cell if rest and rest[0] in "=+-@\t\r\n" else cell


# Reading: a folder or a zip file, one level deep. Nobody who made the export is trusted: what is read is bounded, and what is
# no plain file is not opened.

UNVOUCHED = 16 << 20  # of a file whose size nobody has vouched for
SLACK = 1 << 20  # more than was vouched for: enough to say what was added


class Bounded(io.RawIOBase):
    """A file of which no more is read than there should be."""

    def __init__(self, raw, name, left):
        self.raw, self.name, self.left = raw, name, left

    def readable(self):
        return True

    def readinto(self, buffer):
        data = self.raw.read(len(buffer))
        self.left -= len(data)
        if self.left < 0:
            raise Fault(self.name + ": edited: it is far larger than it should be")
        buffer[: len(data)] = data
        return len(data)

    def close(self):
        self.raw.close()
        super().close()


class Folder:
    def __init__(self, path):
        self.path = path

    def names(self):
        for entry in os.scandir(self.path):
            yield entry.name, entry.is_file(follow_symlinks=False)

    def size(self, name):
        return os.path.getsize(os.path.join(self.path, name))

    def open(self, name):
        try:
            return open(os.path.join(self.path, name), "rb")
        except FileNotFoundError:
            raise Fault(name + ": missing: the export has no such file")


class Zip:
    def __init__(self, path):
        self.zip = zipfile.ZipFile(path)
        with open(path, "rb") as f:
            at = self.stray(f, os.path.getsize(path))
        if at is not None:
            raise Fault("the export: foreign: the zip file holds something at byte %d that is not as sopd packs its files" % at)

    def names(self):
        seen = set()
        for info in self.zip.infolist():
            kind = info.external_attr >> 28  # of the file, where it was packed on Unix
            plain = "/" not in info.filename and info.orig_filename == info.filename and kind in (0, 8)
            yield info.filename, plain and info.filename not in seen
            seen.add(info.filename)

    def size(self, name):
        return self.zip.getinfo(name).file_size

    def stray(self, f, size):
        """Return where the file holds what no file of it is made of; None when it does not. PKWARE APPNOTE 6.3.10, 4.3."""

        def head(at, n):
            f.seek(at)
            return f.read(n)

        at, infos = 0, {i.header_offset: i for i in self.zip.infolist()}
        count = len(self.zip.infolist())
        for _ in range(count):
            local = head(at, 30)
            if len(local) < 30 or local[:4] != b"PK\x03\x04" or at not in infos:
                return at
            flags, method = struct.unpack("<HH", local[6:10])
            lengths, info = struct.unpack("<HH", local[26:30]), infos[at]
            name = head(at + 30, lengths[0])
            if name not in (info.orig_filename.encode(), info.orig_filename.encode("cp437", "replace")) or (flags, method) != (info.flag_bits, info.compress_type):
                return at
            if flags & 1 or method not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                return at
            del infos[at]
            at += 30 + sum(lengths) + info.compress_size
            if flags & 8:  # sizes follow, with or without a signature, in 32 or 64 bits
                at += next((n for n in (16, 24, 12, 20) if head(at + n, 4) in (b"PK\x03\x04", b"PK\x01\x02")), 0)
        for _ in range(count):
            entry = head(at, 46)
            if len(entry) < 46 or entry[:4] != b"PK\x01\x02" or entry[32:34] != b"\0\0":
                return at
            at += 46 + sum(struct.unpack("<HH", entry[28:32]))
        if head(at, 4) == b"PK\x06\x06" and head(at + 56, 4) == b"PK\x06\x07":
            at += 56 + 20
        return None if head(at, 4) == b"PK\x05\x06" and at + 22 == size else at

    def open(self, name):
        try:
            return self.zip.open(name)
        except KeyError:
            raise Fault(name + ": missing: the export has no such file")


class View:
    """A list that is held against the records as they come by."""

    def __init__(self, files, known, name, kinds, fact):
        self.name, self.kinds, self.fact, self.known, self.rows = name, kinds, fact, known, 0
        self.csv = csv.reader(io.TextIOWrapper(files.open(name), encoding="utf-8", newline=""), strict=True)
        header = self.read()
        if header is None or header[: len(COLUMNS)] != COLUMNS:
            raise Fault(name + " line 1: edited: its columns are not those of such a list")

    def read(self):
        try:
            return next(self.csv, None)
        except (csv.Error, UnicodeDecodeError):
            raise Fault("%s: edited: a row is not understood" % self.name)

    def named(self, name):
        wanted = self.fact.split()
        return any(name == w or w.endswith("*") and isinstance(name, str) and name.startswith(w[:-1]) for w in wanted)

    def record(self, record):
        if record["kind"] not in self.kinds or self.fact and not self.named(record.get("body", {}).get("name")):
            return
        row = self.read()
        if row is None:
            raise Fault("%s: truncated: record %d is in the population and not in the list" % (self.name, record["seq"]))
        self.rows += 1
        cells = dict(record, user=self.known.get(record.get("user"), record.get("user", "")))
        want = [neutral(str(cells.get(column, ""))) for column in COLUMNS]
        if row[: len(COLUMNS)] != want:
            raise Fault("%s line %d: edited: the row should be of record %d" % (self.name, self.csv.line_num, record["seq"]))

    def end(self, claimed):
        if self.read() is not None:
            raise Fault("%s line %d: foreign: more rows than records in the population" % (self.name, self.csv.line_num))
        if self.rows != claimed:
            raise Fault("manifest.json: foreign: %s has %d rows, the manifest claims %d" % (self.name, self.rows, claimed))


class Originals:
    """What vendors sent, held against the records that name it as they come by."""

    NAME = "originals.jsonl"
    HOLDS = {"whole": [{"text"}, {"base64"}], "redacted": [{"object"}], "erased": [{"erased"}], "withheld": [set()]}

    def __init__(self, files, known):
        self.file, self.known, self.n, self.counts = files.open(self.NAME), known, 0, {}

    def fault(self, kind, detail):
        return Fault("%s line %d: %s: %s" % (self.NAME, self.n, kind, detail))

    def record(self, record):
        if record["kind"] != "original.kept":
            return
        for ref in record["body"]["originals"]:
            self.expect(record["seq"], dict(ref, id=self.known.get(ref["id"], ref["id"])))

    def expect(self, seq, ref):
        raw = self.file.readline()
        self.n += 1
        what = "the %s %s, which record %d names," % (ref["kind"], ref["sha256"], seq)
        if not raw:
            raise self.fault("truncated", what + " is missing")
        try:
            line = json.loads(raw.decode("utf-8"))
            if not isinstance(line["seq"], int):
                raise TypeError
        except (ValueError, KeyError, TypeError):
            raise self.fault("edited", "it is not understood; %s should stand here" % what)
        if line["seq"] > seq:
            raise self.fault("dropped", what + " should stand here")
        if line["seq"] < seq:
            raise self.fault("duplicated", "an original of record %d stands where one of record %d should" % (line["seq"], seq))
        if any(line.get(key) != ref[key] for key in ("id", "kind", "readAt", "sha256")):
            raise self.fault("edited", what + " should stand here")
        state = line.get("state")
        rest = set(line) - {"seq", "id", "kind", "readAt", "sha256", "state"}
        if rest not in self.HOLDS.get(state, []):
            raise self.fault("edited", "it does not hold what its state says")
        if state == "whole" and hashlib.sha256(self.sent(line)).hexdigest() != ref["sha256"]:
            raise self.fault("edited", "the bytes are not those that record %d names" % seq)
        if state == "erased" and (line["erased"] in self.known or not re.fullmatch("person[a-z2-7]{32}", str(line["erased"]))):
            raise self.fault("edited", "it is said to have gone with a person who was not erased")
        self.counts[state] = self.counts.get(state, 0) + 1

    def sent(self, line):
        try:
            return base64.b64decode(line["base64"], validate=True) if "base64" in line else line["text"].encode()
        except (ValueError, TypeError, AttributeError):
            raise self.fault("edited", "its bytes are not understood")

    def end(self, claimed):
        if self.file.read(1):
            self.n += 1
            raise self.fault("foreign", "no record in the period names it")
        if self.counts != claimed:
            raise Fault("manifest.json: foreign: the originals are %s, the manifest claims %s" % (self.counts, claimed))


class Verifier:
    def __init__(self, files, keys):
        self.files, self.keys, self.sizes = files, keys, None
        self.points = []  # (size, root, line) of each checkpoint
        self.signers = []

    def verify(self):
        try:
            self.plain()
            self.manifest()
            self.listing()
            self.people()
            self.checkpoints()
            self.leaves()
            self.records()
            self.sums()
        except (KeyError, TypeError, AttributeError) as err:
            raise Fault("manifest.json: edited: it lacks what an export of version 1 has (%s)" % err)
        except RecursionError:
            raise Fault("the export: edited: a text is nested deeper than any of an export")
        except (zipfile.BadZipFile, EOFError, NotImplementedError) as err:
            raise Fault("the export: edited: it cannot be unpacked (%s)" % err)

    def continues(self, earlier):
        """Check that the export goes on where an earlier one of the same ledger ended."""
        if self.m["origin"] != earlier.m["origin"]:
            raise Fault("manifest.json: foreign: it is of another ledger than the export before it")
        if self.first > earlier.end:
            raise Fault("manifest.json: dropped: records %d to %d are in neither of two exports" % (earlier.end, self.first - 1))
        if self.end < earlier.end:
            raise Fault("manifest.json: reordered: it ends before the export before it")
        if earlier.points[-1][:2] not in [point[:2] for point in self.points]:
            raise Fault("checkpoints.txt: replaced: no checkpoint is that at which the export before it ends")

    def open(self, name):
        left = UNVOUCHED if self.sizes is None else self.sizes.get(name, 0) + SLACK
        return io.BufferedReader(Bounded(self.files.open(name), name, left), 1 << 18)

    def read(self, name):
        with self.open(name) as f:
            return f.read()

    def plain(self):
        for name, regular in self.files.names():
            if not regular:
                raise Fault(ascii(name)[1:-1] + ": foreign: it is no plain file, or stands here twice")

    def manifest(self):
        raw, signature = self.read("manifest.json"), self.read("manifest.sig")
        text, signer = open_note(signature, self.keys, "manifest.sig")
        lines = text.split("\n")
        if len(lines) != 4 or lines[1] != "sopd evidence manifest 1":
            raise Fault("manifest.sig: wrong key: what was signed is no manifest")
        if b64(lines[2], "manifest.sig") != hashlib.sha256(raw).digest():
            raise Fault("manifest.json: edited: it is not the manifest that was signed")
        try:
            m = self.m = json.loads(raw.decode("utf-8"))
        except ValueError:
            raise Fault("manifest.json: edited: it is not JSON")
        check_shape("", m)
        self.sizes = {f["name"]: f["bytes"] for f in m["files"]}
        if m["version"] != 1 or m["origin"] != lines[0]:
            raise Fault("manifest.json: foreign: another version, or another ledger than its signature")
        if [(v["file"], v["kinds"], v.get("fact", "")) for v in m["views"]] != VIEWS:
            raise Fault("manifest.json: foreign: its lists are not those of version 1")
        if (m["sources"]["scope"] == "ledger") != (m.get("comparison") is None):
            raise Fault("manifest.json: foreign: its scope and its comparison contradict each other")
        self.first, self.end = m["records"]["first"], m["records"]["end"]
        self.start, self.to = parse_time(m["from"], "manifest.json"), parse_time(m["to"], "manifest.json")
        if not self.start < self.to or not 0 <= self.first < self.end:
            raise Fault("manifest.json: foreign: its period or its records are empty")
        vouched = {f["name"] for f in m["files"]}
        for name in REQUIRED + (COMPARED if m.get("comparison") is not None else []):
            if name not in vouched:
                raise Fault("manifest.json: foreign: it does not vouch for " + name)

    def listing(self):
        expected = {f["name"] for f in self.m["files"]} | {"manifest.json", "manifest.sig"}
        for name, _ in self.files.names():
            if name not in expected:
                raise Fault(ascii(name)[1:-1] + ": foreign: the manifest does not know it")
            expected.discard(name)
        for name in sorted(expected):
            raise Fault(name + ": missing: the export has no such file")

    def people(self):
        """Read whom the pseudonyms mean, and hold each against its key."""
        self.known = {}
        for n, raw in enumerate(self.read("people.jsonl").splitlines(), 1):
            try:
                p = json.loads(raw.decode("utf-8"))
                key = base64.b64decode(p["key"], validate=True)
                digest = hmac.new(key, p["person"].encode(), "sha256").digest()[:20]
                proven = len(key) == 32 and p["pseudonym"] == "person" + base64.b32encode(digest).decode().lower()
            except (ValueError, KeyError, TypeError, AttributeError):
                proven = False
            if not proven or p["pseudonym"] in self.known:
                raise Fault("people.jsonl line %d: edited: the key does not prove that the pseudonym means the person" % n)
            self.known[p["pseudonym"]] = p["person"]

    def checkpoints(self):
        rest, line, last = self.read("checkpoints.txt"), 1, None
        while rest:
            body = rest.find(b"\n\n")
            end = rest.find(b"\n\n", body + 2) if body >= 0 else -1
            what = "checkpoints.txt line %d" % line
            if end < 0:
                raise Fault(what + ": truncated: a signed note is cut")
            point = self.checkpoint(rest[: end + 1], what)
            if last and (point[0] <= last[0] or point[2] < last[2]):
                raise Fault(what + ": reordered: the checkpoint does not continue the one before it")
            self.points.append((point[0], point[1], line))
            first, last = (point if last is None else first), point
            line += rest.count(b"\n", 0, end + 2)
            rest = rest[end + 2 :]
        if last is None:
            raise Fault("checkpoints.txt: missing: there is no checkpoint")
        if self.first > 0 and first[0] != self.first or last[0] != self.end:
            raise Fault("checkpoints.txt: foreign: the checkpoints do not stand where the manifest's records begin and end")
        if self.first > 0 and first[2] > self.start or last[2] < self.to:
            raise Fault("checkpoints.txt: foreign: the checkpoints do not enclose the period")
        if self.first > 0:
            proof = [b64(h, "manifest.json") for h in self.m["records"]["consistency"]]
            check_consistency(first[0], first[1], last[0], last[1], proof)

    def checkpoint(self, note, what):
        text, signer = open_note(note, self.keys, what)
        lines = text.split("\n")
        if len(lines) < 5 or not re.fullmatch(r"0|[1-9]\d*", lines[1]):
            raise Fault(what + ": wrong key: what was signed is no checkpoint")
        if lines[0] != self.m["origin"]:
            raise Fault(what + ": foreign: the checkpoint is of another ledger")
        if signer not in self.signers:
            self.signers.append(signer)
        return int(lines[1]), b64(lines[2], what), parse_time(lines[3], what)

    def leaves(self):
        tree = Tree(self.first, [b64(h, "manifest.json") for h in self.m["records"]["frontier"]])
        with self.open("leaves.bin") as f:
            for size, root, line in self.points:
                while tree.size < size:
                    leaf = f.read(32)
                    if len(leaf) < 32:
                        raise Fault("leaves.bin: truncated: the hash of record %d is missing" % tree.size)
                    tree.append(leaf)
                if tree.root() != root:
                    raise Fault("leaves.bin: replaced: the hashes do not make the tree of %d records that was signed (checkpoints.txt line %d)" % (size, line))
            if f.read(1):
                raise Fault("leaves.bin: foreign: hashes follow the last record")

    def records(self):
        views = [View(self, self.known, *v) for v in VIEWS]
        originals = Originals(self, self.known)
        start, to = micros(self.m["from"]), micros(self.m["to"])
        kinds, expected, n = {}, self.first, 0
        with self.open("records.jsonl") as lines, self.open("leaves.bin") as leaves:
            for raw in lines:
                n += 1
                what = "records.jsonl line %d" % n
                record = decode_record(raw[:-1] if raw.endswith(b"\n") else raw)
                if record is None:
                    raise Fault("%s: edited: record %d is not in canonical form" % (what, expected))
                if record["seq"] != expected or expected >= self.end:
                    raise Fault(self.misplaced(what, record["seq"], expected, lines))
                if hashlib.sha256(b"\x00" + raw[:-1]).digest() != leaves.read(32):
                    raise Fault("%s: edited: record %d is not what was signed" % (what, expected))
                expected += 1
                if not start <= record["at"] < to:  # texts of one form sort as the times do
                    continue
                kinds[record["kind"]] = kinds.get(record["kind"], 0) + 1
                originals.record(record)
                for view in views:
                    view.record(record)
        if n == 0:
            raise Fault("records.jsonl: missing: there is no record")
        if expected < self.end:
            raise Fault("records.jsonl line %d: truncated: records %d to %d are missing" % (n + 1, expected, self.end - 1))
        if kinds != self.m["kinds"] or sum(kinds.values()) != self.m["records"]["inPeriod"]:
            raise Fault("manifest.json: foreign: the records in the period are not those that it claims")
        for view, claim in zip(views, self.m["views"]):
            view.end(claim["rows"])
        originals.end(self.m["originals"])

    def misplaced(self, what, got, expected, lines):
        if not self.first <= got < self.end:
            return "%s: foreign: record %d is not one of the export's" % (what, got)
        if got < expected:
            return "%s: duplicated: record %d stands again where record %d should" % (what, got, expected)
        for raw in lines:
            record = decode_record(raw.rstrip(b"\n"))
            if record is not None and record["seq"] == expected:
                return "%s: reordered: record %d stands here, and record %d after it" % (what, got, expected)
        return "%s: dropped: records %d to %d are missing" % (what, expected, got - 1)

    def sums(self):
        for entry in self.m["files"]:
            digest, size = hashlib.sha256(), 0
            with self.open(entry["name"]) as f:
                for block in iter(lambda: f.read(1 << 18), b""):
                    digest.update(block)
                    size += len(block)
            if size != entry["bytes"] or size != self.files.size(entry["name"]) or digest.hexdigest() != entry["sha256"]:
                raise Fault(entry["name"] + ": edited: it is not the file that was signed")


def read_key(text):
    if text.count("+") < 2:
        with open(text, encoding="utf-8") as f:
            text = f.read()
    return Key(text.strip())


def main():
    parser = argparse.ArgumentParser(description="Verify an export of sopd evidence export.")
    parser.add_argument("export", nargs="+", help="folder or zip file")
    parser.add_argument("--key", action="append", required=True, help="public key of the ledger, or a file that holds it; repeatable")
    args = parser.parse_args()
    csv.field_size_limit(1 << 28)
    try:
        keys = [read_key(k) for k in args.key]
    except (OSError, ValueError) as err:
        parser.error("--key: %s" % err)
    before = None
    for path in args.export:
        if not os.path.exists(path):
            parser.error("there is no %s" % path)
        try:
            v = Verifier(Folder(path) if os.path.isdir(path) else Zip(path), keys)
            v.verify()
            if before is not None:
                v.continues(before)
        except (Fault, zipfile.BadZipFile) as fault:
            where = os.path.basename(path) + ": " if len(args.export) > 1 else ""
            print("verification failed: %s%s" % (where, fault), file=sys.stderr)
            return 5
        print("verified: records %d to %d of %s, %d of them from %s to %s; %d checkpoints, signed by %s" % (
            v.first, v.end - 1, v.m["origin"], v.m["records"]["inPeriod"], v.m["from"], v.m["to"], len(v.points), " and ".join(v.signers)))
        for state, n in sorted(v.m["originals"].items()):
            print("what vendors sent: %d %s" % (n, state))
        for what in v.m.get("incomplete", []):
            print("incomplete, as it says itself: %s" % what)
        before = v
    return 0


if __name__ == "__main__":
    sys.exit(main())
