#!/usr/bin/env python3
"""A second verifier of DVT ledgers, written from the contract (AuditLog.v1) and from nothing else: it shares no code with the first.

It needs the standard library and `cryptography` (Debian: python3-cryptography). It opens a tenant's SQLite file for reading, or an
export, holds public keys only, and signs nothing.

    verify_ledger.py --ledger FILE --keys FILE [--checkpoint FILE]
    verify_ledger.py --export FILE --keys FILE
    verify_ledger.py --proof FILE --keys FILE
    verify_ledger.py --batch          one JSON request a line on standard input, one JSON result a line on standard output
"""

import argparse
import base64
import functools
import hashlib
import json
import re
import sqlite3
import struct
import sys
import uuid

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

TILE = 256
VERSION = "verify_ledger.py 1"
ENDINGS = {"RunCompleted", "RunFailed", "RunCancelled"}


def sha256(*parts):
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
    return digest.digest()


def node(left, right):
    return sha256(b"\x01", left, right)


# In a batch most of a file is what the file before it was: the same bytes have the same hash and say the same.


@functools.lru_cache(maxsize=1 << 17)
def leaf_of(salt, envelope):
    return sha256(b"\x00", salt, envelope)


@functools.lru_cache(maxsize=1 << 16)
def said_by(envelope):
    return json.loads(envelope)


class Refused(Exception):
    """Something that is not what it must be; the text says what."""


# ---- keys, notes and checkpoints (C2SP signed-note, tlog-checkpoint) ----


class Key:
    def __init__(self, text):
        parts = text.strip().split("+", 2)
        if len(parts) != 3:
            raise Refused("a verifier key is name+hash+key")
        self.name, hash_text, key_text = parts
        blob = base64.b64decode(key_text, validate=True)
        if len(blob) != 33 or blob[0] != 1:
            raise Refused("not an Ed25519 key")
        self.hash = sha256(self.name.encode(), b"\n", blob)[:4]
        if self.hash.hex() != hash_text:
            raise Refused("the key hash does not fit")
        self.public = Ed25519PublicKey.from_public_bytes(blob[1:])
        self.id = f"{self.name}+{hash_text}"

    def signed(self, message, signature):
        try:
            self.public.verify(signature, message)
            return True
        except InvalidSignature:
            return False


def read_keys(text):
    lines = (line.strip() for line in text.splitlines())
    return [Key(line) for line in lines if line and not line.startswith("#")]


class Checkpoint:
    """A signed note of exactly three lines. `signers` are those of `keys` that signed it."""

    def __init__(self, note, keys):
        text, separator, tail = note.rpartition("\n\n")
        if not separator or not tail.endswith("\n"):
            raise Refused("not a signed note")
        self.body = text + "\n"
        lines = self.body.split("\n")
        if len(lines) != 4 or not lines[0] or not re.fullmatch(r"0|[1-9][0-9]*", lines[1]):
            raise Refused("a checkpoint has three lines")
        self.origin, self.size = lines[0], int(lines[1])
        try:
            self.root = base64.b64decode(lines[2], validate=True)
        except ValueError as error:
            raise Refused("the root is no base64") from error
        if len(self.root) != 32 or base64.b64encode(self.root).decode() != lines[2]:
            raise Refused("the root is not 32 bytes in their one spelling")
        self.signers = []
        for line in tail[:-1].split("\n"):
            match = re.fullmatch(r"\u2014 ([^\s+]+) (\S+)", line)
            if not match:
                raise Refused("a line that is no signature")
            try:
                blob = base64.b64decode(match[2], validate=True)
            except ValueError as error:
                raise Refused("a signature that is no base64") from error
            for key in keys:
                if key.name == match[1] and key.hash == blob[:4]:
                    if not key.signed(self.body.encode(), blob[4:]):
                        raise Refused(f"the signature of {key.id} does not fit")
                    if key.id not in self.signers:
                        self.signers.append(key.id)


# ---- the tree (RFC 6962) ----


