// From what was written to what holds: looks every key up, expands and converts values,
// lets -D win over the environment over the file over the default, and reports whatever
// is wrong without stopping at the first.

#include <cassert>
#include <utility>

#include "neurond/base/limits.h"
#include "neurond/base/secrets.h"
#include "neurond/base/text.h"
#include "neurond/conf/check.h"
#include "neurond/conf/config.h"
#include "neurond/conf/dump.h"
#include "neurond/conf/expand.h"
#include "neurond/conf/reader.h"
#include "neurond/conf/suggest.h"

namespace neuron::conf {
namespace {

constexpr size_t kMaxQuoted = 80;  // of a wrong value, in a message

/// Arguments such as --token-file=/path and --max-tokens=4096 hold none.
bool may_be_secret(std::string_view text) {
    return text.size() >= kMinSecretBytes && !starts_with(text, "/") &&
           text.find_first_not_of("0123456789") != text.npos;
}

/// What an argument's name, or the one before it, says is a secret. True if everybody may
/// read one of these.
bool learn_arguments(const std::vector<Text>& args) {
    ArgumentMask mask;
    bool found = false;
    for (const Text& arg : args) {
        const std::string shown = mask.next(arg.text, arg.secret);
        if (shown == arg.text) {
            continue;
        }
        const size_t same = shown == kMask ? 0 : shown.find('=') + 1;
        const std::string_view secret = std::string_view(arg.text).substr(same);
        learn_secret(secret);
        found = found || (arg.open && may_be_secret(secret));
    }
    return found;
}

/// As it is annotated, else where it stands.
std::string origin_of(const RawSetting& raw) {
    if (!raw.line.origin.empty()) {
        return raw.line.origin;
    }
    const Source& source = *raw.source;
    return source.origin +
           (source.is_file ? ':' + std::to_string(raw.line.number) : "");
}

class Builder {
  public:
    Builder(Config& config, Files& files, Diagnostics& diagnostics)
        : config_(config), files_(files), diagnostics_(diagnostics) {
        for (const SectionSpec& spec : sections()) {
            if (!spec.has_label()) {
                config_.add(Section(spec, "", Place{}));
            }
        }
    }

    /// Settings of a higher layer replace those of a lower one.
    void add_layer(std::vector<RawSection> raw, unsigned layer);
    /// Defaults, and what is missing.
    void complete();

  private:
    Section& section_for(const RawSection& raw);
    void add_setting(Section& section, const RawSetting& raw, unsigned layer);
    void report_unknown(Section& section, const Place& place, const std::string& key);
    void assign(const Section& section, const RawSetting& raw, Setting& setting);
    void assign_scalar(const Section& section, const RawSetting& raw, Setting& setting);
    void append_words(const Section& section, const RawSetting& raw, Setting& setting);
    bool take_text(const Section& section, const std::string& written,
                   const Place& place, Setting& setting, Text& out);
    void set_default(Section& section, const KeySpec& spec);
    void reject(const Section& section, const Place& place, Setting& setting,
                std::string_view value, std::string_view why);

