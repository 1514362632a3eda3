"""Manipulations of an audit that holds records of every kind: what each of them is found
by. The files are those of two lives, one of them ended by kill -9, and a rotation."""
import json
import os
import pathlib
import re
import shutil
import signal
import tempfile

from harness import Neurond, Table, hostile, main
from rawhttp import wait_for


def kind(line):
    record = json.loads(line)
    return record.get("reason", record["event"]) + ("" if record.get("decision") != "denied"
                                                    else " denied")


class Lives:
    """audit.log.1 and audit.log, of one key; `stranger`: a file of another daemon."""

    def __enter__(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="neurond-audit-"))
        self.log = self.dir / "audit.log"
        self.live(self.dir / "other", self.dir / "stranger.log", 1)
        self.stranger = (self.dir / "stranger.log").read_bytes().splitlines(keepends=True)
        self.daemon = self.live(self.dir, self.log, 2)
        self.old = (self.dir / "audit.log.1").read_bytes().splitlines(keepends=True)
        self.new = self.log.read_bytes().splitlines(keepends=True)
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.dir, ignore_errors=True)

    @staticmethod
    def live(state, log, lives):
        state.mkdir(exist_ok=True)
        config = {"server": {"state_dir": state},
                  "audit": {"path": log, "checkpoint": "1h"},
                  "rule no": {"effect": "deny", "tools": "a.die"}}
        with Neurond({"a": hostile()}, config) as daemon:
            with daemon.client() as client:
                for text in ("one", "two", "three"):
                    client.call("a.echo", {"text": text})
                assert client.call("a.die").error
            if lives > 1:
                log.rename(f"{log}.1")
                os.kill(daemon.pid, signal.SIGUSR1)
                wait_for("a new file", log.exists)
                wait_for("a checkpoint", lambda: b'"rotation"' in
                         pathlib.Path(f"{log}.1").read_bytes())
                with daemon.client() as client:
                    client.call("a.echo", {"text": "four"})
                    client.call("a.echo", {"text": "five"})
                at = len(daemon.lines)
                os.kill(daemon.reactor, signal.SIGKILL)
                daemon.wait_for_log(r"daemon: ready", since=at)
                with daemon.client() as client:
                    client.call("a.echo", {"text": "six"})
            daemon.stop()
            return daemon

    def verify(self, *files):
        paths = []
        for number, lines in enumerate(files):
            paths.append(self.dir / f"f{number}.log")
            paths[-1].write_bytes(b"".join(lines))
        self.key = self.dir / "key.pem"
        return self.run(*paths)

    def run(self, *paths):
        conf = self.dir / "verify.conf"
        conf.touch(0o600)
        conf.write_text(f"[server]\nstate_dir = {self.dir}\n")
        self.daemon.conf = conf
        return self.daemon.run("audit", "verify", *map(str, paths))


def flip(line):
    """One bit in the middle of what it says."""
    at = line.index(b'"timestamp":"') + 20
    return line[:at] + bytes([line[at] ^ 1]) + line[at + 1:]


