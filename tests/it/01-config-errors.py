"""Bad configurations: the exact message of each, all of them at once, exit status 78, and
nothing started or written."""
import os
import pathlib
import re
import subprocess
import tempfile

from harness import BINARY, Table, main

# the file, and every "line:col: error: message" that must come, in order, and no other
BAD = [
    ("key nobody knows", "[server]\nprot = 5\n",
     ['2:1: error: server.prot: unknown key, did you mean "port"?']),
    ("section nobody knows", "[sever]\nport = 5\n",
     ['1:2: error: [sever]: unknown section, did you mean "server"?']),
    ("word for a number", "[server]\nport = http\n",
     ['2:8: error: server.port: "http" is not a number, expected a number from 0 to 65535']),
    ("number out of range", "[server]\nport = 65536\n",
     ['2:8: error: server.port: "65536" is out of range, expected a number from 0 to 65535']),
    ("scalar twice", "[server]\nport = 1\nport = 2\n",
     ['3:1: error: server.port: set twice, first at bad.conf:2:1']),
    ("duration without a unit", "[server]\ndrain_timeout = 10\n",
     ['2:17: error: server.drain_timeout: "10" has no unit, expected a duration from 0s to 1d,'
      ' such as 30s']),
    ("size that is none", "[limits]\nmessage_max = 10x\n",
     ['2:15: error: limits.message_max: "10x" is not a size, expected a size from 1k to 1g,'
      ' such as 64k']),
    ("choice that is none", "[policy]\ndefault_action = maybe\n",
     ['2:18: error: policy.default_action: "maybe" is not known here, expected deny or allow']),
    ("bind beyond loopback", "[server]\nbind = 0.0.0.0\n",
     ['2:8: error: server.bind: 0.0.0.0 can be reached from other hosts and callers are not'
      ' authenticated, expected a loopback address such as 127.0.0.1 or ::1, or'
      ' cert_path and key_path in [tls] with ca_path or a token in a [client], or'
      ' allow_insecure = yes in [server]']),
    ("relative command", "[downstream a]\ncommand = ls\n",
     ['2:11: error: downstream.a.command: stdio command must be absolute path: ls']),
    ("command that is not there", "[downstream a]\ncommand = /nonexistent/p\n",
     ['2:11: error: downstream.a.command: execute /nonexistent/p: No such file or directory']),
    ("downstream without a command", "[downstream a]\nargs = x\n",
     ['1:13: error: downstream.a.command: missing, expected an absolute path or self,'
      ' or a url']),
    ("namespace without letters", "[downstream]\ncommand = /bin/cat\n",
     ['1:12: error: [downstream]: namespace cannot be empty']),
    ("namespace with dots", "[downstream a.b]\ncommand = /bin/cat\n",
     ['1:13: error: [downstream]: namespace cannot contain dots']),
    ("namespace that climbs", '[downstream "../../etc"]\ncommand = /bin/cat\n',
     ['1:13: error: [downstream]: namespace cannot contain dots']),
    ("namespace in capitals", "[downstream Redis]\ncommand = /bin/cat\n",
     ['1:13: error: [downstream]: namespace "Redis" is invalid, expected a to z, 0 to 9, _ and -,'
      ' no _ or - first']),
    ("reserved namespace", "[downstream api]\ncommand = /bin/cat\n",
     ['1:13: error: [downstream]: namespace "api" is reserved']),
    ("dangerous variable", "[downstream a]\ncommand = /bin/cat\nenv.ld_Preload = x\n",
     ['3:1: error: downstream.a.env.ld_Preload: ld_Preload decides which code runs, expected'
      ' allow_env = ld_Preload beside it if that is meant']),
    ("variable that is none", "[downstream a]\ncommand = /bin/cat\nenv.1X = y\n",
     ['3:1: error: downstream.a.env.1X: "1X" is not the name of a variable, expected letters,'
      ' digits and _, no digit first']),
    ("rule without an effect", "[rule a]\ntools = *\n",
     ['1:7: error: rule.a.effect: missing, expected allow or deny']),
    ("pattern that is none", "[rule a]\neffect = allow\ntools = a.[\n",
     ['3:9: error: rule.a.tools: "a.[" is not a valid pattern']),
    ("variable that is not set", "[server]\nbind = ${env:NOT_SET_HERE}\n",
     ['2:8: error: server.bind: ${env:NOT_SET_HERE} is not set, expected the variable'
      ' NOT_SET_HERE or a default as in ${env:NOT_SET_HERE:-value}']),
    ("quote left open", '[audit]\npath = "x\n',
     ['2:8: error: audit.path: the quote is not closed, expected a " on this line']),
    ("bracket left open", "[log\nlevel = info\n",
     ['1:1: error: the bracket is not closed, expected a ]']),
    ("no key and no section", "[log]\njust words\n",
     ['2:1: error: log: expected "key = value" or "[section]"']),
    ("call_timeout over its cap", "[downstream a]\ncommand = /bin/cat\ncall_timeout = 1h\n",
     ['3:16: error: downstream.a.call_timeout: call_timeout is longer than call_timeout_max,'
      ' expected at most 10m']),
    ("five at once", "[server]\nport = x\nprot = 1\n[log]\nlevel = loud\n[downstream A]\n"
     "command = cat\n",
     ['2:8: error: server.port: "x" is not a number, expected a number from 0 to 65535',
      '3:1: error: server.prot: unknown key, did you mean "port"?',
      '5:9: error: log.level: "loud" is not known here, expected debug, info, warn or error',
      '6:13: error: [downstream]: namespace "A" is invalid, expected a to z, 0 to 9, _ and -,'
      ' no _ or - first',
      '7:11: error: downstream.A.command: stdio command must be absolute path: cat']),
]


