// Heads and chunks on their way out. Nothing that could end a line gets into a head.
#include "neurond/wire/http_write.h"

#include <array>
#include <cassert>
#include <charconv>
#include <cstdio>

#include "neurond/wire/http_fields.h"

namespace neuron {

namespace {

struct Phrase {
    int status;
    const char* text;
};

// RFC 9110 section 15; 428, 429, 431 and 511 from RFC 6585, 421 included.
constexpr Phrase kPhrases[] = {
    {100, "Continue"},
    {101, "Switching Protocols"},
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {204, "No Content"},
    {206, "Partial Content"},
    {301, "Moved Permanently"},
    {302, "Found"},
    {303, "See Other"},
    {304, "Not Modified"},
    {307, "Temporary Redirect"},
    {308, "Permanent Redirect"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {410, "Gone"},
    {411, "Length Required"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {417, "Expectation Failed"},
    {421, "Misdirected Request"},
    {422, "Unprocessable Content"},
    {426, "Upgrade Required"},
    {428, "Precondition Required"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {505, "HTTP Version Not Supported"},
};

bool is_target(std::string_view text) noexcept {
    for (const char c : text) {
        if (c <= ' ' || c > '~') {
            return false;
        }
    }
    return !text.empty();
}

void write_chunk_size(OutQueue& out, size_t size) {
    std::array<char, 20> line{};
    char* const begin = line.data();
    const auto [end, error] = std::to_chars(begin, begin + 18, size, 16);
    assert(error == std::errc{});
    end[0] = '\r';
    end[1] = '\n';
    out.write({begin, static_cast<size_t>(end + 2 - begin)});
}

}  // namespace

const char* reason_phrase(int status) noexcept {
    for (const Phrase& phrase : kPhrases) {
        if (phrase.status == status) {
            return phrase.text;
        }
    }
    return "Unknown";
}

std::string imf_fixdate(std::time_t when) {
    constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    std::tm utc{};
    gmtime_r(&when, &utc);
    std::array<char, 64> text{};
    std::snprintf(text.data(), text.size(), "%s, %02d %s %04d %02d:%02d:%02d GMT",
                  kDays[utc.tm_wday], utc.tm_mday, kMonths[utc.tm_mon],
                  utc.tm_year + 1900, utc.tm_hour, utc.tm_min, utc.tm_sec);
    return text.data();
}

HttpHeadWriter HttpHeadWriter::response(int status) {
    assert(status >= 100 && status <= 599);
    std::string line = "HTTP/1.1 " + std::to_string(status) + " ";
    line.append(reason_phrase(status)).append("\r\n");
    return HttpHeadWriter(std::move(line));
}

HttpHeadWriter HttpHeadWriter::request(std::string_view method,
                                       std::string_view target) {
    assert(is_http_token(method) && is_target(target));
    std::string line(method);
    line.append(" ").append(target).append(" HTTP/1.1\r\n");
    return HttpHeadWriter(std::move(line));
}

HttpHeadWriter& HttpHeadWriter::field(std::string_view name, std::string_view value) {
    const bool written = try_field(name, value);
    assert(written);
    return *this;
}

HttpHeadWriter& HttpHeadWriter::field(std::string_view name, uint64_t value) {
    return field(name, std::to_string(value));
}

bool HttpHeadWriter::try_field(std::string_view name, std::string_view value) {
    if (!is_http_token(name) || !is_field_value(value)) {
        return false;
    }
    text_.append(name).append(": ").append(value).append("\r\n");
    return true;
}

void HttpHeadWriter::finish(OutQueue& out) {
    out.write(text_);
    out.write("\r\n");
}

void write_chunk(OutQueue& out, OutQueue&& body) {
    if (!body.empty()) {
        write_chunk_size(out, body.bytes());
        out.append(std::move(body));
        out.write("\r\n");
    }
}

void write_chunk(OutQueue& out, std::string_view body) {
    if (!body.empty()) {
        write_chunk_size(out, body.size());
        out.write(body);
        out.write("\r\n");
    }
}

void write_last_chunk(OutQueue& out) {
    out.write("0\r\n\r\n");
}

}  // namespace neuron
