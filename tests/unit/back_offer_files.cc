#include "neurond/back/offer_files.h"

#include <doctest/doctest.h>

#include <string>

using namespace neuron;

namespace {

const std::string kWhole =
    R"({"revision":"2026-07-28","capabilities":{"tools":{"listChanged":true},)"
    R"("resources":{"listChanged":true,"subscribe":true},"logging":{}},)"
    R"("instructions":"Be \"kind\".",)"
    R"("tools":[{"name":"a","n":1.10,"inputSchema":{"type":"object"}}],"prompts":[],)"
    R"("resources":[{"uri":"file:///x","name":"x"}],"resourceTemplates":[]})";

}  // namespace

TEST_CASE("an offer comes back as it was kept, byte for byte") {
    const auto offer = offer_from_json(kWhole);
    REQUIRE(static_cast<bool>(offer));
    CHECK(offer->revision == Revision::k20260728);
    CHECK(offer->caps.tools);
    CHECK_FALSE(offer->caps.prompts);
    CHECK(offer->caps.subscribe);
    CHECK(offer->caps.logging);
    CHECK_FALSE(offer->caps.completions);
    CHECK(offer->instructions == "Be \"kind\".");
    REQUIRE(offer->tools().size() == 1);
    CHECK(offer->tools()[0].item.view() ==
          R"({"name":"a","n":1.10,"inputSchema":{"type":"object"}})");
    CHECK(offer->of(ItemKind::kResource).items.size() == 1);
    CHECK(offer_to_json(*offer) == kWhole);
}

TEST_CASE("what was damaged or is of another kind is no offer") {
    for (size_t n = 0; n < kWhole.size(); ++n) {
        CAPTURE(n);
        CHECK_FALSE(static_cast<bool>(offer_from_json(kWhole.substr(0, n))));
    }
    for (const char* text : {"[]", "7", "{}", R"({"revision":"1999-01-01"})",
                             R"({"revision":"2025-11-25","tools":7})"}) {
        CAPTURE(std::string(text));
        CHECK_FALSE(static_cast<bool>(offer_from_json(text)));
    }
}
