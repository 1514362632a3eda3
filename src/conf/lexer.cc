// From text to logical lines. It knows the grammar and no key: what a line means is the
// business of load.cc. Every token keeps its offset, so that each later mistake can be
// shown where it stands.

#include "neurond/conf/lexer.h"

#include <algorithm>
#include <utility>

#include "neurond/base/secrets.h"
#include "neurond/base/text.h"
#include "neurond/conf/schema.h"

namespace neuron::conf {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

bool is_blank(char c) noexcept {
    return c == ' ' || c == '\t';
}

/// Length of the UTF-8 character at the start of `text`; 0 if there is none.
size_t character_length(std::string_view text) noexcept {
    for (size_t n = 1; n <= std::min<size_t>(4, text.size()); ++n) {
        if (is_utf8(text.substr(0, n))) {
            return n;
        }
    }
    return 0;
}

/// `text` is what is read; `source` is what diagnostics quote. They differ where a line
/// with bytes that may not be is blanked, so that it is reported once and no more.
class Lexer {
  public:
    Lexer(const Source& source, std::string_view text, size_t offset, bool comments,
          Diagnostics& diagnostics)
        : source_(source),
          text_(text),
          at_(offset),
          comments_(comments),
          diagnostics_(diagnostics) {}

    std::vector<Line> lines();
    bool value(Line& line);

    /// Where messages say the mistake is: "server", "downstream.redis"; then the key.
    void set_scope(std::string scope) { scope_ = std::move(scope); }
    void set_key(std::string key) { key_ = std::move(key); }

  private:
    char look() noexcept;
    std::string blanks();
    void skip_line() noexcept;
    std::string comment();
    bool word(std::string& out, std::string_view stops);
    bool quoted(std::string& out);
    bool header(Line& line);
    bool header_tail();
    void setting(Line& line);
    std::string name(std::string_view stops);
    size_t line_number(size_t offset) noexcept;
    bool fail(size_t offset, std::string_view message);

