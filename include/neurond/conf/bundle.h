#ifndef NEUROND_CONF_BUNDLE_H
#define NEUROND_CONF_BUNDLE_H

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "neurond/base/result.h"
#include "neurond/conf/config.h"
#include "neurond/conf/files.h"

namespace neuron::conf {

/// Questions and their answers, by kind and object: ("read", "/etc/x") to its fields.
using Answers = std::map<std::pair<std::string, std::string>, std::vector<std::string>>;

/// Passes every question on to another Files and keeps the answer, failures included.
/// The keeper validates through it and hands the bundle to each reactor, so that one
/// started after a crash runs what was validated and never reads a newer, broken file.
class RecordingFiles final : public Files {
  public:
    /// `inner` must outlive this.
    explicit RecordingFiles(Files& inner) : inner_(inner) {}

    /// Everything asked so far, and the options, as one text: secrets included.
    std::string serialize(const LoadOptions& options) const;
    /// The files and patterns that were asked for so far, there or not.
    std::vector<std::string> paths() const;

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

  private:
    Files& inner_;
    Answers answers_;
};

/// Answers as a bundle says, and fails for what it does not know. Touches nothing else.
class ReplayFiles final : public Files {
  public:
    ReplayFiles() = default;
    explicit ReplayFiles(Answers answers) : answers_(std::move(answers)) {}

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

  private:
    Answers answers_;
};

/// A load that can be repeated: `load(bundle.options, bundle.files)`.
struct Bundle {
    LoadOptions options;
    ReplayFiles files;
};

/// What serialize() wrote; anything else is an error.
Result<Bundle> parse_bundle(std::string_view text);

}  // namespace neuron::conf

#endif
