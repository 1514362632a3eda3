#include "neurond/cli/host_tools.h"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "neurond/cli/host_catalog.h"
#include "neurond/wire/json_doc.h"

using namespace neuron;

namespace {

constexpr const char* kInitialize =
    R"({"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"VERSION",)"
    R"("capabilities":{},"clientInfo":{"name":"t","version":"1"}}})";

std::string initialize(const std::string& version) {
    std::string text = kInitialize;
    return text.replace(text.find("VERSION"), 7, version);
}

std::string call(const std::string& tool, const std::string& arguments) {
    return R"({"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":")" +
           tool + R"(","arguments":)" + arguments + "}}";
}

JsonDoc parsed(const std::string& text) {
    Result<JsonDoc> doc = JsonDoc::parse(text);
    REQUIRE_MESSAGE(doc, text);
    return *std::move(doc);
}

std::string text_at(JsonNode node) {
    return std::string(node.as_string().value_or("(none)"));
}

/// A directory with proc/ and etc/ of our own making.
class Root {
  public:
    Root() {
        char path[] = "/tmp/neurond-unit-XXXXXX";
        path_ = ::mkdtemp(path);
    }
    ~Root() {
        for (auto it = made_.rbegin(); it != made_.rend(); ++it) {
            std::remove(it->c_str());
        }
        ::rmdir(path_.c_str());
    }
    Root(const Root&) = delete;
    Root& operator=(const Root&) = delete;

    const std::string& path() const { return path_; }
    void directory(const std::string& name) {
        made_.push_back(path_ + "/" + name);
        REQUIRE(::mkdir(made_.back().c_str(), 0700) == 0);
    }
    void file(const std::string& name, const std::string& content) {
        made_.push_back(path_ + "/" + name);
        FILE* out = std::fopen(made_.back().c_str(), "w");
        REQUIRE(out != nullptr);
        std::fputs(content.c_str(), out);
        std::fclose(out);
    }
    void process(const std::string& pid, const std::string& name,
                 const std::string& ticks, const std::string& pages) {
        directory("proc/" + pid);
        file("proc/" + pid + "/stat", pid + " (" + name + ") S 1 1 1 0 -1 0 0 0 0 0 " +
                                          ticks + " 0 0 0 20 0 1 0 500 0 " + pages +
                                          " 0\n");
        file("proc/" + pid + "/status", "Uid:\t1000\t0\t0\t0\n");
    }

  private:
    std::string path_;
    std::vector<std::string> made_;
};

}  // namespace

TEST_CASE("initialize answers the revision asked for, or else the latest") {
    const struct {
        const char* wanted;
        const char* answered;
    } rows[] = {
        {"2024-11-05", "2024-11-05"}, {"2025-03-26", "2025-03-26"},
        {"2025-06-18", "2025-06-18"}, {"2025-11-25", "2025-11-25"},
        {"2026-07-28", "2025-11-25"},  // has no handshake
        {"1999-01-01", "2025-11-25"}, {"", "2025-11-25"},
    };
    for (const auto& row : rows) {
        HostTools tools;
        const JsonDoc answer = parsed(tools.handle(initialize(row.wanted)));
        const JsonNode result = answer.root().get("result");
        CHECK(text_at(result.get("protocolVersion")) == row.answered);
        CHECK(result.get("capabilities").get("tools").is_object());
        CHECK(text_at(result.get("serverInfo").get("name")) == "neurond-host-tools");
    }
}

TEST_CASE("each kind of line gets its answer, or none") {
    HostTools tools;
    const struct {
        const char* line;
        const char* answer;
    } rows[] = {
        // Before the handshake, with string and integer ids, as they came.
        {R"({"jsonrpc":"2.0","id":"a\u0062","method":"ping"})",
         R"({"jsonrpc":"2.0","id":"a\u0062","result":{}})"},
        {"{\"id\":12345678901234567890,\"method\":\"ping\",\"jsonrpc\":\"2.0\"}\r",
         R"({"jsonrpc":"2.0","id":12345678901234567890,"result":{}})"},
        {R"({"jsonrpc":"2.0","id":1,"method":"resources/list"})",
         R"({"jsonrpc":"2.0","id":1,"error":{"code":-32601,)"
         R"("message":"Method not found: resources/list"}})"},
        // Nothing to answer.
        {R"({"jsonrpc":"2.0","method":"notifications/initialized"})", ""},
        {R"({"jsonrpc":"2.0","method":"notifications/nobody/knows","params":{}})", ""},
        {R"({"jsonrpc":"2.0","id":3,"result":{}})", ""},
        {R"({"jsonrpc":"2.0","id":3,"error":{"code":1,"message":"x"}})", ""},
        {"", ""},
        {"  \r", ""},
        // Garbage: an answer without id would help nobody.
        {"garbage", ""},
        {R"({"jsonrpc":"2.0","id":1,)", ""},
        {"\xff\xfe", ""},
        {"[]", ""},
        {R"([{"jsonrpc":"2.0","id":1,"method":"ping"}])",
         ""},  // no batch in this revision
        {R"({"jsonrpc":"2.0","id":null,"method":"ping"})", ""},
        {R"({"jsonrpc":"2.0","id":1.5,"method":"ping"})", ""},
    };
    for (const auto& row : rows) {
        CAPTURE(std::string(row.line));
        CHECK(tools.handle(row.line) == row.answer);
    }
}

