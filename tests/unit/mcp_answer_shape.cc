#include "neurond/mcp/answer_shape.h"

#include <doctest/doctest.h>

#include <memory>
#include <string>

#include "neurond/mcp/catalog.h"
#include "neurond/wire/json_scan.h"

using namespace neuron;

namespace {

constexpr const char* kListed = R"({"resources":[{"uri":"same:1","name":"n"}]})";

/// A call to `b`, whose same:1 belongs to `a`.
Call call_to_b(CallKind kind, Revision client = Revision::k20251125) {
    CatalogBuilder builder;
    for (const char* name : {"a", "b"}) {
        auto offer = std::make_shared<Offer>();
        std::optional<std::string> cursor;
        REQUIRE(parse_page(ItemKind::kResource, Slice::copy_of(kListed), *offer, cursor));
        builder.add_downstream(name, {}, offer);
    }
    Call call;
    call.catalog = builder.build(".");
    auto entry = std::make_shared<CatalogEntry>();
    entry->downstream = "b";
    entry->own_name = "same:1";
    call.entry = entry;
    call.request.kind = kind;
    call.request.name = "neurond://b/same%3A1";
    call.request.revision = client;
    return call;
}

std::string shaped(const Call& call, Answer answer) {
    UriSightings sightings;
    const Answer out = shape_answer(call, std::move(answer), sightings);
    const std::string text(out.body.view());
    JsonScanner scan(64);
    REQUIRE_MESSAGE(scan.finish(text) == Scan::kDone, text);
    return text;
}

}  // namespace

