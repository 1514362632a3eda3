#ifndef NEUROND_CLI_TABLE_H
#define NEUROND_CLI_TABLE_H

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace neuron {

/// Aligned columns for people: a header line, two blanks between columns, no blanks at a
/// line's end. Cells pass escape(), so that no downstream writes to the terminal.
class Table {
  public:
    enum class Align { kLeft, kRight };
    struct Column {
        const char* title;
        Align align = Align::kLeft;
    };

    explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

    /// One cell a column; an empty cell shows as "-".
    void add(const std::vector<std::string>& cells);

    /// Lines of at most `width` characters (0: any): the last column is cut with "…",
    /// but never below its title. With `colour` a column STATE or DECISION says by its
    /// colour, too, whether that is good.
    std::string to_string(size_t width, bool colour = false) const;

  private:
    std::vector<Column> columns_;
    std::vector<std::vector<std::string>> rows_;
};

/// Columns of the terminal on stdout; 0 if stdout is none.
size_t terminal_width();
/// Whether stdout is a terminal that shows colours, and NO_COLOR does not forbid them.
bool terminal_has_colours();

/// "3d 4h", "2h 5m", "1m 20s", "7s": the two largest units.
std::string to_words(uint64_t seconds);

/// `text` for a terminal: control characters but line feed and tab become \xNN.
std::string printable(std::string_view text);

}  // namespace neuron

#endif
