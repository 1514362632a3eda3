// Types: how each is written, read and written back. A value has one canonical spelling,
// so that a dump of a dump is the same text.

#include "neurond/conf/value.h"

#include <algorithm>
#include <cassert>
#include <iterator>
#include <limits>
#include <optional>

#include "neurond/base/text.h"

namespace neuron::conf {
namespace {

struct Unit {
    const char* name;
    int64_t factor;
};
// From large to small: writing takes the first that divides.
constexpr Unit kDurations[] = {
    {"d", 86400000}, {"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1}};
constexpr Unit kSizes[] = {
    {"g", int64_t{1} << 30}, {"m", int64_t{1} << 20}, {"k", int64_t{1} << 10}, {"", 1}};

constexpr Unit kPercents[] = {{"%", 1}};

constexpr int64_t kTooLarge = std::numeric_limits<int64_t>::max();

/// Digits and one of `units`; empty if it is not that; kTooLarge beyond 63 bits.
template <size_t N>
std::optional<int64_t> parse_with_unit(std::string_view text, const Unit (&units)[N]) {
    const size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
    const auto unit = std::find_if(
        std::begin(units), std::end(units),
        [&](const Unit& candidate) { return text.substr(digits) == candidate.name; });
    if (digits == 0 || unit == std::end(units)) {
        return std::nullopt;
    }
    const auto count = parse_u64(text.substr(0, digits));
    if (!count || *count > static_cast<uint64_t>(kTooLarge / unit->factor)) {
        return kTooLarge;
    }
    return static_cast<int64_t>(*count) * unit->factor;
}

template <size_t N>
std::string write_with_unit(int64_t number, const Unit (&units)[N]) {
    const Unit* unit =
        std::find_if(std::begin(units), std::end(units),
                     [number](const Unit& one) { return number % one.factor == 0; });
    return std::to_string(number / unit->factor) + unit->name;
}

std::optional<int64_t> parse_octal(std::string_view text) {
    if (text.size() < 3 || text.size() > 4 ||
        text.find_first_not_of("01234567") != std::string_view::npos) {
        return std::nullopt;
    }
    int64_t mode = 0;
    for (const char c : text) {
        mode = mode * 8 + (c - '0');
    }
    return mode;
}

std::optional<int64_t> parse_decimal(std::string_view text) {
    constexpr Unit kNone[] = {{"", 1}};
    return parse_with_unit(text, kNone);
}

bool is_digits(std::string_view text) {
    return !text.empty() && text.find_first_not_of("0123456789") == text.npos;
}

const char* what_is_wrong(Type type, std::string_view text) {
    switch (type) {
        case Type::kYesNo:
            return "is not known here";
        case Type::kMode:
            return "is not a mode";
        case Type::kSize:
            return "is not a size";
        case Type::kDuration:
            return is_digits(text) ? "has no unit" : "is not a duration";
        case Type::kPercent:
            return "is not a percentage";
        case Type::kInteger:
        case Type::kString:
        case Type::kChoice:
        case Type::kList:
            break;
    }
    return "is not a number";
}

std::optional<int64_t> parse_any(Type type, std::string_view text) {
    switch (type) {
        case Type::kYesNo:
            return text == "yes"  ? std::optional<int64_t>(1)
                   : text == "no" ? std::optional<int64_t>(0)
                                  : std::nullopt;
        case Type::kInteger:
            return parse_decimal(text);
        case Type::kMode:
            return parse_octal(text);
        case Type::kSize:
            return parse_with_unit(text, kSizes);
        case Type::kDuration:
            return parse_with_unit(text, kDurations);
        case Type::kPercent:
            return parse_with_unit(text, kPercents);
        case Type::kString:
        case Type::kChoice:
        case Type::kList:
            break;
    }
    assert(false && "not a type of numbers");
    return std::nullopt;
}

}  // namespace

Result<int64_t> parse_number(const KeySpec& spec, std::string_view text) {
    const auto number = spec.choices != nullptr && text == spec.choices
                            ? std::optional<int64_t>(0)
                            : parse_any(spec.type, text);
    if (!number) {
        return Error{what_is_wrong(spec.type, text)};
    }
    if (*number < spec.min || *number > spec.max) {
        return Error{"is out of range"};
    }
    return *number;
}

Status check_word(const KeySpec& spec, std::string_view word) {
    if (spec.choices == nullptr) {
        return Ok{};
    }
    const auto choices = split(spec.choices, ' ');
    if (std::find(choices.begin(), choices.end(), word) == choices.end()) {
        return Error{"is not known here"};
    }
    return Ok{};
}

Result<Value> parse_scalar(const KeySpec& spec, std::string_view text) {
    Value value;
    if (spec.type == Type::kString || spec.type == Type::kChoice) {
        if (Status known = check_word(spec, text); !known) {
            return known.error();
        }
        value.text = text;
        return value;
    }
    auto number = parse_number(spec, text);
    if (!number) {
        return number.error();
    }
    value.number = *number;
    return value;
}

std::string write_number(Type type, int64_t number) {
    switch (type) {
        case Type::kYesNo:
            return number != 0 ? "yes" : "no";
        case Type::kMode: {
            std::string digits = "0000";
            for (size_t i = digits.size(); i-- > 0; number /= 8) {
                digits[i] = static_cast<char>('0' + number % 8);
            }
            return digits;
        }
        case Type::kSize:
            return number == 0 ? "0" : write_with_unit(number, kSizes);
        case Type::kDuration:
            return number == 0 ? "0s" : write_with_unit(number, kDurations);
        case Type::kPercent:
            return write_with_unit(number, kPercents);
        case Type::kInteger:
        case Type::kString:
        case Type::kChoice:
        case Type::kList:
            break;
    }
    return std::to_string(number);
}

std::string write_number(const KeySpec& spec, int64_t number) {
    return number == 0 && spec.choices != nullptr ? spec.choices
                                                  : write_number(spec.type, number);
}

std::string write_word(std::string_view text) {
    constexpr std::string_view kNeedQuotes = " \t\n\"\\#";
    const bool quoted = text.empty() || text.find_first_of(kNeedQuotes) != text.npos;
    std::string out = quoted ? "\"" : "";
    for (const char c : text) {
        switch (c) {
            case '\n':
                out += "\\n";
                break;
            case '\t':
                out += "\\t";
                break;
            case '"':
            case '\\':
                out.append("\\").append(1, c);
                break;
            case '$':
                out += "$$";
                break;
            default:
                out += c;
        }
    }
    return out += quoted ? "\"" : "";
}

Result<Rate> parse_rate(std::string_view text) {
    if (text == "0") {
        return Rate{};
    }
    constexpr KeySpec kWindow = {"", Type::kDuration, "", nullptr, 1,
                                 int64_t{366} * 24 * 3600 * 1000,
                                 Applies::kOnReload, false, ""};
    constexpr uint64_t kMaxCount = 1000;
    const size_t slash = text.find('/');
    const auto count = parse_u64(text.substr(0, slash));
    const Result<int64_t> window =
        parse_number(kWindow, slash == text.npos ? "" : text.substr(slash + 1));
    if (!count || *count == 0 || *count > kMaxCount || !window) {
        return Error{
            "is no rate, expected a number up to 1000 and a duration such as 10/1h, "
            "or 0"};
    }
    return Rate{static_cast<unsigned>(*count), Millis{*window}};
}

Result<double> parse_fraction(std::string_view text) {
    const Error bad{"is not from 0 to 1, expected a decimal such as 0.2"};
    constexpr size_t kMaxDecimals = 9;
    const size_t dot = text.find('.');
    const auto whole = parse_u64(text.substr(0, dot));
    const std::string_view rest =
        dot == text.npos ? std::string_view("0") : text.substr(dot + 1);
    const auto decimals = parse_u64(rest);
    if (!whole || !decimals || rest.size() > kMaxDecimals) {
        return bad;
    }
    double value = static_cast<double>(*decimals);
    for (size_t i = 0; i < rest.size(); ++i) {
        value /= 10;
    }
    value += static_cast<double>(*whole);
    return value <= 1 ? Result<double>(value) : bad;
}

}  // namespace neuron::conf