TEST_CASE("a line that goes unanswered leaves a complaint, a good one none") {
    HostTools tools;
    tools.handle("garbage");
    CHECK_FALSE(tools.complaint().empty());
    tools.handle(R"({"jsonrpc":"2.0","id":1,"method":"ping"})");
    CHECK(tools.complaint().empty());
}

TEST_CASE("an invalid request with a readable id gets its error") {
    HostTools tools;
    const struct {
        const char* line;
        double code;
    } rows[] = {
        {R"({"id":1,"method":"ping"})", -32600},
        {R"({"jsonrpc":"2.0","id":1,"method":"ping","params":[]})", -32602},
        {R"({"jsonrpc":"2.0","id":1,"method":"initialize"})", -32602},
        {R"({"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":1}})",
         -32602},
        {R"({"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"cursor":"x"}})",
         -32602},
        {R"({"jsonrpc":"2.0","id":1,"method":"tools/call"})", -32602},
        {R"({"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"x"}})",
         -32602},
        {R"({"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"system.info",)"
         R"("arguments":[]}})",
         -32602},
    };
    for (const auto& row : rows) {
        CAPTURE(std::string(row.line));
        const JsonDoc answer = parsed(tools.handle(row.line));
        CHECK(answer.root().get("error").get("code").as_number() == row.code);
        CHECK(answer.root().get("id").as_number() == 1.0);
    }
}

TEST_CASE("batches are answered in the one revision that has them") {
    HostTools tools;
    tools.handle(initialize("2025-03-26"));
    CHECK(
        tools.handle(R"([{"jsonrpc":"2.0","id":1,"method":"ping"},)"
                     R"({"jsonrpc":"2.0","method":"notifications/initialized"},)"
                     R"({"jsonrpc":"2.0","id":2,"method":"ping"}])") ==
        R"([{"jsonrpc":"2.0","id":1,"result":{}},{"jsonrpc":"2.0","id":2,"result":{}}])");
    CHECK(tools.handle(R"([{"jsonrpc":"2.0","method":"notifications/initialized"}])") ==
          "");
    CHECK(tools.handle("[{]").empty());
}

TEST_CASE("every tool is listed in order, with schemas that are JSON objects") {
    HostTools tools;
    const JsonDoc answer =
        parsed(tools.handle(R"({"jsonrpc":"2.0","id":1,"method":"tools/list"})"));
    const JsonNode list = answer.root().get("result").get("tools");
    REQUIRE(list.size() == host_catalog().size());
    std::string last;
    for (JsonNode tool = list.first(); tool.exists(); tool = tool.next()) {
        const std::string name = text_at(tool.get("name"));
        CHECK(last < name);
        last = name;
        for (const char* schema : {"inputSchema", "outputSchema"}) {
            CHECK(text_at(tool.get(schema).get("type")) == "object");
            CHECK(tool.get(schema).get("additionalProperties").as_bool() == false);
            CHECK(tool.get(schema).get("properties").is_object());
        }
        CHECK_FALSE(text_at(tool.get("description")).empty());
        CHECK(tool.get("annotations").get("readOnlyHint").as_bool() == true);
        CHECK(tool.get("annotations").get("openWorldHint").as_bool() == false);
    }
}

TEST_CASE(
    "every tool works here, and its result has what its schema requires and no more") {
    HostTools tools;
    for (const HostTool& tool : host_catalog()) {
        CAPTURE(std::string(tool.name));
        const JsonDoc answer = parsed(tools.handle(call(tool.name, "{}")));
        const JsonNode result = answer.root().get("result");
        CHECK(result.get("isError").as_bool() == false);
        const JsonNode structured = result.get("structuredContent");
        REQUIRE(structured.is_object());
        const JsonDoc text = parsed(text_at(result.get("content").at(0).get("text")));
        CHECK((text.root().print() == structured.print()));

        const JsonDoc schema = parsed(tool.output_schema);
        const JsonNode required = schema.root().get("required");
        for (JsonNode key = required.first(); key.exists(); key = key.next()) {
            CHECK_MESSAGE(structured.get(text_at(key)).exists(), text_at(key));
        }
        for (JsonNode one = structured.first(); one.exists(); one = one.next()) {
            CHECK(schema.root().get("properties").get(one.key()).exists());
        }
    }
}

