// What can be told of the rows of the schema: found by name, described in words, printed.

#include "neurond/conf/schema.h"

#include "neurond/base/text.h"
#include "neurond/conf/value.h"

namespace neuron::conf {
namespace {

/// "deny", "deny or allow", "full, hash or none".
std::string alternatives(std::string_view choices) {
    std::string out;
    const auto words = split(choices, ' ');
    for (size_t i = 0; i < words.size(); ++i) {
        out += i == 0 ? "" : i + 1 == words.size() ? " or " : ", ";
        out += words[i];
    }
    return out;
}

std::string range_of(const KeySpec& spec) {
    return "from " + write_number(spec.type, spec.min) + " to " +
           write_number(spec.type, spec.max);
}

}  // namespace

const char* to_string(Type type) noexcept {
    switch (type) {
        case Type::kString:
            return "string";
        case Type::kYesNo:
            return "yes/no";
        case Type::kInteger:
            return "integer";
        case Type::kMode:
            return "mode";
        case Type::kSize:
            return "size";
        case Type::kDuration:
            return "duration";
        case Type::kPercent:
            return "percent";
        case Type::kChoice:
            return "choice";
        case Type::kList:
            return "list";
    }
    return "";
}

bool KeySpec::is_pattern() const noexcept {
    return ends_with(key, ".*");
}

std::string_view KeySpec::prefix() const noexcept {
    const std::string_view whole = key;
    return whole.substr(0, whole.size() - 1);
}

const KeySpec* SectionSpec::find(std::string_view key) const noexcept {
    for (const KeySpec& spec : *this) {
        const bool fits = spec.is_pattern() ? starts_with(key, spec.prefix()) &&
                                                  key.size() > spec.prefix().size()
                                            : key == spec.key;
        if (fits) {
            return &spec;
        }
    }
    return nullptr;
}

const SectionSpec* find_section(std::string_view name) noexcept {
    for (const SectionSpec& spec : sections()) {
        if (name == spec.name) {
            return &spec;
        }
    }
    return nullptr;
}

std::string expectation(const KeySpec& spec) {
    switch (spec.type) {
        case Type::kString:
            return "a text";
        case Type::kYesNo:
            return "yes or no";
        case Type::kInteger:
            return "a number " + range_of(spec);
        case Type::kMode:
            return "an octal mode such as 0600";
        case Type::kSize:
            return "a size " + range_of(spec) + ", such as 64k";
        case Type::kDuration:
            return "a duration " + range_of(spec) + ", such as 30s" +
                   (spec.choices != nullptr ? std::string(", or ") + spec.choices : "");
        case Type::kPercent:
            return "a percentage " + range_of(spec) + ", such as 50%";
        case Type::kChoice:
            return alternatives(spec.choices);
        case Type::kList:
            return spec.choices == nullptr ? "a list of words"
                                           : alternatives(spec.choices);
    }
    return {};
}

void print_schema(FILE* out) {
    for (const SectionSpec& spec : sections()) {
        for (const KeySpec& key : spec) {
            std::fprintf(out, "%s.%s\t%s\t%s\n", spec.name, key.key,
                         to_string(key.type),
                         key.is_required() ? "required" : key.initial);
        }
    }
}

}  // namespace neuron::conf