TEST_CASE("a URI that another server has is wrapped wherever it occurs") {
    struct Row {
        CallKind kind;
        const char* result;
        const char* shaped;
    };
    for (const Row& row : {
             Row{CallKind::kResource, R"({"contents":[{"uri":"same:1","text":"same:1"}]})",
                 R"({"contents":[{"uri":"neurond://b/same%3A1","text":"same:1"}]})"},
             Row{CallKind::kTool,
                 R"({"content":[{"type":"resource_link","uri":"s\u0061me:1","name":"x"},)"
                 R"({"type":"resource","resource":{"uri":"same:1","text":"t"}},)"
                 R"({"type":"text","text":"same:1","uri":"same:1"}]})",
                 R"({"content":[{"type":"resource_link","uri":"neurond://b/same%3A1",)"
                 R"("name":"x"},)"
                 R"({"type":"resource","resource":{"uri":"neurond://b/same%3A1",)"
                 R"("text":"t"}},{"type":"text","text":"same:1","uri":"same:1"}]})"},
             Row{CallKind::kPrompt,
                 R"({"messages":[{"role":"user","content":{"type":"resource",)"
                 R"("resource":{"uri":"same:1","text":"t"}}}]})",
                 R"({"messages":[{"role":"user","content":{"type":"resource",)"
                 R"("resource":{"uri":"neurond://b/same%3A1","text":"t"}}}]})"},
             Row{CallKind::kTool, R"({"content":[{"type":"resource_link","uri":"b:2"}]})",
                 R"({"content":[{"type":"resource_link","uri":"b:2"}]})"},
             Row{CallKind::kTool, R"({"content":7,"uri":"same:1"})",
                 R"({"content":7,"uri":"same:1"})"},
         }) {
        CAPTURE(std::string(row.result));
        CHECK(shaped(call_to_b(row.kind), Answer::result(Slice::copy_of(row.result))) ==
              row.shaped);
    }
}

TEST_CASE("what is read is marked, and URIs that are mentioned are noted") {
    UriSightings sightings;
    const Slice body = Slice::copy_of(R"({"contents":[{"uri":"b:2"}]})");
    const Answer out = shape_answer(call_to_b(CallKind::kResource), Answer::result(body),
                                    sightings);
    CHECK(out.is_read);
    CHECK(out.body.data == body.data);  // nothing changed, nothing copied
    CHECK(sightings.has("b", "b:2"));
    CHECK_FALSE(sightings.has("a", "b:2"));
    CHECK_FALSE(shape_answer(call_to_b(CallKind::kTool), Answer::result(body), sightings)
                    .is_read);
}

TEST_CASE("content that an old client does not know becomes text") {
    struct Row {
        Revision client;
        const char* result;
        const char* shaped;
    };
    const char* const link =
        R"({"content":[{"type":"resource_link","uri":"same:1","name":"x"}]})";
    const char* const audio =
        R"({"content":[{"type":"audio","data":"AA==","mimeType":"audio/wav"}]})";
    for (const Row& row : {
             Row{Revision::k20250326, link,
                 R"({"content":[{"type":"text","text":"x: neurond://b/same%3A1"}]})"},
             Row{Revision::k20250618, link,
                 R"({"content":[{"type":"resource_link","uri":"neurond://b/same%3A1",)"
                 R"("name":"x"}]})"},
             Row{Revision::k20241105, audio,
                 R"({"content":[{"type":"text","text":)"
                 R"("[audio/wav left out: this client takes no audio]"}]})"},
             Row{Revision::k20250326, audio, audio},
         }) {
        CAPTURE(std::string(row.result));
        CHECK(shaped(call_to_b(CallKind::kTool, row.client),
                     Answer::result(Slice::copy_of(row.result))) == row.shaped);
    }
}

TEST_CASE("not found is told in the words of the client's era") {
    struct Row {
        Revision client;
        const char* error;
        const char* shaped;
    };
    constexpr Revision kOld = Revision::k20250618;
    constexpr Revision kNew = Revision::k20260728;
    for (const Row& row : {
             Row{kNew, R"({"code":-32002,"message":"m"})",
                 R"({"data":{"uri":"neurond://b/same%3A1"},"code":-32602,"message":"m"})"},
             Row{kNew, R"({"code":-32002,"message":"m","data":{"uri":"same:1","x":1.0}})",
                 R"({"code":-32602,"message":"m",)"
                 R"("data":{"uri":"neurond://b/same%3A1","x":1.0}})"},
             Row{kNew, R"({"code":-32002,"message":"m","data":{}})",
                 R"({"code":-32602,"message":"m","data":{"uri":"neurond://b/same%3A1"}})"},
             Row{kNew, R"({"code":-32002,"message":"m","data":{"x":1}})",
                 R"({"code":-32602,"message":"m",)"
                 R"("data":{"uri":"neurond://b/same%3A1","x":1}})"},
             Row{kNew, R"({"code":-32002,"message":"m","data":7})",
                 R"({"code":-32602,"message":"m","data":7})"},
             Row{kOld, R"({"code":-32602,"message":"m","data":{"uri":"same:1"}})",
                 R"({"code":-32002,"message":"m","data":{"uri":"neurond://b/same%3A1"}})"},
             Row{kOld, R"({"code":-32602,"message":"m"})",
                 R"({"code":-32602,"message":"m"})"},
             Row{kOld, R"({"code":-32603,"message":"m","data":{"uri":"same:1"}})",
                 R"({"code":-32603,"message":"m","data":{"uri":"same:1"}})"},
         }) {
        CAPTURE(std::string(row.error));
        CHECK(shaped(call_to_b(CallKind::kResource, row.client),
                     Answer::error(Slice::copy_of(row.error))) == row.shaped);
        CHECK(shaped(call_to_b(CallKind::kTool, row.client),
                     Answer::error(Slice::copy_of(row.error))) == row.error);
    }
}

TEST_CASE("a client that knows of no URLs to open is told in words it knows") {
    UriSightings sightings;
    const char* const error = R"({"code":-32042,"message":"m","data":{"elicitations":[]}})";
    for (const Revision client :
         {Revision::k20241105, Revision::k20250618, Revision::k20260728}) {
        const Answer out = shape_answer(call_to_b(CallKind::kTool, client),
                                        Answer::error(Slice::copy_of(error)), sightings);
        REQUIRE(out.kind == Answer::Kind::kOwnError);
        CHECK(out.own.code == JsonRpcError::kInternal);
        CHECK(out.own.message ==
              "Downstream 'b' wants a URL opened, which this client cannot: m");
    }
    CHECK(shaped(call_to_b(CallKind::kTool, Revision::k20251125),
                 Answer::error(Slice::copy_of(error))) == error);
    const char* const other = R"({"code":-32000,"message":"-32042"})";
    CHECK(shaped(call_to_b(CallKind::kTool, Revision::k20250618),
                 Answer::error(Slice::copy_of(other))) == other);
}

TEST_CASE("what a server has against neurond's request is not the client's to mend") {
    UriSightings sightings;
    const struct {
        const char* error;
        bool own;
    } rows[] = {
        {R"({"code":-32020,"message":"m"})", true},
        {R"({"code":-32022,"message":"m","data":{"supported":["x"]}})", true},
        {R"({"code":-32021,"message":"m","data":{"requiredCapabilities":{}}})", false},
        {R"({"code":-32602,"message":"m"})", false},
        {R"({"code":"-32020"})", false},
    };
    for (const auto& row : rows) {
        CAPTURE(row.error);
        const Answer out = shape_answer(call_to_b(CallKind::kTool),
                                        Answer::error(Slice::copy_of(row.error)),
                                        sightings);
        CHECK((out.kind == Answer::Kind::kOwnError) == row.own);
        if (row.own) {
            CHECK(out.own.code == JsonRpcError::kInternal);
            CHECK(out.own.message == "Downstream 'b' refused neurond's request: m");
        } else {
            CHECK(out.body.view() == row.error);
        }
    }
}
