// Reading in place. Whoever wants one member walks over the others without understanding
// them: brackets are counted, strings stepped over, all else runs to the next delimiter.
// The text has been validated, so nothing is checked twice; every step stays inside it.
#include "neurond/wire/json_view.h"

#include <algorithm>
#include <charconv>

#include "neurond/base/text.h"
#include "neurond/wire/json_string.h"

namespace neuron {

namespace {

constexpr std::string_view kBlanks = " \t\n\r";

/// The length of the string that `text` begins with, quotes included.
size_t string_length(std::string_view text) noexcept {
    size_t at = 1;
    for (;;) {
        at = text.find_first_of("\"\\", at);
        if (at == std::string_view::npos) {
            return text.size();
        }
        if (text[at] == '"') {
            return at + 1;
        }
        at += 2;
    }
}

/// The length of the array or object that `text` begins with.
size_t container_length(std::string_view text) noexcept {
    size_t depth = 0;
    size_t at = 0;
    while (at < text.size()) {
        switch (text[at]) {
            case '"':
                at += string_length(text.substr(at));
                continue;
            case '[':
            case '{':
                ++depth;
                break;
            case ']':
            case '}':
                if (--depth == 0) {
                    return at + 1;
                }
                break;
            default:
                break;
        }
        ++at;
    }
    return text.size();
}

size_t value_length(std::string_view text) noexcept {
    switch (text.empty() ? '\0' : text[0]) {
        case '"':
            return string_length(text);
        case '[':
        case '{':
            return container_length(text);
        default:
            return std::min(text.find_first_of(",]}: \t\n\r"), text.size());
    }
}

/// Takes the next value off `rest`, with the comma or colon in front of it.
std::string_view take_value(std::string_view& rest) noexcept {
    rest.remove_prefix(std::min(rest.find_first_not_of(" \t\n\r,:"), rest.size()));
    const std::string_view value = rest.substr(0, value_length(rest));
    rest.remove_prefix(value.size());
    return value;
}

std::string_view inside(std::string_view container) noexcept {
    return container.size() < 2 ? std::string_view()
                                : container.substr(1, container.size() - 2);
}

}  // namespace

JsonView::JsonView(std::string_view value) noexcept : raw_(trim(value, kBlanks)) {}

JsonType JsonView::type() const noexcept {
    switch (raw_.empty() ? '\0' : raw_[0]) {
        case '\0':
            return JsonType::kAbsent;
        case '{':
            return JsonType::kObject;
        case '[':
            return JsonType::kArray;
        case '"':
            return JsonType::kString;
        case 't':
        case 'f':
            return JsonType::kBool;
        case 'n':
            return JsonType::kNull;
        default:
            return JsonType::kNumber;
    }
}

std::optional<std::string> JsonView::as_string() const {
    if (!is_string()) {
        return std::nullopt;
    }
    return json_unquote(raw_);
}

bool JsonView::is_string(std::string_view plain) const noexcept {
    return is_string() && json_string_is(raw_, plain);
}

bool JsonView::is_integer() const noexcept {
    return is_number() && raw_.find_first_of(".eE") == std::string_view::npos;
}

std::optional<int64_t> JsonView::as_int64() const noexcept {
    int64_t value = 0;
    const char* const last = raw_.data() + raw_.size();
    const auto [end, error] = std::from_chars(raw_.data(), last, value);
    if (!is_number() || error != std::errc{} || end != last) {
        return std::nullopt;
    }
    return value;
}

std::optional<double> JsonView::as_double() const noexcept {
    double value = 0;
    const char* const last = raw_.data() + raw_.size();
    const auto [end, error] = std::from_chars(raw_.data(), last, value);
    if (!is_number() || error != std::errc{} || end != last) {
        return std::nullopt;
    }
    return value;
}

std::optional<bool> JsonView::as_bool() const noexcept {
    if (type() != JsonType::kBool) {
        return std::nullopt;
    }
    return raw_ == "true";
}

JsonView JsonView::find(std::string_view key) const noexcept {
    for (const JsonPair& member : members()) {
        if (member.key.is_string(key)) {
            return member.value;
        }
    }
    return {};
}

JsonView JsonView::at(size_t index) const noexcept {
    for (const JsonView item : elements()) {
        if (index-- == 0) {
            return item;
        }
    }
    return {};
}

JsonElementRange JsonView::elements() const noexcept {
    return JsonElementRange(is_array() ? inside(raw_) : std::string_view());
}

JsonMemberRange JsonView::members() const noexcept {
    return JsonMemberRange(is_object() ? inside(raw_) : std::string_view());
}

void JsonElementRange::Iterator::next() noexcept {
    item_ = JsonView(take_value(rest_));
}

void JsonMemberRange::Iterator::next() noexcept {
    item_.key = JsonView(take_value(rest_));
    item_.value = JsonView(take_value(rest_));
}

}  // namespace neuron
