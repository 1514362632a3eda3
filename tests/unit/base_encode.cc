#include <doctest/doctest.h>

#include <optional>
#include <string>

#include "exact.h"
#include "neurond/base/encode.h"

using namespace neuron;

namespace {

std::string all_bytes() {
    std::string bytes;
    for (int i = 0; i < 256; ++i) {
        bytes += static_cast<char>(static_cast<unsigned char>(i));
    }
    return bytes;
}

}  // namespace

TEST_CASE("hex is two lower-case digits a byte") {
    CHECK(hex_encode("") == "");
    CHECK(hex_encode(std::string_view("\x00\x0f\xa5\xff", 4)) == "000fa5ff");
}

TEST_CASE("base64 passes the vectors of RFC 4648 both ways") {
    struct Row {
        std::string_view bytes;
        const char* standard;
        const char* for_urls;
    };
    const Row rows[] = {
        {"", "", ""},
        {"f", "Zg==", "Zg"},
        {"fo", "Zm8=", "Zm8"},
        {"foo", "Zm9v", "Zm9v"},
        {"foob", "Zm9vYg==", "Zm9vYg"},
        {"fooba", "Zm9vYmE=", "Zm9vYmE"},
        {"foobar", "Zm9vYmFy", "Zm9vYmFy"},
        {"\xfb\xff\xbf", "+/+/", "-_-_"},  // the two signs that differ
    };
    for (const Row& row : rows) {
        CHECK(base64_encode(Exact(row.bytes).view()) == row.standard);
        CHECK(base64url_encode(Exact(row.bytes).view()) == row.for_urls);
        CHECK(base64_decode(Exact(row.standard).view()) == std::string(row.bytes));
        CHECK(base64url_decode(Exact(row.for_urls).view()) == std::string(row.bytes));
    }
}

TEST_CASE("every length of every byte comes back") {
    const std::string bytes = all_bytes();
    for (size_t n = 0; n <= bytes.size(); ++n) {
        const std::string part = bytes.substr(bytes.size() - n);
        CHECK(base64_decode(base64_encode(part)) == part);
        CHECK(base64url_decode(base64url_encode(part)) == part);
        CHECK(percent_decode(percent_encode(part)) == part);
    }
}

TEST_CASE("base64 refuses every second spelling") {
    const std::string_view bad[] = {
        "Zg",        // no padding
        "Zg=",       // half of it
        "Zg===",     // too much
        "Zh==",      // stray bits in the last digit
        "Zm9=",      // the same for two bytes
        "Z===",      // one digit is no byte
        "====",      // padding of nothing
        "Zg==Zg==",  // padding in the middle
        "Zm9v\n",    // a line break
        "Zm 9v",     // a blank
        "Zm-_",      // the other alphabet
        "Zm9v=",     // padding where none belongs
        {"Zm9\0", 4}, "Zm9\xc3",
    };
    for (const std::string_view text : bad) {
        CAPTURE(text);
        CHECK_FALSE(base64_decode(Exact(text).view()).has_value());
    }
}

TEST_CASE("base64url refuses padding, the other alphabet and stray bits") {
    for (const std::string_view text :
         {"Zg==", "Zh", "Zm9", "Z", "+/+/", "Zm9v\n", "Zm9vZ", "A", "Zm9vA"}) {
        CAPTURE(text);
        CHECK_FALSE(base64url_decode(Exact(text).view()).has_value());
    }
}

TEST_CASE("percent-encoding keeps the unreserved characters") {
    CHECK(percent_encode("AZaz09-._~") == "AZaz09-._~");
    CHECK(percent_encode("file:///a b?c") == "file%3A%2F%2F%2Fa%20b%3Fc");
    CHECK(percent_encode("\xc3\xbc%") == "%C3%BC%25");
}

TEST_CASE("percent-decoding takes both cases and leaves the rest") {
    CHECK(percent_decode("%C3%bc+a%00") == std::string("\xc3\xbc+a\0", 5));
    CHECK(percent_decode("%2525") == "%25");  // once, not twice
    CHECK(percent_decode("") == "");
}

TEST_CASE("percent-decoding refuses a percent sign without two digits") {
    for (const std::string_view text :
         {"%", "a%", "%4", "a%4", "%g0", "%0g", "%%41", "% 41"}) {
        CAPTURE(text);
        CHECK_FALSE(percent_decode(Exact(text).view()).has_value());
    }
}
