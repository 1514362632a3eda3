#include <doctest/doctest.h>

#include <string>

#include "neurond/mcp/client_caps.h"

namespace neuron {

namespace {

struct Row {
    std::string declared;
    std::string written;
};

}  // namespace

TEST_CASE("what was declared is written back in the fewest words") {
    for (const Row& row : {
             Row{"{}", "{}"},
             Row{R"({"roots":{}})", R"({"roots":{}})"},
             Row{R"({"roots":{"listChanged":true}})", R"({"roots":{"listChanged":true}})"},
             Row{R"({"sampling":{}})", R"({"sampling":{}})"},
             Row{R"({"sampling":{"tools":{},"context":{}}})",
                 R"({"sampling":{"context":{},"tools":{}}})"},
             // the bare object means forms, to older servers too
             Row{R"({"elicitation":{}})", R"({"elicitation":{}})"},
             Row{R"({"elicitation":{"form":{}}})", R"({"elicitation":{}})"},
             Row{R"({"elicitation":{"url":{}}})", R"({"elicitation":{"url":{}}})"},
             Row{R"({"elicitation":{"form":{},"url":{}}})",
                 R"({"elicitation":{"form":{},"url":{}}})"},
             // what neurond cannot act on is not promised
             Row{R"({"tasks":{},"experimental":{"x":1}})", "{}"},
         }) {
        CAPTURE(row.declared);
        const ClientCaps caps = ClientCaps::parse(JsonView(row.declared));
        CHECK(caps.to_json() == row.written);
        CHECK(ClientCaps::parse(JsonView(caps.to_json())).bits == caps.bits);
    }
}

}  // namespace neuron
