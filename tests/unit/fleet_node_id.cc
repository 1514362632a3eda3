#include "neurond/fleet/node_id.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

#include "neurond/base/atomic_file.h"

using namespace neuron;

TEST_CASE("an id is made once, and nothing else is taken for one") {
    char dir[] = "/tmp/neurond-node-id-XXXXXX";
    REQUIRE(::mkdtemp(dir) != nullptr);
    const std::string path = std::string(dir) + "/node_id";
    const Result<std::string> made = load_or_create_node_id(path);
    REQUIRE(made);
    CHECK(made->size() == 36);
    CHECK((*made)[14] == '4');
    CHECK(*read_file(path, 100) == *made + "\n");
    CHECK(*load_or_create_node_id(path) == *made);

    const struct {
        const char* text;
        bool good;
    } rows[] = {
        {"f81d4fae-7dec-41d0-a765-00a0c91e6bf6", true},        // without its line's end
        {" F81D4FAE-7DEC-41D0-A765-00A0C91E6BF6 \r\n", true},  // as somebody edited it
        {"f81d4fae-7dec-41d0-a765-00a0c91e6bf", false},        // a digit short
        {"f81d4fae-7dec-41d0-a765-00a0c91e6bfg", false},       // no digit
        {"f81d4fae07dec-41d0-a765-00a0c91e6bf6", false},       // no dash
        {"", false},
        {"\n", false},
    };
    for (const auto& row : rows) {
        CAPTURE(row.text);
        REQUIRE(write_file_atomically(path, row.text, 0644));
        CHECK(static_cast<bool>(load_or_create_node_id(path)) == row.good);
    }
    ::unlink(path.c_str());
    CHECK_FALSE(load_or_create_node_id(std::string(dir) + "/none/node_id"));
    ::rmdir(dir);
}