class Tree:
    """Grows leaf by leaf; remembers the nodes at the heights of tiles."""

    def __init__(self):
        self.size, self.peaks, self.rows = 0, [], {}

    def push(self, leaf):
        height, hashed = 0, leaf
        self.rows.setdefault(0, []).append(leaf)
        while self.peaks and self.peaks[-1][0] == height:
            hashed = node(self.peaks.pop()[1], hashed)
            height += 1
            if height % 8 == 0:
                self.rows.setdefault(height // 8, []).append(hashed)
        self.peaks.append((height, hashed))
        self.size += 1

    def root(self):
        if not self.peaks:
            return sha256()
        hashed = self.peaks[-1][1]
        for _, left in reversed(self.peaks[:-1]):
            hashed = node(left, hashed)
        return hashed


def included(leaf, index, size, path):
    """The root that an inclusion path leads to (RFC 9162, 2.1.3.2); None where the path has the wrong length."""
    if index >= size:
        return None
    hashed, first, last = leaf, index, size - 1
    for step in path:
        if last == 0:
            return None
        if first & 1 or first == last:
            hashed = node(step, hashed)
            while not first & 1 and first:
                first >>= 1
                last >>= 1
        else:
            hashed = node(hashed, step)
        first >>= 1
        last >>= 1
    return hashed if last == 0 else None


# ---- what is found ----


class Report:
    def __init__(self):
        self.findings, self.incomplete = [], []

    def at(self, kind, index, detail):
        self.findings.append({"class": kind, "index": index, "detail": detail})

    def over(self, kind, start, end, detail):
        self.findings.append({"class": kind, "range": {"from": start, "to": end}, "detail": detail})


def identity(prefix, raw):
    return f"{prefix}_{uuid.UUID(bytes=bytes(raw))}"


# ---- a ledger in its file ----


class Ledger:
    def __init__(self, path, keys, anchor, without=()):
        self.without = set(without)
        self.report = Report()
        self.base = sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)
        row = self.base.execute(
            "SELECT tenant_id, n, ledger_id, next_index, sealed_size, lowest_index FROM ledger_head"
        ).fetchone()
        if row is None:
            raise Refused("no head")
        self.tenant_raw, self.n = row[0], row[1]
        self.tenant, self.ledger = identity("ten", row[0]), identity("led", row[2])
        self.next_index, self.sealed, self.lowest = row[3:]
        self.origin = f"dvt/ledger/{self.ledger}"
        self.keys = [key for key in keys if key.name == self.origin]
        self.anchor = None if "anchor" in self.without else anchor
        self.tree, self.torn, self.entries = Tree(), False, 0
        self.leaf_faults, self.rotations, self.prunings = [], [], []
        self.ids, self.runs = {}, {}

    def select(self, columns, table, order):
        statement = f"SELECT {columns} FROM {table} WHERE tenant_id = ? AND n = ? ORDER BY {order}"
        return self.base.execute(statement, (self.tenant_raw, self.n))

    def verify(self):
        self.read_checkpoints()
        self.tiles = {(level, tile): hashes for level, tile, hashes in self.select("level, tile, hashes", "ledger_tile", "level, tile")}
        self.claims = {}
        for checkpoint in self.checkpoints:
            self.claims.setdefault(checkpoint.size, []).append(checkpoint)
        if self.anchor is not None:
            self.claims.setdefault(self.anchor.size, []).append(self.anchor)
        self.holds = {}
        self.compare_roots()
        self.grow_below()
        previous = self.lowest
        for row in self.select("first_index, block_id, kind, count, run_id, leaves, leaf_salts, envelopes", "ledger_block", "first_index"):
            previous = self.block(row, previous)
        self.last_good = max((size for size, good in self.holds.items() if good), default=0)
        self.judge()
        return self.result()

    def read_checkpoints(self):
        self.checkpoints, self.newest = [], 0
        for size, note in self.select("size, note", "ledger_checkpoint", "size"):
            self.newest = max(self.newest, size)
            try:
                checkpoint = Checkpoint(note, self.keys)
            except Refused as error:
                self.report.over(18, 0, size, f"checkpoint {size}: {error}")
                continue
            if checkpoint.origin != self.origin:
                self.report.over(19, 0, size, f"checkpoint {size}: another origin")
            elif checkpoint.size != size:
                self.report.over(20, 0, max(size, checkpoint.size), f"checkpoint {size}: its text says {checkpoint.size}")
            elif not checkpoint.signers and self.keys:
                self.report.over(22, 0, size, f"checkpoint {size}: none of the given keys signed it")
            else:
                self.checkpoints.append(checkpoint)
        if self.newest != self.sealed:
            low, high = sorted((self.newest, self.sealed))
            self.report.over(20 if self.newest > self.sealed else 17, low, high, "head and newest checkpoint differ")
        if self.anchor is not None and self.anchor.origin != self.origin:
            raise Refused("the given checkpoint is of another ledger")

    def compare_roots(self):
        for checkpoint in self.claims.get(self.tree.size, ()) if not self.torn else ():
            good = checkpoint.root == self.tree.root() or "root" in self.without
            if self.holds.setdefault(self.tree.size, good) != good:
                # Two that are signed contradict each other over all of it.
                self.report.over(18, 0, self.tree.size, f"checkpoint {self.tree.size}: two roots of one size")
                self.holds[self.tree.size] = True

    def push(self, leaf):
        if not self.torn:
            self.tree.push(leaf)
            if self.tree.size in self.claims:
                self.compare_roots()

    def grow_below(self):
        while self.tree.size < self.lowest and not self.torn:
            hashes = self.tiles.get((0, self.tree.size // TILE))
            if hashes is None:
                self.report.over(26, self.tree.size, self.lowest, "pruned, and no tile keeps the leaves")
                self.torn = True
                break
            for place in range(min(TILE, self.lowest - self.tree.size)):
                self.push(hashes[32 * place : 32 * place + 32])
        self.next = self.lowest

    def block(self, row, previous):
        first, block_id, kind, count, run_id, leaves, salts, envelopes = row
        entries, at = [], 0
        while at + 4 <= len(envelopes):
            (length,) = struct.unpack_from(">I", envelopes, at)
            entries.append(envelopes[at + 4 : at + 4 + length])
            at += 4 + length
        end = first + count
        if at != len(envelopes) or len(entries) != count or len(leaves) != 32 * count or len(salts) != 32 * count:
            self.report.over(1, first, end, "a block whose columns do not fit together")
            self.torn, self.next = True, max(self.next, end)
            return first
        if first > self.next:
            kind_of = 26 if self.next == self.lowest > 0 else 6 if self.next == self.lowest else 5
            self.report.over(kind_of, min(previous, self.next), first, f"no entries from {self.next} to {first}")
            self.torn = True
        elif first < self.next:
            self.report.over(9, first, end, "a block begins where another one lies")
            self.torn = True
        for place, envelope in enumerate(entries):
            salt = salts[32 * place : 32 * place + 32]
            leaf = leaf_of(salt, envelope)
            if leaf != leaves[32 * place : 32 * place + 32] and "leaf" not in self.without:
                self.leaf_faults.append(first + place)
            self.entry(envelope, first + place, kind, run_id)
            self.push(leaf)
            self.entries += 1
        self.next = max(self.next, end)
        return first

    def entry(self, envelope, index, kind, run_id):
        try:
            said = said_by(envelope)
            entry_id, event, name = said["entryId"], said["eventType"], said.get("eventName")
        except (ValueError, KeyError, TypeError):
            self.report.at(1, index, "not an envelope")
            return
        if said.get("tenantId") != self.tenant or said.get("ledgerId") != self.ledger:
            self.report.at(12 if index not in self.leaf_faults[-1:] else 3, index, "another tenant or ledger")
        if said.get("recordVersion") != "1.0":
            self.report.at(1, index, "another version")
        if self.ids.setdefault(entry_id, index) != index:
            self.report.at(10, index, f"the entry id of {self.ids[entry_id]} again")
        resource = said.get("resource") or {}
        if event == "LEDGER_EVENT" and name == "CheckpointKeyRotated" and resource.get("type") == "checkpoint-key":
            self.rotations.append((index, "+".join(resource.get("id", "").split("+")[:2])))
        if event == "LEDGER_EVENT" and name == "LedgerPruned" and resource.get("type") == "entry":
            self.prunings.append((index, int(resource["id"])))
        sequence = said.get("runSeq")
        if sequence is None:
            return
        run = said.get("runId")
        if kind != "run" or run_id is None or identity("run", run_id) != run:
            self.report.at(1, index, "a run event outside a block of its run")
        state = self.runs.setdefault(run, {"next": sequence if self.lowest else 1, "last": index, "keys": set()})
        if sequence > state["next"]:
            self.report.over(5, state["last"], index + 1, f"{run}: runSeq {state['next']} to {sequence - 1} missing")
        elif sequence < state["next"]:
            self.report.over(10, state["last"], index + 1, f"{run}: runSeq {sequence} again, or late")
        state["next"], state["last"] = max(state["next"], sequence + 1), index
        key = said.get("idempotencyKey")
        if key in state["keys"]:
            self.report.at(10, index, f"{run}: an idempotency key again")
        state["keys"].add(key)
        if name in ENDINGS:
            state["keys"] = set()

    def judge(self):
        for index in self.leaf_faults:
            self.report.at(14 if index < self.last_good else 1, index, "the leaf is not that of salt and envelope")
        if not self.torn:
            self.judge_tiles()
        self.judge_roots()
        promised = max(self.next_index, self.sealed, self.newest)
        if self.next < promised:
            self.report.over(7 if self.entries else 8, self.next, promised, "entries are missing at the end")
        if self.next > self.next_index:
            self.report.over(9, self.next_index, self.next, "entries beyond the head")
        if self.anchor is not None and self.anchor.size > max(self.next, promised):
            self.report.over(24 if self.entries else 8, self.next, self.anchor.size, "older than the given checkpoint")
        if "rotation" not in self.without:
            self.judge_rotations()
        said = max((lowest for _, lowest in self.prunings), default=0)
        sealed = max((lowest for index, lowest in self.prunings if index < self.last_good), default=0)
        if self.lowest > said and "pruning" not in self.without:
            self.report.over(26, said, self.lowest, "pruned beyond what was announced")
        elif self.lowest > sealed:
            self.report.incomplete.append("the pruning is not sealed yet")

    def judge_tiles(self):
        for (level, tile), stored in self.tiles.items():
            width = TILE ** (level + 1)
            row = self.tree.rows.get(level, [])[tile * TILE : tile * TILE + TILE]
            if (tile + 1) * width > self.sealed:
                self.report.over(15, tile * width, (tile + 1) * width, "a tile that is not full")
            elif b"".join(row) != stored:
                places = [place for place in range(len(row)) if row[place] != stored[32 * place : 32 * place + 32]]
                start = tile * width + (places[0] if places else 0) * width // TILE
                self.report.over(15, start, (tile + 1) * width, f"tile {level}/{tile} is not what its leaves give")
        for level in range(8):
            for tile in range(self.sealed // TILE ** (level + 1)):
                if (level, tile) not in self.tiles:
                    self.report.over(15, tile * TILE ** (level + 1), (tile + 1) * TILE ** (level + 1), "a tile is missing")

    def judge_roots(self):
        before = 0
        for size in sorted(self.holds):
            if self.holds[size]:
                before = size
            elif size <= self.last_good:
                self.report.over(18, before if before < size else 0, size, f"checkpoint {size} is of another tree")
            else:
                self.report.over(1, self.last_good, size, f"checkpoint {size} was signed over other entries")
                break

    def judge_rotations(self):
        active, retired, previous = None, set(), 0
        for checkpoint in self.checkpoints:
            size, signers = checkpoint.size, checkpoint.signers
            if not signers:
                continue
            active = active or signers[0]
            fresh = [key for key in signers if key != active and key not in retired]
            if not fresh and active not in signers:
                self.report.over(22, previous, size, f"checkpoint {size}: a retired key signed it")
            if fresh:
                known = size <= self.lowest or any(key == fresh[0] and index < size for index, key in self.rotations)
                if not known or active not in signers:
                    self.report.over(23, previous, size, f"checkpoint {size}: another key, unannounced or alone")
                retired.add(active)
                active = fresh[0]
            previous = size

    def result(self):
        held = [checkpoint for checkpoint in self.checkpoints if self.holds.get(checkpoint.size) and checkpoint.signers]
        status = "INVALID" if self.report.findings else "VALID" if held and not self.report.incomplete else "INCOMPLETE"
        return {
            "ledgerId": self.ledger,
            "origin": self.origin,
            "fromIndex": self.lowest,
            "toSize": self.next,
            "entriesChecked": self.entries,
            "payloadsChecked": 0,
            "status": status,
            "anchored": self.anchor is not None,
            "unsealed": max(self.next - self.last_good, 0),
            "findings": self.report.findings,
            "verifierVersion": VERSION,
        }


# ---- an export, and a single proof ----


def canonical(value):
    """RFC 8785 as far as payloads need it: members in the order of UTF-16, no white space, numbers as ECMAScript writes them."""
    if isinstance(value, dict):
        members = sorted(value.items(), key=lambda member: member[0].encode("utf-16-be"))
        return b"{" + b",".join(canonical(key) + b":" + canonical(item) for key, item in members) + b"}"
    if isinstance(value, list):
        return b"[" + b",".join(canonical(item) for item in value) + b"]"
    if isinstance(value, float):
        return number(value)
    return json.dumps(value, ensure_ascii=False).encode()


def number(value):
    if value == int(value) and abs(value) < 1e21:
        return str(int(value)).encode()
    text = repr(value)
    mantissa, _, exponent = text.partition("e")
    if not exponent:
        return text.encode()
    power = int(exponent)
    digits = mantissa.replace(".", "").lstrip("-")
    if -7 <= power < 0:
        return (("-" if value < 0 else "") + "0." + "0" * (-power - 1) + digits).encode()
    return f"{mantissa}e{'+' if power > 0 else '-'}{abs(power)}".encode()


def verify_export(path, keys, without=()):
    report, checkpoint, tombstones, entries, checked, erased = Report(), None, set(), 0, 0, 0
    with open(path, encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines if line.strip()]
    heads = [row for row in rows if row.get("kind") == "export"]
    if len(heads) != 1:
        raise Refused("an export has one head")
    head = heads[0]
    named = [key for key in keys if key.name == head["origin"]]
    checkpoint = Checkpoint(head["checkpoint"], named)
    if checkpoint.origin != head["origin"] or not checkpoint.signers:
        report.over(22, 0, checkpoint.size, "nobody who is trusted signed the checkpoint")
    proven = []
    for row in rows:
        if row.get("kind") not in ("entry", "tombstone"):
            continue
        index, envelope = row["index"], row["envelope"].encode()
        leaf = sha256(b"\x00", bytes.fromhex(row["leafSalt"]), envelope)
        path_of = [base64.b64decode(step, validate=True) for step in row["proof"]]
        if included(leaf, index, checkpoint.size, path_of) != checkpoint.root:
            report.at(1, index, "the entry is not in the tree of the checkpoint")
            continue
        said = json.loads(envelope)
        if f"dvt/ledger/{said.get('ledgerId')}" != head["origin"]:
            report.at(12, index, "an entry of another ledger")
        if said.get("eventType") == "KEY_EVENT" and said.get("eventName") == "PayloadErased":
            tombstones.add(said["resource"]["id"])
        if row["kind"] == "entry":
            entries += 1
            proven.append((index, said, row))
    last = None
    for index, said, row in proven:
        if last is not None and index == last:
            report.at(10, index, "the entry is there twice")
        last = index
        if not head.get("payloads"):
            continue
        opened = row.get("payloads", [])
        for place, commit in enumerate(said.get("payloads", [])):
            payload = opened[place] if place < len(opened) else None
            if payload is None or payload.get("erased"):
                erased += 1
                if commit["keyId"] not in tombstones and "tombstone" not in without:
                    report.at(25, index, "a payload is gone and no entry says so")
                continue
            checked += 1
            found = sha256(b"\x02", bytes.fromhex(payload["salt"]), canonical(payload["value"]))
            if f"sha256:{found.hex()}" != commit["commit"] and "payload" not in without:
                report.at(13, index, "the payload is not the one committed to")
    if entries + len(report.findings) < head["entries"]:
        report.over(5, 0, checkpoint.size, "entries of the export are missing")
    return {
        "origin": head["origin"],
        "entriesChecked": entries,
        "payloadsChecked": checked,
        "erased": erased,
        "status": "INVALID" if report.findings else "VALID",
        "findings": report.findings,
        "verifierVersion": VERSION,
    }


def verify_proof(path, keys):
    with open(path, encoding="utf-8") as file:
        text = file.read()
    head, separator, note = text.partition("\n\n")
    lines = head.split("\n")
    if not separator or lines[0] != "c2sp.org/tlog-proof@v1" or not lines[1].startswith("extra "):
        raise Refused("not a tlog-proof with its entry")
    record = base64.b64decode(lines[1][6:], validate=True)
    index = int(lines[2].removeprefix("index "))
    path_of = [base64.b64decode(line, validate=True) for line in lines[3:]]
    checkpoint = Checkpoint(note, keys)
    said = json.loads(record[32:])
    good = bool(checkpoint.signers) and checkpoint.origin == f"dvt/ledger/{said['ledgerId']}"
    good = good and included(sha256(b"\x00", record), index, checkpoint.size, path_of) == checkpoint.root
    return {"status": "VALID" if good else "INVALID", "index": index, "size": checkpoint.size, "verifierVersion": VERSION}


# ---- the command line ----


def answer(request):
    keys = read_keys(request["keys"])
    without = request.get("without", ())
    try:
        if "export" in request:
            return verify_export(request["export"], keys, without)
        if "proof" in request:
            return verify_proof(request["proof"], keys)
        anchor = request.get("checkpoint")
        anchor = Checkpoint(anchor, keys) if anchor else None
        if anchor is not None and not anchor.signers:
            raise Refused("none of the given keys signed the given checkpoint")
        return Ledger(request["ledger"], keys, anchor, without).verify()
    except (Refused, sqlite3.Error, ValueError, KeyError, TypeError, struct.error, OSError) as error:
        return {"status": "INCOMPLETE", "findings": [{"class": 0, "detail": f"{type(error).__name__}: {error}"}]}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for option in ("--ledger", "--export", "--proof", "--checkpoint"):
        parser.add_argument(option)
    parser.add_argument("--keys", action="append", default=[])
    parser.add_argument("--batch", action="store_true")
    arguments = parser.parse_args()
    if arguments.batch:
        for line in sys.stdin:
            print(json.dumps(answer(json.loads(line))), flush=True)
        return 0
    request = {"keys": "\n".join(open(path, encoding="utf-8").read() for path in arguments.keys)}
    for name in ("ledger", "export", "proof"):
        if getattr(arguments, name):
            request[name] = getattr(arguments, name)
    if arguments.checkpoint:
        request["checkpoint"] = open(arguments.checkpoint, encoding="utf-8").read()
    result = answer(request)
    print(json.dumps(result, indent=2))
    return 0 if result["status"] == "VALID" else 1


if __name__ == "__main__":
    sys.exit(main())
