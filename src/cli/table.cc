// What people read: aligned columns, durations in words, and texts from elsewhere made
// harmless for a terminal. A character counts as one column, which is wrong for wide ones
// and good enough for names, states and numbers.

#include "neurond/cli/table.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cassert>
#include <cstdio>
#include <cstdlib>

#include "neurond/base/text.h"

namespace neuron {

namespace {

constexpr size_t kMaxCellBytes = 4096;
constexpr size_t kDefaultWidth = 80;
constexpr size_t kGap = 2;

size_t characters(std::string_view text) {
    return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) {
        return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
    }));
}

/// The first `count` characters.
std::string_view head_of(std::string_view text, size_t count) {
    size_t at = 0;
    while (count-- > 0 && at < text.size()) {
        at += std::max<size_t>(utf8_length(text.substr(at)), 1);
    }
    return text.substr(0, at);
}

std::string cut(const std::string& text, size_t width) {
    if (characters(text) <= width) {
        return text;
    }
    return std::string(head_of(text, width - 1)) + "…";
}

struct Colour {
    std::string_view word;
    const char* code;
};
constexpr Colour kColours[] = {
    {"healthy", "32"},  {"allowed", "32"},    {"ready", "32"},  {"degraded", "33"},
    {"starting", "33"}, {"restarting", "33"}, {"failed", "31"}, {"open", "31"},
    {"denied", "31"},   {"disabled", "2"},
};

/// The same between the codes that colour it and end that.
std::string coloured(const std::string& cell, const std::string& text) {
    for (const Colour& each : kColours) {
        if (each.word == cell) {
            return "\x1b[" + std::string(each.code) + "m" + text + "\x1b[0m";
        }
    }
    return text;
}

std::string padded(const std::string& text, size_t width, Table::Align align) {
    const size_t length = characters(text);
    const std::string blanks(width > length ? width - length : 0, ' ');
    return align == Table::Align::kRight ? blanks + text : text + blanks;
}

}  // namespace

void Table::add(const std::vector<std::string>& cells) {
    assert(cells.size() == columns_.size());
    std::vector<std::string> row;
    for (const std::string& cell : cells) {
        row.push_back(cell.empty() ? "-" : escape(cell, kMaxCellBytes));
    }
    rows_.push_back(std::move(row));
}

std::string Table::to_string(size_t width, bool colour) const {
    std::vector<std::vector<std::string>> lines(1);
    for (const Column& column : columns_) {
        lines[0].emplace_back(column.title);
    }
    lines.insert(lines.end(), rows_.begin(), rows_.end());

    std::vector<size_t> widths(columns_.size(), 0);
    for (const auto& line : lines) {
        for (size_t i = 0; i < line.size(); ++i) {
            widths[i] = std::max(widths[i], characters(line[i]));
        }
    }
    const size_t last = columns_.size() - 1;
    if (width > 0) {
        size_t before = 0;
        for (size_t i = 0; i < last; ++i) {
            before += widths[i] + kGap;
        }
        const size_t least = characters(columns_[last].title);
        const size_t room = std::max(width > before ? width - before : 0, least);
        widths[last] = std::min(widths[last], room);
    }
    std::string out;
    for (const auto& line : lines) {
        std::string text;
        for (size_t i = 0; i < line.size(); ++i) {
            const std::string cell =
                padded(cut(line[i], widths[i]), widths[i], columns_[i].align);
            const std::string_view title = columns_[i].title;
            text += colour && (title == "STATE" || title == "DECISION")
                        ? coloured(line[i], cell)
                        : cell;
            text.append(i < last ? kGap : 0, ' ');
        }
        text.erase(text.find_last_not_of(' ') + 1);
        out += text + "\n";
    }
    return out;
}

size_t terminal_width() {
    if (::isatty(STDOUT_FILENO) == 0) {
        return 0;
    }
    winsize size{};
    if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) {
        return kDefaultWidth;
    }
    return size.ws_col;
}

bool terminal_has_colours() {
    const char* no = ::getenv("NO_COLOR");
    const char* kind = ::getenv("TERM");
    return ::isatty(STDOUT_FILENO) != 0 && (no == nullptr || *no == '\0') &&
           (kind == nullptr || std::string_view(kind) != "dumb");
}

std::string to_words(uint64_t seconds) {
    const struct {
        uint64_t seconds;
        const char* unit;
    } units[] = {{86400, "d"}, {3600, "h"}, {60, "m"}, {1, "s"}};
    std::string out;
    int shown = 0;
    for (const auto& [length, unit] : units) {
        const uint64_t count = seconds / length;
        seconds %= length;
        if (shown == 0 ? count == 0 && length > 1 : shown == 2) {
            continue;
        }
        out += (out.empty() ? "" : " ") + std::to_string(count) + unit;
        ++shown;
    }
    return out;
}

std::string printable(std::string_view text) {
    std::string out;
    while (!text.empty()) {
        const size_t length = std::max<size_t>(utf8_length(text), 1);
        const std::string_view one = text.substr(0, length);
        const bool layout = one == "\n" || one == "\t" || one == "\\";
        out += layout ? std::string(one) : escape(one, length);
        text.remove_prefix(length);
    }
    return out;
}

}  // namespace neuron
