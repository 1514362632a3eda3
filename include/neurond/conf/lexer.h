#ifndef NEUROND_CONF_LEXER_H
#define NEUROND_CONF_LEXER_H

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "neurond/conf/diagnostic.h"
#include "neurond/conf/source.h"

namespace neuron::conf {

/// A word of a value: quotes and escapes resolved, ${…} not yet.
struct Word {
    std::string text;
    size_t offset = 0;
};

/// One logical line that says something.
struct Line {
    enum class Kind {
        kSection,  ///< [name] or [name label]
        kSetting,  ///< key = value, `include` among them
    };
    Kind kind = Kind::kSetting;
    bool broken = false;  ///< reported already: only kind and name mean something
    size_t number = 1;    ///< where it begins, counted in lines from 1
    std::string name;     ///< of the section, or the key
    size_t offset = 0;    ///< of the name
    bool has_label = false;
    std::string label;
    size_t label_offset = 0;  ///< of the label; without one, of the closing bracket
    std::vector<Word> words;  ///< of the value
    std::string whole;  ///< the value as one text, blanks between words as they stand
    size_t value_offset = 0;
    std::string origin;  ///< of a "#= origin" behind the value, else empty
};

/// Reads the grammar, and nothing of what it means:
///
///     # comment                  also after a value, when preceded by a blank
///     [section]   [section label]
///     key = value                words separated by blanks; "…" keeps blanks and knows
///                                \" \\ \n \t; a \ that ends a line joins the next
///     key = value #= origin      as dumps write it: where the value really came from
///
/// Lines end in LF or CRLF; a byte order mark is skipped. NUL, other control bytes and
/// invalid UTF-8 are errors wherever they stand. A line that is wrong is reported once.
/// Pure.
std::vector<Line> lex(const Source& source, Diagnostics& diagnostics);

/// The value of a -D or an environment variable: source.text from `offset` on, to its
/// end, in the same grammar but without comments. False if it was wrong and reported
/// under the name `subject`.
bool lex_value(const Source& source, size_t offset, std::string_view subject,
               Line& line, Diagnostics& diagnostics);

/// False for bytes that no configuration may hold; `bad` is the offset of the first.
bool is_clean(std::string_view text, size_t& bad) noexcept;

}  // namespace neuron::conf

#endif
