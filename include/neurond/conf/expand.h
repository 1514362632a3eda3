#ifndef NEUROND_CONF_EXPAND_H
#define NEUROND_CONF_EXPAND_H

#include <set>
#include <string>
#include <string_view>

#include "neurond/base/result.h"
#include "neurond/conf/files.h"

namespace neuron::conf {

/// A text with its ${…} replaced.
struct Expanded {
    std::string text;
    std::string written;  ///< what the configuration itself says of it: kMask for the rest
    bool from_file = false;        ///< a part came from ${file:} or ${credential:}
    bool secret_variable = false;  ///< a part came from an ${env:} of a secret's name
    bool literal = true;           ///< nothing was replaced but $$
    bool has_default = false;      ///< a part came from the TEXT of an ${env:}
    std::string public_file;       ///< a file used that everybody may read, or empty
};

/// Replaces, once and from left to right,
///   ${env:NAME}          the variable; unset is an error
///   ${env:NAME:-TEXT}    the variable, or TEXT where that is unset or empty
///   ${file:/PATH}        the file without one final newline
///   ${credential:NAME}   the file NAME in $CREDENTIALS_DIRECTORY
///   $$                   one $
/// Any other $ is an error, and so is a result that holds a NUL, or, from a variable,
/// bytes no configuration file may hold. Names of variables read are added to `used`.
Result<Expanded> expand(std::string_view text, Files& files,
                        std::set<std::string>& used);

}  // namespace neuron::conf

#endif
