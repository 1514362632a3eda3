"""The audit as evidence: whoever changes, removes or forges a record is found."""
import hashlib
import json
import os
import pathlib
import random
import re
import signal
import subprocess
import tempfile
import threading

from harness import BINARY, Neurond, Table, hostile, main, scaled
from rawhttp import wait_for

KILLS = scaled(8, 200)


def raw_lines(daemon):
    return (daemon.dir / "audit.log").read_bytes().splitlines(keepends=True)


def verify(daemon, *files):
    return daemon.run("audit", "verify", *map(str, files or [daemon.dir / "audit.log"]))


def calls(daemon, count):
    with daemon.client() as client:
        for number in range(count):
            assert client.call("a.echo", {"text": str(number)}).text == str(number)


def test_a_life_is_a_chain_that_verifies():
    with Neurond({"a": hostile()}) as daemon:
        calls(daemon, 3)
        running = verify(daemon)
        assert running.returncode == 0 and "is open" in running.stdout, running
        assert "the last 6 not yet signed" in running.stdout, running
        daemon.stop()
        done = verify(daemon)
        assert done.returncode == 0, done
        assert "audit OK: 8 records in 1 chain, 1 checkpoints, signatures verified" \
            in done.stdout and "note" not in done.stdout, done.stdout
        records = [json.loads(line) for line in raw_lines(daemon)]
        assert [each["seq"] for each in records] == list(range(8)), records
        assert records[0]["event"] == "start" and records[-1]["reason"] == "stop", records
        as_json = json.loads(daemon.run("audit", "verify", "--json",
                                        str(daemon.dir / "audit.log")).stdout)
        assert as_json["ok"] and as_json["records"] == 8 and as_json["notes"] == [], as_json


def test_openssl_agrees_about_the_signature():
    with Neurond({"a": hostile()}) as daemon:
        calls(daemon, 1)
        daemon.stop()
        key = daemon.run("audit", "key")
        assert key.returncode == 0 and key.stdout.startswith("-----BEGIN PUBLIC KEY"), key
        (daemon.dir / "pub.pem").write_text(key.stdout)
        last = raw_lines(daemon)[-1].rstrip(b"\n")
        signed, _, rest = last.rpartition(b',"signature":"')
        (daemon.dir / "text").write_bytes(signed)
        decoded = subprocess.run(["openssl", "base64", "-d", "-A"], input=rest[:-2],
                                 capture_output=True, check=True).stdout
        (daemon.dir / "signature").write_bytes(decoded)
        subprocess.run(["openssl", "pkeyutl", "-verify", "-pubin", "-inkey",
                        daemon.dir / "pub.pem", "-rawin", "-in", daemon.dir / "text",
                        "-sigfile", daemon.dir / "signature"], check=True,
                       capture_output=True)
        with_key = daemon.run("audit", "verify", "--key", str(daemon.dir / "pub.pem"),
                              str(daemon.dir / "audit.log"))
        assert with_key.returncode == 0 and "signatures verified" in with_key.stdout, with_key


def test_what_was_done_to_a_file_is_named():
    with Neurond({"a": hostile()}) as daemon:
        calls(daemon, 4)
        daemon.stop()
        sound = raw_lines(daemon)
        other = daemon.dir / "other.log"

        def flipped(lines):
            lines[3] = lines[3].replace(b'"allowed"', b'"alloweD"')
        rows = [
            ("a byte flipped", flipped, r"other.log:4: this record was changed"),
            ("a line removed", lambda l: l.pop(5), r"other.log:6: record 6 comes where 5"),
            ("two swapped", lambda l: l.__setitem__(slice(3, 5), [l[4], l[3]]),
             r"other.log:4: record 4 comes where 3"),
            ("the file cut in a line", lambda l: l.__setitem__(-1, l[-1][:40]),
             r"other.log:10: the file ends in"),
            ("a line put in", lambda l: l.insert(4, b"{}\n"), r"other.log:5: this is no"),
            ("a checkpoint of another key",
             lambda l: l.__setitem__(-1, l[-1].replace(b'"reason":"stop"', b'"reason":"rota"')),
             r"other.log:10: the signature"),
        ]
        for what, spoil, expected in rows:
            lines = list(sound)
            spoil(lines)
            other.write_bytes(b"".join(lines))
            found = verify(daemon, other)
            assert found.returncode == 1 and expected in found.stderr, (what, found)
        missing = verify(daemon, daemon.dir / "none.log")
        assert missing.returncode == 1 and "No such file" in missing.stderr, missing
        wrong = daemon.run("audit", "verify", "--key", str(other), str(other))
        assert wrong.returncode == 1 and "expected an Ed25519 public key" in wrong.stderr
        assert daemon.run("audit", "verify").returncode == 64
        assert daemon.run("audit", "prove").returncode == 64


