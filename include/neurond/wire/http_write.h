#ifndef NEUROND_WIRE_HTTP_WRITE_H
#define NEUROND_WIRE_HTTP_WRITE_H

#include <cstdint>
#include <ctime>
#include <string>
#include <string_view>
#include <utility>

#include "neurond/base/block.h"
#include "neurond/base/out_queue.h"

namespace neuron {

/// "Not Found"; "Unknown" for a status that has no name. RFC 9110 section 15.
const char* reason_phrase(int status) noexcept;

/// "Sun, 06 Nov 1994 08:49:37 GMT". RFC 9110 section 5.6.7; independent of the locale.
std::string imf_fixdate(std::time_t when);

/// Builds the head of a message. What is ours goes through field(), which asserts that it
/// can stand in a head; what comes from outside goes through try_field().
///
///     HttpHeadWriter head = HttpHeadWriter::response(200);
///     head.field("Content-Type", "application/json").field("Content-Length", size);
///     head.finish(out);
class HttpHeadWriter {
  public:
    static HttpHeadWriter response(int status);
    /// `method` is a token, `target` has neither blanks nor control bytes (asserted).
    static HttpHeadWriter request(std::string_view method, std::string_view target);

    HttpHeadWriter& field(std::string_view name, std::string_view value);
    HttpHeadWriter& field(std::string_view name, uint64_t value);
    /// Writes nothing and answers false when the name is no token or the value would not
    /// be read back as itself (line breaks, control bytes, blanks around it).
    bool try_field(std::string_view name, std::string_view value);
    /// Appends the head with its empty line.
    void finish(OutQueue& out);

  private:
    explicit HttpHeadWriter(std::string line) : text_(std::move(line)) {}

    std::string text_;
};

/// Appends `body` as one chunk; nothing when it is empty, since an empty chunk would end
/// the message. RFC 9112 section 7.1.
void write_chunk(OutQueue& out, OutQueue&& body);
void write_chunk(OutQueue& out, std::string_view body);
void write_last_chunk(OutQueue& out);

}  // namespace neuron

#endif
