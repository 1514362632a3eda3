"""Subscribing is the server's to grant: its error goes to the client that asked, once it has
come; a modern client's acknowledgement names what is granted. One subscription serves all."""
import json
import os
import signal
import sys
import threading

from harness import HERE, Neurond, main
from lines import SocketLines
from listens import Listen
from rawhttp import wait_for

URIS = {"resourceSubscriptions": ["mem:///a", "mem:///b"]}


def news(*traits):
    return {"a": {"command": sys.executable,
                  "args": [str(HERE / "fixtures/news.py"), *traits]}}


def heard(client):
    return json.loads(client.call("a.heard").text)


def subscribe(client, uri, verb="subscribe"):
    return client.request("resources/" + verb, {"uri": uri})


def test_an_error_of_a_legacy_server_goes_back_as_it_is():
    with Neurond(news("picky")) as daemon, daemon.client() as client, daemon.client() as other:
        stream = client.stream()
        assert subscribe(client, "mem:///a").result == {}
        for who in (client, other, client):
            got = subscribe(who, "mem:///b")
            assert got.status == 200 and got.raw.endswith(
                b'"error":{"code": -32050, "message": "not this one", '
                b'"data": {"n": 9007199254740993}}}'), got.raw
        assert subscribe(other, "mem:///a").result == {}
        assert heard(client) == [["subscribe", "mem:///a"]] + [["subscribe", "mem:///b"]] * 3
        client.call("a.touch", {"uri": "mem:///b"})
        client.call("a.touch", {"uri": "mem:///a"})
        assert stream.next()["params"]["uri"] == "mem:///a"
        stream.close()


def test_a_connection_is_refused_likewise():
    with Neurond(news("picky")) as daemon:
        with SocketLines(daemon.dir / "run/neurond.sock") as lines:
            lines.initialize()
            for uri, code in (("mem:///a", None), ("mem:///b", -32050)):
                got = lines.request("resources/subscribe", {"uri": uri})
                assert got.get("error", {}).get("code") == code, got


def test_what_a_modern_server_does_not_acknowledge_is_refused():
    with Neurond(news("modern", "picky")) as daemon, daemon.client() as client:
        assert subscribe(client, "mem:///a").result == {}
        error = subscribe(client, "mem:///b").error
        assert error["code"] == -32602, error
        stream = client.stream()
        client.call("a.touch", {"uri": "mem:///a"})
        assert stream.next()["params"]["uri"] == "mem:///a"
        stream.close()


def test_a_listen_is_told_what_of_it_is_granted():
    for era in ("legacy", "modern"):
        with Neurond(news(era, "picky")) as daemon, daemon.client() as client:
            ears = [Listen(daemon, URIS, id_raw) for id_raw in ("1", '"two"')]
            for ear in ears:
                assert ear.acknowledged() == {"resourceSubscriptions": ["mem:///a"]}, era
            client.call("a.touch", {"uri": "mem:///a"})
            for ear in ears:
                got = ear.expect("notifications/resources/updated")
                assert got["uri"] == "mem:///a", got
            granted = [each for each in heard(client)
                       if each in (["subscribe", "mem:///a"], ["listen", ["mem:///a"]])]
            assert len(granted) <= 1, "one subscription serves both"
            for ear in ears:
                ear.close()


def test_who_takes_it_back_is_answered_and_waits_no_more():
    with Neurond(news("mute")) as daemon, daemon.client() as client, \
            daemon.client() as other:
        got = []
        waiting = threading.Thread(target=lambda: got.append(subscribe(client, "mem:///a")))
        waiting.start()
        wait_for("it is asked", lambda: heard(other) == [["subscribe", "mem:///a"]])
        assert not got
        again = daemon.client()
        again.session = client.session
        assert subscribe(again, "mem:///a", "unsubscribe").result == {}
        waiting.join()
        assert got[0].result == {}
        again.close()


def test_who_waits_is_answered_at_a_stop():
    with Neurond(news("mute")) as daemon:
        with SocketLines(daemon.dir / "run/neurond.sock") as lines:
            lines.initialize()
            asked = lines.start("resources/subscribe", {"uri": "mem:///a"})
            wait_for("the server is asked", lambda: json.loads(
                lines.call("a.heard")) == [["subscribe", "mem:///a"]])
            os.kill(daemon.pid, signal.SIGTERM)
            assert lines.answer(asked, 5)["result"] == {}
            daemon.wait_exit()


def test_a_server_that_does_not_answer_is_not_waited_for_for_ever():
    with Neurond(news("mute")) as daemon, daemon.client() as client:
        got, again = [], daemon.client()
        again.session = client.session
        waiting = threading.Thread(target=lambda: got.append(subscribe(again, "mem:///a")))
        waiting.start()
        got.append(subscribe(client, "mem:///a"))
        waiting.join()
        for error in (each.error for each in got):  # both, though the second came later
            assert error["code"] == -32603 and error["data"]["type"] == "timeout", error
        again.close()
        wait_for("the server is told", lambda: heard(client) == [
            ["subscribe", "mem:///a"], ["unsubscribe", "mem:///a"]])


main(__name__)
