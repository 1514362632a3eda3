#ifndef NEUROND_WIRE_HTTP_HEAD_H
#define NEUROND_WIRE_HTTP_HEAD_H

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "neurond/base/limits.h"
#include "neurond/wire/http_fields.h"
#include "neurond/wire/scan.h"

namespace neuron {

struct HeadLimits {
    size_t head_bytes = 16 * 1024;  ///< the whole head with its empty line
    size_t target_bytes = kMaxTargetBytes;
    size_t fields = kMaxHttpFields;
};

enum class TargetForm : uint8_t { kOrigin, kAbsolute, kAsterisk };

/// A request head as views into the input it was parsed from.
struct RequestHead {
    std::string_view method;
    std::string_view target;  ///< as it came
    TargetForm form = TargetForm::kOrigin;
    std::string_view path;   ///< not decoded; "/" when an absolute form has none; "*"
    std::string_view query;  ///< without the '?'
    /// Who is addressed, as host[:port]: the authority of an absolute form, else the Host
    /// field; empty when that is empty or (HTTP/1.0) absent.
    std::string_view authority;
    int minor_version = 1;  ///< of HTTP/1.x
    HttpFields fields;
};

/// A response head as views into the input it was parsed from.
struct ResponseHead {
    int minor_version = 1;
    int status = 0;
    std::string_view reason;
    HttpFields fields;
};

/// What a parser found. `used` counts the bytes of the head when done; `status` is what to
/// answer (then close) when bad, for responses 502, and `why` says it in words.
struct HeadParse {
    Scan state = Scan::kMore;
    size_t used = 0;
    int status = 0;
    const char* why = "";
};

/// The part both parsers share: looks for the empty line that ends a head, each byte once,
/// and refuses early what no later byte can mend. Use the parsers below.
class HeadFrame {
  public:
    explicit HeadFrame(const HeadLimits& limits) noexcept : limits_(limits) {}
    void reset() noexcept;
    /// kDone: `used` is where the head ends. first_line_end() may be set before.
    HeadParse look(std::string_view in) noexcept;

    const HeadLimits& limits() const noexcept { return limits_; }
    /// Where the start line begins (behind one tolerated empty line) and ends (its CR).
    size_t first_line_begin() const noexcept { return first_begin_; }
    size_t first_line_end() const noexcept { return first_end_; }
    bool has_first_line() const noexcept { return first_end_ != 0; }
    bool first_line_checked = false;  ///< the parser's note to itself

  private:
    HeadParse next_byte(unsigned char c, bool after_return) noexcept;
    HeadParse end_of_line() noexcept;

    HeadLimits limits_;
    HeadParse found_;  // stays once it is not kMore
    size_t looked_ = 0;
    size_t line_begin_ = 0;
    size_t first_begin_ = 0;
    size_t first_end_ = 0;
};

/// Reads request heads strictly by RFC 9112 and RFC 9110. One parser per connection;
/// reset() between requests.
///
/// Refused with 400: a bare LF or CR, control bytes, line folding, a blank before the
/// colon, names that are no tokens, anything but single spaces in the request line, a
/// method that is no token or longer than kMaxMethodBytes, a target that is neither
/// origin-form, absolute-form (http or https, without user information) nor, for OPTIONS,
/// `*`; CONNECT; Host missing in HTTP/1.1, repeated, or not a host (an empty one passes);
/// more than one empty line in front. 414: target longer than the limit. 431: head longer
/// than the limit, or more fields. 505: well-formed, but neither HTTP/1.0 nor HTTP/1.1.
/// Unknown methods pass: the router answers them. Of several errors the first counts, but
/// those of the request line are told once it is complete.
class RequestHeadParser {
  public:
    explicit RequestHeadParser(const HeadLimits& limits) noexcept : frame_(limits) {}
    void reset() noexcept { frame_.reset(); }
    /// `in`: everything received since the head began; may move between calls. `head` is
    /// meaningful when done; it is written over, its capacity kept.
    HeadParse parse(std::string_view in, RequestHead& head);

  private:
    HeadFrame frame_;
};

/// Reads response heads as strictly. A missing reason phrase passes with or without the
/// space in front of it. Bad always means 502.
class ResponseHeadParser {
  public:
    explicit ResponseHeadParser(const HeadLimits& limits) noexcept : frame_(limits) {}
    void reset() noexcept { frame_.reset(); }
    HeadParse parse(std::string_view in, ResponseHead& head);

  private:
    HeadFrame frame_;
};

}  // namespace neuron

#endif