def links(records):
    """Lines of records, numbered and chained anew by one who has no key."""
    out, digest = [], records[0]["prev"]
    for number, record in enumerate(records):
        record = {**record, "seq": number, "prev": digest}
        line = json.dumps(record, separators=(",", ":")).encode()
        digest = hashlib.sha256(line).hexdigest()
        out.append(line + b"\n")
    return out


def test_without_the_key_nobody_writes_it_anew():
    with tempfile.TemporaryDirectory(prefix="neurond-it-") as name:
        shared = pathlib.Path(name)
        config = {"server": {"state_dir": shared}, "audit": {"path": shared / "audit.log"}}
        for _ in range(2):
            with Neurond({"a": hostile()}, config) as daemon:
                calls(daemon, 3)
                daemon.stop()
                if not (shared / "first").exists():
                    (shared / "first").write_bytes((shared / "audit.log").read_bytes())
                else:
                    written_anew(daemon, shared)


def written_anew(daemon, shared):
    first = (shared / "first").read_bytes().splitlines(keepends=True)
    both = (shared / "audit.log").read_bytes().splitlines(keepends=True)
    assert len(both) == 2 * len(first), both
    other = daemon.dir / "other.log"

    def anew(lines):
        kept = [json.loads(line) for line in lines]
        return links([each for each in kept if each.get("event") != "checkpoint"][:-2])
    size = len(first)
    rows = [
        ("the first chain anew", anew(first) + both[size:], 1,
         r"other\.log:6: records 5 to 7 of chain \w+, which stood before it, are missing"),
        ("the same with its start", first[:1] + first[3:-1] + both[size:], 1,
         r"other\.log:2: record 3 comes where 1"),
        ("the last chain anew, its start, too", first + anew(
            [both[size].replace(b'"version":"', b'"version":"x')] + both[size + 1:]), 1,
         rf"other\.log:{size + 1}: the signature of this start"),
        ("the last chain anew behind its start", first + anew(both[size:]), 0,
         rf"records 1 to \d+, from .*other\.log:{size + 2} on, since 20.* are not yet signed"),
        ("emptied", [], 1, r"other\.log: no records: there is nothing to verify"),
        ("the first chain removed", both[size:], 0,
         rf"starts after record {size - 1} of chain \w+, which was not given"),
        ("cut at a line end", both[:-1], 0,
         rf"records 1 to \d+, from .*other\.log:{size + 2} on, since 20.* are not yet signed"),
        ("the end of the first chain cut", both[:size - 2] + both[size:], 1,
         rf"other\.log:{size - 1}: records {size - 2} to {size - 1} of chain \w+, "),
    ]
    for what, lines, status, expected in rows:
        other.write_bytes(b"".join(lines))
        found = verify(daemon, other)
        assert found.returncode == status, (what, found)
        assert re.search(expected, found.stdout + found.stderr), (what, found)
    other.write_bytes(b"".join(both[:-1]))
    cut = verify(daemon, other)
    assert "signatures verified" not in cut.stdout, cut
    assert f"the last {size - 2} not yet signed" in cut.stdout, cut


def test_wherever_it_was_done():
    """A flipped bit, a line removed, two swapped, an end cut off: at places all over a file,
    the place is named."""
    chance = random.Random(8)
    table = Table()
    with Neurond({"a": hostile()}, {"audit": {"checkpoint": "1s"}}) as daemon:
        for _ in range(6):
            calls(daemon, 3)
        daemon.stop()
        sound = raw_lines(daemon)
        whole, other = b"".join(sound), daemon.dir / "other.log"

        def row(spoiled, lines):
            other.write_bytes(spoiled)
            found = verify(daemon, other)
            assert found.returncode == 1, found
            named = [int(n) for n in re.findall(r"other\.log:(\d+): ", found.stderr)]
            assert named and named[0] in lines, (found.stderr, lines)

        for at in sorted(chance.sample(range(len(whole)), scaled(60, 1000))):
            line = whole[:at].count(b"\n") + 1
            spoiled = whole[:at] + bytes([whole[at] ^ 1 << chance.randrange(8)]) + whole[at + 1:]
            table.row(f"a bit in byte {at}", lambda: row(spoiled, (line - 1, line, line + 1)))
        for n in range(1, len(sound) - 1):
            table.row(f"without line {n + 1}",
                      lambda: row(b"".join(sound[:n] + sound[n + 1:]), (n + 1,)))
        for n in range(1, len(sound) - 1):
            swapped = sound[:n] + [sound[n + 1], sound[n]] + sound[n + 2:]
            table.row(f"lines {n + 1} and {n + 2} swapped",
                      lambda: row(b"".join(swapped), (n + 1,)))
        for at in sorted(chance.sample(range(len(whole) - 1), scaled(20, 200))):
            if whole[at - 1:at] != b"\n":
                line = whole[:at].count(b"\n") + 1
                table.row(f"cut after {at} bytes", lambda: row(whole[:at], (line,)))
    assert not table.failed


