// Looking members up in the lists that the scanner leaves behind.
#include "neurond/wire/json_span.h"

#include "neurond/wire/json_string.h"

namespace neuron {

const JsonMember* find_member(const JsonMembers& members, std::string_view text,
                              std::string_view name) noexcept {
    for (const JsonMember& member : members) {
        if (json_string_is(member.key.in(text), name)) {
            return &member;
        }
    }
    return nullptr;
}

Span find(const JsonMembers& members, std::string_view text,
          std::string_view name) noexcept {
    const JsonMember* const member = find_member(members, text, name);
    return member == nullptr ? Span{} : member->value;
}

}  // namespace neuron
