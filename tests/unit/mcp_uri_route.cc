#include "neurond/mcp/uri_route.h"

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <vector>

#include "neurond/base/limits.h"
#include "neurond/mcp/wrapped_uri.h"
#include "neurond/wire/json_view.h"

using namespace neuron;

namespace {

using Words = std::vector<std::string>;

std::shared_ptr<const Offer> offer(const Words& uris, const Words& templates = {}) {
    auto out = std::make_shared<Offer>();
    out->caps.resources = true;
    std::optional<std::string> cursor;
    for (const std::string& uri : uris) {
        REQUIRE(parse_page(
            ItemKind::kResource,
            Slice::copy_of(R"({"resources":[{"name":"n","uri":")" + uri + R"("}]})"), *out,
            cursor));
    }
    for (const std::string& uri : templates) {
        REQUIRE(parse_page(ItemKind::kTemplate,
                           Slice::copy_of(R"({"resourceTemplates":[{"name":"n",)"
                                          R"("uriTemplate":")" +
                                          uri + R"("}]})"),
                           *out, cursor));
    }
    return out;
}

/// "DOWNSTREAM OWN FULL", or "-".
std::string route(const Catalog& merged, const UriSightings& sightings,
                  const std::string& uri, const View& view = {}) {
    const auto seen = merged.seen_as(view);
    const auto entry = route_uri(merged, *seen, sightings, uri);
    return entry ? entry->downstream + " " + entry->own_name + " " + entry->full_name : "-";
}

}  // namespace

TEST_CASE("a wrapped URI says whose it is and is unwrapped to the same bytes") {
    for (const char* uri : {"file:///a b", "x:", "https://h/p?q=%2F#f", "a:\u00e9"}) {
        const auto back = unwrap_uri(wrap_uri("redis", uri));
        REQUIRE(back);
        CHECK(back->downstream == "redis");
        CHECK(back->uri == uri);
    }
    CHECK(wrap_uri("b", "file:///{path}/x{?q}") ==
          "neurond://b/file%3A%2F%2F%2F{path}%2Fx{?q}");
    CHECK(wrap_uri("b", "a:{x") == "neurond://b/a%3A{x");
    for (const char* other : {"neurond://b", "neurond://b/", "neurond:/b/x", "file:///x",
                              "neurond://b/%", "neurond://b/%zz"}) {
        CHECK_FALSE(unwrap_uri(other));
    }
}

TEST_CASE("a URI leads to its server, the surest way first") {
    CatalogBuilder builder;
    builder.add_downstream("a", {}, offer({"file:///a", "same:1"}, {"note:{id}"}));
    builder.add_downstream("b", {}, offer({"file:///b", "same:1", "only:b"}, {"{+any}!"}));
    builder.add_downstream("down", {}, nullptr);
    const auto catalog = builder.build(".");
    UriSightings sightings;
    sightings.saw("b", "file:///seen");
    sightings.saw("b", "note:7");
    struct Row {
        const char* uri;
        const char* target;
    };
    for (const Row& row : {
             Row{"file:///b", "b file:///b file:///b"},  // listed
             Row{"same:1", "a same:1 same:1"},           // the first configured keeps it
             Row{"neurond://b/same%3A1", "b same:1 neurond://b/same%3A1"},
             Row{"neurond://b/%73ame:1", "b same:1 neurond://b/same%3A1"},
             // A detour around the name that policy knows is none.
             Row{"neurond://a/file%3A%2F%2F%2Fa", "a file:///a file:///a"},
             Row{"neurond://down/x", "-"},
             Row{"neurond://none/x%3A", "-"},
             Row{"note:7", "a note:7 note:7"},  // a template before what was seen
             Row{"x:y!", "b x:y! x:y!"},
             Row{"file:///seen", "b file:///seen file:///seen"},
             Row{"only:c", "b only:c only:c"},  // the scheme is b's alone
             Row{"file:///c", "-"},             // two have the scheme
             Row{"other:1", "-"},               // two have resources
             Row{"", "-"},
         }) {
        CAPTURE(std::string(row.uri));
        CHECK(route(*catalog, sightings, row.uri) == row.target);
    }
    // Alone a server has its own URIs.
    CHECK(route(*catalog, sightings, "same:1", {"b", false}) ==
          "b same:1 neurond://b/same%3A1");
    CHECK(route(*catalog, sightings, "other:1", {"b", false}) == "b other:1 other:1");
    CHECK(catalog->exposed_uri("b", "same:1") == "neurond://b/same%3A1");
    CHECK(catalog->exposed_uri("a", "same:1") == "same:1");
    CHECK(catalog->wraps());
    CHECK_FALSE(catalog->seen_as({"b", false})->wraps());
}

TEST_CASE("the resource of an app is linked by the URI it has here") {
    const auto listing = [](const char* server) {
        auto out = std::make_shared<Offer>();
        std::optional<std::string> cursor;
        REQUIRE(parse_page(
            ItemKind::kTool,
            Slice::copy_of(R"({"tools":[{"name":"t","inputSchema":{"type":"object"},)"
                           R"("_meta":{"ui":{"resourceUri":"ui://app","n":1.0}}}]})"),
            *out, cursor));
        REQUIRE(parse_page(ItemKind::kResource,
                           Slice::copy_of(R"({"resources":[{"uri":"ui://app","name":")" +
                                          std::string(server) + "\"}]}"),
                           *out, cursor));
        return out;
    };
    CatalogBuilder builder;
    builder.add_downstream("a", {}, listing("a"));
    builder.add_downstream("b", {}, listing("b"));
    const auto catalog = builder.build(".");
    const auto link = [](const Catalog& seen, const char* tool) {
        const JsonView ui = JsonView(seen.find(tool)->item.view()).find("_meta").find("ui");
        CHECK(ui.find("n").raw() == "1.0");
        return ui.find("resourceUri").as_string().value_or("");
    };
    CHECK(link(*catalog, "a.t") == "ui://app");
    CHECK(link(*catalog, "b.t") == wrap_uri("b", "ui://app"));
    CHECK(catalog->find(ItemKind::kResource, link(*catalog, "b.t"))->downstream == "b");
    CHECK(link(*catalog->seen_as({{}, true}), "b_t") == wrap_uri("b", "ui://app"));
    CHECK(link(*catalog->seen_as({"b", false}), "t") == "ui://app");
}

TEST_CASE("what is hidden cannot be read under any other name") {
    CatalogBuilder builder;
    Exposure exposure;
    exposure.hide = {"file:///secret*"};
    builder.add_downstream("a", {}, offer({"file:///x"}, {"file:///{f}"}), exposure);
    const auto catalog = builder.build(".");
    const UriSightings none;
    CHECK(route(*catalog, none, "file:///y") == "a file:///y file:///y");
    CHECK(route(*catalog, none, "file:///secret") == "-");
    CHECK(route(*catalog, none, "neurond://a/file%3A%2F%2F%2Fsecret") == "-");
}

TEST_CASE("only so many URIs of a server are remembered") {
    UriSightings sightings;
    sightings.saw("b", "b:1");
    for (size_t i = 0; i <= kMaxUriSightings; ++i) {
        sightings.saw("a", "a:" + std::to_string(i));
    }
    sightings.saw("a", "a:" + std::string(kMaxUriBytes, 'x'));
    CHECK_FALSE(sightings.has("a", "a:0"));
    CHECK(sightings.has("a", "a:1"));
    CHECK(sightings.has("b", "b:1"));
    CHECK_FALSE(sightings.has("a", "a:" + std::string(kMaxUriBytes, 'x')));
}
