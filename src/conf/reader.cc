// Finds all settings there are, in files, environment and command line, and sorts them
// into sections. Whether a key exists and what its value means is for load.cc.

#include "neurond/conf/reader.h"

#include <algorithm>
#include <utility>

#include "neurond/base/limits.h"
#include "neurond/base/secrets.h"
#include "neurond/base/text.h"
#include "neurond/conf/expand.h"
#include "neurond/conf/suggest.h"

namespace neuron::conf {
namespace {

constexpr std::string_view kOwnPrefix = "NEUROND_";

std::string to_upper(std::string_view text) {
    std::string out(text);
    for (char& c : out) {
        c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    }
    return out;
}

/// `path` as seen from the directory of `from`.
std::string relative_to(const std::string& from, const std::string& path) {
    const size_t slash = from.rfind('/');
    if (starts_with(path, "/") || slash == from.npos) {
        return path;
    }
    return from.substr(0, slash + 1) + path;
}

std::string unknown_section(std::string_view name) {
    std::vector<std::string_view> names;
    for (const SectionSpec& spec : sections()) {
        names.emplace_back(spec.name);
    }
    return "unknown section" + did_you_mean(name, names);
}

}  // namespace

std::vector<RawSection> Reader::read_file(const std::string& path) {
    sections_.clear();
    auto file = files_.read_config(path);
    if (!file) {
        const Source& source = sources_.add_unreadable(path);
        diagnostics_.error({&source, 0}, "", file.error().message);
        return {};
    }
    open_.push_back(path);
    read_lines(sources_.add_file(path, std::move(file->text), file->world_readable));
    open_.pop_back();
    return std::move(sections_);
}

void Reader::read_lines(const Source& source) {
    enum class Home { kNone, kSection, kUnknown } home = Home::kNone;
    for (Line& line : lex(source, diagnostics_)) {
        if (line.kind == Line::Kind::kSection) {
            home = begin_section(source, line) ? Home::kSection : Home::kUnknown;
        } else if (line.name == "include") {
            include(source, line);
            home = Home::kNone;
        } else if (home == Home::kSection) {
            sections_.back().settings.push_back({&source, std::move(line)});
        } else if (home == Home::kNone && !line.broken) {
            diagnostics_.error({&source, line.offset, is_secret_name(line.name)},
                               escape(line.name),
                               "stands in no section, expected a [section] before it");
        }
    }
}

/// False if what follows has no home, because the header is wrong and reported.
bool Reader::begin_section(const Source& source, const Line& line) {
    if (line.broken) {
        return false;
    }
    const std::string subject = '[' + escape(line.name) + ']';
    const SectionSpec* spec = find_section(line.name);
    if (spec == nullptr) {
        diagnostics_.error({&source, line.offset}, subject, unknown_section(line.name));
        return false;
    }
    if (line.has_label && !spec->has_label()) {
        diagnostics_.error({&source, line.label_offset}, subject,
                           "takes no name, expected " + subject + " alone");
        return false;
    }
    const size_t at = spec->has_label() ? line.label_offset : line.offset;
    sections_.push_back({spec, line.label, {&source, at}, {}});
    return true;
}

void Reader::include(const Source& source, const Line& line) {
    if (line.broken) {
        return;
    }
    if (line.words.empty()) {
        diagnostics_.error({&source, line.value_offset}, "include",
                           "names no file, expected a path or a pattern");
    }
    for (const Word& word : line.words) {
        const Place place = {&source, word.offset};
        auto expanded = expand(word.text, files_, used_);
        if (!expanded) {
            diagnostics_.error(place, "include", expanded.error().message);
            continue;
        }
        const std::string path = relative_to(source.name, expanded->text);
        if (path.find_first_of("*?[") == path.npos) {
            include_path(place, path);
            continue;
        }
        auto found = files_.expand(path);
        if (!found) {
            diagnostics_.error(place, "include", found.error().message);
            continue;
        }
        for (const std::string& one : *found) {
            include_path(place, one);
        }
    }
}

void Reader::include_path(const Place& place, const std::string& path) {
    if (std::find(open_.begin(), open_.end(), path) != open_.end()) {
        diagnostics_.error(place, "include", escape(path) + " includes itself");
        return;
    }
    if (open_.size() > kMaxIncludeDepth || sources_.all().size() >= kMaxConfigFiles) {
        diagnostics_.error(place, "include",
                           "too many files, expected at most " +
                               std::to_string(kMaxIncludeDepth) +
                               " inside each other and " +
                               std::to_string(kMaxConfigFiles) + " in all");
        return;
    }
    auto file = files_.read_config(path);
    if (!file) {
        diagnostics_.error(place, "include", file.error().message);
        return;
    }
    open_.push_back(path);
    read_lines(sources_.add_file(path, std::move(file->text), file->world_readable));
    open_.pop_back();
}

void Reader::add_single(const SectionSpec& spec, std::string label,
                        const Source& source, size_t label_offset, Line line) {
    RawSection section = {&spec, std::move(label), {&source, label_offset}, {}};
    section.settings.push_back({&source, std::move(line)});
    sections_.push_back(std::move(section));
}

std::vector<RawSection> Reader::read_environment() {
    sections_.clear();
    for (const std::string& name : files_.own_variables()) {
        read_variable(name);
    }
    return std::move(sections_);
}

void Reader::read_variable(const std::string& name) {
    std::string rest = name.substr(std::min(kOwnPrefix.size(), name.size()));
    if (rest == "BIND" || rest == "PORT") {
        rest = "SERVER_" + rest;
    }
    for (const SectionSpec& spec : sections()) {
        const std::string prefix = to_upper(spec.name) + '_';
        if (spec.has_label() || !starts_with(rest, prefix)) {
            continue;
        }
        const auto value = files_.variable(name);
        if (!value || value->empty()) {
            continue;  // NAME= in an environment file is how people unset it
        }
        const Source& source = sources_.add_variable(name, *value);
        Line line;
        line.name = to_lower(rest.substr(prefix.size()));
        const std::string subject = std::string(spec.name) + '.' + line.name;
        line.broken = !lex_value(source, name.size() + 1, subject, line, diagnostics_);
        add_single(spec, "", source, 0, std::move(line));
    }
}

std::vector<RawSection> Reader::read_overrides(
    const std::vector<std::string>& overrides) {
    sections_.clear();
    for (const std::string& text : overrides) {
        read_override(text);
    }
    return std::move(sections_);
}

void Reader::read_override(const std::string& text) {
    const Source& source = sources_.add_override(text);
    const size_t equals = std::min(text.find('='), text.size());
    const std::string path(trim(std::string_view(text).substr(0, equals)));
    const size_t first_dot = std::min(path.find('.'), path.size());
    const std::string name = path.substr(0, first_dot);
    const SectionSpec* spec = find_section(name);
    size_t key_at = std::min(first_dot + 1, path.size());
    std::string label;
    if (spec != nullptr && spec->has_label()) {
        const size_t dot = std::min(path.find('.', key_at), path.size());
        label = path.substr(key_at, dot - key_at);
        key_at = std::min(dot + 1, path.size());
    }
    const std::string key = path.substr(key_at);
    if (equals == text.size() || name.empty() || key.find_first_of(" \t") != key.npos ||
        (spec != nullptr && key.empty())) {
        diagnostics_.error({&source, 0, true}, "",
                           "expected section.key=value or section.name.key=value");
        return;
    }
    if (spec == nullptr) {
        diagnostics_.error({&source, 0}, '[' + escape(name) + ']',
                           unknown_section(name));
        return;
    }
    Line line;
    line.name = key;
    line.offset = text.find(key, key_at);
    line.broken = !lex_value(source, equals + 1, path, line, diagnostics_);
    add_single(*spec, std::move(label), source, name.size() + 1, std::move(line));
}

}  // namespace neuron::conf