TEST_CASE("wrong arguments are told by name, as the tool's own error") {
    HostTools tools;
    const struct {
        const char* tool;
        const char* arguments;
        const char* part;
    } rows[] = {
        {"system.info", R"({"verbose":true})", "\"verbose\""},
        {"system.load", R"({"x":1})", "\"x\""},
        {"system.memory", R"({"x":1})", "\"x\""},
        {"system.disks", R"({"x":1})", "\"x\""},
        {"process.list", R"({"limit":0})", "\"limit\""},
        {"process.list", R"({"limit":1001})", "\"limit\""},
        {"process.list", R"({"limit":"many"})", "\"limit\""},
        {"process.list", R"({"limit":1e99})", "\"limit\""},
        {"process.list", R"({"sort":"age"})", "\"sort\""},
        {"process.list", R"({"name":"[z-a]"})", "\"name\""},
        {"process.list", R"({"name":7})", "\"name\""},
        {"process.list", R"({"naem":"x"})", "\"naem\""},
    };
    for (const auto& row : rows) {
        CAPTURE(std::string(row.arguments));
        const JsonDoc answer = parsed(tools.handle(call(row.tool, row.arguments)));
        const JsonNode result = answer.root().get("result");
        CHECK(result.get("isError").as_bool() == true);
        CHECK_FALSE(result.get("structuredContent").exists());
        const std::string text = text_at(result.get("content").at(0).get("text"));
        CHECK(text.find(row.part) != std::string::npos);
    }
}

TEST_CASE("processes are filtered, sorted and limited, their numbers exact") {
    Root root;
    root.directory("proc");
    root.file("proc/stat", "cpu 1\nbtime 1000000000\n");
    root.process("10", "idle one", "100", "9007199254740993");
    root.process("20", "web (worker)", "12345", "2");
    root.process("30", "web", "7", "5");
    root.directory("proc/40");  // gone between two looks
    root.directory("proc/self");

    const auto listed = [&](const char* arguments) {
        HostTools tools(root.path());
        const std::string answer = tools.handle(call("process.list", arguments));
        std::string pids;
        for (size_t at = 0; (at = answer.find("{\"pid\":", at)) != std::string::npos;) {
            at += 7;
            pids += answer.substr(at, 2) + " ";
        }
        return pids;
    };
    CHECK(listed("{}") == "20 10 30 ");
    CHECK(listed(R"({"sort":"memory"})") == "10 30 20 ");
    CHECK(listed(R"({"sort":"pid"})") == "10 20 30 ");
    CHECK(listed(R"({"sort":"pid","limit":2})") == "10 20 ");
    CHECK(listed(R"({"name":"web*"})") == "20 30 ");
    CHECK(listed(R"({"name":"none"})").empty());

    HostTools tools(root.path());
    const std::string one = tools.handle(call("process.list", R"({"name":"web (*"})"));
    CHECK(one.find(R"-("name":"web (worker)","state":"sleeping")-") !=
          std::string::npos);
    CHECK(one.find(R"("uid":1000)") != std::string::npos);
    if (::sysconf(_SC_CLK_TCK) == 100) {
        CHECK(one.find(R"("cpu_seconds":123.45,)") != std::string::npos);
        CHECK(one.find(R"("started_at":"2001-09-09T01:46:45.000Z")") !=
              std::string::npos);
    }
    CHECK(one.find(R"("total":1})") != std::string::npos);
}

TEST_CASE("numbers of the kernel come through exactly") {
    Root root;
    root.directory("proc");
    root.file("proc/loadavg", "0.10 1.05 12.00 3/456 789\n");
    root.file("proc/meminfo", "MemTotal: 8796093022209 kB\nMemFree: 1 kB\n");
    HostTools tools(root.path());
    const std::string load = tools.handle(call("system.load", "{}"));
    CHECK(load.find(R"("structuredContent":{"load_1m":0.10,"load_5m":1.05,)"
                    R"("load_15m":12.00,"runnable_tasks":3,"total_tasks":456,)") !=
          std::string::npos);
    const std::string memory = tools.handle(call("system.memory", "{}"));
    CHECK(memory.find(R"({"total_bytes":9007199254742016,"free_bytes":1024})") !=
          std::string::npos);
}

TEST_CASE("a machine that does not tell is an honest error, not a crash") {
    Root root;
    HostTools tools(root.path());
    for (const char* tool :
         {"system.load", "system.memory", "system.disks", "process.list"}) {
        const JsonDoc answer = parsed(tools.handle(call(tool, "{}")));
        CHECK(answer.root().get("result").get("isError").as_bool() == true);
    }
    const JsonDoc info = parsed(tools.handle(call("system.info", "{}")));
    CHECK(info.root().get("result").get("isError").as_bool() == false);
}