def test_whatever_is_done_is_found():
    table = Table()
    with Lives() as lives:
        old, new = lives.old, lives.new
        sound = lives.verify(old, new)
        assert sound.returncode == 0 and "in 2 chains" in sound.stdout, sound
        assert "killed" in sound.stdout and "not yet signed" not in sound.stdout, sound
        kinds = {kind(line): at for at, line in enumerate(old + new)}
        assert set(kinds) >= {"start", "call", "result", "call denied", "rotation",
                              "stop"}, kinds

        def found(files, expected, status=1):
            done = lives.verify(*files)
            told = done.stdout + done.stderr
            assert done.returncode == status and re.search(expected, told), (expected, done)

        def both(lines):
            return lines[:len(old)], lines[len(old):]

        for what, at in kinds.items():
            lines = old + new
            lines[at] = flip(lines[at])
            table.row(f"a bit of a {what}", lambda: found(
                both(lines), r"changed|is not by this key"))
        start = next(n for n, line in enumerate(new) if n and b'"event":"start"' in line)
        rows = [  # what; the files; what is said, and with which status
            ("the first line removed", (old[1:], new),
             r"note: .*f0\.log:1: chain \w+ goes on from a file that was not given", 0),
            ("a line in the middle removed", (old[:3] + old[4:], new), r"f0\.log:4: record", 1),
            ("the last line of the first file removed", (old[:-1], new),
             r"f1\.log:1: record \d+ comes where \d+ should", 1),
            ("the last line of all removed", (old, new[:-1]),
             r"is open.*records 1 to \d+, from .* are not yet signed", 0),
            ("the last but one removed", (old, new[:-2] + new[-1:]), r"f1\.log:\d+: record", 1),
            ("a pair swapped", (old[:2] + [old[3], old[2]] + old[4:], new), r"f0\.log:3: ", 1),
            ("a line doubled", (old[:3] + old[2:], new), r"f0\.log:4: .*there twice", 1),
            ("the last line doubled", (old, new + new[-1:]), r"there twice", 1),
            ("a file given twice", (old, old, new), r"there twice", 1),
            ("the second file alone", (new,), r"goes on from a file that was not given", 0),
            ("the file between removed", (old, new[start:]),
             r"f1\.log:1: records \d+ to \d+ of chain \w+, which stood before it, are missing", 1),
            ("ends of lines of another system",
             ([line.replace(b"\n", b"\r\n") for line in old], new), r"f0\.log:1: ", 1),
            ("one such end", (old[:2] + [old[2].replace(b"\n", b"\r\n")] + old[3:], new),
             r"f0\.log:3: ", 1),
            ("an empty line", (old[:2] + [b"\n"] + old[2:], new), r"f0\.log:3: .*no audit", 1),
            ("no end of the last line", (old, new[:-1] + [new[-1][:-1]]),
             r"f1\.log:\d+: the file ends in something that is no record", 1),
            ("a chain of another daemon behind it", (old, new + lives.stranger),
             rf"f1\.log:{len(new) + 1}: this start names no record before it", 1),
            ("one of its lines", (old, new[:2] + lives.stranger[2:3] + new[2:]),
             r"f1\.log:3: ", 1),
            ("its checkpoint", (old[:-1] + lives.stranger[-1:], new), r"f0\.log:\d+: ", 1),
            ("a checkpoint of before put at the end", (old, new + [
                line for line in old if b'"rotation"' in line][:1]), r"there twice", 1),
            ("a checkpoint without its signature", (old, new[:-1] + [
                re.sub(rb',"signature":"[^"]*"', b"", new[-1])]), r"is not by this key", 1),
            ("what was called before the kill changed", (old, [flip(new[0])] + new[1:]),
             r"f1\.log:1: this record was changed", 1),
            ("the last record before the kill changed",
             (old, new[:start - 1] + [flip(new[start - 1])] + new[start:]),
             rf"f1\.log:{start}: this record was changed", 1),
            ("the last record before the kill removed", (old, new[:start - 1] + new[start:]),
             r"which stood before it, are missing", 1),
            ("the last chain cut off whole", (old, new[:start]),
             r"is open.*are not yet signed", 0),
        ]
        for what, files, expected, status in rows:
            table.row(what, lambda: found(files, expected, status))

        def renamed():
            paths = [lives.dir / "audit.log.9", lives.dir / "a"]
            for path, lines in zip(paths, (new, old)):
                path.write_bytes(b"".join(lines))
            done = lives.run(*paths)
            assert done.returncode == 0 and done.stdout.splitlines()[-1] == \
                sound.stdout.splitlines()[-1], done
        table.row("files renamed, in any order", renamed)

        def cut_anywhere():
            whole = b"".join(new)
            for at in range(0, len(whole), 7):
                done = lives.verify(old, [whole[:at]])
                ends = at == 0 or whole[at - 1:at] == b"\n"
                assert (done.returncode == 0) == ends, (at, done)
                assert ends or "the file ends in something" in done.stderr, (at, done)
                unsigned = ends and at > 0
                assert not unsigned or "is open" in done.stdout or at == len(whole), (at, done)
        table.row("the file cut at every place", cut_anywhere)
    assert not table.failed


main(__name__)
