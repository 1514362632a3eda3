#include "neurond/wire/trace_context.h"

#include <doctest/doctest.h>

using namespace neuron;

TEST_CASE("a trace id is read from a valid traceparent alone") {
    const struct {
        const char* value;
        const char* id;
    } rows[] = {
        {"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
         "4bf92f3577b34da6a3ce929d0e0e4736"},
        // a later version, which may say more
        {"cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-x",
         "4bf92f3577b34da6a3ce929d0e0e4736"},
        {"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-x", ""},
        {"cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01.x", ""},
        // a version that is forbidden, ids of nothing but zeros
        {"ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", ""},
        {"00-00000000000000000000000000000000-00f067aa0ba902b7-01", ""},
        {"00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01", ""},
        // no digits, no dashes, not all of it
        {"00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01", ""},
        {"00-4bf92f3577b34da6a3ce929d0e0e473\n-00f067aa0ba902b7-01", ""},
        {"00_4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", ""},
        {"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0", ""},
        {"", ""},
    };
    for (const auto& row : rows) {
        CAPTURE(row.value);
        CHECK(trace_id(row.value) == row.id);
    }
}

TEST_CASE("three fields carry the context of a trace") {
    CHECK(is_trace_field("traceparent"));
    CHECK(is_trace_field("TraceState"));
    CHECK(is_trace_field("BAGGAGE"));
    CHECK_FALSE(is_trace_field("traceparent2"));
    CHECK_FALSE(is_trace_field("x-trace"));
}
