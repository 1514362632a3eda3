#include "neurond/conf/lexer.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "neurond/conf/source.h"

using namespace neuron;
using namespace neuron::conf;

namespace {

/// A line as one text: [name] [name|label] key=<word><word> and the origin behind "@";
/// "!" in front if it is broken.
std::string shape(const Line& line) {
    std::string out = line.broken ? "!" : "";
    if (line.kind == Line::Kind::kSection) {
        return out + '[' + line.name + (line.has_label ? '|' + line.label : "") + ']';
    }
    out += line.name + '=';
    for (const Word& word : line.words) {
        out += '<' + word.text + '>';
    }
    return out + (line.origin.empty() ? "" : '@' + line.origin);
}

struct Lexed {
    std::vector<Line> lines;
    Diagnostics diagnostics;

    std::string shapes() const {
        std::string out;
        for (const Line& line : lines) {
            out += (out.empty() ? "" : " ") + shape(line);
        }
        return out;
    }
    std::string message() const {
        std::string out;
        for (const Diagnostic& one : diagnostics.all()) {
            out += (out.empty() ? "" : "\n") + one.where + ": " + one.message;
        }
        return out;
    }
};

Lexed lex_text(const std::string& text) {
    Sources sources;
    Lexed out;
    out.lines = lex(sources.add_file("t", text, false), out.diagnostics);
    return out;
}

struct Row {
    const char* text;
    const char* shapes;
};

struct BadRow {
    const char* text;
    const char* message;
};

/// Every prefix may lack the end of its last line, and nothing else: all lines before it
/// read as they do in the whole text.
void check_every_prefix(const std::string& text) {
    const std::vector<Line> whole = lex_text(text).lines;
    for (size_t n = 0; n < text.size(); ++n) {
        CAPTURE(n);
        const std::vector<Line> part = lex_text(text.substr(0, n)).lines;
        REQUIRE(part.size() <= whole.size());
        for (size_t i = 0; i + 1 < part.size(); ++i) {
            CHECK(shape(part[i]) == shape(whole[i]));
        }
    }
}

}  // namespace

TEST_CASE("the lexer reads sections, settings and comments") {
    const Row rows[] = {
        {"", ""},
        {"\n\n  \t\n", ""},
        {"# a = b\n  # c", ""},
        {"[server]", "[server]"},
        {" [ server ] ", "[server]"},
        {"[downstream redis]", "[downstream|redis]"},
        {"[downstream\tredis ]\n", "[downstream|redis]"},
        {"[downstream \"\"]", "[downstream|]"},  // an empty name is told from none
        {"[downstream]# c", "[downstream]"},
        {"[downstream x] # c", "[downstream|x]"},
        {"a=b", "a=<b>"},
        {"  a  =  b  ", "a=<b>"},
        {"a =", "a="},
        {"a = # c", "a="},
        {"a = b c\td", "a=<b><c><d>"},
        {"a = b # c", "a=<b>"},
        {"a = b#c", "a=<b#c>"},  // no blank before it: no comment
        {"a =#b", "a=<#b>"},
        {"a = b=c", "a=<b=c>"},
        {"env.X = 1", "env.X=<1>"},
        {"timeout.a[bc]*? = 1s", "timeout.a[bc]*?=<1s>"},
        {"a = b\r\nc = d\r\n", "a=<b> c=<d>"},  // CRLF
        {"\xEF\xBB\xBF"
         "a = b",
         "a=<b>"},  // byte order mark
        {"a = gr\xC3\xBC\xC3\x9F", "a=<gr\xC3\xBC\xC3\x9F>"},
        {"a = b]", "a=<b]>"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.text);
        const Lexed lexed = lex_text(row.text);
        CHECK(lexed.shapes() == row.shapes);
        CHECK(lexed.message() == "");
        check_every_prefix(row.text);
    }
}

TEST_CASE("quotes keep blanks and know four escapes") {
    const Row rows[] = {
        {"a = \"b c\"", "a=<b c>"},
        {"a = \"\"", "a=<>"},
        {"a = \"b\" \"c d\"", "a=<b><c d>"},
        {"a = \"b # c\" # d", "a=<b # c>"},
        {"a = --x=\"b c\"d", "a=<--x=b cd>"},  // anywhere in a word
        {R"(a = "\"\\\n\t")", "a=<\"\\\n\t>"},
        {R"(a = C:\dir\new)", R"(a=<C:\dir\new>)"},  // outside a backslash is itself
        {"a = \"${env:X:-b c}\"", "a=<${env:X:-b c}>"},
        {"a = '\"'\"", "a=<''>"},  // the other quote is a sign like others
    };
    for (const Row& row : rows) {
        CAPTURE(row.text);
        const Lexed lexed = lex_text(row.text);
        CHECK(lexed.shapes() == row.shapes);
        CHECK(lexed.message() == "");
        check_every_prefix(row.text);
    }
}

TEST_CASE("a backslash that ends a line joins the next") {
    const Row rows[] = {
        {"a = b \\\n  c\nd = e", "a=<b><c> d=<e>"},
        {"a = b \\\r\n  c", "a=<b><c>"},
        {"a = b\\\nc", "a=<bc>"},        // nothing stands for the end of line
        {"a = \"b \\\nc\"", "a=<b c>"},  // in quotes too
        {"a \\\n = \\\n b", "a=<b>"},
        {"a = b \\\n\\\n c", "a=<b><c>"},
        {"a = b \\\n\nc = d", "a=<b> c=<d>"},  // an empty line ends it
        {"# a \\\nb = c", "b=<c>"},            // comments are not continued
        {"a = b # c \\\nd = e", "a=<b> d=<e>"},
        {"a = b \\", "a=<b>"},
        {"[a \\\n b]", "[a|b]"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.text);
        const Lexed lexed = lex_text(row.text);
        CHECK(lexed.shapes() == row.shapes);
        CHECK(lexed.message() == "");
        check_every_prefix(row.text);
    }
}

