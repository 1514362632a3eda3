#include <doctest/doctest.h>

#include <iterator>
#include <string>

#include "neurond/mcp/revision.h"

using namespace neuron;

TEST_CASE("every revision is read back from its own name") {
    for (const Revision revision : kRevisions) {
        CHECK(parse_revision(to_string(revision)) == revision);
    }
    CHECK(std::size(kRevisions) == 5);
}

TEST_CASE("nothing but the five dates is a revision") {
    for (const char* text : {
             "",             // nothing
             "2024-10-07",   // older than any we speak
             "2025-11-2",    // cut off
             "2025-11-251",  // goes on
             " 2025-11-25",  // a blank
             "2025-11-25\n",
             "DRAFT-2026-v1",
             "v999",
         }) {
        CAPTURE(std::string(text));
        CHECK_FALSE(parse_revision(text));
    }
}

TEST_CASE("a legacy handshake answers the same legacy revision, else the latest") {
    struct Row {
        const char* asked;
        const char* answer;
    };
    for (const Row& row : {
             Row{"2024-11-05", "2024-11-05"},  // the four we speak
             Row{"2025-03-26", "2025-03-26"},
             Row{"2025-06-18", "2025-06-18"},
             Row{"2025-11-25", "2025-11-25"},
             Row{"2026-07-28", "2025-11-25"},  // has no handshake
             Row{"2024-10-07", "2025-11-25"},  // unknown
             Row{"2099-01-01", "2025-11-25"},
             Row{"", "2025-11-25"},
         }) {
        CAPTURE(std::string(row.asked));
        CHECK(std::string(to_string(negotiate_legacy(row.asked))) == row.answer);
    }
}

TEST_CASE("only the last revision is not legacy") {
    for (const Revision revision : kRevisions) {
        CHECK(is_legacy(revision) == (revision != Revision::k20260728));
    }
}
