#include <doctest/doctest.h>

#include <memory>
#include <string>

#include "neurond/base/result.h"

using namespace neuron;

TEST_CASE("an error from the system says verb, object and reason") {
    const Error with_object = sys_error("open", "/etc/x", ENOENT);
    CHECK(with_object.message == "open /etc/x: No such file or directory");
    CHECK(with_object.sys == ENOENT);
    errno = EACCES;
    CHECK(sys_error("listen").message == "listen: Permission denied");
}

TEST_CASE("a result is a value or an error") {
    const Result<std::string> good(std::string("x"));
    CHECK(static_cast<bool>(good));
    CHECK(*good == "x");
    CHECK(good->size() == 1);
    const Result<std::string> bad(Error{"parse: no"});
    CHECK_FALSE(static_cast<bool>(bad));
    CHECK(bad.error().message == "parse: no");
    CHECK(bad.error().sys == 0);
}

TEST_CASE("a result may hold what can only be moved") {
    Result<std::unique_ptr<int>> result(std::make_unique<int>(3));
    const std::unique_ptr<int> value = *std::move(result);
    CHECK(*value == 3);
}

TEST_CASE("a status is fine or says why not") {
    const Status fine = Ok{};
    CHECK(static_cast<bool>(fine));
    const Status broken = Error{"sync: no", EIO};
    CHECK_FALSE(static_cast<bool>(broken));
    CHECK(broken.error().sys == EIO);
}