TEST_CASE("a comment that begins with #= is the origin of the value") {
    const Row rows[] = {
        {"a = b #= default", "a=<b>@default"},
        {"a = b #=  etc/x.conf:12 \r\n", "a=<b>@etc/x.conf:12"},
        {"a = #= -D", "a=@-D"},
        {"a = b #=====", "a=<b>"},  // a drawing
        {"a = b # = x", "a=<b>"},
        {"a = \"#= x\"", "a=<#= x>"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.text);
        CHECK(lex_text(row.text).shapes() == row.shapes);
    }
}

TEST_CASE("a value is also one text with its blanks as they stand") {
    const Lexed lexed = lex_text("a =  b  \"c  d\"\te   # f");
    REQUIRE(lexed.lines.size() == 1);
    CHECK(lexed.lines[0].whole == "b  c  d\te");
    CHECK(lexed.lines[0].value_offset == 5);
    CHECK(lexed.lines[0].words[1].offset == 8);
}

TEST_CASE("lines are counted as an editor counts them") {
    const Lexed lexed = lex_text("\na = b \\\n c\r\n# x\nd = e\n");
    REQUIRE(lexed.lines.size() == 2);
    CHECK(lexed.lines[0].number == 2);
    CHECK(lexed.lines[1].number == 5);
}

TEST_CASE("what is no grammar is reported once, with its place") {
    const BadRow rows[] = {
        {"a", "t:1:1: expected \"key = value\" or \"[section]\""},
        {"\n  a b = c", "t:2:3: expected \"key = value\" or \"[section]\""},
        {"[s]\na", "t:2:1: s: expected \"key = value\" or \"[section]\""},
        {"= a", "t:1:1: a key is missing, expected \"key = value\""},
        {"[s x]\n = a", "t:2:2: s.x: a key is missing, expected \"key = value\""},
        {"[s", "t:1:1: the bracket is not closed, expected a ]"},
        {"[s x # ]", "t:1:6: too many words, expected [section name]"},
        {"[]", "t:1:1: the section has no name, expected [section]"},
        {"[s x y]", "t:1:6: too many words, expected [section name]"},
        {"[s] x", "t:1:5: expected nothing behind the ]"},
        {"[s \"x]", "t:1:4: the quote is not closed, expected a \" on this line"},
        {"[s]\na = \"b",
         "t:2:5: s.a: the quote is not closed, expected a \" on this line"},
        {"a = \"b\nc\"",
         "t:1:5: a: the quote is not closed, expected a \" on this line\n"
         "t:2:1: expected \"key = value\" or \"[section]\""},
        {"a = b \"c\\x\"",
         "t:1:9: a: an unknown escape, expected \\\" \\\\ \\n or \\t"},
        {"a = \"\\", "t:1:5: a: the quote is not closed, expected a \" on this line"},
        {"a = b \\ \nc = d",
         "t:1:7: a: blanks follow the \\, expected it to end the line"},
        {"a = b\x01", "t:1:6: a control byte, expected text"},
        {"# \x7f", "t:1:3: a control byte, expected text"},
        {"a = b\rc", "t:1:6: a control byte, expected text"},  // CR alone ends nothing
        {"a = \"b\x1b[31m\"", "t:1:7: a control byte, expected text"},
        {"a = \xff", "t:1:5: invalid UTF-8, expected text in UTF-8"},
        {"a = x\xC3", "t:1:6: invalid UTF-8, expected text in UTF-8"},
        {"a = \xC0\x80", "t:1:5: invalid UTF-8, expected text in UTF-8"},  // overlong
        {"a = \xED\xA0\x80",
         "t:1:5: invalid UTF-8, expected text in UTF-8"},  // surrogate
    };
    for (const BadRow& row : rows) {
        CAPTURE(row.text);
        CHECK(lex_text(row.text).message() == row.message);
        for (std::string text = row.text; !text.empty(); text.pop_back()) {
            lex_text(text);  // no prefix may harm
        }
    }
    CHECK(lex_text(std::string("a = b\0c", 7)).message() ==
          "t:1:6: a control byte, expected text");
}

TEST_CASE("a broken line leaves the others as they are") {
    CHECK(lex_text("a = \"b\nc = d\n[x\ne = f").shapes() == "!a= c=<d> ![x] e=<f>");
    CHECK(lex_text("a = \x01\nc = d").shapes() == "c=<d>");
}

TEST_CASE("the value of an override is read without comments") {
    Sources sources;
    Diagnostics diagnostics;
    Line line;
    const Source& source = sources.add_override("x.args=a \"b c\" # d");
    REQUIRE(lex_value(source, 7, "x.args", line, diagnostics));
    CHECK(shape(line) == "=<a><b c><#><d>");
    Line bad;
    CHECK_FALSE(
        lex_value(sources.add_override("x.args=\"a"), 7, "x.args", bad, diagnostics));
    CHECK_FALSE(
        lex_value(sources.add_override("x.args=a\nb"), 7, "x.args", bad, diagnostics));
    REQUIRE(diagnostics.all().size() == 2);
    CHECK(diagnostics.all()[0].where == "-D x.args");
    CHECK(diagnostics.all()[0].message ==
          "x.args: the quote is not closed, expected a \" on this line");
    CHECK(diagnostics.all()[1].message ==
          "x.args: holds control bytes or invalid UTF-8, expected one line");
}
