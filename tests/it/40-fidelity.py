"""Params and results pass byte for byte, whatever the era of client and server; ids come
back as they went in."""
from fidelity import bytes_pass, last_line

from harness import Neurond, hostile, main


def test_bytes_pass_as_they_are():
    with Neurond({"good": hostile()}) as daemon, daemon.client() as client:
        bytes_pass(daemon, client)


def test_from_a_modern_client():
    with Neurond({"good": hostile()}) as daemon, daemon.modern() as client:
        bytes_pass(daemon, client)


def test_to_a_modern_server():
    with Neurond({"good": hostile("modern")}) as daemon, daemon.client() as client:
        bytes_pass(daemon, client)


def test_from_a_modern_client_to_a_modern_server():
    with Neurond({"good": hostile("modern")}) as daemon, daemon.modern() as client:
        bytes_pass(daemon, client)


def test_escaped_names_are_names():
    with Neurond({"good": hostile()}) as daemon, daemon.client() as client:
        got = client.request("tools/call",
                             b'{"n\\u0061me":"good\\u002eech\\u006f","arguments":{"text":"\\u0041"}}')
        assert got.text == "A" and b'\\u0041' in got.raw
        assert b'"text":"\\u0041"' in last_line(daemon)


main(__name__)
