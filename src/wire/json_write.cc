// Compact JSON without a tree. Whether a comma is due can be read off the last byte
// written: behind an opening bracket, a colon or nothing there is none, and a value never
// ends in one of those bytes.
#include "neurond/wire/json_write.h"

#include <cassert>
#include <charconv>
#include <cmath>
#include <utility>

#include "neurond/base/text.h"

namespace neuron {

namespace {

constexpr std::string_view kReplacement = "\xef\xbf\xbd";  // U+FFFD

bool is_plain(char c) noexcept {
    const auto byte = static_cast<unsigned char>(c);
    return byte >= 0x20 && byte < 0x80 && c != '"' && c != '\\';
}

void append_escape(std::string& out, char c) {
    constexpr char kDigits[] = "0123456789abcdef";
    switch (c) {
        case '"':
            out += "\\\"";
            return;
        case '\\':
            out += "\\\\";
            return;
        case '\n':
            out += "\\n";
            return;
        case '\r':
            out += "\\r";
            return;
        case '\t':
            out += "\\t";
            return;
        default:
            break;
    }
    const auto byte = static_cast<unsigned char>(c);
    out += "\\u00";
    out += kDigits[byte >> 4];
    out += kDigits[byte & 0xf];
}

template <typename Number>
std::string_view print_number(char (&buffer)[32], Number value) noexcept {
    const auto [end, error] = std::to_chars(buffer, buffer + sizeof buffer, value);
    assert(error == std::errc{});
    return {buffer, static_cast<size_t>(end - buffer)};
}

}  // namespace

void append_json_quoted(std::string& out, std::string_view text) {
    out += '"';
    while (!text.empty()) {
        size_t plain = 0;
        while (plain < text.size() && is_plain(text[plain])) {
            ++plain;
        }
        out.append(text.substr(0, plain));
        text.remove_prefix(plain);
        if (text.empty()) {
            break;
        }
        size_t length = 1;
        if (static_cast<unsigned char>(text[0]) < 0x80) {
            append_escape(out, text[0]);
        } else if (const size_t sequence = utf8_length(text); sequence > 0) {
            length = sequence;
            out.append(text.substr(0, length));
        } else {
            out.append(kReplacement);
        }
        text.remove_prefix(length);
    }
    out += '"';
}

std::string json_quote(std::string_view text) {
    std::string out;
    out.reserve(text.size() + 2);
    append_json_quoted(out, text);
    return out;
}

void JsonWriter::separate() {
    if (!out_.empty() &&
        std::string_view("{[:").find(out_.back()) == std::string::npos) {
        out_ += ',';
    }
}

JsonWriter& JsonWriter::begin_object() {
    separate();
    out_ += '{';
    ++depth_;
    return *this;
}

JsonWriter& JsonWriter::end_object() {
    out_ += '}';
    --depth_;
    return *this;
}

JsonWriter& JsonWriter::begin_array() {
    separate();
    out_ += '[';
    ++depth_;
    return *this;
}

JsonWriter& JsonWriter::end_array() {
    out_ += ']';
    --depth_;
    return *this;
}

JsonWriter& JsonWriter::key(std::string_view name) {
    separate();
    append_json_quoted(out_, name);
    out_ += ':';
    return *this;
}

JsonWriter& JsonWriter::string(std::string_view text) {
    separate();
    append_json_quoted(out_, text);
    return *this;
}

JsonWriter& JsonWriter::integer(int64_t value) {
    char buffer[32];
    return raw(print_number(buffer, value));
}

JsonWriter& JsonWriter::unsigned_integer(uint64_t value) {
    char buffer[32];
    return raw(print_number(buffer, value));
}

JsonWriter& JsonWriter::number(double value) {
    assert(std::isfinite(value));
    char buffer[32];
    return raw(print_number(buffer, value));
}

JsonWriter& JsonWriter::boolean(bool value) {
    return raw(value ? "true" : "false");
}

JsonWriter& JsonWriter::null() {
    return raw("null");
}

JsonWriter& JsonWriter::raw(std::string_view json) {
    assert(!json.empty());
    separate();
    out_.append(json);
    return *this;
}

std::string JsonWriter::take() {
    assert(depth_ == 0);
    return std::exchange(out_, std::string());
}

}  // namespace neuron
