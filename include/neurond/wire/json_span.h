#ifndef NEUROND_WIRE_JSON_SPAN_H
#define NEUROND_WIRE_JSON_SPAN_H

#include <cstddef>
#include <string_view>
#include <vector>

namespace neuron {

/// A part of a text as byte offsets, so that it stays right when the text moves. Absent
/// is empty: no JSON value has no bytes.
struct Span {
    size_t begin = 0;
    size_t end = 0;

    bool empty() const noexcept { return begin == end; }
    size_t size() const noexcept { return end - begin; }
    std::string_view in(std::string_view text) const noexcept {
        return text.substr(begin, end - begin);
    }
};

inline bool operator==(Span a, Span b) noexcept {
    return a.begin == b.begin && a.end == b.end;
}
inline bool operator!=(Span a, Span b) noexcept {
    return !(a == b);
}

/// A member of an object: `key` with its quotes, `value` without blanks around it.
struct JsonMember {
    Span key;
    Span value;
};

using JsonMembers = std::vector<JsonMember>;

/// The member called `name` (compared decoded, exact case), or nullptr.
const JsonMember* find_member(const JsonMembers& members, std::string_view text,
                              std::string_view name) noexcept;
/// The value of that member, or an empty span.
Span find(const JsonMembers& members, std::string_view text,
          std::string_view name) noexcept;

}  // namespace neuron

#endif
