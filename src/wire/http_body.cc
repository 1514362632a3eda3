// Where a body ends, decided once from the head, and then found byte by byte. Every doubt
// is an error: two programs that end a body at different places are how requests are
// smuggled past one of them.
#include "neurond/wire/http_body.h"

#include <algorithm>
#include <cassert>

#include "neurond/base/limits.h"
#include "neurond/base/text.h"

namespace neuron {

namespace {

using Kind = BodyFraming::Kind;

BodyFraming bad_framing(int status, const char* why) noexcept {
    return {Kind::kBad, 0, status, why};
}

/// All fields together form one list of codings, of which the last must be chunked.
BodyFraming transfer_coding(int minor_version, const HttpFields& fields) noexcept {
    if (minor_version < 1) {
        return bad_framing(400, "Transfer-Encoding in HTTP/1.0");
    }
    if (fields.count("content-length") > 0) {
        return bad_framing(400, "both Transfer-Encoding and Content-Length");
    }
    bool chunked = false;
    bool other = false;
    for (const HttpField& field : fields) {
        if (!equals_ignoring_case(field.name, "transfer-encoding")) {
            continue;
        }
        for (const std::string_view element : split(field.value, ',')) {
            const std::string_view coding = trim(element);
            if (chunked) {
                return bad_framing(400, "chunked is not the last transfer coding");
            }
            if (!is_http_token(coding)) {
                return bad_framing(400, "malformed Transfer-Encoding");
            }
            chunked = equals_ignoring_case(coding, "chunked");
            other = other || !chunked;
        }
    }
    if (other) {
        return bad_framing(501, "transfer coding other than chunked");
    }
    return {Kind::kChunked, 0, 0, ""};
}

BodyFraming content_length(const HttpFields& fields) noexcept {
    const std::string_view first = fields.field("content-length").value_or("");
    for (const HttpField& field : fields) {
        if (equals_ignoring_case(field.name, "content-length") &&
            field.value != first) {
            return bad_framing(400, "Content-Length fields that differ");
        }
    }
    const std::optional<uint64_t> length = parse_u64(first);
    if (!length) {
        return bad_framing(400, "malformed Content-Length");
    }
    return {*length == 0 ? Kind::kNone : Kind::kLength, *length, 0, ""};
}

BodyFraming framing(int minor_version, const HttpFields& fields,
                    Kind otherwise) noexcept {
    if (fields.count("transfer-encoding") > 0) {
        return transfer_coding(minor_version, fields);
    }
    if (fields.count("content-length") > 0) {
        return content_length(fields);
    }
    return {otherwise, 0, 0, ""};
}

int hex_digit(char c) noexcept {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    const char lower = static_cast<char>(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

bool is_control(char c) noexcept {
    return (static_cast<unsigned char>(c) < ' ' && c != '\t') || c == 0x7f;
}

constexpr uint8_t kMaxSizeDigits = 16;

}  // namespace

BodyFraming request_framing(const RequestHead& head) noexcept {
    return framing(head.minor_version, head.fields, Kind::kNone);
}

BodyFraming response_framing(const ResponseHead& head, bool to_head_request) noexcept {
    if (to_head_request || head.status < 200 || head.status == 204 ||
        head.status == 304) {
        return {};
    }
    BodyFraming found = framing(head.minor_version, head.fields, Kind::kUntilClose);
    if (found.kind == Kind::kBad) {
        found.status = 502;
    }
    return found;
}

BodyDecoder::BodyDecoder(const BodyFraming& framing) noexcept : state_(State::kDone) {
    switch (framing.kind) {
        case Kind::kNone:
            break;
        case Kind::kLength:
            left_ = framing.length;
            state_ = left_ == 0 ? State::kDone : State::kLength;
            break;
        case Kind::kChunked:
            state_ = State::kChunkSize;
            break;
        case Kind::kUntilClose:
            state_ = State::kUntilClose;
            break;
        case Kind::kBad:
            assert(false);
    }
}

BodyStep BodyDecoder::decode(std::string_view in) noexcept {
    size_t used = 0;
    while (state_ != State::kDone && state_ != State::kBad) {
        if (used == in.size()) {
            return {Scan::kMore, used, {}};
        }
        if (state_ == State::kUntilClose || state_ == State::kLength ||
            state_ == State::kChunkData) {
            const std::string_view body = content(in.substr(used));
            const Scan scan = done() ? Scan::kDone : Scan::kMore;
            return {scan, used + body.size(), body};
        }
        state_ = step(in[used]);
        ++used;
    }
    return {done() ? Scan::kDone : Scan::kBad, used, {}};
}

Scan BodyDecoder::finish() const noexcept {
    return done() || state_ == State::kUntilClose ? Scan::kDone : Scan::kBad;
}

std::string_view BodyDecoder::content(std::string_view in) noexcept {
    if (state_ == State::kUntilClose) {
        body_bytes_ += in.size();
        return in;
    }
    const auto size = static_cast<size_t>(std::min<uint64_t>(left_, in.size()));
    left_ -= size;
    body_bytes_ += size;
    if (left_ == 0) {
        state_ = state_ == State::kLength ? State::kDone : State::kDataReturn;
    }
    return in.substr(0, size);
}

/// One byte of chunked framing: the state behind it.
BodyDecoder::State BodyDecoder::step(char c) noexcept {
    switch (state_) {
        case State::kChunkSize:
            return chunk_size(c);
        case State::kChunkExtension:
            return chunk_extension(c);
        case State::kChunkLineFeed:
            return expect(c, '\n',
                          left_ == 0 ? State::kTrailerStart : State::kChunkData);
        case State::kDataReturn:
            return expect(c, '\r', State::kDataLineFeed);
        case State::kDataLineFeed:
            digits_ = 0;
            line_bytes_ = 0;
            return expect(c, '\n', State::kChunkSize);
        case State::kTrailerStart:
        case State::kTrailerName:
        case State::kTrailerValue:
            return trailer(c);
        case State::kTrailerLineFeed:
            return expect(c, '\n', State::kTrailerStart);
        case State::kFinalLineFeed:
            return expect(c, '\n', State::kDone);
        case State::kUntilClose:
        case State::kLength:
        case State::kChunkData:
        case State::kDone:
        case State::kBad:
            break;
    }
    assert(false);
    return State::kBad;
}

BodyDecoder::State BodyDecoder::expect(char c, char wanted, State next) noexcept {
    return c == wanted ? next : bad("line of chunked framing does not end in CRLF");
}

BodyDecoder::State BodyDecoder::bad(const char* why) noexcept {
    why_ = why;
    return State::kBad;
}

BodyDecoder::State BodyDecoder::chunk_size(char c) noexcept {
    const int digit = hex_digit(c);
    if (digit >= 0 && digits_ < kMaxSizeDigits) {
        ++digits_;
        left_ = left_ << 4 | static_cast<uint64_t>(digit);
        return State::kChunkSize;
    }
    if (digits_ == 0 || (c != '\r' && c != ';')) {
        return bad("malformed chunk size");
    }
    return c == '\r' ? State::kChunkLineFeed : State::kChunkExtension;
}

BodyDecoder::State BodyDecoder::chunk_extension(char c) noexcept {
    if (c == '\r') {
        return State::kChunkLineFeed;
    }
    if (is_control(c)) {
        return bad("control byte in a chunk extension");
    }
    if (++line_bytes_ > kMaxChunkLineBytes ||
        ++overhead_bytes_ > kMaxChunkOverheadBytes) {
        return bad("chunk extensions are too long");
    }
    return State::kChunkExtension;
}

BodyDecoder::State BodyDecoder::trailer(char c) noexcept {
    if (++trailer_bytes_ > kMaxTrailerBytes) {
        return bad("trailer is too large");
    }
    if (state_ == State::kTrailerValue) {
        if (c == '\r') {
            return State::kTrailerLineFeed;
        }
        return is_control(c) ? bad("control byte in a trailer field")
                             : State::kTrailerValue;
    }
    if (state_ == State::kTrailerStart && c == '\r') {
        return State::kFinalLineFeed;
    }
    if (state_ == State::kTrailerName && c == ':') {
        return State::kTrailerValue;
    }
    return is_http_token({&c, 1}) ? State::kTrailerName
                                  : bad("trailer field name is not a token");
}

}  // namespace neuron
