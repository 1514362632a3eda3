#include <doctest/doctest.h>
#include <fcntl.h>

#include <utility>

#include "neurond/base/fd.h"

using namespace neuron;

namespace {

Fd open_something() {
    return Fd(::open("/dev/null", O_RDONLY | O_CLOEXEC));
}

bool is_open(int fd) {
    return ::fcntl(fd, F_GETFD) >= 0;
}

}  // namespace

TEST_CASE("an Fd closes its descriptor when it goes") {
    int number = -1;
    {
        const Fd fd = open_something();
        number = fd.get();
        CHECK(static_cast<bool>(fd));
        CHECK(is_open(number));
    }
    CHECK_FALSE(is_open(number));
}

TEST_CASE("a moved Fd is empty and its descriptor stays open") {
    Fd from = open_something();
    const int number = from.get();
    const Fd to = std::move(from);
    CHECK(to.get() == number);
    CHECK(from.get() == -1);  // NOLINT: what is left is the subject
    CHECK(is_open(number));
}

TEST_CASE("an Fd moved to itself keeps its descriptor") {
    Fd fd = open_something();
    Fd& same = fd;
    const int number = fd.get();
    fd = std::move(same);
    CHECK(fd.get() == number);
    CHECK(is_open(number));
}

TEST_CASE("assigning to an Fd closes what it held") {
    Fd fd = open_something();
    const int number = fd.get();
    Fd other = open_something();
    const int kept = other.get();
    fd = std::move(other);
    CHECK_FALSE(is_open(number));
    CHECK(fd.get() == kept);
}

TEST_CASE("release gives the descriptor away and reset closes it") {
    Fd fd = open_something();
    Fd owner(fd.release());
    CHECK_FALSE(static_cast<bool>(fd));
    const int number = owner.get();
    owner.reset();
    CHECK_FALSE(is_open(number));
}