    const Source& source_;
    std::string_view text_;
    size_t at_;
    bool comments_;
    Diagnostics& diagnostics_;
    std::string scope_;
    std::string key_;
    size_t counted_ = 0;  // line breaks before this offset are in breaks_
    size_t breaks_ = 0;
};

/// The character at hand, '\n' for every end of a line and for the end of the text.
/// A backslash before the end of a line vanishes together with it.
char Lexer::look() noexcept {
    while (at_ < text_.size()) {
        const std::string_view rest = text_.substr(at_);
        if (rest == "\\" || starts_with(rest, "\\\n")) {
            at_ += std::min<size_t>(2, rest.size());
        } else if (starts_with(rest, "\\\r\n")) {
            at_ += 3;
        } else {
            return starts_with(rest, "\r\n") ? '\n' : rest.front();
        }
    }
    return '\n';
}

std::string Lexer::blanks() {
    std::string out;
    for (char c = look(); is_blank(c); c = look()) {
        out += c;
        ++at_;
    }
    return out;
}

/// To behind the end of the logical line.
void Lexer::skip_line() noexcept {
    while (look() != '\n') {
        ++at_;
    }
    const size_t end = text_.find('\n', at_);
    at_ = end == text_.npos ? text_.size() : end + 1;
}

/// Comments end with the physical line: a backslash joins nothing to them.
std::string Lexer::comment() {
    const size_t end = std::min(text_.find('\n', at_), text_.size());
    std::string_view said = text_.substr(at_, end - at_);
    at_ = end;
    if (!starts_with(said, "#= ")) {
        return {};
    }
    return std::string(trim(said.substr(3), " \t\r"));
}

bool Lexer::fail(size_t offset, std::string_view message) {
    std::string subject = scope_;
    if (!key_.empty()) {
        subject += (subject.empty() ? "" : ".") + escape(key_);
    }
    diagnostics_.error({&source_, offset, is_secret_name(key_)}, subject, message);
    return false;
}

bool Lexer::quoted(std::string& out) {
    const size_t start = at_++;
    for (char c = look(); c != '"'; c = look()) {
        if (c == '\n') {
            return fail(start, "the quote is not closed, expected a \" on this line");
        }
        ++at_;
        if (c != '\\') {
            out += c;
            continue;
        }
        constexpr std::string_view kEscapes = "\"\\nt";
        constexpr std::string_view kMeanings = "\"\\\n\t";
        const size_t which = kEscapes.find(look());
        if (which == kEscapes.npos) {
            return fail(at_ - 1, "an unknown escape, expected \\\" \\\\ \\n or \\t");
        }
        out += kMeanings[which];
        ++at_;
    }
    ++at_;
    return true;
}

/// Up to a blank, the end of the line, or one of `stops`; quotes may stand anywhere.
bool Lexer::word(std::string& out, std::string_view stops) {
    for (char c = look(); !is_blank(c) && c != '\n'; c = look()) {
        if (stops.find(c) != stops.npos) {
            break;
        }
        if (c == '"') {
            if (!quoted(out)) {
                return false;
            }
            continue;
        }
        if (c == '\\') {
            const size_t next = text_.find_first_not_of(" \t", at_ + 1);
            if (next > at_ + 1 &&
                (next == text_.npos || text_[next] == '\n' || text_[next] == '\r')) {
                return fail(at_, "blanks follow the \\, expected it to end the line");
            }
        }
        out += c;
        ++at_;
    }
    return true;
}

bool Lexer::value(Line& line) {
    for (;;) {
        const std::string gap = blanks();
        if (line.words.empty()) {
            line.value_offset = at_;
        }
        const char c = look();
        if (c == '\n') {
            return true;
        }
        if (c == '#' && comments_ && !gap.empty()) {
            line.origin = comment();
            return true;
        }
        Word next;
        next.offset = at_;
        if (!word(next.text, "")) {
            return false;
        }
        line.whole += (line.words.empty() ? "" : gap) + next.text;
        line.words.push_back(std::move(next));
    }
}

std::string Lexer::name(std::string_view stops) {
    std::string out;
    for (char c = look(); c != '\n' && !is_blank(c); c = look()) {
        if (stops.find(c) != stops.npos) {
            break;
        }
        out += c;
        ++at_;
    }
    return out;
}

bool Lexer::header(Line& line) {
    line.kind = Line::Kind::kSection;
    scope_.clear();
    const size_t open = at_++;
    blanks();
    line.offset = at_;
    line.name = name("]");
    blanks();
    line.label_offset = at_;
    if (look() != ']' && look() != '\n') {
        line.has_label = true;
        if (!word(line.label, "]")) {
            return false;
        }
        blanks();
    }
    if (look() != ']') {
        return look() == '\n' ? fail(open, "the bracket is not closed, expected a ]")
                              : fail(at_, "too many words, expected [section name]");
    }
    ++at_;
    if (line.name.empty()) {
        return fail(open, "the section has no name, expected [section]");
    }
    if (!header_tail()) {
        return false;
    }
    scope_ = escape(line.name) + (line.has_label ? "." + escape(line.label) : "");
    return true;
}

bool Lexer::header_tail() {
    blanks();
    if (look() == '#') {
        comment();
    }
    return look() == '\n' || fail(at_, "expected nothing behind the ]");
}

void Lexer::setting(Line& line) {
    line.offset = at_;
    line.broken = true;
    line.name = name("=");
    blanks();
    if (look() != '=') {
        fail(line.offset, "expected \"key = value\" or \"[section]\"");
        return;
    }
    if (line.name.empty()) {
        fail(at_, "a key is missing, expected \"key = value\"");
        return;
    }
    ++at_;
    key_ = line.name;
    line.broken = !value(line);
}

/// Of offsets that only grow: no byte is counted twice.
size_t Lexer::line_number(size_t offset) noexcept {
    for (; counted_ < offset; ++counted_) {
        breaks_ += text_[counted_] == '\n' ? 1u : 0u;
    }
    return breaks_ + 1;
}

std::vector<Line> Lexer::lines() {
    std::vector<Line> out;
    while (at_ < text_.size()) {
        key_.clear();
        blanks();
        const char c = look();
        if (c == '#') {
            comment();
        } else if (c != '\n') {
            Line line;
            line.number = line_number(at_);
            if (c == '[') {
                line.broken = !header(line);
            } else {
                setting(line);
            }
            out.push_back(std::move(line));
        }
        skip_line();
    }
    return out;
}

/// Reports every line with a byte that may not be and returns the text without them,
/// all offsets unchanged.
std::string without_bad_lines(const Source& source, Diagnostics& diagnostics) {
    std::string text = source.text;
    for (size_t start = 0; start < text.size();) {
        const size_t end = std::min(text.find('\n', start), text.size());
        std::string_view line = std::string_view(text).substr(start, end - start);
        if (end < text.size() && ends_with(line, "\r")) {
            line.remove_suffix(1);
        }
        size_t bad = 0;
        if (!is_clean(line, bad)) {
            const auto byte = static_cast<unsigned char>(line[bad]);
            diagnostics.error({&source, start + bad}, "",
                              byte < 0x80 ? "a control byte, expected text"
                                          : "invalid UTF-8, expected text in UTF-8");
            text.replace(start, line.size(), line.size(), ' ');
        }
        start = end + 1;
    }
    return text;
}

}  // namespace

std::vector<Line> lex(const Source& source, Diagnostics& diagnostics) {
    const std::string text = without_bad_lines(source, diagnostics);
    const size_t start = starts_with(text, kByteOrderMark) ? kByteOrderMark.size() : 0;
    return Lexer(source, text, start, true, diagnostics).lines();
}

bool lex_value(const Source& source, size_t offset, std::string_view subject,
               Line& line, Diagnostics& diagnostics) {
    size_t bad = 0;
    const std::string_view text = source.text;
    if (!is_clean(text.substr(offset), bad) || text.find('\n', offset) != text.npos) {
        diagnostics.error({&source, offset, true}, subject,
                          "holds control bytes or invalid UTF-8, expected one line");
        return false;
    }
    Lexer lexer(source, text, offset, false, diagnostics);
    const size_t dot = subject.rfind('.');
    lexer.set_scope(std::string(subject.substr(0, dot == subject.npos ? 0 : dot)));
    lexer.set_key(std::string(subject.substr(dot == subject.npos ? 0 : dot + 1)));
    return lexer.value(line);
}

bool is_clean(std::string_view text, size_t& bad) noexcept {
    for (size_t at = 0; at < text.size();) {
        const auto byte = static_cast<unsigned char>(text[at]);
        const bool control =
            (byte < 0x20 && byte != '\t' && byte != '\n') || byte == 0x7f;
        const size_t length = byte < 0x80 ? 1 : character_length(text.substr(at));
        if (control || length == 0) {
            bad = at;
            return false;
        }
        at += length;
    }
    return true;
}

}  // namespace neuron::conf
