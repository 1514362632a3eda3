// The texts settings come from, and how a place in one is written for people. Offsets
// are counted into lines and columns only when somebody must be told.

#include "neurond/conf/source.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "neurond/base/text.h"

namespace neuron::conf {

Position position_of(const Place& place) {
    const std::string_view text = place.source->text;
    const std::string_view before = text.substr(0, std::min(place.offset, text.size()));
    const size_t line_start = before.rfind('\n') + 1;  // npos + 1 == 0: the first line
    const auto breaks = std::count(before.begin(), before.end(), '\n');
    return {static_cast<size_t>(breaks) + 1, before.size() - line_start + 1};
}

std::string to_string(const Place& place) {
    if (place.source == nullptr) {
        return {};
    }
    if (!place.source->is_file) {
        return place.source->name;
    }
    const Position at = position_of(place);
    return place.source->name + ':' + std::to_string(at.line) + ':' +
           std::to_string(at.column);
}

const Source& Sources::add(Source source) {
    source.index = sources_.size();
    sources_.push_back(std::move(source));
    return sources_.back();
}

const Source& Sources::add_file(std::string path, std::string text,
                                bool world_readable) {
    Source source;
    source.origin = escape(trim(path));  // it must stand on one line of a dump
    source.name = std::move(path);
    source.text = std::move(text);
    source.world_readable = world_readable;
    return add(std::move(source));
}

const Source& Sources::add_unreadable(std::string path) {
    Source source;
    source.name = std::move(path);
    source.is_file = false;
    return add(std::move(source));
}

const Source& Sources::add_override(std::string text) {
    Source source;
    source.name = "-D " + text.substr(0, text.find('='));
    source.origin = "-D";
    source.text = std::move(text);
    source.is_file = false;
    source.world_readable = true;  // in the list of processes
    return add(std::move(source));
}

const Source& Sources::add_variable(const std::string& name, const std::string& value) {
    Source source;
    source.name = "environment " + name;
    source.origin = source.name;
    source.text = name + '=' + value;
    source.is_file = false;
    return add(std::move(source));
}

}  // namespace neuron::conf
