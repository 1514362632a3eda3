#ifndef NEUROND_CONF_VALUE_H
#define NEUROND_CONF_VALUE_H

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "neurond/base/clock.h"
#include "neurond/base/result.h"
#include "neurond/conf/schema.h"

namespace neuron::conf {

/// One string of a value, with whether a dump must mask it.
struct Text {
    std::string text;
    bool secret = false;
    bool open = false;  ///< it was written out where everybody may read it
};

/// A value of one of the types; which member counts is the schema's business.
struct Value {
    std::string text;  ///< kString, kChoice
    int64_t number =
        0;  ///< kYesNo (0, 1), kInteger, kMode, kSize (bytes), kDuration (ms),
        ///< kPercent
    std::vector<Text> list;  ///< kList
    bool secret = false;     ///< of `text`
};

/// Numbers as they are written. The error is the reason alone ("is not a number"), or
/// the range that was missed; the caller names the key and quotes the value.
Result<int64_t> parse_number(const KeySpec& spec, std::string_view text);

/// A scalar of the row's type from expanded text.
Result<Value> parse_scalar(const KeySpec& spec, std::string_view text);

/// So many within so long: "10/1h". "0" stands for no limit.
struct Rate {
    unsigned count = 0;
    Millis window{0};
};
/// The error is the reason alone, with what was expected.
Result<Rate> parse_rate(std::string_view text);

/// "0.2": from 0 to 1, in decimals, whatever the locale. The error as above.
Result<double> parse_fraction(std::string_view text);

/// Fails where the row has choices and `word` is none of them.
Status check_word(const KeySpec& spec, std::string_view word);

/// The one way each number is written in dumps: 60000 ms is "1m", 16384 bytes are "16k".
std::string write_number(Type type, int64_t number);
/// As above, or the word that stands for 0 at this key.
std::string write_number(const KeySpec& spec, int64_t number);

/// A word as the lexer reads it back: quoted where it must be, "$" doubled.
std::string write_word(std::string_view text);

}  // namespace neuron::conf

#endif
