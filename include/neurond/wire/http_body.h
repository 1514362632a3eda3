#ifndef NEUROND_WIRE_HTTP_BODY_H
#define NEUROND_WIRE_HTTP_BODY_H

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "neurond/wire/http_head.h"
#include "neurond/wire/scan.h"

namespace neuron {

/// How a body is delimited.
struct BodyFraming {
    enum class Kind : uint8_t { kNone, kLength, kChunked, kUntilClose, kBad };

    Kind kind = Kind::kNone;
    uint64_t length = 0;   ///< for kLength
    int status = 0;        ///< for kBad: what to answer before closing
    const char* why = "";  ///< for kBad
};

/// How the body of a request is framed, from its head alone: kNone (a length of 0
/// too), kLength, kChunked, or kBad, since what follows cannot be delimited:
///   400  Content-Length not a decimal integer, a list, repeated with another value, or
///        beside a Transfer-Encoding; Transfer-Encoding in HTTP/1.0, empty, or with chunked
///        repeated, with parameters, or not last
///   501  another coding than chunked
/// Stricter than the RFC where it lets a proxy repair a message: what we repair, the next
/// hop may read differently. Pure. RFC 9112 sections 6.1 and 6.3, RFC 9110 section 8.6.
BodyFraming request_framing(const RequestHead& head) noexcept;

/// The same for the response to a request that was, or was not, a HEAD. Without any
/// length it reaches until the connection closes. kBad always has status 502.
BodyFraming response_framing(const ResponseHead& head, bool to_head_request) noexcept;

/// What one call of BodyDecoder::decode() found.
struct BodyStep {
    Scan state = Scan::kMore;
    size_t used = 0;        ///< bytes of the input dealt with, framing included
    std::string_view body;  ///< the content among them, in one piece
};

/// Takes a body out of its framing, incrementally and without copying.
///
///     while (!in.empty()) {
///         const BodyStep step = decoder.decode(in);
///         take(step.body);                    // a view into `in`, may be empty
///         in.remove_prefix(step.used);
///         if (step.state != Scan::kMore) break;
///     }
///
/// Chunked by RFC 9112 section 7.1, strictly: CRLF only, no blank behind the size, at most
/// 16 digits. Extensions are bounded (kMaxChunkLineBytes a line, kMaxChunkOverheadBytes a
/// body) and ignored; trailer fields are checked, bounded (kMaxTrailerBytes) and dropped.
class BodyDecoder {
  public:
    /// For a message without a body: done at once.
    BodyDecoder() noexcept : BodyDecoder(BodyFraming{}) {}
    /// `framing` is not kBad.
    explicit BodyDecoder(const BodyFraming& framing) noexcept;

    /// Consumes at least one byte of a non-empty `in` while kMore. kDone: the body ends
    /// with the bytes used; the rest belongs to the next message. kBad stays.
    BodyStep decode(std::string_view in) noexcept;
    /// The connection was closed: kDone if the body may end here, else kBad.
    Scan finish() const noexcept;

    bool done() const noexcept { return state_ == State::kDone; }
    /// Content decoded so far: compare with `message_max`.
    uint64_t body_bytes() const noexcept { return body_bytes_; }
    const char* why() const noexcept { return why_; }

  private:
    enum class State : uint8_t {
        kUntilClose,
        kLength,
        kChunkSize,
        kChunkExtension,
        kChunkLineFeed,
        kChunkData,
        kDataReturn,
        kDataLineFeed,
        kTrailerStart,
        kTrailerName,
        kTrailerValue,
        kTrailerLineFeed,
        kFinalLineFeed,
        kDone,
        kBad,
    };

    std::string_view content(std::string_view in) noexcept;
    State step(char c) noexcept;
    State chunk_size(char c) noexcept;
    State chunk_extension(char c) noexcept;
    State trailer(char c) noexcept;
    State expect(char c, char wanted, State next) noexcept;
    State bad(const char* why) noexcept;

    State state_;
    uint8_t digits_ = 0;
    uint64_t left_ = 0;  // content bytes until the next piece of framing
    uint64_t body_bytes_ = 0;
    size_t line_bytes_ = 0;
    size_t overhead_bytes_ = 0;
    size_t trailer_bytes_ = 0;
    const char* why_ = "";
};

}  // namespace neuron

#endif
