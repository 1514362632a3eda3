"""/health and its parts, and /metrics as Prometheus reads it."""
import json
import re

from harness import Neurond, hostile, main
from rawhttp import Conn, wait_for

SAMPLE = re.compile(r'^([a-z_:][a-z0-9_:]*)(\{[a-z_]+="(?:[^"\\\n]|\\.)*"(?:,[a-z_]+="(?:[^"\\\n]|\\.)*")*\})?'
                    r' (-?[0-9.e+-]+|NaN|\+Inf)$')


def get(daemon, path):
    with Conn(daemon.address) as conn:
        return conn.request("GET", path)


def metrics(daemon):
    got = get(daemon, "/metrics")
    assert got.status == 200 and got.header("content-type").startswith("text/plain"), got
    return got.body.decode()


def value(text, name, labels=""):
    for line in text.splitlines():
        if line.startswith(name + labels + " ") or (
                not labels and re.match(re.escape(name) + r"(\{[^}]*\})? ", line)):
            return float(line.rsplit(" ", 1)[1])
    return None


def test_health_paths():
    with Neurond({"a": hostile()}) as daemon:
        for path in ("/health", "/health/live", "/health/ready", "/livez", "/readyz", "/healthz",
                     "/ready"):
            got = get(daemon, path)
            assert got.status == 200, (path, got)
        detail = json.loads(get(daemon, "/health").body)
        assert detail["status"], detail
        assert "a" in json.dumps(detail), detail


def test_not_ready_while_a_first_start_is_under_way():
    with Neurond({"a": hostile("start=1500"), "b": hostile()}, wait=False) as daemon:
        found = daemon.wait_for_log(r"listening on 127\.0\.0\.1:(\d+)")
        daemon.address = ("127.0.0.1", int(found[1]))
        assert get(daemon, "/health/live").status == 200
        assert get(daemon, "/health/ready").status == 503
        wait_for("ready", lambda: get(daemon, "/health/ready").status == 200)


def test_metrics_are_well_formed_and_count():
    with Neurond({"a": hostile(), "b": hostile("crash-start=1")}) as daemon:
        with daemon.client() as client:
            client.call("a.echo", {"text": "x"})
            client.call("a.fail")
            text = metrics(daemon)
            families = {}
            for line in text.splitlines():
                if line.startswith("# TYPE "):
                    _, _, name, kind = line.split(" ")
                    assert name not in families, f"{name} stands twice"
                    families[name] = kind
                elif not line.startswith("# HELP "):
                    assert SAMPLE.match(line), line
                    name = SAMPLE.match(line)[1]
                    base = re.sub(r"_(bucket|sum|count)$", "", name)
                    assert name in families or base in families, line
            assert value(text, "neurond_downstream_up", '{downstream="a"}') == 1, text
            assert value(text, "neurond_downstream_up", '{downstream="b"}') == 0, text
            assert value(text, "neurond_catalog_tools") > 5
            assert value(text, "process_resident_memory_bytes") > 1e6
            assert value(text, "neurond_build_info") == 1
            before = sum_of(text, "neurond_calls_total")
            for _ in range(3):
                client.call("a.echo", {"text": "x"})
            assert sum_of(metrics(daemon), "neurond_calls_total") == before + 3


def sum_of(text, name):
    return sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines()
               if line.startswith(name + "{"))


def test_what_is_not_served_is_not_there():
    with Neurond(config={"server": {"serve": "mcp"}}) as daemon:
        for path in ("/metrics", "/health", "/health/live"):
            assert get(daemon, path).status == 404, path
        assert daemon.client().tools() == []


main(__name__)
