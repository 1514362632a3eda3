#ifndef NEUROND_CONF_READER_H
#define NEUROND_CONF_READER_H

#include <set>
#include <string>
#include <vector>

#include "neurond/conf/config.h"
#include "neurond/conf/diagnostic.h"
#include "neurond/conf/files.h"
#include "neurond/conf/lexer.h"
#include "neurond/conf/source.h"

namespace neuron::conf {

/// A key and its value as written, of a section that exists in the schema.
struct RawSetting {
    const Source* source = nullptr;
    Line line;
};

/// A section as written; one that is written twice is here twice.
struct RawSection {
    const SectionSpec* spec = nullptr;
    std::string label;
    Place place;  ///< of the label, else of the name
    std::vector<RawSetting> settings;
};

/// The three places settings come from, each as raw sections in order of appearance.
/// Unknown sections, keys outside of sections, and what cannot be read or lexed is
/// reported and left out; keys are not looked up yet.
class Reader {
  public:
    Reader(Files& files, Sources& sources, std::set<std::string>& variables_used,
           Diagnostics& diagnostics)
        : files_(files),
          sources_(sources),
          used_(variables_used),
          diagnostics_(diagnostics) {}

    /// The file and what it includes: each include relative to the file it stands in,
    /// several matches sorted, no cycles, at most kMaxIncludeDepth deep.
    std::vector<RawSection> read_file(const std::string& path);
    /// NEUROND_SECTION_KEY for sections without a label, NEUROND_BIND, NEUROND_PORT.
    /// Other names that start with NEUROND_ are nobody's business here.
    std::vector<RawSection> read_environment();
    /// "section.key=value" and "section.label.key=value".
    std::vector<RawSection> read_overrides(const std::vector<std::string>& overrides);

  private:
    void read_lines(const Source& source);
    bool begin_section(const Source& source, const Line& line);
    void include(const Source& source, const Line& line);
    void include_path(const Place& place, const std::string& path);
    void read_variable(const std::string& name);
    void read_override(const std::string& text);
    void add_single(const SectionSpec& spec, std::string label, const Source& source,
                    size_t label_offset, Line line);

    Files& files_;
    Sources& sources_;
    std::set<std::string>& used_;
    Diagnostics& diagnostics_;
    std::vector<RawSection> sections_;
    std::vector<std::string> open_;  ///< the files being read, outermost first
};

}  // namespace neuron::conf

#endif
