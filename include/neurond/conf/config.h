#ifndef NEUROND_CONF_CONFIG_H
#define NEUROND_CONF_CONFIG_H

#include <cstdint>
#include <deque>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "neurond/base/clock.h"
#include "neurond/conf/diagnostic.h"
#include "neurond/conf/files.h"
#include "neurond/conf/schema.h"
#include "neurond/conf/source.h"
#include "neurond/conf/value.h"

namespace neuron::conf {

/// One key with its value and where that came from.
struct Setting {
    const KeySpec* spec = nullptr;
    std::string key;  ///< the row's, or in full for a pattern: "env.REDIS_URL"
    Value value;
    Place place;  ///< of the value; nowhere for a default
    Place key_place;
    std::string origin;  ///< as a dump shows it: "default", "-D", "etc/neurond.conf:12"
    unsigned layer = 0;  ///< 0 default, 1 file, 2 environment, 3 -D
    bool broken = false;  ///< reported already: the value means nothing
    std::string
        public_file;  ///< a secret that everybody may read in this file, or empty
};

/// A section with all its keys: those of the schema always (with their defaults), those
/// of a pattern where they were set.
///
/// Getters take the keys of the schema; a key that is not there, or is of another type,
/// is a mistake of the caller and ends the program.
class Section {
  public:
    Section(const SectionSpec& spec, std::string label, Place place)
        : spec_(&spec), label_(std::move(label)), place_(place) {}

    const SectionSpec& spec() const noexcept { return *spec_; }
    std::string_view name() const noexcept { return spec_->name; }
    /// "redis" of [downstream redis]; empty for a section without a label.
    const std::string& label() const noexcept { return label_; }
    /// "downstream.redis.command": how messages name a key.
    std::string path(std::string_view key) const;

    /// kString and kChoice. Empty where unset and without a default.
    const std::string& str(std::string_view key) const;
    int64_t integer(std::string_view key) const;  ///< kInteger, kMode, kPercent
    uint64_t size(std::string_view key) const;
    Millis duration(std::string_view key) const;
    bool yes(std::string_view key) const;
    std::vector<std::string> list(std::string_view key) const;

    /// The keys of a pattern, without prefix, in order of appearance: map("env") gives
    /// {"REDIS_URL", …}.
    std::vector<std::pair<std::string, std::string>> map(std::string_view prefix) const;
    /// The same for a pattern of durations: durations("timeout").
    std::vector<std::pair<std::string, Millis>> durations(
        std::string_view prefix) const;

    /// True for the header of a named section without name and settings: one mistake, not
    /// one for each key that is missing too.
    bool is_bare() const noexcept { return bare_; }
    /// False where the default holds.
    bool is_set(std::string_view key) const;
    /// For diagnostics: of the value; of the section, or nowhere, where it is a default.
    Place place(std::string_view key) const;
    /// Of the header; nowhere for a section that was not written.
    const Place& place() const noexcept { return place_; }

    const std::deque<Setting>& settings() const noexcept { return settings_; }
    /// Null if there is no such setting (a key of a pattern that was not set).
    const Setting* find(std::string_view key) const noexcept;

    Setting& add(Setting setting);
    Setting* find(std::string_view key) noexcept;
    void set_place(const Place& place) { place_ = place; }
    void set_bare(bool bare) noexcept { bare_ = bare; }
    /// Into the order of the schema, those of a pattern as they appeared.
    void sort();

  private:
    const Value& value(std::string_view key, Type type) const;

    const SectionSpec* spec_;
    std::string label_;
    Place place_;
    bool bare_ = false;
    std::deque<Setting> settings_;
};

/// What the operator wants, checked as far as this module can. Immutable once loaded.
class Config {
  public:
    explicit Config(Sources sources) : sources_(std::move(sources)) {}

    /// A section without a label; it is always there.
    const Section& section(std::string_view name) const;
    /// All sections of a name, in order of appearance: sections("downstream").
    std::vector<const Section*> sections(std::string_view name) const;
    /// [name label], or null.
    const Section* find(std::string_view name, std::string_view label) const noexcept;

    /// Environment variables that were read for ${env:…}: a child with inherit_env = all
    /// does not get them unless its own section says so.
    const std::set<std::string>& variables_used() const noexcept { return used_; }

    Section& add(Section section);
    Section* find(std::string_view name, std::string_view label) noexcept;
    std::set<std::string>& variables_used() noexcept { return used_; }
    Sources& sources() noexcept { return sources_; }
    std::deque<Section>& all() noexcept { return sections_; }
    const std::deque<Section>& all() const noexcept { return sections_; }

  private:
    Sources sources_;
    std::deque<Section> sections_;
    std::set<std::string> used_;
};

struct LoadOptions {
    std::string path;                    ///< of the configuration file
    std::vector<std::string> overrides;  ///< of -D, each "section.key=value" or
                                         ///< "section.label.key=value"
};

struct LoadResult {
    std::shared_ptr<const Config> config;  ///< null if there was an error
    /// What could be read all the same; settings that are broken say so.
    std::shared_ptr<const Config> draft;
    Diagnostics diagnostics;               ///< warnings may stand beside a config
};

/// Reads the file, what it includes, the environment and the overrides; checks all of it
/// (check.h included) and reports all that is wrong. Precedence: -D, environment
/// (NEUROND_SECTION_KEY, NEUROND_BIND, NEUROND_PORT; empty counts as unset), file,
/// default. Asks nothing but `files`; the same answers give the same result.
LoadResult load(const LoadOptions& options, Files& files);

}  // namespace neuron::conf

#endif
