"""A session goes on with the next reactor, and with the next daemon: what its client wants to
hear of is known there, and what has ended or expired stays so."""
import os
import pathlib
import re
import shutil
import signal
import sys
import tempfile
import threading

from harness import HERE, Neurond, main

NEWS = {"a": {"command": sys.executable, "args": [str(HERE / "fixtures/news.py")]}}
LOGS = {"a": {"command": sys.executable, "args": [str(HERE / "fixtures/asker.py")]}}
PING = b'{"jsonrpc":"2.0","id":1,"method":"ping"}'
UPDATED = "notifications/resources/updated"


def die_and_return(daemon):
    at = len(daemon.lines)
    os.kill(daemon.reactor, signal.SIGKILL)
    daemon.wait_for_log(r"daemon: ready", since=at)


def status_of(client):
    return client.post(PING).status


class Place:
    """A state directory that outlives daemons."""

    def __enter__(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="neurond-it-state-"))
        return {"server": {"state_dir": self.dir}}

    def __exit__(self, *_):
        shutil.rmtree(self.dir)


def test_a_session_that_was_deleted_stays_so():
    with Place() as config:
        with Neurond(NEWS, config) as daemon:
            ended, kept = daemon.client(), daemon.client()
            ended.delete()
            die_and_return(daemon)
            assert (status_of(ended), status_of(kept)) == (404, 200)
            die_and_return(daemon)
            assert (status_of(ended), status_of(kept)) == (404, 200)
        with Neurond(NEWS, config) as daemon:
            for client in (ended, kept):
                client.address = daemon.address
                client.conn = None
            assert (status_of(ended), status_of(kept)) == (404, 200)


def test_a_session_that_has_expired_stays_so():
    with Neurond(NEWS, {"limits": {"session_idle": "2s"}}) as daemon:
        old, kept = daemon.client(), daemon.client()
        stream = kept.stream()
        threading.Event().wait(3.5)
        die_and_return(daemon)
        stream.close()
        assert (status_of(old), status_of(kept)) == (404, 200)
        die_and_return(daemon)
        assert (status_of(old), status_of(kept)) == (404, 200)


def test_subscriptions_go_on():
    with Neurond(NEWS) as daemon, daemon.client() as client, daemon.client() as other:
        for uri in ("mem:///a", "mem:///b"):
            assert client.request("resources/subscribe", {"uri": uri}).result == {}
        assert client.request("resources/unsubscribe", {"uri": "mem:///b"}).result == {}
        for _ in range(2):
            die_and_return(daemon)
            streams = [each.stream() for each in (client, other)]

            def told(stream=streams[0]):
                while (got := stream.next())["method"] != UPDATED:
                    pass
                return got["params"]["uri"]
            assert told() == "mem:///a", "it may have changed meanwhile"
            for uri in ("mem:///b", "mem:///a"):
                other.call("a.touch", {"uri": uri})
            assert told() == "mem:///a"
            other.call("a.add", {"name": "more"})
            while (got := streams[1].next()["method"]) != "notifications/tools/list_changed":
                assert got != UPDATED, "that is another's"
            for stream in streams:
                stream.close()
        client.request("resources/unsubscribe", {"uri": "mem:///a"})
        die_and_return(daemon)
        got = other.call("a.heard").text
        assert status_of(client) == 200 and "mem:///a" not in got, got


def test_the_log_level_holds():
    with Neurond(LOGS) as daemon, daemon.client() as client, daemon.client() as other:
        assert client.request("logging/setLevel", {"level": "info"}).result == {}
        die_and_return(daemon)
        heard = []
        for who in (other, client):
            who.call("a.play", {"steps": [{"log": who.session}]}, on_event=heard.append)
        said = [each["params"]["data"] for each in heard if "method" in each]
        assert said == [client.session], heard


def test_what_made_room_comes_back_with_what_it_wants():
    with Neurond(NEWS, {"limits": {"sessions": 1}}) as daemon:
        client = daemon.client()
        assert client.request("resources/subscribe", {"uri": "mem:///a"}).result == {}
        daemon.client()
        stream = client.stream()
        assert stream.next()["params"] == {"uri": "mem:///a"}
        stream.close()


def test_a_damaged_file_of_sessions_ends_them_all():
    with Place() as config:
        place = config["server"]["state_dir"]
        with Neurond(NEWS, config) as daemon:
            ended, kept = daemon.client(), daemon.client()
            ended.delete()
        whole = (place / "sessions").read_bytes()
        for damage in (b"\0" * 100, whole + b"\0\n", b"nonsense\n" + whole):
            (place / "sessions").write_bytes(damage)
            with Neurond(NEWS, config) as daemon:
                assert re.search(r"warn daemon: read .*/sessions: line \d: .* all sessions end",
                                 daemon.log)
                for client in (ended, kept):
                    client.address, client.conn = daemon.address, None
                    assert status_of(client) == 404
                kept = daemon.client()
                assert (place / "sessions.damaged").read_bytes() == damage
        with Neurond(NEWS, config) as daemon:
            kept.address, kept.conn = daemon.address, None
            assert status_of(kept) == 200
            assert "damaged" not in daemon.log


main(__name__)
