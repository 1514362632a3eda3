// neurond -T. Everything is written in one canonical way, with its origin in a comment
// that the lexer reads back, so that a dump of a dump is the same text.

#include "neurond/conf/dump.h"

#include "neurond/base/secrets.h"
#include "neurond/base/text.h"

namespace neuron::conf {
namespace {

std::string written(const std::string& text, bool secret) {
    return secret ? kMask : write_word(mask_urls(text));
}

std::string written_list(const Setting& setting) {
    const bool arguments = std::string_view(setting.spec->key) == "args";
    ArgumentMask mask;
    std::string words;
    for (const Text& word : setting.value.list) {
        const std::string shown =
            arguments ? mask.next(word.text, word.secret) : word.text;
        words += (words.empty() ? "" : " ");
        words += written(shown, word.secret || shown == kMask);
    }
    return words;
}

std::string written(const Setting& setting) {
    const Value& value = setting.value;
    if (ends_with(setting.spec->key, "url")) {
        return write_word(mask_url(value.text, value.secret));
    }
    switch (setting.spec->type) {
        case Type::kString:
        case Type::kChoice:
            return written(value.text, value.secret);
        case Type::kList:
            return written_list(setting);
        case Type::kYesNo:
        case Type::kInteger:
        case Type::kMode:
        case Type::kSize:
        case Type::kDuration:
        case Type::kPercent:
            break;
    }
    return write_number(*setting.spec, value.number);
}

std::string title_of(std::string_view section, const std::string& name) {
    return "[" + std::string(section) + (name.empty() ? "" : " ") + name + "]";
}

/// A daemon goes on with what it began with where another value needs a restart.
const Setting& in_force(const Section& section, const Setting& setting,
                        const Config& started) {
    const Setting* first = nullptr;
    if (setting.spec->applies == Applies::kOnRestart && !section.spec().has_label()) {
        first = started.section(section.name()).find(setting.key);
    }
    return first != nullptr ? *first : setting;
}

}  // namespace

std::vector<ShownSetting> settings_in_force(const Config& config,
                                            const Config& started) {
    std::vector<ShownSetting> out;
    for (const SectionSpec& spec : sections()) {
        for (const Section* section : config.sections(spec.name)) {
            for (const Setting& each : section->settings()) {
                const Setting& setting = in_force(*section, each, started);
                out.push_back({spec.name, section->label(), setting.key,
                               written(setting), setting.origin});
            }
        }
    }
    return out;
}

std::string dump(const std::vector<ShownSetting>& settings) {
    std::string out;
    std::string before;
    for (const ShownSetting& each : settings) {
        const std::string title = title_of(each.section, each.name);
        if (title != before) {
            out += (out.empty() ? "" : "\n") + title + "\n";
            before = title;
        }
        out += each.key + " =" + (each.value.empty() ? "" : " ") + each.value;
        out += " #= " + each.origin + '\n';
    }
    return out;
}

std::vector<std::string> settings_in_lines(const Config& config, bool defaults) {
    std::vector<std::string> out;
    for (const SectionSpec& spec : sections()) {
        for (const Section* section : config.sections(spec.name)) {
            std::string settings;
            for (const Setting& setting : section->settings()) {
                if (defaults || setting.layer > 0) {
                    settings += settings.empty() ? " " : "; ";
                    settings += setting.key + " = " + written(setting);
                }
            }
            if (!settings.empty()) {
                out.push_back(title_of(spec.name, section->label()) + settings);
            }
        }
    }
    return out;
}

std::string dump(const Config& config) {
    return dump(settings_in_force(config, config));
}

}  // namespace neuron::conf
