#ifndef NEUROND_TESTS_UNIT_CONF_FAKE_H
#define NEUROND_TESTS_UNIT_CONF_FAKE_H

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "neurond/base/glob.h"
#include "neurond/conf/config.h"
#include "neurond/conf/files.h"

namespace neuron::conf {

/// A machine of maps. Every absolute path under /bin can be executed, /srv is a directory,
/// staff is a group.
class FakeFiles final : public Files {
  public:
    std::map<std::string, FileText> texts;
    std::map<std::string, std::string> variables;
    std::set<std::string> cgroups;  ///< controllers

    FakeFiles() = default;
    explicit FakeFiles(std::string text) { texts["t.conf"] = {std::move(text), false}; }

    Result<FileText> read_config(const std::string& path) override {
        const auto found = texts.find(path);
        if (found == texts.end()) {
            return sys_error("open", path, ENOENT);
        }
        return found->second;
    }
    Result<FileText> read_secret(const std::string& path) override {
        return read_config(path);
    }
    Result<std::vector<std::string>> expand(const std::string& pattern) override {
        std::vector<std::string> paths;
        for (const auto& [path, text] : texts) {
            if (glob_matches(pattern, path)) {
                paths.push_back(path);
            }
        }
        return paths;
    }
    std::optional<std::string> variable(const std::string& name) override {
        const auto found = variables.find(name);
        return found == variables.end() ? std::nullopt
                                        : std::optional<std::string>(found->second);
    }
    std::vector<std::string> own_variables() override {
        std::vector<std::string> names;
        for (const auto& [name, value] : variables) {
            if (name.rfind("NEUROND_", 0) == 0) {
                names.push_back(name);
            }
        }
        return names;
    }
    Status check_executable(const std::string& path) override {
        return path.rfind("/bin/", 0) == 0 ? Status(Ok{})
                                           : sys_error("execute", path, ENOENT);
    }
    Status check_directory(const std::string& path) override {
        return path == "/srv" ? Status(Ok{}) : sys_error("enter", path, ENOENT);
    }
    Status check_group(const std::string& name) override {
        return name == "staff" ? Status(Ok{})
                               : Status(Error{"find group " + name + ": there is none"});
    }
    Status check_user(const std::string& name) override {
        return name == "nobody" ? Status(Ok{})
                                : Status(Error{"find user " + name + ": there is none"});
    }
    Status check_cgroup(const std::string& controller) override {
        return cgroups.count(controller) != 0
                   ? Status(Ok{})
                   : Status(Error{"use cgroups: no controller " + controller});
    }
};

inline LoadResult load_text(const std::string& text) {
    FakeFiles files(text);
    return load({"t.conf", {}}, files);
}

/// Each diagnostic without its excerpt: "t.conf:1:2: server.port: …".
inline std::vector<std::string> messages(const LoadResult& result) {
    std::vector<std::string> out;
    for (const Diagnostic& one : result.diagnostics.all()) {
        out.push_back(one.where + ": " + one.message);
    }
    return out;
}

/// The only message, or all of them in one text, so that a failure shows them.
inline std::string message_for(const std::string& text) {
    std::string out;
    for (const std::string& one : messages(load_text(text))) {
        out += (out.empty() ? "" : "\n") + one;
    }
    return out;
}

}  // namespace neuron::conf

#endif
