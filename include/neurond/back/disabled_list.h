#ifndef NEUROND_BACK_DISABLED_LIST_H
#define NEUROND_BACK_DISABLED_LIST_H

#include <functional>
#include <map>
#include <string>

namespace neuron {

/// Which servers an operator has disabled. It outlives reactors and daemons in a file: a
/// line a server, its name and the digest of its section's form, so that a section that
/// was changed is enabled again.
class DisabledList {
  public:
    using Write = std::function<void(const std::string& path, const std::string& content)>;

    /// Reads `path`; a file that is not there or cannot be read is an empty list.
    DisabledList(std::string path, Write write);

    /// `form`: DownstreamSettings::form.
    bool has(const std::string& name, const std::string& form) const;
    void set(const std::string& name, const std::string& form, bool disabled);

  private:
    std::string path_;
    Write write_;
    std::map<std::string, std::string> digests_;  ///< by name
};

}  // namespace neuron

#endif
