// A message over message_max is dropped as it arrives; this keeps the one thing that is
// needed to answer its caller.

#include "neurond/wire/id_finder.h"

#include "neurond/base/limits.h"

namespace neuron {

namespace {

constexpr std::string_view kIdKey = "\"id\"";
constexpr std::string_view kMethodKey = "\"method\"";

bool is_blank(char c) noexcept {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

}  // namespace

void IdFinder::reset() {
    *this = IdFinder();
}

std::string_view IdFinder::id() const noexcept {
    return found(false);
}

std::string_view IdFinder::request_id() const noexcept {
    return found(true);
}

std::string_view IdFinder::found(bool of_request) const noexcept {
    const bool whole = found_ == 1 && has_method_ == of_request &&
                       capture_ != Capture::kId && id_.size() <= kMaxOversizeIdBytes;
    return whole ? std::string_view(id_) : std::string_view();
}

void IdFinder::feed(std::string_view bytes) {
    for (const char c : bytes) {
        if (capture_ == Capture::kKey && key_.size() <= kMethodKey.size()) {
            key_ += c;
        }
        if (string_) {
            in_string(c);
        } else {
            outside(c);
        }
    }
}

void IdFinder::in_string(char c) {
    if (capture_ == Capture::kId && id_.size() <= kMaxOversizeIdBytes) {
        id_ += c;
    }
    if (escaped_) {
        escaped_ = false;
    } else if (c == '\\') {
        escaped_ = true;
    } else if (c == '"') {
        string_ = false;
        end_capture();
    }
}

void IdFinder::outside(char c) {
    if (is_blank(c) || c == ',' || c == '}' || c == ']') {
        end_capture();
    }
    if (capture_ == Capture::kId && !is_blank(c) && id_.size() <= kMaxOversizeIdBytes) {
        id_ += c;  // of a number, or the quote in front of a string
    }
    switch (c) {
        case '"':
            string_ = true;
            if (depth_ == 1 && !value_next_) {
                capture_ = Capture::kKey;
                key_.assign(1, '"');
            }
            break;
        case '{':
        case '[':
            ++depth_;
            capture_ = Capture::kNone;
            break;
        case '}':
        case ']':
            --depth_;
            break;
        case ':':
            if (depth_ == 1) {
                value_next_ = true;
                has_method_ = has_method_ || key_ == kMethodKey;
                if (key_ == kIdKey) {
                    capture_ = Capture::kId;
                    id_.clear();
                    ++found_;
                }
            }
            break;
        case ',':
            value_next_ = value_next_ && depth_ != 1;
            break;
        default:
            break;
    }
}

/// A key's text is kept until its colon; an id is complete.
void IdFinder::end_capture() {
    if (capture_ == Capture::kKey || (capture_ == Capture::kId && !id_.empty())) {
        capture_ = Capture::kNone;
    }
}

}  // namespace neuron