def neurond(home, *args, env=None):
    environment = {"PATH": os.environ["PATH"], **(env or {})}
    return subprocess.run([BINARY, *args], cwd=home, capture_output=True, text=True,
                          timeout=20, check=False, env=environment)


def write(home, text, name="bad.conf"):
    path = pathlib.Path(home) / name
    path.write_text(text)
    path.chmod(0o600)


def messages(output):
    return [line.removeprefix("bad.conf:") for line in output.splitlines()
            if re.match(r"bad\.conf:\d+:\d+: ", line)]


def refused(text, wanted):
    with tempfile.TemporaryDirectory() as home:
        write(home, text)
        for args in (("-t", "-c", "bad.conf"), ("-T", "-c", "bad.conf"), ("-c", "bad.conf")):
            got = neurond(home, *args)
            assert got.returncode == 78, (args, got.returncode, got.stderr)
            assert messages(got.stderr) == wanted, (args, got.stderr)
            assert sorted(os.listdir(home)) == ["bad.conf"], os.listdir(home)


def test_each_bad_configuration_has_its_message():
    table = Table()
    for name, text, wanted in BAD:
        table.row(name, lambda: refused(text, wanted))
    assert not table.failed


def test_the_line_and_a_caret_are_shown():
    with tempfile.TemporaryDirectory() as home:
        write(home, "[server]\n\tport\t=  http\n")
        got = neurond(home, "-t", "-c", "bad.conf").stderr
        assert "    \tport\t=  http\n    \t    \t   ^\n" in got, got


def test_good_ones_are_checked_without_a_trace():
    with tempfile.TemporaryDirectory() as home:
        write(home, f"[server]\nport = 0\nrun_dir = {home}/run\nstate_dir = {home}/state\n"
              f"[audit]\npath = {home}/audit.log\n[policy]\ndefault_action = allow\n"
              f"[downstream a]\ncommand = /usr/bin/touch\nargs = {home}/started\n")
        got = neurond(home, "-t", "-c", "bad.conf")
        assert got.returncode == 0, got
        assert sorted(os.listdir(home)) == ["bad.conf"], os.listdir(home)


def test_the_dump_of_a_dump_is_the_same():
    with tempfile.TemporaryDirectory() as home:
        write(home, '# all sorts\n[server]\nport = 7  # here\n[downstream a]\ncommand = /bin/cat\n'
              'args = "two words" $$x "q\\"q" \\\n  more\nenv.A = ${env:SOME:-def}\n'
              'env.API_TOKEN = plain\n[rule r]\neffect = allow\ntools = a.* b.?\n')
        first = neurond(home, "-T", "-c", "bad.conf", "-D", "log.level=debug",
                        env={"SOME": "x y", "NEUROND_PORT": "9"})
        assert first.returncode == 0, first
        write(home, first.stdout, "again.conf")
        second = neurond(home, "-T", "-c", "again.conf")
        assert second.returncode == 0, second

        def settings(text):
            return [line.split("  #")[0].rstrip() for line in text.splitlines()
                    if not line.startswith("#")]
        assert settings(first.stdout) == settings(second.stdout)
        write(home, second.stdout, "again.conf")
        assert neurond(home, "-T", "-c", "again.conf").stdout.count("\n") > 50
        assert re.search(r"port = 9\b", first.stdout) and "level = debug" in first.stdout


def test_overrides_and_environment_are_checked_too():
    with tempfile.TemporaryDirectory() as home:
        write(home, "[server]\nport = 0\n")
        for args, env, words in (
                (("-D", "server.prot=1"), {}, "server.prot"),
                (("-D", "server.run_dir=run"), {}, "not an absolute path"),
                ((), {"NEUROND_PORT": "x"}, "server.port"),
                ((), {"NEUROND_LOG_LEVEL": "loud"}, "log.level")):
            got = neurond(home, "-t", "-c", "bad.conf", *args, env=env)
            assert got.returncode == 78 and words in got.stderr, (args, env, got)


def test_an_override_without_the_form_of_one_is_a_mistake_of_usage():
    with tempfile.TemporaryDirectory() as home:
        write(home, "[server]\nport = 0\n")
        for wrong in ("nonsense", "server", "server=1", ".port=1", "server.=1"):
            for args in (("-t",), ("-T",), (), ("status",)):
                got = neurond(home, *args, "-c", "bad.conf", "-D", wrong)
                assert got.returncode == 64 and "section.key=value" in got.stderr, (args, got)


def test_a_file_that_is_not_there():
    with tempfile.TemporaryDirectory() as home:
        got = neurond(home, "-t", "-c", "nowhere.conf")
        assert got.returncode == 78, got
        assert "nowhere.conf" in got.stderr and "No such file" in got.stderr, got


main(__name__)
