#ifndef NEUROND_CONF_DIAGNOSTIC_H
#define NEUROND_CONF_DIAGNOSTIC_H

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "neurond/conf/source.h"

namespace neuron::conf {

enum class Severity { kError, kWarning };

/// One thing that is wrong, already in words: it outlives the sources.
struct Diagnostic {
    Severity severity = Severity::kError;
    size_t source = 0;    ///< order of reading, then
    size_t offset = 0;    ///< order within the text
    std::string where;    ///< "etc/neurond.conf:3:8"; may be empty
    std::string message;  ///< "server.port: \"x\" is not a number, expected 0 to 65535"
    std::string
        excerpt;  ///< the line and a caret below, each indented and ended; or empty
};

/// All that is wrong, each thing once, in the order of the places; at most
/// kMaxDiagnostics are kept and the rest counted.
class Diagnostics {
  public:
    /// `subject` is "section.key" or "[section]" and may be empty; `message` says what
    /// is wrong and what was expected.
    void error(const Place& place, std::string_view subject, std::string_view message);
    void warning(const Place& place, std::string_view subject,
                 std::string_view message);

    bool has_errors() const noexcept { return errors_ > 0; }
    size_t error_count() const noexcept { return errors_; }
    const std::vector<Diagnostic>& all() const noexcept { return all_; }

    /// "where: error: message", line and caret, for each; ends in a newline, if not empty.
    std::string to_string() const;

  private:
    void add(Severity severity, const Place& place, std::string_view subject,
             std::string_view message);

    std::vector<Diagnostic> all_;
    size_t errors_ = 0;
    size_t withheld_ = 0;
};

/// One diagnostic as `to_string` writes it.
std::string to_string(const Diagnostic& diagnostic);

}  // namespace neuron::conf

#endif
