#include <doctest/doctest.h>

#include <unistd.h>

#include <cstdlib>
#include <string>

#include "neurond/back/disabled_list.h"
#include "neurond/base/atomic_file.h"

using namespace neuron;

TEST_CASE("what is disabled is so until it is enabled or its section changes") {
    char directory[] = "/tmp/neurond-unit-XXXXXX";
    REQUIRE(::mkdtemp(directory) != nullptr);
    const std::string path = std::string(directory) + "/disabled";
    const auto write = [](const std::string& where, const std::string& content) {
        REQUIRE(write_file_atomically(where, content, 0600));
    };
    {
        DisabledList list(path, write);
        CHECK_FALSE(list.has("a", "form"));
        list.set("a", "form", false);  // nothing to be written
        CHECK(::access(path.c_str(), F_OK) != 0);
        list.set("a", "form", true);
        list.set("b", "form", true);
        list.set("b", "form", false);
    }
    {
        DisabledList list(path, write);
        CHECK(list.has("a", "form"));
        CHECK_FALSE(list.has("a", "another form"));
        CHECK_FALSE(list.has("b", "form"));
        list.set("a", "another form", true);
        CHECK(list.has("a", "another form"));
        list.set("a", "another form", false);
    }
    CHECK_FALSE(DisabledList(path, write).has("a", "another form"));
    ::unlink(path.c_str());
    ::rmdir(directory);
}
