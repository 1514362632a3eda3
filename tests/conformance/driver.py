"""What the client suites start: a client of the scenario's era that uses the suite's server
through neurond, and does what the scenario wants done.

usage: driver.py URL   (MCP_CONFORMANCE_SCENARIO, _PROTOCOL_VERSION and _CONTEXT are set)"""
import json
import os
import pathlib
import sys
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "it"))

from harness import Neurond  # noqa: E402
from mcp import McpClient, ModernClient  # noqa: E402

LATEST_LEGACY = "2025-11-25"
CAPABILITIES = {"elicitation": {}, "sampling": {}, "roots": {}}

# Where neurond must find out by itself which header fields go with a call: a legacy client
# sends none.
HEADERS = ("http-custom-headers", "http-invalid-tool-headers")


# Where the suite takes any GET for the one that it waits for: without capabilities a client
# gets the connection that neurond has already, with its stream of notifications.
PLAIN = ("sse-retry",)


class Driver:
    def __init__(self, daemon, era, capabilities=None):
        self.daemon = daemon
        make = ModernClient if era > LATEST_LEGACY else McpClient
        self.client = make(daemon.address,
                           capabilities=CAPABILITIES if capabilities is None else capabilities)

    def call(self, name, arguments=None):
        """One whole call, questions included: they are answered by what they propose."""
        params = {"name": name, "arguments": arguments or {}}
        got = self.client.request("tools/call", params, on_event=self.asked).result
        while got.get("resultType") == "input_required":
            more = {"inputResponses": {key: accepted(each["params"])
                                       for key, each in got["inputRequests"].items()}}
            if "requestState" in got:
                more["requestState"] = got["requestState"]
            got = self.client.request("tools/call", {**params, **more}).result
        return got

    def asked(self, message):
        if message.get("method") == "elicitation/create":
            with McpClient(self.daemon.address, start=False) as other:
                other.session = self.client.session
                other.respond(message["id"], accepted(message["params"]))

    def list(self, kind):
        return self.client.request(f"{kind}/list").result[kind]


def accepted(params):
    fields = params["requestedSchema"]["properties"]
    return {"action": "accept", "content": {
        name: field.get("default", True) for name, field in fields.items()}}


def use_everything(driver, _context):
    for tool in driver.list("tools"):
        driver.call(tool["name"])
    for resource in driver.list("resources"):
        driver.client.request("resources/read", {"uri": resource["uri"]})
    for prompt in driver.list("prompts"):
        driver.client.request("prompts/get", {"name": prompt["name"]})


def call_with_regions(driver, _context):
    for tool in driver.list("tools"):
        driver.call(tool["name"], {name: "us" for name in tool["inputSchema"]["properties"]})


def call_what_is_asked(driver, context):
    for each in context["toolCalls"]:
        driver.call(each["name"], each["arguments"])


def ask_in_parallel(driver, _context):
    """Another call between the rounds of each."""
    for name in ("test_mrtr_echo_state", "test_mrtr_no_state"):
        other = threading.Thread(target=Driver(driver.daemon, "2026-07-28").call,
                                 args=("test_mrtr_unrelated",))
        other.start()
        driver.call(name)
        other.join()
    driver.call("test_mrtr_no_result_type")


def echo_schema(driver, _context):
    rich = next(t for t in driver.list("tools") if t["name"] == "json_schema_2020_12_tool")
    driver.call("json_schema_echo", {"schema": rich["inputSchema"]})


SCENARIOS = {
    "tools_call": lambda driver, _: driver.call("add_numbers", {"a": 5, "b": 3}),
    "elicitation-sep1034-client-defaults":
        lambda driver, _: driver.call("test_client_elicitation_defaults"),
    "sse-retry": lambda driver, _: driver.call("test_reconnection"),
    "json-schema-2020-12-preservation": echo_schema,
    "http-standard-headers": use_everything,
    "http-custom-headers": call_what_is_asked,
    "http-invalid-tool-headers": call_with_regions,
    "sep-2322-client-request-state": ask_in_parallel,
}


def drive(url, scenario, era, context):
    section = {"url": url, "prefix": "none", "start_timeout": "15s"}
    with Neurond({"mock": section}, {"log": {"level": "debug"}}) as daemon:
        daemon.wait_for_log("mock: healthy", 15)
        if scenario in PLAIN:  # a GET that comes later would be taken for the one it waits for
            daemon.wait_for_log("mock: its stream of notifications is open", 15)
        driver = Driver(daemon, LATEST_LEGACY if scenario in HEADERS else era,
                        {} if scenario in PLAIN else None)
        driver.list("tools")
        if scenario in SCENARIOS:
            SCENARIOS[scenario](driver, context)


if __name__ == "__main__":
    drive(sys.argv[1], os.environ["MCP_CONFORMANCE_SCENARIO"],
          os.environ["MCP_CONFORMANCE_PROTOCOL_VERSION"],
          json.loads(os.environ.get("MCP_CONFORMANCE_CONTEXT", "{}")))
