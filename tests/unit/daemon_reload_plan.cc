#include "neurond/daemon/reload_plan.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "conf_fake.h"

using namespace neuron;
using namespace neuron::conf;

namespace {

std::shared_ptr<const Config> config(const std::string& text) {
    FakeFiles files(text);
    LoadResult loaded = load({"t.conf", {}}, files);
    REQUIRE((loaded.config != nullptr));
    return loaded.config;
}

DownstreamForms forms(const Config& config) {
    DownstreamForms out;
    for (const Section* section : config.sections("downstream")) {
        out.emplace_back(section->label(), form_of(*section, config));
    }
    return out;
}

ReloadPlan plan(const std::string& before, const std::string& after) {
    const auto old = config(before);
    const auto next = config(after);
    return plan_reload(forms(*old), forms(*next), *old, *next);
}

using Names = std::vector<std::string>;

const std::string kX = "[downstream x]\ncommand = /bin/x\n";
const std::string kY = "[downstream y]\nurl = http://y/\n";

}  // namespace

TEST_CASE("a plan tells what is new, gone, other and the same") {
    const ReloadPlan got = plan(kX + kY + "[downstream z]\nurl = http://z/\n",
                                "[downstream a]\nurl = http://a/\n" + kY +
                                    "[downstream z]\nurl = http://z/2\n");
    CHECK(got.add == Names{"a"});
    CHECK(got.remove == Names{"x"});
    CHECK(got.change == Names{"z"});
    CHECK(got.keep == Names{"y"});
    CHECK(got.restart.empty());
    CHECK(to_string(got) == "add a; remove x; change z; keep 1");
}

TEST_CASE("a form is what a section means, not how it is written") {
    struct Row {
        const char* what;
        std::string after;
        bool same;
    };
    const Row rows[] = {
        {"itself", kX, true},
        {"a comment", "# x\n" + kX + "# y\n", true},
        {"a default in words", kX + "queue = 1024\n", true},
        {"another order of keys", "[downstream x]\nqueue = 1024\ncommand = /bin/x\n", true},
        {"beside another one", kY + kX, true},
        {"another limit", kX + "[limits]\nsessions = 7\n", true},
        {"another program", "[downstream x]\ncommand = /bin/y\n", false},
        {"an argument", kX + "args = a\n", false},
        {"a variable", kX + "env.A = b\n", false},
        {"another limit of messages", kX + "[limits]\nmessage_max = 2m\n", false},
        {"another alarm", kX + "[alert]\ncrashes = 9\n", false},
    };
    for (const Row& row : rows) {
        CAPTURE(row.what);
        const ReloadPlan got = plan(kX, row.after);
        CHECK((got.keep == Names{"x"}) == row.same);
        CHECK((got.change == Names{"x"}) == !row.same);
    }
}

TEST_CASE("words of a list stay apart in a form") {
    CHECK(plan(kX + "args = a b\n", kX + "args = \"a b\"\n").change == Names{"x"});
}

TEST_CASE("keys that need a restart are named, others are not") {
    CHECK(plan(kX, kX + "[server]\nrun_dir = /r\ndrain_timeout = 1s\n"
                        "[audit]\npath = /a\nsync = no\n")
              .restart == Names{"server.run_dir", "audit.path"});
}