    Config& config_;
    Files& files_;
    Diagnostics& diagnostics_;
};

void Builder::add_layer(std::vector<RawSection> raw, unsigned layer) {
    for (const RawSection& one : raw) {
        Section& section = section_for(one);
        for (const RawSetting& setting : one.settings) {
            add_setting(section, setting, layer);
        }
    }
}

Section& Builder::section_for(const RawSection& raw) {
    Section* found = config_.find(raw.spec->name, raw.label);
    if (found == nullptr) {
        return config_.add(Section(*raw.spec, raw.label, raw.place));
    }
    if (found->place().source == nullptr) {
        found->set_place(raw.place);
    }
    return *found;
}

void Builder::add_setting(Section& section, const RawSetting& raw, unsigned layer) {
    const Line& line = raw.line;
    const Place key_place = {raw.source, line.offset, is_secret_name(line.name)};
    const KeySpec* spec = section.spec().find(line.name);
    if (spec == nullptr) {
        if (!line.broken) {
            report_unknown(section, key_place, line.name);
        }
        return;
    }
    Setting made;
    made.spec = spec;
    made.key = line.name;
    made.key_place = key_place;
    made.key_place.secret = key_place.secret && spec->may_be_secret;
    made.place = {raw.source, line.value_offset, made.key_place.secret};
    made.layer = layer;
    made.broken = line.broken;
    made.origin = origin_of(raw);
    Setting* known = section.find(line.name);
    if (known == nullptr || known->layer < layer) {
        Setting& kept = known == nullptr ? section.add(std::move(made))
                                         : (*known = std::move(made));
        assign(section, raw, kept);
    } else if (spec->type == Type::kList) {
        if (!ends_with(", " + known->origin, ", " + made.origin)) {
            known->origin += ", " + made.origin;
        }
        assign(section, raw, *known);
    } else {
        diagnostics_.error(key_place, section.path(line.name),
                           "set twice, first at " + to_string(known->key_place));
    }
}

/// The key that was meant is not missing as well: one mistake, one message.
void Builder::report_unknown(Section& section, const Place& place,
                             const std::string& key) {
    const UnknownKey unknown = unknown_key(section.spec(), key);
    diagnostics_.error(place, section.path(key), unknown.message);
    if (unknown.meant != nullptr && !unknown.meant->is_pattern() &&
        section.find(unknown.meant->key) == nullptr) {
        Setting meant;
        meant.spec = unknown.meant;
        meant.key = unknown.meant->key;
        meant.broken = true;
        section.add(std::move(meant));
    }
}

void Builder::assign(const Section& section, const RawSetting& raw, Setting& setting) {
    if (raw.line.broken) {
        setting.broken = true;
    } else if (setting.spec->type == Type::kList) {
        append_words(section, raw, setting);
    } else {
        assign_scalar(section, raw, setting);
    }
}

void Builder::assign_scalar(const Section& section, const RawSetting& raw,
                            Setting& setting) {
    Text text;
    if (!take_text(section, raw.line.whole, setting.place, setting, text)) {
        return;
    }
    auto value = parse_scalar(*setting.spec, text.text);
    if (!value) {
        reject(section, setting.place, setting, text.text, value.error().message);
        return;
    }
    setting.value = std::move(*value);
    setting.value.secret = text.secret;
}

void Builder::append_words(const Section& section, const RawSetting& raw,
                           Setting& setting) {
    for (const Word& word : raw.line.words) {
        const Place place = {raw.source, word.offset, setting.key_place.secret};
        Text text;
        if (!take_text(section, word.text, place, setting, text)) {
            continue;
        }
        if (Status known = check_word(*setting.spec, text.text); !known) {
            reject(section, place, setting, text.text, known.error().message);
            continue;
        }
        setting.value.list.push_back(std::move(text));
    }
    const bool arguments = std::string_view(setting.spec->key) == "args";
    if (arguments && learn_arguments(setting.value.list)) {
        setting.public_file = raw.source->name;
    }
}

/// Expands, and notes whether the result is a secret and who can read it.
bool Builder::take_text(const Section& section, const std::string& written,
                        const Place& place, Setting& setting, Text& out) {
    auto expanded = expand(written, files_, config_.variables_used());
    if (!expanded) {
        setting.broken = true;
        diagnostics_.error(place, section.path(setting.key), expanded.error().message);
        return false;
    }
    out.text = std::move(expanded->text);
    const bool from_outside = expanded->from_file || expanded->secret_variable;
    const bool by_name = setting.spec->may_be_secret && is_secret_name(setting.key);
    if (ends_with(setting.spec->key, "url")) {
        learn_url(out.text, from_outside);
    } else if (from_outside || by_name) {
        learn_secret(out.text);
    }
    learn_urls(out.text);
    const bool written_out = expanded->literal || expanded->has_default;
    out.open = written_out && place.source->world_readable;
    out.secret = setting.spec->may_be_secret && (by_name || from_outside);
    const bool named = (by_name || expanded->secret_variable) && !out.text.empty() &&
                       out.text != kMask;
    const bool within = place.source->world_readable &&
                        mask_urls(expanded->written) != expanded->written;
    if (setting.spec->may_be_secret && !expanded->public_file.empty()) {
        setting.public_file = expanded->public_file;
    } else if ((out.open && setting.spec->may_be_secret && named) || within) {
        setting.public_file = place.source->name;
    }
    return true;
}

void Builder::reject(const Section& section, const Place& place, Setting& setting,
                     std::string_view value, std::string_view why) {
    setting.broken = true;
    std::string message = "\"" + escape(mask_secrets(value), kMaxQuoted) + "\" ";
    message.append(why).append(", expected ").append(expectation(*setting.spec));
    diagnostics_.error(place, section.path(setting.key), message);
}

void Builder::set_default(Section& section, const KeySpec& spec) {
    Setting setting;
    setting.spec = &spec;
    setting.key = spec.key;
    setting.origin = "default";
    if (spec.is_required()) {
        setting.broken = true;
        if (!section.is_bare()) {
            diagnostics_.error(section.place(), section.path(spec.key),
                               "missing, expected " + expectation(spec));
        }
    } else if (spec.type == Type::kList) {
        for (const std::string_view word : split(spec.initial, ' ')) {
            if (!word.empty()) {
                setting.value.list.push_back({std::string(word), false});
            }
        }
    } else if (spec.type == Type::kString) {
        setting.value.text = spec.initial;
    } else {
        auto value = parse_scalar(spec, spec.initial);
        assert(value);
        setting.value = std::move(*value);
    }
    section.add(std::move(setting));
}

void Builder::complete() {
    for (Section& section : config_.all()) {
        section.set_bare(section.spec().has_label() && section.label().empty() &&
                         section.settings().empty());
        for (const KeySpec& spec : section.spec()) {
            if (!spec.is_pattern() && section.find(spec.key) == nullptr) {
                set_default(section, spec);
            }
        }
        section.sort();
    }
}

}  // namespace

LoadResult load(const LoadOptions& options, Files& files) {
    LoadResult result;
    auto config = std::make_shared<Config>(Sources());
    Builder builder(*config, files, result.diagnostics);
    Reader reader(files, config->sources(), config->variables_used(),
                  result.diagnostics);
    builder.add_layer(reader.read_file(options.path), 1);
    builder.add_layer(reader.read_environment(), 2);
    builder.add_layer(reader.read_overrides(options.overrides), 3);
    builder.complete();
    check(*config, files, result.diagnostics);
    if (!result.diagnostics.has_errors()) {
        result.config = config;
    }
    result.draft = std::move(config);
    return result;
}

}  // namespace neuron::conf
