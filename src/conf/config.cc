// The result of loading: sections with typed values. A getter that is asked for a key the
// schema does not have, or has with another type, is a mistake in our own code.

#include "neurond/conf/config.h"

#include <algorithm>
#include <cassert>
#include <iterator>

#include "neurond/base/text.h"

namespace neuron::conf {
namespace {

std::ptrdiff_t row_of(const SectionSpec& section, const Setting& setting) noexcept {
    return setting.spec - section.begin();
}

}  // namespace

std::string Section::path(std::string_view key) const {
    std::string out = spec_->name;
    if (spec_->has_label()) {
        out += '.' + escape(label_);
    }
    return out + '.' + escape(key);
}

const Setting* Section::find(std::string_view key) const noexcept {
    const auto found =
        std::find_if(settings_.begin(), settings_.end(),
                     [key](const Setting& setting) { return setting.key == key; });
    return found == settings_.end() ? nullptr : &*found;
}

Setting* Section::find(std::string_view key) noexcept {
    return const_cast<Setting*>(std::as_const(*this).find(key));
}

const Value& Section::value(std::string_view key, Type type) const {
    const Setting* setting = find(key);
    assert(setting != nullptr && setting->spec->type == type);
    static_cast<void>(type);
    return setting->value;
}

const std::string& Section::str(std::string_view key) const {
    const Setting* setting = find(key);
    assert(setting != nullptr && (setting->spec->type == Type::kString ||
                                  setting->spec->type == Type::kChoice));
    return setting->value.text;
}

int64_t Section::integer(std::string_view key) const {
    const Setting* setting = find(key);
    assert(setting != nullptr && (setting->spec->type == Type::kInteger ||
                                  setting->spec->type == Type::kMode ||
                                  setting->spec->type == Type::kPercent));
    return setting->value.number;
}

uint64_t Section::size(std::string_view key) const {
    return static_cast<uint64_t>(value(key, Type::kSize).number);
}

Millis Section::duration(std::string_view key) const {
    return Millis(value(key, Type::kDuration).number);
}

bool Section::yes(std::string_view key) const {
    return value(key, Type::kYesNo).number != 0;
}

std::vector<std::string> Section::list(std::string_view key) const {
    std::vector<std::string> words;
    for (const Text& word : value(key, Type::kList).list) {
        words.push_back(word.text);
    }
    return words;
}

std::vector<std::pair<std::string, std::string>> Section::map(
    std::string_view prefix) const {
    std::vector<std::pair<std::string, std::string>> out;
    for (const Setting& setting : settings_) {
        if (setting.spec->is_pattern() && setting.spec->type == Type::kString &&
            starts_with(setting.key, std::string(prefix) + '.')) {
            out.emplace_back(setting.key.substr(prefix.size() + 1), setting.value.text);
        }
    }
    return out;
}

std::vector<std::pair<std::string, Millis>> Section::durations(
    std::string_view prefix) const {
    std::vector<std::pair<std::string, Millis>> out;
    for (const Setting& setting : settings_) {
        if (setting.spec->is_pattern() && setting.spec->type == Type::kDuration &&
            starts_with(setting.key, std::string(prefix) + '.')) {
            out.emplace_back(setting.key.substr(prefix.size() + 1),
                             Millis(setting.value.number));
        }
    }
    return out;
}

bool Section::is_set(std::string_view key) const {
    const Setting* setting = find(key);
    return setting != nullptr && setting->origin != "default";
}

Place Section::place(std::string_view key) const {
    const Setting* setting = find(key);
    return setting != nullptr && setting->place.source != nullptr ? setting->place
                                                                  : place_;
}

Setting& Section::add(Setting setting) {
    settings_.push_back(std::move(setting));
    return settings_.back();
}

void Section::sort() {
    std::stable_sort(settings_.begin(), settings_.end(),
                     [this](const Setting& a, const Setting& b) {
                         return row_of(*spec_, a) < row_of(*spec_, b);
                     });
}

const Section& Config::section(std::string_view name) const {
    const Section* found = find(name, "");
    assert(found != nullptr && !found->spec().has_label());
    return *found;
}

std::vector<const Section*> Config::sections(std::string_view name) const {
    std::vector<const Section*> out;
    for (const Section& section : sections_) {
        if (section.name() == name) {
            out.push_back(&section);
        }
    }
    return out;
}

const Section* Config::find(std::string_view name,
                            std::string_view label) const noexcept {
    for (const Section& section : sections_) {
        if (section.name() == name && section.label() == label) {
            return &section;
        }
    }
    return nullptr;
}

Section* Config::find(std::string_view name, std::string_view label) noexcept {
    return const_cast<Section*>(std::as_const(*this).find(name, label));
}

Section& Config::add(Section section) {
    sections_.push_back(std::move(section));
    return sections_.back();
}

}  // namespace neuron::conf
