#ifndef NEUROND_CONF_FILES_H
#define NEUROND_CONF_FILES_H

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "neurond/base/result.h"

namespace neuron::conf {

struct FileText {
    std::string text;
    bool world_readable = false;  ///< a regular file whose mode lets everybody read it
};

/// Everything that loading a configuration may ask of the machine. The one seam: tests
/// answer from memory, a keeper records what it was told (bundle.h), a reactor replays it.
class Files {
  public:
    /// A configuration file: anything but a directory, at most kMaxConfigBytes.
    virtual Result<FileText> read_config(const std::string& path) = 0;
    /// The content of ${file:} or ${credential:}: a regular file, at most kMaxSecretBytes.
    virtual Result<FileText> read_secret(const std::string& path) = 0;
    /// The paths a shell pattern matches, sorted by byte; none is not an error.
    virtual Result<std::vector<std::string>> expand(const std::string& pattern) = 0;
    /// An environment variable.
    virtual std::optional<std::string> variable(const std::string& name) = 0;
    /// The names of all environment variables that start with NEUROND_, sorted.
    virtual std::vector<std::string> own_variables() = 0;
    /// Fails unless `path` is a regular file that this process may execute.
    virtual Status check_executable(const std::string& path) = 0;
    virtual Status check_directory(const std::string& path) = 0;
    /// Fails unless the machine knows this group.
    virtual Status check_group(const std::string& name) = 0;
    /// Fails unless the machine knows this user and we may run a program as them.
    virtual Status check_user(const std::string& name) = 0;
    /// Fails unless children can be limited by this controller of cgroup v2.
    virtual Status check_cgroup(const std::string& controller) = 0;

  protected:
    ~Files() = default;
};

/// The machine itself.
class RealFiles final : public Files {
  public:
    Result<FileText> read_config(const std::string& path) override;
    Result<FileText> read_secret(const std::string& path) override;
    Result<std::vector<std::string>> expand(const std::string& pattern) override;
    std::optional<std::string> variable(const std::string& name) override;
    std::vector<std::string> own_variables() override;
    Status check_executable(const std::string& path) override;
    Status check_directory(const std::string& path) override;
    Status check_group(const std::string& name) override;
    Status check_user(const std::string& name) override;
    Status check_cgroup(const std::string& controller) override;
};

/// The number of a group, given by name or as a number.
Result<uint32_t> group_id(const std::string& name);

}  // namespace neuron::conf

#endif
