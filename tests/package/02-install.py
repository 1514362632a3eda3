#!/usr/bin/env python3
"""make install below DESTDIR puts everything in its place, keeps a configuration that is
there, and make uninstall removes all but that."""
import os
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(ROOT / "tests/it"))

from harness import BINARY, main  # noqa: E402  the path comes first

WANTED = {
    "etc/logrotate.d/neurond", "etc/neurond/neurond.conf", "usr/bin/neurond",
    "usr/lib/systemd/system/neurond.service", "usr/lib/systemd/system/neurond.socket",
    "usr/share/bash-completion/completions/neurond", "usr/share/man/man8/neurond.8",
    "usr/share/neurond/neurond.dashboard.json", "usr/share/neurond/neurond.rules.yml",
}


def make(target, where):
    out = os.path.relpath(pathlib.Path(BINARY).parent, ROOT)
    subprocess.run(["make", "-s", "-o", "all", f"OUT={out}", target, f"DESTDIR={where}",
                    "PREFIX=/usr"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL, timeout=60)


def files(where):
    return {str(path.relative_to(where)) for path in where.rglob("*") if path.is_file()}


def test_install_and_uninstall():
    with tempfile.TemporaryDirectory() as temp:
        where = pathlib.Path(temp)
        make("install", where)
        assert files(where) == WANTED, files(where) ^ WANTED
        conf = where / "etc/neurond/neurond.conf"
        text = conf.read_text()
        assert "\nrun_dir = /run/neurond\n" in text and "\nstate_dir = /var/lib/" in text
        unit = (where / "usr/lib/systemd/system/neurond.service").read_text()
        assert "=/usr/bin/neurond" in unit and "/usr/local" not in unit, unit
        said = subprocess.run([str(where / "usr/bin/neurond"), "-t", "-c", str(conf)], check=False,
                              capture_output=True, text=True, timeout=20)
        assert said.returncode == 0, said
        conf.write_text("# mine\n")
        make("install", where)
        assert conf.read_text() == "# mine\n"
        make("uninstall", where)
        assert files(where) == {"etc/neurond/neurond.conf"}, files(where)


def test_what_is_too_old_is_refused_by_the_build():
    needs = {"libssl": "3.0.0", "libcrypto": "3.0.0", "libcjson": "1.7.15"}
    with tempfile.TemporaryDirectory() as temp:
        where = pathlib.Path(temp)
        for old, version in ((None, ""), ("libssl", "1.1.1"), ("libcjson", "1.7.14")):
            for name, enough in needs.items():
                (where / f"{name}.pc").write_text(
                    f"Name: {name}\nDescription: x\nVersion: "
                    f"{version if name == old else enough}\n")
            done = subprocess.run(
                ["make", "-s", f"OUT={where}/out", f"{where}/out/flags"], cwd=ROOT, check=False,
                capture_output=True, text=True, timeout=60,
                env={**os.environ, "PKG_CONFIG_LIBDIR": temp, "PKG_CONFIG_PATH": temp})
            assert (done.returncode == 0) == (old is None), (old, done)
            assert old is None or f"'{old}" in done.stderr, done


main(__name__)
