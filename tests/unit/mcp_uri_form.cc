#include "neurond/mcp/uri_form.h"

#include <doctest/doctest.h>

#include <string>
#include <string_view>

using namespace neuron;

TEST_CASE("spellings of one URI have one plain form") {
    struct Row {
        std::string_view uri;
        std::string_view plain;
    };
    for (const Row& row : {
             Row{"mem:///a", "mem:///a"},
             Row{"mem:///%73ecret", "mem:///secret"},
             Row{"mem:///%2573ecret", "mem:///secret"},      // twice
             Row{"mem:///%25%37%33ecret", "mem:///secret"},  // in pieces
             Row{"mem%3A///a", "mem:///a"},
             Row{"MEM:///a", "mem:///a"},
             Row{"mem:///A", "mem:///A"},  // of a path case counts
             Row{"http://EXAMPLE.com/A?B=C", "http://example.com/A?B=C"},
             Row{"http://EXAMPLE.com", "http://example.com"},
             Row{"mem:///a#b", "mem:///a"},
             Row{"mem:///a%23b", "mem:///a"},
             Row{"mem:///pub/../secret", "mem:///secret"},
             Row{"mem:///pub/./secret", "mem:///pub/secret"},
             Row{"mem:///pub/%2e%2e/secret", "mem:///secret"},
             Row{"mem:///pub%2f..%2fsecret", "mem:///secret"},
             Row{"mem:///pub\\..\\secret", "mem:///secret"},
             Row{"mem:///../../a", "mem:///a"},  // not above the root
             Row{"mem:///a/..", "mem:///"},
             Row{"mem:///a/.", "mem:///a/"},
             Row{"mem:///a//b", "mem:///a//b"},
             Row{"mem:///a?x=/../b", "mem:///a?x=/../b"},  // a query has no segments
             Row{" \tmem:///a \n", "mem:///a"},
             Row{"me\tm:///se\ncr\ret", "mem:///secret"},
             Row{"mem:///a b", "mem:///a b"},
             Row{"mem:///%zz%4", "mem:///%zz%4"},  // no escapes
             Row{"urn:Isbn:1", "urn:Isbn:1"},
             Row{"no-scheme", "no-scheme"},
             Row{"", ""},
             Row{"%", "%"},
             Row{"..", ""},
             Row{"urn:a/../b", "urn:b"},
             Row{"a:", "a:"},
             Row{"a://", "a://"},
         }) {
        CAPTURE(row.uri);
        CHECK(plain_uri(row.uri) == row.plain);
        CHECK(plain_uri(row.plain) == row.plain);  // nothing more to do
        if (row.uri != row.plain) {
            CHECK(has_other_form(row.uri));
        }
    }
}

TEST_CASE("a URI as servers write it has no other form") {
    for (const char* uri : {"file:///etc/hosts", "mem:///a.b/c-d_e~f", "http://h:80/?q=1",
                            "mem:///{path}", "urn:isbn:1"}) {
        CHECK_FALSE(has_other_form(uri));
    }
}
