#include "neurond/wire/mcp_header.h"

#include <doctest/doctest.h>

#include <optional>
#include <string>
#include <vector>

#include "exact.h"

using namespace neuron;

TEST_CASE("text that a field can carry stays as it is, other text is encoded") {
    struct Row {
        std::string text;
        std::string field;
    };
    const Row rows[] = {
        {"a.echo", "a.echo"},
        {"", ""},                                        // an empty field value
        {"a b  c", "a b  c"},                            // blanks inside
        {"a\tb", "a\tb"},                                // a tab is allowed in a field
        {"~", "~"},                                      // the last plain byte
        {" a", "=?base64?IGE=?="},                       // a blank in front gets lost
        {"a ", "=?base64?YSA=?="},                       // and one behind
        {"\ta", "=?base64?CWE=?="},                      // tabs too
        {"h\xc3\xa9", "=?base64?aMOp?="},                // not ASCII
        {"a\nb", "=?base64?YQpi?="},                     // what would end the field
        {"a\rb", "=?base64?YQ1i?="},
        {std::string(1, '\0'), "=?base64?AA==?="},
        {"\x7f", "=?base64?fw==?="},                     // DEL
        {"=?base64?eA==?=", "=?base64?PT9iYXNlNjQ/ZUE9PT89?="},  // looks encoded
        {"=?base64?" "?=", "=?base64?PT9iYXNlNjQ/Pz0=?="},  // the shortest that does
        {"=?base64?x", "=?base64?x"},                    // half of the markers is text
        {"x?=", "x?="},
        {"=?BASE64?x?=", "=?BASE64?x?="},                // other case is text
    };
    for (const Row& row : rows) {
        CAPTURE(row.text);
        CHECK(encode_mcp_header(Exact(row.text).view()) == row.field);
        CHECK(decode_mcp_header(Exact(row.field).view()) == row.text);
    }
}

TEST_CASE("what only others write is read, and what stands for nothing is refused") {
    struct Row {
        std::string field;
        std::optional<std::string> text;
    };
    const Row rows[] = {
        {"=?base64?YS5lY2hv?=", "a.echo"},             // encoded without need
        {"=?base64?" "?=", ""},                           // nothing, encoded
        {"=?base64?YQ?=", std::nullopt},               // no padding
        {"=?base64?YQ=?=", std::nullopt},              // half of it
        {"=?base64?YQ===?=", std::nullopt},            // too much
        {"=?base64?YS5l-2hv?=", std::nullopt},         // the alphabet of URLs
        {"=?base64?YS5l Y2hv?=", std::nullopt},        // a blank
        {"=?base64?!?=", std::nullopt},
        {"=?Base64?YQ==?=", "=?Base64?YQ==?="},        // literal
        {"=?base64?YQ==", "=?base64?YQ=="},            // literal
        {"=?base64?=", "=?base64?="},                  // markers overlap: literal
        {"=?base64?", "=?base64?"},
        {"?=", "?="},
        {"h\xc3\xa9", std::nullopt},                   // not to be written plain
        {"\x80", std::nullopt},
        {"a\x01", std::nullopt},
        {"a\x7f", std::nullopt},
    };
    for (const Row& row : rows) {
        CAPTURE(row.field);
        CHECK(decode_mcp_header(Exact(row.field).view()) == row.text);
    }
}

TEST_CASE("every byte and every beginning of a value comes back") {
    for (int byte = 0; byte < 256; ++byte) {
        for (const char* around : {"", "a", "=?base64?"}) {
            const std::string text =
                around + std::string(1, static_cast<char>(byte)) + around;
            CAPTURE(byte);
            CHECK(decode_mcp_header(encode_mcp_header(text)) == text);
        }
    }
    const std::string encoded = "=?base64?YS5lY2hv?=";
    for (size_t n = 0; n < encoded.size(); ++n) {
        const Exact head(std::string_view(encoded).substr(0, n));
        CHECK(decode_mcp_header(head.view()) == encoded.substr(0, n));
    }
}
