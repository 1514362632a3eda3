#include "neurond/mcp/uri_template.h"

#include <doctest/doctest.h>

#include <string>

using namespace neuron;

TEST_CASE("a URI matches the template it can come from") {
    struct Row {
        const char* uri_template;
        const char* uri;
        bool matches;
    };
    for (const Row& row : {
             // Level 1.
             Row{"file:///{path}", "file:///a", true},
             Row{"file:///{path}", "file:///a%20b", true},
             Row{"file:///{path}", "file:///", false},
             Row{"file:///{path}", "file:///a/b", false},
             Row{"file:///{path}", "File:///a", false},
             Row{"a://x/{id}/text", "a://x/7/text", true},
             Row{"a://x/{id}/text", "a://x/7/texts", false},
             Row{"a://x/{id}/text", "a://x//text", false},
             Row{"plain:uri", "plain:uri", true},
             Row{"plain:uri", "plain:ur", false},
             // Level 2.
             Row{"file://{+path}", "file:///a/b?c#d", true},
             Row{"a:b{#part}", "a:b", true},
             Row{"a:b{#part}", "a:b#x/y", true},
             Row{"a:b{#part}", "a:bx", false},
             // Level 3.
             Row{"a:{x,y}", "a:1,2", true},
             Row{"a:b{/x,y}", "a:b/1/2", true},
             Row{"a:b{/x,y}", "a:b/1", true},
             Row{"a:b{/x,y}", "a:b/1/2/3", false},
             Row{"a:b{.x}", "a:b.txt", true},
             Row{"a:b{?q,r}", "a:b?q=1&r=2", true},
             Row{"a:b{?q}", "a:b", true},
             Row{"a:b{?q}", "a:bq", false},
             Row{"a:b?z=1{&q}", "a:b?z=1&q=2", true},
             Row{"a:b{;q}", "a:b;q=1", true},
             // Not well formed.
             Row{"a:{x", "a:{x", false},
             Row{"a:{}", "a:", false},
             Row{"", "", true},
             Row{"", "a", false},
         }) {
        CAPTURE(std::string(row.uri_template));
        CAPTURE(std::string(row.uri));
        CHECK(template_matches(row.uri_template, row.uri) == row.matches);
    }
}

TEST_CASE("a template made to be slow is not") {
    std::string hostile = "a:";
    for (int i = 0; i < 500; ++i) {
        hostile += "{+x}";
    }
    CHECK_FALSE(template_matches(hostile + "!", "a:" + std::string(4000, 'b')));
}
