#ifndef NEUROND_CONF_SOURCE_H
#define NEUROND_CONF_SOURCE_H

#include <cstddef>
#include <deque>
#include <string>

namespace neuron::conf {

/// One text that settings were read from: a file, one -D, or one environment variable.
struct Source {
    size_t index = 0;     ///< position in its Sources: the order of reading
    std::string name;     ///< "etc/neurond.conf", "-D server.port", "environment X"
    std::string origin;   ///< as a dump names it; of a file, without ":line"
    std::string text;     ///< what diagnostics quote
    bool is_file = true;  ///< only in files do lines and columns mean something
    bool world_readable = false;
};

/// Where something stands. Valid as long as the Sources (a Config owns its own).
struct Place {
    const Source* source = nullptr;  ///< null: nowhere in particular, as a default
    size_t offset = 0;               ///< of a byte of source->text, or its size
    bool secret = false;             ///< a diagnostic must not quote the line
};

/// Line and column, both counted from 1; the column counts bytes.
struct Position {
    size_t line = 1;
    size_t column = 1;
};
Position position_of(const Place& place);

/// "path:line:col" for a file, the source's name else, empty for nowhere.
std::string to_string(const Place& place);

/// Owns the texts. References stay good while it lives and when it is moved.
class Sources {
  public:
    Sources() = default;
    Sources(Sources&&) = default;
    Sources& operator=(Sources&&) = default;
    Sources(const Sources&) = delete;
    Sources& operator=(const Sources&) = delete;

    const Source& add_file(std::string path, std::string text, bool world_readable);
    /// A file that could not be read, so that a message can name it.
    const Source& add_unreadable(std::string path);
    /// `text` is what stood on the command line behind -D: "section.key=value".
    const Source& add_override(std::string text);
    const Source& add_variable(const std::string& name, const std::string& value);

    const std::deque<Source>& all() const noexcept { return sources_; }

  private:
    const Source& add(Source source);

    std::deque<Source> sources_;  // a deque: growing moves no element
};

}  // namespace neuron::conf

#endif
