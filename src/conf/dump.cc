// neurond -T. Everything is written in one canonical way, with its origin in a comment
// that the lexer reads back, so that a dump of a dump is the same text.

#include "neurond/conf/dump.h"

#include "neurond/base/secrets.h"
#include "neurond/base/text.h"

namespace neuron::conf {
namespace {

std::string written(const std::string& text, bool secret) {
    return secret ? kMask : write_word(mask_passwords(text));
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

std::string title_of(const Section& section) {
    std::string out = "[" + std::string(section.name());
    if (section.spec().has_label()) {
        out += ' ' + section.label();
    }
    return out + "]";
}

void dump_section(const Section& section, std::string& out) {
    out += (out.empty() ? "" : "\n") + title_of(section) + "\n";
    for (const Setting& setting : section.settings()) {
        const std::string value = written(setting);
        out += setting.key + " =" + (value.empty() ? "" : " ") + value;
        out += " #= " + setting.origin + '\n';
    }
}

}  // namespace

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
                out.push_back(title_of(*section) + settings);
            }
        }
    }
    return out;
}

std::string dump(const Config& config) {
    std::string out;
    for (const SectionSpec& spec : sections()) {
        for (const Section* section : config.sections(spec.name)) {
            dump_section(*section, out);
        }
    }
    return out;
}

}  // namespace neuron::conf