def test_the_chain_goes_on_over_rotated_files():
    with Neurond({"a": hostile()}) as daemon:
        log = daemon.dir / "audit.log"
        for number in (3, 2, 1):
            calls(daemon, 2)
            log.rename(daemon.dir / f"audit.log.{number}")
            os.kill(daemon.pid, signal.SIGUSR1)
            wait_for("a new file", log.exists)
            wait_for("the old one's checkpoint", lambda n=number: '"rotation"' in
                     (daemon.dir / f"audit.log.{n}").read_text().splitlines()[-1])
        calls(daemon, 1)
        daemon.stop()
        files = [log] + [daemon.dir / f"audit.log.{number}" for number in (1, 2, 3)]
        done = verify(daemon, *files)  # newest first, as a shell lists them
        assert done.returncode == 0 and "in 1 chain, 4 checkpoints" in done.stdout, done
        part = verify(daemon, log)
        assert part.returncode == 0 and "goes on from a file that was not given" in part.stdout
        hole = verify(daemon, files[0], files[2], files[3])
        assert hole.returncode == 1 and "records are missing" in hole.stderr, hole


def test_arguments_need_not_be_there_for_the_chain_to_hold():
    for how in ("hash", "none"):
        with Neurond({"a": hostile()}, {"audit": {"arguments": how}}) as daemon:
            calls(daemon, 2)
            daemon.stop()
            assert verify(daemon).returncode == 0


def test_checkpoints_come_while_calls_do():
    with Neurond({"a": hostile()}, {"audit": {"checkpoint": "1s"}}) as daemon:
        calls(daemon, 1)
        wait_for("a checkpoint", lambda: b'"interval"' in raw_lines(daemon)[-1])
        count = len(raw_lines(daemon))
        calls(daemon, 1)
        wait_for("another", lambda: b'"interval"' in raw_lines(daemon)[-1]
                 and len(raw_lines(daemon)) > count)
        assert verify(daemon).returncode == 0


def life_with_kills(shared, kills, chance, got):
    """One daemon under load whose reactor is killed again and again; the keeper would give
    up after five deaths in a minute."""
    config = {"server": {"state_dir": shared}, "audit": {"path": shared / "audit.log"}}
    with Neurond({"a": hostile()}, config) as daemon:
        ended = threading.Event()

        def load(mark):
            number = 0
            while not ended.is_set():
                try:
                    with daemon.client(timeout=5) as client:
                        while not ended.is_set():
                            number += 1
                            client.call("a.echo", {"text": f"{mark}-{number}-"})
                except Exception:  # the reactor went; the next one takes over
                    pass
        mark = chance.randrange(1 << 30)
        threads = [threading.Thread(target=load, args=(f"m{mark}-{n}",)) for n in range(4)]
        for thread in threads:
            thread.start()
        try:
            for _ in range(kills):
                reactor = daemon.reactor
                daemon.wait_for_log(r"daemon: ready")
                aim = (shared / "audit.log").stat().st_size + chance.randrange(1, 20000)
                wait_for("some records",
                         lambda n=aim: (shared / "audit.log").stat().st_size >= n)
                at = len(daemon.lines)
                os.kill(reactor, signal.SIGKILL)
                daemon.wait_for_log(r"daemon: ready", since=at)
        finally:
            ended.set()
            for thread in threads:
                thread.join()
        got |= set(re.findall(rb'"text": ?"(m[0-9-]+)"', b"\n".join(daemon.received("a"))))
        daemon.stop()


def test_a_killed_reactor_leaves_whole_records_of_all_its_calls():
    """kill -9 under load, over and over: what a server got is on record."""
    chance, got, a_life = random.Random(8), set(), 4
    with tempfile.TemporaryDirectory(prefix="neurond-it-") as name:
        shared = pathlib.Path(name)
        for _ in range(KILLS // a_life):
            life_with_kills(shared, a_life, chance, got)
        recorded = set(re.findall(rb'"text": ?"(m[0-9-]+)"',
                                  (shared / "audit.log").read_bytes()))
        missing = list(got - recorded)
        assert len(got) > KILLS and not missing, (len(got), missing[:5])
        done = subprocess.run([BINARY, "audit", "verify", "-D", f"server.state_dir={shared}",
                               "-c", "/dev/null", shared / "audit.log"],
                              capture_output=True, text=True, check=False)
        chains = KILLS // a_life * (a_life + 1)
        assert done.returncode == 0 and f"in {chains} chains" in done.stdout, done


def test_a_damaged_key_stops_the_start():
    def damage(daemon):
        (daemon.dir / "state" / "audit.key").write_bytes(b"short")
    with Neurond({"a": hostile()}, setup=damage, wait=False) as daemon:
        daemon.wait_for_log(r"audit\.key: expected 32 bytes")
        assert daemon.wait_exit() != 0


main(__name__)
