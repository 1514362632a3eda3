#ifndef NEUROND_WIRE_ID_FINDER_H
#define NEUROND_WIRE_ID_FINDER_H

#include <cstdint>
#include <string>
#include <string_view>

namespace neuron {

/// Reads a JSON-RPC message that is too large to be kept, only to learn its id, so that
/// the one call it belongs to can be told. Checks no grammar: on other text than JSON the
/// answer is an id nobody waits for, or none.
class IdFinder {
  public:
    void reset();
    void feed(std::string_view bytes);
    /// The raw id of an answer; empty if none was seen to its end, if there were two, if
    /// it is longer than kMaxOversizeIdBytes, or if the message has a method: the ids of
    /// a peer's own requests are not ours.
    std::string_view id() const noexcept;
    /// The same of a request, which has a method.
    std::string_view request_id() const noexcept;

  private:
    void in_string(char c);
    void outside(char c);
    void end_capture();
    std::string_view found(bool of_request) const noexcept;

    enum class Capture { kNone, kKey, kId };

    int64_t depth_ = 0;  ///< what is fed has no bound
    bool string_ = false;
    bool escaped_ = false;
    bool value_next_ = false;  ///< at depth 1, behind a colon
    Capture capture_ = Capture::kNone;
    std::string key_;
    std::string id_;
    int64_t found_ = 0;
    bool has_method_ = false;  ///< a request: its id is none of ours
};

}  // namespace neuron

#endif
