#ifndef NEUROND_CONF_CHECK_BASE_H
#define NEUROND_CONF_CHECK_BASE_H

#include <initializer_list>
#include <string>
#include <string_view>

#include "neurond/conf/config.h"
#include "neurond/conf/diagnostic.h"
#include "neurond/conf/files.h"

namespace neuron::conf {

/// What the checks of all sections share: who has a value to judge, and where it says so.
class CheckBase {
  protected:
    CheckBase(Files& files, Diagnostics& diagnostics)
        : files_(files), diagnostics_(diagnostics) {}
    ~CheckBase() = default;

    /// Whether the value is there to be judged.
    static bool good(const Section& section, std::string_view key) {
        const Setting* setting = section.find(key);
        return setting != nullptr && !setting->broken;
    }
    void error(const Section& section, std::string_view key,
               const std::string& message) {
        diagnostics_.error(section.place(key), section.path(key), message);
    }
    void warning(const Section& section, std::string_view key,
                 const std::string& message) {
        diagnostics_.warning(section.place(key), section.path(key), message);
    }
    void error_at_key(const Section& section, const Setting& setting,
                      const std::string& message) {
        diagnostics_.error(setting.key_place, section.path(setting.key), message);
    }
    /// Two durations of which `small` must not be the longer one.
    void ordered(const Section& section, const char* small, const char* large);

    Files& files_;
    Diagnostics& diagnostics_;
};

constexpr std::string_view kLower = "abcdefghijklmnopqrstuvwxyz";
constexpr std::string_view kUpper = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
constexpr std::string_view kDigits = "0123456789";

/// Each byte of `text` is in one of `sets`.
bool consists_of(std::string_view text, std::initializer_list<std::string_view> sets);
/// For messages: in quotes, escaped, not too long.
std::string quote(std::string_view text);
/// An IPv4 or IPv6 address in text.
bool is_address(const std::string& text);
/// One of the loopback interface.
bool is_loopback(std::string_view address);

}  // namespace neuron::conf

#endif
