#ifndef NEUROND_CONF_SCHEMA_H
#define NEUROND_CONF_SCHEMA_H

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

namespace neuron::conf {

enum class Type {
    kString,
    kYesNo,
    kInteger,
    kMode,      ///< file mode in octal, as 0600
    kSize,      ///< bytes; 64k, 10m, 1g are powers of 1024
    kDuration,  ///< 250ms, 30s, 5m, 2h, 1d
    kPercent,   ///< 50%
    kChoice,    ///< one of KeySpec::choices
    kList,      ///< words; of KeySpec::choices, where there are some
};
const char* to_string(Type type) noexcept;

/// From when on a changed value counts.
enum class Applies { kOnReload, kOnRestart };

/// One row of the one table that drives parser, defaults, dump, and the test that keeps
/// manual and sample in step.
struct KeySpec {
    const char* key;  ///< "port"; "env.*" stands for every key that starts with "env."
    Type type;
    const char*
        initial;  ///< default as it would be written; "" is unset; null: required
    /// Of texts, choices and lists: the words allowed, separated by blanks. Of a number:
    /// the word that stands for 0. Or null.
    const char* choices;
    int64_t min;          ///< of integers, modes, sizes (bytes), durations (ms)
    int64_t max;
    Applies applies;
    /// Free text that may be a secret: what comes from a file or a credential, or stands
    /// under a name like API_TOKEN, is dumped as "***". All other values are dumped as
    /// they are, because a masked pattern or path would mean something else when read.
    bool may_be_secret;
    const char* help;  ///< one sentence

    bool is_pattern() const noexcept;
    /// "env." of "env.*".
    std::string_view prefix() const noexcept;
    bool is_required() const noexcept { return initial == nullptr; }
};

struct SectionSpec {
    const char* name;
    const char*
        label;  ///< what stands behind the name: "NAME", "ID", or null for nothing
    const KeySpec* keys;
    size_t key_count;

    bool has_label() const noexcept { return label != nullptr; }
    const KeySpec* begin() const noexcept { return keys; }
    const KeySpec* end() const noexcept { return keys + key_count; }
    /// The row for `key`, patterns included; null if there is none.
    const KeySpec* find(std::string_view key) const noexcept;
};

/// All sections, in the order of the manual and of dumps.
const std::vector<SectionSpec>& sections();
const SectionSpec* find_section(std::string_view name) noexcept;

/// "1 to 65535", "yes or no", "a duration such as 30s": what stands behind "expected".
std::string expectation(const KeySpec& spec);

/// One line a key, for tests/lint/settings.sh: "section.key TAB type TAB default", where
/// the default may be empty or "required".
void print_schema(FILE* out);

}  // namespace neuron::conf

#endif
